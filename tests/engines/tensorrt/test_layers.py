"""What an engine is made of, read from TensorRT's words."""

from types import SimpleNamespace
from typing import Any

import pytest

from engines.inspection import kernels_of
from engines.plan import EngineRequest, Prospect
from engines.tensorrt.builder import build_plan
from engines.tensorrt.cache import Entry
from engines.tensorrt.layers import Layer, activation_bytes, inspection_text, parse_layers
from engines.tensorrt.module import Message
from export.keys import ExportedGraph
from i2s_trt.errors import UsageError
from tests.engines.tensorrt.runtime_bench import PROFILE, RTX

# as TensorRT 10 prints it, and TensorRT-RTX 1.7
TENSORRT = (
    "Layers:\n"
    "Name: conv1 + relu1, LayerType: CaskConvolution, Inputs: [ { Name: x, Dimensions: [-1,3,8,8], "
    "Format/Datatype: Row major linear FP32 }], Outputs: [ { Name: y, Dimensions: [-1,4,8,8], Format/Datatype: Half }, "
    "{ Name: z, Dimensions: [4], Format/Datatype: Int32 }], ParameterType: Convolution, Kernel: [3,3], "
    "TacticName: sm80_xmma, StreamId: 0, Metadata: [ONNX Layer: conv1][ONNX Layer: relu1]\n"
    "\nBindings:\nx\ny\n"
)


def test_a_layer_is_read() -> None:
    (layer,) = parse_layers(TENSORRT)
    assert layer == Layer("conv1 + relu1", "CaskConvolution", ("Half[-1,4,8,8]", "Int32[4]"), ("conv1", "relu1"))


@pytest.mark.parametrize("text", ["", "Layers:\n", "Name: x, IOMode: Input", "Bindings:\nx"])
def test_what_is_no_layer_is_passed_over(text: str) -> None:
    assert parse_layers(text) == []


def test_names_only_is_enough() -> None:
    assert parse_layers("Layers:\nName: a, LayerType: kgen\n") == [Layer("a", "kgen", (), ())]


def test_a_real_engine_lists_its_kernels_and_memory(entry: Entry, exported: ExportedGraph) -> None:
    layers = parse_layers(entry.layers.read_text())
    assert len(layers) > 5
    assert any(output == "UInt8[-1,16,16,3]" for layer in layers for output in layer.outputs)
    nodes = {node for layer in layers for node in layer.nodes}
    assert any("instance_norm" in node for node in nodes)
    assert entry.record["activation_bytes"] > 0
    request = EngineRequest(RTX, "synthesis", "fp32", PROFILE)
    kernels = kernels_of(Prospect(request, exported, entry, "key", 1))
    assert kernels.layers == tuple(layers)
    assert str(entry.layers) in kernels.source


def test_larger_batches_need_more_memory(exported: ExportedGraph) -> None:
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")
    from engines.profiles import BatchProfile
    from engines.tensorrt.builder import BuildOptions

    sizes = [
        build_plan(
            exported.path, exported.record["inputs"], BuildOptions(RTX, BatchProfile(1, 1, largest))
        ).activation_bytes
        for largest in (1, 64)
    ]
    assert 0 < sizes[0] < sizes[1]


def test_onnx_runtime_has_nodes_only(exported: ExportedGraph) -> None:
    prospect = Prospect(EngineRequest("onnxruntime", "synthesis", "fp32", PROFILE), exported, None, "key", 1)
    kernels = kernels_of(prospect)
    assert len(kernels.layers) == exported.record["nodes"]
    assert {"Conv", "InstanceNormalization", "Cast"} <= {layer.kind for layer in kernels.layers}
    assert kernels.layers[-1].outputs == ("Uint8[-1,16,16,3]",)
    with pytest.raises(UsageError, match="is not built"):
        kernels_of(Prospect(prospect.request, None, None, "", 1))


def test_an_engine_that_told_nothing_is_no_error(entry: Entry, exported: ExportedGraph) -> None:
    text = entry.layers.read_text()
    try:
        entry.layers.unlink()
        kernels = kernels_of(Prospect(EngineRequest(RTX, "synthesis", "fp32", PROFILE), exported, entry, "key", 1))
        assert (kernels.layers, "did not list" in kernels.source) == ((), True)
    finally:
        entry.layers.write_text(text)


class FakeRuntime:
    """TensorRT's inspector, where the log has no table."""

    def __init__(self, engine: bool = True) -> None:
        inspector = SimpleNamespace(get_engine_information=lambda kind: f"{TENSORRT}{kind}")
        self.engine = SimpleNamespace(create_engine_inspector=lambda: inspector) if engine else None

    def module(self) -> Any:
        return SimpleNamespace(
            Runtime=lambda _logger: SimpleNamespace(deserialize_cuda_engine=lambda _plan: self.engine),
            LayerInformationFormat=SimpleNamespace(ONELINE="in one line"),
        )


def test_the_log_comes_first_then_the_inspector(monkeypatch: pytest.MonkeyPatch) -> None:
    logged = [
        Message("VERBOSE", "Layers:\nName: a, LayerType: b"),
        Message("INFO", "Total Activation Memory: 4096 bytes"),
    ]
    trt = FakeRuntime().module()
    assert inspection_text(trt, b"", [*logged, *logged], None) == "Layers:\nName: a, LayerType: b"
    assert activation_bytes(logged) == 4096
    assert activation_bytes([]) == 0
    monkeypatch.setattr("engines.tensorrt.layers.driver_fault", lambda: "no driver")
    assert inspection_text(trt, b"", [], None) == ""
    monkeypatch.setattr("engines.tensorrt.layers.driver_fault", lambda: "")
    assert inspection_text(trt, b"", [], None) == f"{TENSORRT}in one line"
    assert inspection_text(FakeRuntime(engine=False).module(), b"", [], None) == ""
