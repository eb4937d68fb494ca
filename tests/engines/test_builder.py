"""Real builds by TensorRT-RTX, without a GPU.

Every graph is built at 64 pixels in both precisions, and at 128 and at 1024 in one of them (the gradient at 1024 only),
which is what the suite has time for; with I2S_TRT_EVERY_BUILD=1 in the environment every combination is built.
Generators have as many layers as real ones and few channels. All plans take batches of one to eight and run on three
generations of cards.
"""

import os

import pytest

from engines.builder import BuildOptions, build_plan
from engines.inspection import parse_layers
from engines.profiles import BatchProfile
from engines.tensorrt_module import EngineError
from export.keys import ExportedGraph, Precision
from export.library import export_graph
from export.registry import GRAPHS
from tests.export.shared import slim

pytestmark = pytest.mark.usefixtures("shared_home")

pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")
OPTIONS = BuildOptions("tensorrt-rtx", BatchProfile(1, 4, 8), ("sm120", "sm86", "sm89"))
EVERY = [
    (name, resolution, precision) for resolution in (64, 128, 1024) for name in GRAPHS for precision in ("fp32", "fp16")
]
CODE = 8 << 20  # kernels for three targets


def is_chosen(name: str, resolution: int, precision: str) -> bool:
    """At 128 and at 1024 the graphs take turns in the two precisions."""
    turn = ("fp32", "fp16")[(list(GRAPHS).index(name) + (resolution == 128)) % 2]
    return resolution == 64 or (precision == turn and (name, resolution) != ("objective_gradient", 128))


CASES = EVERY if os.environ.get("I2S_TRT_EVERY_BUILD") else [case for case in EVERY if is_chosen(*case)]


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


@pytest.mark.parametrize(("name", "resolution", "precision"), CASES)
def test_every_graph_builds(name: str, resolution: int, precision: Precision) -> None:
    source = slim(resolution)
    exported = export_graph(source, name, precision)
    size = check_plan(exported)
    assert size < 2 * exported.path.stat().st_size + CODE  # the file holds the weights and no noise
    spec = source.generator.spec
    noise_folded = sum(spec.layer_channels(i) * spec.layer_resolution(i) ** 2 for i in range(spec.num_layers))
    if resolution == 1024 and name in {"synthesis", "images", "preview"}:
        assert size < noise_folded * (4 if precision == "fp32" else 2) / 4


def test_a_plan_without_targets_and_with_true_float32_builds() -> None:
    exported = export_graph(slim(64), "mapping")
    assert check_plan(exported, BuildOptions("tensorrt-rtx", BatchProfile(2, 2, 2), tf32=False)) > 0


def test_bfloat16_builds() -> None:
    """TensorRT-RTX has no transposed convolution of that type; the graph knows."""
    assert check_plan(export_graph(slim(16, 8, 16), "synthesis", "bf16")) > 0


def test_the_report_sees_steps_and_can_cancel() -> None:
    exported = export_graph(slim(64), "mapping")
    seen: list[tuple[str, int, int]] = []

    def watch(phase: str, step: int, steps: int) -> None:
        seen.append((phase, step, steps))

    build_plan(exported.path, exported.record["inputs"], OPTIONS, watch)
    assert seen
    assert all(0 < step <= max(step, steps) for _, step, steps in seen)
    with pytest.raises(EngineError, match="cancelled"):
        build_plan(exported.path, exported.record["inputs"], OPTIONS, lambda *_: True)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("broken pipe")])
def test_what_the_report_raises_ends_the_build_and_arrives(
    error: BaseException, capfd: pytest.CaptureFixture[str]
) -> None:
    exported = export_graph(slim(64), "mapping")

    def report(*_: object) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        build_plan(exported.path, exported.record["inputs"], OPTIONS, report)
    assert caught.value is error
    assert "Exception caught" not in capfd.readouterr().err
