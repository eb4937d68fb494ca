"""`i2s-trt build-engines`: export, verify, build, cache."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options as opt
from cli.console import Console
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from engines.plan import Prospect
    from export.source import GraphSource
    from i2s_trt.models.vgg import Vgg16

_PRECISIONS = ("fp32", "fp16", "bf16")


def build_engines(
    model: opt.Model = "demo",
    backend: Annotated[str, typer.Option(help="onnxruntime, tensorrt or tensorrt-rtx.")] = "onnxruntime",
    precision: Annotated[str, typer.Option(help="fp32, fp16 or bf16.")] = "fp32",
    batch: Annotated[str, typer.Option(help="Batch sizes that the engines shall take, as 1,4,8.")] = "1,4,8",
    target: Annotated[str, typer.Option(help="Compute capabilities for tensorrt-rtx, as sm86,sm89,sm120.")] = "",
    graphs: Annotated[str, typer.Option(help="Which graphs; all for every one.")] = "mapping,synthesis,images,preview",
    features: opt.Features = "auto",
    triton: Annotated[
        Path | None, typer.Option(help="Write the engines as a Triton Inference Server model repository too.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be made, and make nothing.")] = False,
    json: opt.Json = False,
) -> None:
    """Export a model's graphs, hold them against PyTorch, build engines from them and keep them.

    Engines that are there already are kept; a damaged one is built anew.

    Example: i2s-trt build-engines --backend tensorrt-rtx --precision fp16 --target sm89
    """
    from engines.plan import inspect, make, requests_for
    from engines.profiles import parse_batches

    console = Console(json)
    if precision not in _PRECISIONS:
        raise UsageError(f"--precision {precision!r} is not one of {', '.join(_PRECISIONS)}", "take fp32 or fp16")
    profile = parse_batches(batch)
    targets = [part for part in target.replace(" ", "").lower().split(",") if part]
    names = _graph_names(graphs)
    source = _source(model, features, console)
    requests = requests_for(backend, names, precision, profile, targets)  # type: ignore[arg-type]  # checked above
    if dry_run:
        _show(console, [(inspect(request, source), "") for request in requests], header="would be")
        return
    rows = []
    with console.progress() as bar:
        for number, request in enumerate(requests, start=1):
            bar.show(f"{request.graph} {precision}", number - 1, len(requests), "exporting")

            def report(phase: str, step: int, steps: int, name: str = request.graph) -> None:
                bar.show(f"{name} {precision}", step, max(steps, step), phase)

            prospect, made = make(request, source, report)
            rows.append((prospect, "made" if made else "kept"))
            console.event("engine", **_fields(prospect), made=made)
    _show(console, rows, header="")
    if triton is not None:
        from engines.triton import write_repository

        written = write_repository(triton, Path(model).stem, [prospect for prospect, _ in rows])
        console.event("triton", folder=str(triton), models=written)
        console.say(f"Triton models in {triton}: {', '.join(written)}")


def _source(model: str, features: str, console: Console) -> "GraphSource":
    from export.source import GraphSource

    def vgg() -> "Vgg16":
        from cli.features import choose_features

        return choose_features(features, console)

    return GraphSource.named(model, vgg)


def _show(console: Console, rows: "list[tuple[Prospect, str]]", header: str) -> None:
    table = []
    for prospect, done in rows:
        state = done or ("there" if prospect.complete else _missing(prospect))
        if header:
            console.event("engine", **_fields(prospect), state=state)
        error = _worst_error(prospect)
        size = f"{'' if prospect.complete else 'about '}{prospect.size / 2**20:.1f} MiB"
        table.append([prospect.request.graph, state, size, prospect.key or "-", error])
    console.table(["graph", "state", "size", "key", "error against PyTorch"], table)


def _missing(prospect: "Prospect") -> str:
    from engines.cache import Miss

    if prospect.exported is None:
        return "to export" + ("" if prospect.engine is None else " and build")
    return f"to build: {prospect.engine.reason}" if isinstance(prospect.engine, Miss) else "there"


def _worst_error(prospect: "Prospect") -> str:
    if prospect.exported is None:
        return "-"
    outputs = prospect.exported.record["verification"]["outputs"]
    worst = max(outputs, key=lambda output: output["relative"])
    return f"{worst['name']}: at most {worst['maximum']:.2g}, mean {worst['mean']:.2g}"


def _fields(prospect: "Prospect") -> dict[str, object]:
    request = prospect.request
    return {
        "graph": request.graph,
        "backend": request.backend,
        "precision": request.precision,
        "batches": [request.profile.smallest, request.profile.tuned, request.profile.largest],
        "targets": list(request.targets),
        "key": prospect.key,
        "bytes": prospect.size,
        "complete": prospect.complete,
    }


def _graph_names(text: str) -> list[str]:
    from export.keys import GRAPH_NAMES

    names = list(GRAPH_NAMES) if text == "all" else [part for part in text.replace(" ", "").split(",") if part]
    unknown = [name for name in names if name not in GRAPH_NAMES]
    if unknown or not names:
        raise UsageError(
            f"--graphs: no graph named {', '.join(unknown) or 'at all'}", f"there are {', '.join(GRAPH_NAMES)}; or all"
        )
    return names
