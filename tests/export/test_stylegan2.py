"""Every graph of a StyleGAN2, exported and held against PyTorch in ONNX Runtime."""

from dataclasses import replace
from functools import cache

import pytest

from export.keys import Precision
from export.library import export_graph
from export.registry import GRAPHS
from export.source import GraphSource
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, stylegan2_spec
from i2s_trt.models.spec import Topology
from i2s_trt.models.vgg import random_vgg16
from tests.export.shared import made_from

pytestmark = pytest.mark.usefixtures("shared_home")
EXACT = {"fp32": 1e-4, "fp16": 1e-2}
# the networks' own graphs in both precisions; what repeats them with the loss around it, slowly
_QUICK = {
    ("mapping", "fp32"), ("synthesis", "fp32"), ("synthesis", "fp16"), ("tuned", "fp16"),
    ("objective_gradient", "fp32"),
}  # fmt: skip
CASES = [
    (name, precision) if (name, precision) in _QUICK else pytest.param(name, precision, marks=pytest.mark.slow)
    for name in GRAPHS
    for precision in EXACT
    if name != "mapping" or precision == "fp32"
]


@cache
def slim(topology: Topology = "skip") -> GraphSource:
    """64 pixels, cropped as a landscape model is, its activations bounded."""
    spec = replace(stylegan2_spec(64, 16, 20), crop=(8, 56), topology=topology)
    return made_from(Generator.from_weights(random_weights(spec, seed=3)), random_vgg16())


@pytest.mark.parametrize(("name", "precision"), CASES)
def test_a_graph_computes_what_pytorch_does(name: str, precision: Precision) -> None:
    for output in export_graph(slim(), name, precision).record["verification"]["outputs"]:
        exact = EXACT[precision]
        assert output["relative"] < (10 * exact if output["name"] == "gradient" else exact)
        if output["name"] == "pixels":
            assert output["psnr"] is None or output["psnr"] > 45
            assert output["maximum"] <= (1 if precision == "fp32" else 8)


@pytest.mark.parametrize("topology", ["resnet", "orig"])
def test_other_topologies(topology: Topology) -> None:
    (output,) = export_graph(slim(topology), "synthesis", "fp32").record["verification"]["outputs"]
    assert output["maximum"] <= 1
