"""ONNX Runtime on a GPU: what it is asked for. Sessions, bindings and results are real; only the place is made up."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from engines.onnxruntime.runtime import OnnxRuntimeRunner
from engines.synthesizers import choose_synthesizer
from export.keys import ExportedGraph
from i2s_trt.errors import EnvironmentFault
from i2s_trt.models.generator import Generator
from tests.engines.tensorrt.runtime_bench import latents
from tests.export.far_away import far_away
from tests.export.shared import slim

CPU = "CPUExecutionProvider"


class Session:
    """A session on the CPU that says it has the provider it was asked for."""

    def __init__(self, path: str, options: Any, providers: list[tuple[str, dict[str, str]]]) -> None:
        self._session = onnxruntime.InferenceSession(path, options, providers=[CPU])
        self._names = [name for name, _ in providers]

    def get_providers(self) -> list[str]:
        return self._names

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


class OnnxRuntimeGpu:
    """`onnxruntime-gpu` on a machine with GPUs, which are this machine's CPU."""

    SessionOptions = onnxruntime.SessionOptions

    def __init__(self) -> None:
        self.asked: list[dict[str, dict[str, str]]] = []
        self.places: set[tuple[str, int]] = set()
        real = onnxruntime.OrtValue
        self.OrtValue = SimpleNamespace(
            ortvalue_from_numpy=lambda array, *place: real.ortvalue_from_numpy(array, *self._at(*place)),
            ortvalue_from_shape_and_type=lambda shape, kind, *place: real.ortvalue_from_shape_and_type(
                shape, kind, *self._at(*place)
            ),
        )

    def InferenceSession(self, path: str, options: Any, providers: list[tuple[str, dict[str, str]]]) -> Session:
        self.asked.append(dict(providers))
        return Session(path, options, providers)

    def _at(self, kind: str, number: int) -> tuple[str, int]:
        self.places.add((kind, number))
        return "cpu", 0


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> OnnxRuntimeGpu:
    found = OnnxRuntimeGpu()
    monkeypatch.setattr("engines.onnxruntime.runtime.import_onnxruntime", lambda: found)
    for module in ("onnxruntime.runtime", "synthesizers"):
        monkeypatch.setattr(f"engines.{module}.provider_faults", lambda: {"cpu": "", "cuda": "", "tensorrt": ""})
    return found


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_session_and_memory_are_on_the_gpu_that_is_asked_for(
    provider: Any, runtime: OnnxRuntimeGpu, exported: ExportedGraph, generator: Generator
) -> None:
    w_plus = latents(generator, 2)
    pixels = OnnxRuntimeRunner(exported, provider, gpu=1)({"w_plus": w_plus})["pixels"]
    np.testing.assert_array_equal(pixels, OnnxRuntimeRunner(exported)({"w_plus": w_plus})["pixels"])
    asked, on_cpu = runtime.asked
    numbers = {name: options.get("device_id") for name, options in asked.items()}
    assert numbers.pop(CPU) is None
    assert set(numbers.values()) == {"1"}
    assert on_cpu == {CPU: {}}
    assert runtime.places == {("cuda", 1), ("cpu", 0)}


def test_the_generators_gpu_is_the_sessions(runtime: OnnxRuntimeGpu, exported: ExportedGraph) -> None:
    near = slim(16, 8, 16).generator
    far = Generator(near.spec, near.digest)
    far.load_state_dict(near.state_dict())
    far_away(far, 1)
    choice = choose_synthesizer("onnxruntime", far)
    choice.synthesizer(latents(near, 1))
    (asked,) = runtime.asked
    assert asked["CUDAExecutionProvider"]["device_id"] == "1"
    assert runtime.places == {("cuda", 1)}
    assert exported.path.exists()


def test_float32_is_exact_and_convolutions_are_chosen_alike_in_every_run(
    runtime: OnnxRuntimeGpu, exported: ExportedGraph
) -> None:
    for provider in ("cuda", "tensorrt"):  # what TensorRT does not take runs in CUDA's
        OnnxRuntimeRunner(exported, provider)
        options = runtime.asked[-1]["CUDAExecutionProvider"]
        assert options == {"device_id": "0", "use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
    assert runtime.asked[-1]["TensorrtExecutionProvider"] == {"device_id": "0"}


def test_a_type_that_a_provider_has_no_kernels_for_names_another(tmp_path: Path) -> None:
    kind, helper = onnx.TensorProto.BFLOAT16, onnx.helper
    values = [helper.make_tensor_value_info(name, kind, [1, 1, 4, 4]) for name in "xwy"]
    graph = helper.make_graph([helper.make_node("Conv", ["x", "w"], ["y"])], "g", values[:2], values[2:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10), tmp_path / "g.onnx")
    with pytest.raises(EnvironmentFault, match="cannot load") as caught:
        OnnxRuntimeRunner(ExportedGraph(tmp_path / "g.onnx", {}, exported=False))
    assert caught.value.hint == "take --precision fp32 or fp16"
