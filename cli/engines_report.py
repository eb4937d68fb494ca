"""What `i2s-trt build-engines` says of engines."""

from typing import TYPE_CHECKING

from cli.console import Console

if TYPE_CHECKING:
    from engines.plan import Prospect


def show(console: Console, rows: "list[tuple[Prospect, str]]") -> None:
    """A table of engines, each with what it is: there, made, or to be made."""
    table = []
    for prospect, state in rows:
        error = _worst_error(prospect)
        size = f"{'' if prospect.complete else 'about '}{prospect.size / 2**20:.1f} MiB"
        memory = f"{prospect.activation_bytes / 2**20:.0f} MiB" if prospect.activation_bytes else "-"
        table.append([prospect.request.graph, state, size, memory, prospect.key or "-", error])
    console.table(["graph", "state", "size", "runs in", "key", "error against PyTorch"], table)


def show_kernels(console: Console, prospects: "list[Prospect]") -> None:
    """The kernels that each engine is made of."""
    from engines.inspection import kernels_of

    for prospect in prospects:
        kernels = kernels_of(prospect)
        console.say(f"\n{prospect.request.graph}: {kernels.source}")
        for layer in kernels.layers:
            console.event("kernel", graph=prospect.request.graph, **vars(layer))
        table = [[layer.kind, ", ".join(layer.outputs), layer.name] for layer in kernels.layers]
        if table:
            console.table(["kind", "gives", "name"], table)


def state_of(prospect: "Prospect") -> str:
    """What is there of an engine, and what would have to be done."""
    from engines.tensorrt.cache import Miss

    if prospect.complete:
        return "there"
    if prospect.exported is None:
        return "to export" + ("" if prospect.engine is None else " and build")
    return f"to build: {prospect.engine.reason}" if isinstance(prospect.engine, Miss) else "there"


def fields_of(prospect: "Prospect") -> dict[str, object]:
    """An engine for machines."""
    request = prospect.request
    return {
        "graph": request.graph,
        "backend": request.backend,
        "precision": request.precision,
        "batches": [request.profile.smallest, request.profile.tuned, request.profile.largest],
        "targets": list(request.targets),
        "key": prospect.key,
        "bytes": prospect.size,
        "activation_bytes": prospect.activation_bytes,
        "complete": prospect.complete,
    }


def _worst_error(prospect: "Prospect") -> str:
    if prospect.exported is None:
        return "-"
    outputs = prospect.exported.record["verification"]["outputs"]
    worst = max(outputs, key=lambda output: output["relative"])
    return f"{worst['name']}: at most {worst['maximum']:.2g}, mean {worst['mean']:.2g}"
