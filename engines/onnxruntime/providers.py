"""ONNX Runtime's execution providers: which of them work here, and why the others do not."""

import ctypes
import importlib
import sys
from contextlib import suppress
from typing import Any, Literal

from engines.cuda.gpu import driver_fault
from engines.onnxruntime.plugin import PLUGIN_PROVIDER, plugin_fault
from i2s_trt.errors import EnvironmentFault
from i2s_trt.machine import package_version

Provider = Literal["cpu", "cuda", "tensorrt", "tensorrt-rtx"]
PROVIDERS: dict[Provider, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "tensorrt-rtx": PLUGIN_PROVIDER,
}
PLUGIN: Provider = "tensorrt-rtx"  # in no package of ONNX Runtime: registered when it is needed
_TENSORRT = "nvinfer_10.dll" if sys.platform == "win32" else "libnvinfer.so.10"  # what the provider is linked against


def provider_faults() -> dict[Provider, str]:
    """Why each provider cannot be used here; empty for those that can."""
    try:
        runtime = import_onnxruntime()
    except EnvironmentFault as fault:
        return dict.fromkeys(PROVIDERS, f"{fault.args[0]}: {fault.hint}")
    available = runtime.get_available_providers()
    faults: dict[Provider, str] = {"cpu": "", "cuda": driver_fault(), "tensorrt": driver_fault() or _tensorrt_fault()}
    for name in faults:
        if PROVIDERS[name] not in available:
            faults[name] = "the onnxruntime that is installed lacks it: uninstall it, pip install 'i2s-trt[gpu]'"
    return {**faults, PLUGIN: plugin_fault(runtime)}


def import_onnxruntime() -> Any:
    """The module. Raises EnvironmentFault when it is not installed."""
    try:
        return importlib.import_module("onnxruntime")
    except ModuleNotFoundError as error:
        raise EnvironmentFault("ONNX Runtime is not installed", "pip install 'i2s-trt[cpu]'") from error


def _tensorrt_fault() -> str:
    """The provider is linked against TensorRT 10 and loads no other, whatever else is installed."""
    version = package_version("tensorrt")
    if version.startswith("10."):
        with suppress(ImportError, OSError):
            importlib.import_module("tensorrt")  # brings its libraries into the process
    try:
        ctypes.CDLL(_TENSORRT)
    except OSError:
        found = f"TensorRT {version} is" if version else "no TensorRT is"
        return f"it needs TensorRT 10 ({_TENSORRT}), and {found} installed: pip install 'tensorrt<11'"
    return ""
