"""Real builds by TensorRT-RTX, without a GPU: graphs at 1024 pixels in fp16, and slowly in fp32.

The gradient's graph takes minutes at this size; test_builder.py builds it at 64 pixels.
"""

from typing import Any

import pytest

from export.keys import Precision
from tests.engines.plans import check_graph, every_graph

pytestmark = pytest.mark.usefixtures("shared_home")

pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")


def slowly(one: tuple[str, int, Precision]) -> Any:
    """Whether it is built by `make slow` alone."""
    name, _, precision = one
    slow = precision == "fp32" or name == "objective_gradient"
    return pytest.param(*one, marks=pytest.mark.slow) if slow else one


@pytest.mark.parametrize(
    ("name", "resolution", "precision"), [slowly(one) for one in every_graph(1024, "fp16", "fp32")]
)
def test_every_graph_builds(name: str, resolution: int, precision: Precision) -> None:
    check_graph(name, resolution, precision)
