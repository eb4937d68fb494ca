"""`i2s-trt build-engines`: export, verify, build, cache."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options as opt
from cli.console import Console
from cli.engines_report import fields_of, show, show_kernels, state_of
from i2s_trt.errors import EXIT_SOME_FAILED, UsageError

if TYPE_CHECKING:
    from engines.plan import EngineRequest, Prospect
    from export.source import GraphSource
    from i2s_trt.models.vgg import Vgg16


def build_engines(
    model: opt.Model = "demo",
    backend: Annotated[str, typer.Option(help="onnxruntime, tensorrt or tensorrt-rtx.")] = "onnxruntime",
    precision: Annotated[str, typer.Option(help="fp32, fp16 or bf16.")] = "fp32",
    batch: Annotated[str, typer.Option(help="Batch sizes that the engines shall take, as 1,4,8.")] = "1,4,8",
    target: Annotated[str, typer.Option(help="Compute capabilities for tensorrt-rtx, as sm86,sm89,sm120.")] = "",
    graphs: Annotated[
        str, typer.Option(help="Which graphs; all for those that need no training (encoder does).")
    ] = "mapping,synthesis,images,preview",
    device: Annotated[str, typer.Option(help="The GPU that TensorRT builds on, and for: auto or cuda:N.")] = "auto",
    features: opt.Features = "imagenet",
    triton: Annotated[
        Path | None, typer.Option(help="Write the engines as a Triton Inference Server model repository too.")
    ] = None,
    tf32: Annotated[
        bool, typer.Option("--tf32/--no-tf32", help="Whether fp32 engines may multiply as TF32, with 10-bit mantissas.")
    ] = True,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the kernels that each engine is made of.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be made, and make nothing.")] = False,
    json: opt.Json = False,
) -> None:
    """Export a model's graphs, hold them against PyTorch, build engines from them and keep them.

    Engines that are there already are kept; a damaged one is built anew.

    Example: i2s-trt build-engines --backend tensorrt-rtx --precision fp16 --target sm89
    """
    from engines.plan import inspect, requests_for
    from engines.profiles import parse_batches
    from export.keys import PRECISIONS

    console = Console(json)
    if precision not in PRECISIONS:
        raise UsageError(f"--precision {precision!r} is not one of {', '.join(PRECISIONS)}", "take fp32 or fp16")
    profile = parse_batches(batch)
    targets = [part for part in target.replace(" ", "").lower().split(",") if part]
    names = _graph_names(graphs)
    source = _source(model, features, console)
    requests = requests_for(backend, names, precision, profile, targets, tf32=tf32, gpu=_gpu_number(device))
    if dry_run:
        prospects = [inspect(request, source) for request in requests]
        for prospect in prospects:
            console.event("engine", **fields_of(prospect), state=state_of(prospect))
        show(console, [(prospect, state_of(prospect)) for prospect in prospects])
        return
    rows = _make_all(console, requests, source)
    show(console, rows)
    if verbose:
        show_kernels(console, [prospect for prospect, _ in rows])
    if len(rows) < len(requests):
        raise typer.Exit(EXIT_SOME_FAILED)
    if triton is not None:
        from engines.inference_server.repository import write_repository

        written = write_repository(triton, Path(model).stem, [prospect for prospect, _ in rows])
        console.event("triton", folder=str(triton), models=written)
        console.say(f"Triton models in {triton}: {', '.join(written)}")


def _gpu_number(device: str) -> int:
    """The GPU's number as CUDA counts; `auto` is the first. Raises as `choose_device` does."""
    if device == "auto":
        return 0
    from i2s_trt.devices import choose_device

    return choose_device(device).index or 0


def _make_all(
    console: Console, requests: "Sequence[EngineRequest]", source: "GraphSource"
) -> "list[tuple[Prospect, str]]":
    """What is there afterwards. A graph that fails is named and left out; raises its error when all fail."""
    from engines.errors import EngineError
    from engines.plan import make
    from export.errors import ExportError

    rows: list[tuple[Prospect, str]] = []
    with console.progress() as bar:
        for number, request in enumerate(requests):
            name = f"{request.graph} {request.precision}"
            bar.show(name, number, len(requests), "exporting")

            def report(phase: str, step: int, steps: int, name: str = name) -> None:
                bar.show(name, step, max(steps, step), phase)

            try:
                prospect, made = make(request, source, report)
            except (ExportError, EngineError) as error:
                if not rows and request is requests[-1]:
                    raise
                console.error(error)
                continue
            rows.append((prospect, "made" if made else "kept"))
            console.event("engine", **fields_of(prospect), made=made)
    return rows


def _source(model: str, features: str, console: Console) -> "GraphSource":
    from export.source import GraphSource

    def vgg() -> "Vgg16":
        from cli.session_report import choose_features

        return choose_features(features, console)

    return GraphSource.named(model, vgg)


def _graph_names(text: str) -> list[str]:
    from export.keys import GRAPH_NAMES, TRAINED_GRAPHS

    names = list(GRAPH_NAMES) if text == "all" else [part for part in text.replace(" ", "").split(",") if part]
    known = (*GRAPH_NAMES, *TRAINED_GRAPHS)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise UsageError(
            f"--graphs: no graph named {', '.join(unknown) or 'at all'}", f"there are {', '.join(known)}; or all"
        )
    return names
