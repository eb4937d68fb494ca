"""Real builds by TensorRT-RTX, without a GPU: every graph in 16 bits for one card, the networks in 32, slowly the rest.

Generators have as many layers as real ones and few channels; `test_builder_1024.py` does the same at 1024.
"""

from typing import Any

import pytest

from engines.errors import EngineError
from engines.profiles import BatchProfile
from engines.tensorrt.builder import BuildOptions, build_plan
from export.keys import Precision
from export.library import export_graph
from tests.engines.plans import ONE_CARD, OPTIONS, check_graph, check_plan, every_graph
from tests.export.shared import slim

pytestmark = pytest.mark.usefixtures("shared_home")

pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")


def sparingly(one: tuple[str, int, Precision]) -> Any:
    """Graphs in 32 bits: those of which the others are made; the others slowly."""
    return one if one[0] in {"mapping", "synthesis", "features"} else pytest.param(*one, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("name", "resolution", "precision"), [*every_graph(64, "fp16"), *map(sparingly, every_graph(64, "fp32"))]
)
def test_every_graph_builds(name: str, resolution: int, precision: Precision) -> None:
    check_graph(name, resolution, precision, OPTIONS if name == "synthesis" else ONE_CARD)


@pytest.mark.slow  # kernels of one card and those of the next come from the same graph
@pytest.mark.parametrize(("name", "resolution", "precision"), every_graph(64, "fp32", "fp16"))
def test_every_graph_builds_for_three_cards(name: str, resolution: int, precision: Precision) -> None:
    check_graph(name, resolution, precision)


@pytest.mark.slow  # between the crop of 64 and the depth of 1024 nothing new is expected
@pytest.mark.parametrize(("name", "resolution", "precision"), every_graph(128, "fp32", "fp16"))
def test_every_graph_builds_in_between(name: str, resolution: int, precision: Precision) -> None:
    check_graph(name, resolution, precision)


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
