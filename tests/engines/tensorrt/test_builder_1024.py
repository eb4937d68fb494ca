"""Real builds by TensorRT-RTX, without a GPU: every graph at 1024 pixels in fp16, and slowly in fp32."""

import pytest

from export.keys import Precision
from tests.engines.plans import check_graph, every_graph

pytestmark = pytest.mark.usefixtures("shared_home")

pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")


@pytest.mark.parametrize(
    ("name", "resolution", "precision"),
    [*every_graph(1024, "fp16"), *(pytest.param(*one, marks=pytest.mark.slow) for one in every_graph(1024, "fp32"))],
)
def test_every_graph_builds(name: str, resolution: int, precision: Precision) -> None:
    check_graph(name, resolution, precision)
