"""TensorRT-RTX as a plugin of ONNX Runtime: refusals and options with stand-ins, and the real package where it is."""

import ctypes
import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import engines.onnxruntime.runtime as runner_module
from engines.cuda.gpu import driver_fault
from engines.onnxruntime import plugin
from engines.onnxruntime.plugin import PLUGIN_PACKAGE, PLUGIN_PROVIDER, plugin_devices, plugin_fault
from engines.onnxruntime.providers import import_onnxruntime
from engines.onnxruntime.runtime import OnnxRuntimeRunner
from export.keys import ExportedGraph
from i2s_trt.errors import EnvironmentFault
from i2s_trt.machine import package_version
from i2s_trt.models.generator import Generator
from tests.engines.tensorrt.runtime_bench import latents

onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install 'i2s-trt[cpu]'")
CARD, CPU = SimpleNamespace(ep_name=PLUGIN_PROVIDER), SimpleNamespace(ep_name="CPUExecutionProvider")


@dataclass
class Runtime:
    """An onnxruntime that takes plugins; its sessions are the real one's, on the CPU."""

    devices: tuple[Any, ...] = (CPU, CARD, SimpleNamespace(ep_name=PLUGIN_PROVIDER))
    refusal: str = ""
    registered: list[tuple[str, str]] = field(default_factory=list)
    given: list[Any] = field(default_factory=list)
    falls_back: bool = False
    OrtValue: Any = onnxruntime.OrtValue
    __version__: str = "1.31.1"

    def register_execution_provider_library(self, name: str, path: str) -> None:
        if self.refusal:
            raise RuntimeError(self.refusal)
        self.registered.append((name, path))

    def get_ep_devices(self) -> list[Any]:
        return list(self.devices) if self.registered else [CPU]

    def SessionOptions(self) -> Any:
        options = onnxruntime.SessionOptions()
        return SimpleNamespace(real=options, add_provider_for_devices=lambda *given: self.given.append(given))

    def InferenceSession(self, path: str, options: Any, providers: Any) -> Any:
        assert providers is None  # they would take the devices' place
        real = onnxruntime.InferenceSession(path, options.real, providers=["CPUExecutionProvider"])
        names = ["CPUExecutionProvider"] if self.falls_back else [PLUGIN_PROVIDER, "CPUExecutionProvider"]
        functions = ("io_binding", "run_with_iobinding", "get_inputs", "get_outputs")
        return SimpleNamespace(get_providers=lambda: names, **{name: getattr(real, name) for name in functions})


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """With the plugin installed and a driver."""
    package = ModuleType("onnxruntime_ep_nv_tensorrt_rtx")
    package.get_library_path = lambda: "somewhere/plugin.so"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setattr(plugin, "driver_fault", lambda: "")
    monkeypatch.setattr(plugin, "package_version", lambda name: "0.5.0" if name == PLUGIN_PACKAGE else "")
    return Runtime()


def test_the_plugin_is_registered_and_its_devices_are_found(runtime: Runtime) -> None:
    assert plugin_devices(runtime) == [CARD, runtime.devices[2]]
    assert runtime.registered == [(PLUGIN_PROVIDER, "somewhere/plugin.so")]
    runtime.refusal = "EP library is already registered under NvTensorRTRTXExecutionProvider"
    assert plugin_fault(runtime) == ""


def test_each_fault_says_what_and_a_hint(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "finds no card: it takes RTX cards" in plugin_fault(Runtime(devices=(CPU,)))
    refused = plugin_fault(Runtime(refusal="libnvidia-ml.so.1:\n cannot open"))
    assert refused == "its plugin cannot be registered (libnvidia-ml.so.1: cannot open): " + plugin._INSTALL
    old = SimpleNamespace(__version__="1.20.0")
    assert plugin_fault(old).startswith("ONNX Runtime 1.20.0 takes no plugins: pip install")
    monkeypatch.setattr(plugin, "package_version", lambda _name: "")
    assert plugin_fault(runtime) == f"{PLUGIN_PACKAGE} is not installed: pip install 'i2s-trt[onnxruntime-rtx]'"
    monkeypatch.setattr(plugin, "driver_fault", lambda: "the CUDA driver finds no GPU")
    assert plugin_fault(runtime) == "the CUDA driver finds no GPU"
    assert runtime.registered == []


def test_a_session_gets_the_first_card_and_runs_on_host_memory(
    runtime: Runtime, exported: ExportedGraph, generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = OnnxRuntimeRunner(exported)({"w_plus": latents(generator, 2)})
    monkeypatch.setattr(runner_module, "import_onnxruntime", lambda: runtime)
    monkeypatch.setattr(runner_module, "provider_faults", lambda: {"tensorrt-rtx": plugin_fault(runtime)})
    runner = OnnxRuntimeRunner(exported, provider="tensorrt-rtx")
    assert runtime.given == [([CARD], {})]
    np.testing.assert_array_equal(runner({"w_plus": latents(generator, 2)})["pixels"], wanted["pixels"])
    runtime.falls_back = True
    with pytest.raises(EnvironmentFault, match="cannot use its tensorrt-rtx provider"):
        OnnxRuntimeRunner(exported, provider="tensorrt-rtx")


def test_it_is_refused_without_a_card(exported: ExportedGraph) -> None:
    if not driver_fault():
        pytest.skip("this machine has a GPU")
    with pytest.raises(EnvironmentFault, match="cannot use its tensorrt-rtx provider: there is no CUDA driver"):
        OnnxRuntimeRunner(exported, provider="tensorrt-rtx")


@pytest.fixture
def package() -> None:
    """The real one."""
    if not package_version(PLUGIN_PACKAGE):
        pytest.skip(f"{PLUGIN_PACKAGE} is not installed: pip install 'i2s-trt[onnxruntime-rtx]'")


@pytest.mark.usefixtures("package")
def test_the_real_plugin_cannot_be_registered_without_a_driver() -> None:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        with pytest.raises(EnvironmentFault, match=r"cannot be registered .*libcuda\.so\.1"):
            plugin_devices(import_onnxruntime())
    else:
        pytest.skip("this machine has a CUDA driver")


@pytest.mark.gpu
@pytest.mark.usefixtures("package")
def test_the_real_plugin_renders_what_the_cpu_does(exported: ExportedGraph, generator: Generator) -> None:
    if fault := plugin_fault(import_onnxruntime()):
        pytest.skip(fault)
    inputs = {"w_plus": latents(generator, 3)}
    ours, wanted = OnnxRuntimeRunner(exported, provider="tensorrt-rtx")(inputs), OnnxRuntimeRunner(exported)(inputs)
    assert np.abs(ours["pixels"].astype(int) - wanted["pixels"]).max() <= 2
