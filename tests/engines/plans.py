"""Real builds by TensorRT-RTX, without a GPU: what every plan must be."""

from dataclasses import replace

from engines.profiles import BatchProfile
from engines.tensorrt.builder import BuildOptions, build_plan
from engines.tensorrt.layers import parse_layers
from export.keys import ExportedGraph, Precision
from export.library import export_graph
from export.registry import GRAPHS
from tests.export.shared import slim

# Plans take batches of one to eight and run on three generations of cards.
OPTIONS = BuildOptions("tensorrt-rtx", BatchProfile(1, 4, 8), ("sm120", "sm86", "sm89"))
ONE_CARD = replace(OPTIONS, targets=("sm89",))
CODE = 8 << 20  # kernels for three targets


def every_graph(resolution: int, *precisions: Precision) -> list[tuple[str, int, Precision]]:
    """Every graph of a model of that size."""
    return [(name, resolution, precision) for name in GRAPHS for precision in precisions]


def check_plan(exported: ExportedGraph, options: BuildOptions = OPTIONS) -> int:
    """Build, compare inputs and outputs with the record, and return the plan's size in bytes."""
    plan = build_plan(exported.path, exported.record["inputs"], options)
    found = {tensor.name: tensor for tensor in plan.inputs}
    assert set(found) == set(exported.record["inputs"])
    for name, shape in exported.record["inputs"].items():
        assert found[name].shape == tuple(-1 if side == "N" else side for side in shape)
        assert found[name].dtype == "FLOAT"
    assert [tensor.name for tensor in plan.outputs] == exported.record["outputs"]
    for tensor in plan.outputs:
        assert tensor.shape[0] == -1
        assert tensor.dtype == ("UINT8" if tensor.name == "pixels" else "FLOAT")
    kernels = parse_layers(plan.inspection)
    assert plan.layers > len(kernels) / len(options.targets or "a") > 2  # kernels are fused layers
    assert plan.activation_bytes > 0
    return len(plan.data)


def check_graph(name: str, resolution: int, precision: Precision, options: BuildOptions = OPTIONS) -> None:
    """Export a graph, build it, and hold the plan's size against that of the weights."""
    source = slim(resolution)
    exported = export_graph(source, name, precision)
    size = check_plan(exported, options)
    assert size < 2 * exported.path.stat().st_size + CODE  # the file holds the weights and no noise
    spec = source.generator.spec
    noise_folded = sum(spec.layer_channels(i) * spec.layer_resolution(i) ** 2 for i in range(spec.num_layers))
    if resolution == 1024 and name in {"synthesis", "images", "preview"}:
        assert size < noise_folded * (4 if precision == "fp32" else 2) / 4
