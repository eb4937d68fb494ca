"""Real builds by TensorRT-RTX, without a GPU, at 1024 pixels: the networks in fp16, and slowly everything."""

from typing import Any

import pytest

from export.keys import Precision
from tests.engines.plans import check_graph, every_graph

pytestmark = pytest.mark.usefixtures("shared_home")

pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")


SLOW = pytest.mark.slow


def slowly(one: tuple[str, int, Precision]) -> Any:
    """All but the picture's own graph in 16 bits is left to `make slow`: the others are built at 64 pixels."""
    name, _, precision = one
    return one if (name, precision) in {("synthesis", "fp16"), ("features", "fp16")} else pytest.param(*one, marks=SLOW)


@pytest.mark.parametrize(
    ("name", "resolution", "precision"), [slowly(one) for one in every_graph(1024, "fp16", "fp32")]
)
def test_every_graph_builds(name: str, resolution: int, precision: Precision) -> None:
    check_graph(name, resolution, precision)
