"""TensorRT-RTX as a plugin of ONNX Runtime: a package that brings its runtime, beside the ONNX Runtime for the CPU.

A plugin is registered once a process, then lists the devices that it drives, and a session is given some of these. It
is linked against the driver: without one it cannot even be registered.
"""

import importlib
from typing import Any

from engines.cuda.gpu import driver_fault
from i2s_trt.errors import EnvironmentFault
from i2s_trt.machine import package_version

PLUGIN_PROVIDER = "NvTensorRTRTXExecutionProvider"
PLUGIN_PACKAGE = "onnxruntime-ep-nv-tensorrt-rtx-cu13"
_MODULE = "onnxruntime_ep_nv_tensorrt_rtx"
_INSTALL = "pip install 'i2s-trt[onnxruntime-rtx]'"
_ENTRY = "register_execution_provider_library"


def plugin_fault(runtime: Any) -> str:
    """Why ONNX Runtime cannot use the plugin here; empty when it can.

    Args:
        runtime: the onnxruntime module.
    """
    if fault := driver_fault():
        return fault
    try:
        plugin_devices(runtime)
    except EnvironmentFault as error:
        return f"{error.args[0]}: {error.hint}"
    return ""


def plugin_devices(runtime: Any) -> list[Any]:
    """The cards that the plugin drives, at least one; registers it when it is first needed. Needs a CUDA driver.

    Raises:
        EnvironmentFault: the plugin is not installed, cannot be registered, or finds no card.
    """
    if not package_version(PLUGIN_PACKAGE):
        raise EnvironmentFault(f"{PLUGIN_PACKAGE} is not installed", _INSTALL)
    if not hasattr(runtime, _ENTRY):
        raise EnvironmentFault(f"ONNX Runtime {runtime.__version__} takes no plugins", f"{_INSTALL} brings a newer one")
    _register(runtime)
    devices = [device for device in runtime.get_ep_devices() if device.ep_name == PLUGIN_PROVIDER]
    if not devices:
        raise EnvironmentFault(
            "its plugin finds no card",
            "it takes RTX cards of compute capability 8.6, 8.9 or 12.x, with CUDA 13's driver",
        )
    return devices


def give_devices(runtime: Any, options: Any) -> None:
    """Have the sessions of these options compute on the first card. Raises as `plugin_devices` does."""
    options.add_provider_for_devices(plugin_devices(runtime)[:1], {})


def _register(runtime: Any) -> None:
    try:
        library = importlib.import_module(_MODULE).get_library_path()
        getattr(runtime, _ENTRY)(PLUGIN_PROVIDER, library)
    except Exception as error:  # the library raises types of its own
        reason = " ".join(str(error).split())
        if "already registered" not in reason:
            raise EnvironmentFault(f"its plugin cannot be registered ({reason[-200:]})", _INSTALL) from error
