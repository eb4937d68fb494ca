"""Models on a GPU are exported from a copy on the CPU, and stay where they are."""

from pathlib import Path

import pytest
import torch

from engines.synthesizers import onnx_runtime_synthesizer
from export.cpu_copy import cpu_copy
from export.errors import ExportError
from export.keys import Precision
from export.library import export_graph
from export.registry import GRAPHS
from export.source import GraphSource
from export.verify import fresh_inputs
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import random_vgg16
from tests.engines.tensorrt.runtime_bench import latents
from tests.export.far_away import FarTensor, far_away
from tests.export.shared import untrained

CUDA = torch.device("cuda", 0)


def devices(network: torch.nn.Module) -> set[torch.device]:
    return {tensor.device for tensor in network.state_dict().values()}


@pytest.fixture
def near() -> Generator:
    return Generator.from_weights(random_weights(standard_spec(16, 8, 16), seed=4))


@pytest.fixture
def far(near: Generator) -> Generator:
    generator = Generator(near.spec, near.digest)
    generator.load_state_dict(near.state_dict())
    far_away(generator)
    return generator


def test_the_stand_in_refuses_what_a_gpu_does(far: Generator) -> None:
    assert devices(far) == {CUDA}
    assert far(FarTensor(torch.zeros(1, 6, 16), CUDA)).device == CUDA
    with pytest.raises(RuntimeError, match="on the same device"):
        far(torch.zeros(1, 6, 16))
    with pytest.raises(TypeError, match="cuda"):
        far.mean_w.numpy()


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_every_graph_of_a_model_on_a_gpu_is_made_on_the_cpu(
    near: Generator, far: Generator, precision: Precision
) -> None:
    vgg, encoder = random_vgg16(), untrained(near)
    far_away(vgg)
    far_away(encoder.network)
    source = GraphSource(lambda: far, lambda: vgg, model_digest=far.digest, encoder=lambda: encoder)
    for name in GRAPHS:
        graph = GRAPHS[name](source, precision)
        outputs = graph.function(*fresh_inputs(graph).values())
        for tensor in (outputs if isinstance(outputs, tuple) else (outputs,)) + tuple(graph.defaults.values()):
            assert not isinstance(tensor, FarTensor), name
    assert devices(far) == devices(vgg) == devices(encoder.network) == {CUDA}
    assert not any(weight.requires_grad for weight in source.generator.parameters())


def test_onnx_runtime_renders_a_model_on_a_gpu(near: Generator, far: Generator) -> None:
    pictures = onnx_runtime_synthesizer(far)(latents(near, 2))
    assert (pictures == onnx_runtime_synthesizer(near)(latents(near, 2))).all()
    assert devices(far) == {CUDA}


def test_what_is_on_the_cpu_is_not_copied(near: Generator) -> None:
    assert cpu_copy(near) is near


def test_a_model_without_weights_is_refused_in_words(near: Generator, own_home: Path) -> None:
    empty = Generator(near.spec, near.digest).to("meta")
    source = GraphSource(lambda: empty, random_vgg16, model_digest=near.digest)
    with pytest.raises(ExportError, match="a Generator on the device meta has no weights") as caught:
        export_graph(source, "synthesis")
    assert "load_generator" in caught.value.hint
    assert not list(own_home.rglob("*.onnx"))
    assert devices(empty) == {torch.device("meta")}


def test_a_failing_trace_of_synthesis_blames_no_loss_setting(near: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_graph: object) -> None:
        raise RuntimeError("no such operation")

    monkeypatch.setattr("export.library.to_onnx", fail)
    source = GraphSource(lambda: near, random_vgg16, model_digest=near.digest)
    with pytest.raises(ExportError, match="no such operation") as caught:
        export_graph(source, "synthesis")
    assert "perceptual-size" not in caught.value.hint
    with pytest.raises(ExportError, match="no such operation") as caught:
        export_graph(source, "objective")
    assert "perceptual-size" in caught.value.hint
