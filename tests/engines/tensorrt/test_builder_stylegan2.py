"""Real builds by TensorRT-RTX, without a GPU, of a StyleGAN2's graphs."""

import pytest

from export.keys import Precision
from export.library import export_graph
from export.source import GraphSource
from i2s_trt.models.vgg import random_vgg16
from tests.engines.plans import CODE, ONE_CARD, check_plan
from tests.export.test_stylegan2 import slim

pytestmark = pytest.mark.usefixtures("shared_home")

pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")


SLOW = ("preview", "objective", "objective_gradient")  # the same networks with more around them


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("mapping", "fp32"), ("synthesis", "fp16"), ("synthesis", "fp32"),
        *(pytest.param(name, "fp16", marks=pytest.mark.slow) for name in SLOW),
    ],
)  # fmt: skip
def test_a_graph_builds(name: str, precision: Precision) -> None:
    assert check_plan(export_graph(slim(), name, precision)) > 0


@pytest.mark.slow
def test_the_picture_of_a_model_as_wide_as_published_ones_builds() -> None:
    """1024 pixels in 16 bits, for one card; export has held the graph against PyTorch before."""
    exported = export_graph(GraphSource.named("random-1024-sg2", random_vgg16), "synthesis", "fp16")
    assert check_plan(exported, ONE_CARD) < 2 * exported.path.stat().st_size + CODE
