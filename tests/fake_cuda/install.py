"""Puts the fake card into PyTorch."""

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.fake_cuda.card import CardTensor, computed
from tests.fake_cuda.runtime import CUDA

_CUDA_TYPE, _OTHER = 1, 20  # CUDA and PrivateUse1 in c10/core/DeviceType.h
_FUNCTIONS = 64  # more than any table has
_ANSWER_ONE = (2, 3, 4, 6)  # isBuilt, isAvailable, hasPrimaryContext, deviceCount in AcceleratorHooksInterface.h
_FACTORIES = (
    "empty.memory_format", "empty_strided", "zeros", "ones", "full", "arange", "arange.start", "arange.start_step",
    "eye", "eye.m", "linspace", "scalar_tensor", "rand", "randn", "randint", "randint.low", "randperm",
)  # fmt: skip


def install() -> None:
    """Give this process the card, for good."""
    torch.autograd.set_multithreading_enabled(False)
    torch.__future__.set_overwrite_module_params_on_conversion(True)  # a tensor keeps its class
    for name, stand_in in CUDA.items():
        setattr(torch.cuda, name, stand_in)
    sys.modules["triton"] = None  # type: ignore[assignment]  # as if it were not installed
    torch.compile = _as_it_is  # type: ignore[assignment]
    torch.tensor, torch.as_tensor = _moved(torch.tensor), _moved(torch.as_tensor)
    for name in _FACTORIES:
        packet, _, overload = name.partition(".")
        operation = getattr(getattr(torch.ops.aten, packet), overload or "default")
        _library.impl(name, _factory(operation), "CUDA")  # type: ignore[no-untyped-call]
    _show_to_cpp()


class _Guard(torch._C._acc.DeviceGuard):
    """What changes the current device, for backends that are written in Python."""

    def type_(self) -> Any:
        """Of the device."""
        return torch._C._autograd.DeviceType.CUDA


def _show_to_cpp() -> None:
    """Have PyTorch's C++ side find CUDA too, which a build for the CPU lacks: autograd asks it for devices and streams.

    There must be a guard of the device, and the hooks must say that CUDA is built in.
    """
    guard = _Guard()
    torch._C._acc.register_python_privateuseone_device_guard(guard)
    folder = Path(torch.__file__).parent
    core, library = (ctypes.CDLL(str(folder / "lib" / name)) for name in ("libc10.so", "libtorch_cpu.so"))
    guards = (ctypes.c_void_p * (_OTHER + 1)).in_dll(core, "_ZN3c104impl26device_guard_impl_registryE")
    guards[_CUDA_TYPE], guards[_OTHER] = guards[_OTHER], None
    hooks = library["_ZN2at6detail12getCUDAHooksEv"]
    hooks.restype = ctypes.c_void_p
    functions = ctypes.c_void_p.from_address(hooks())
    table = (ctypes.c_void_p * _FUNCTIONS).from_buffer_copy(
        (ctypes.c_void_p * _FUNCTIONS).from_address(functions.value or 0)
    )
    for place in _ANSWER_ONE:
        table[place] = ctypes.cast(_one, ctypes.c_void_p).value
    functions.value = ctypes.addressof(table)
    _kept.extend((guard, table))
    assert torch.accelerator.current_accelerator() == torch.device("cuda"), "this PyTorch is made otherwise"
    assert torch.empty(1).to("cuda").device == torch.device("cuda", 0), "this PyTorch is made otherwise"


@ctypes.CFUNCTYPE(ctypes.c_int8, ctypes.c_void_p)  # type: ignore[untyped-decorator]
def _one(_hooks: int) -> int:
    return 1


_kept: list[Any] = []
_library = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]


def _factory(operation: Any) -> Callable[..., Tensor]:
    def make(*args: Any, **kwargs: Any) -> Tensor:
        assert not kwargs.pop("pin_memory", None)
        kwargs["device"] = "cpu"
        return CardTensor(computed(operation, args, kwargs))

    return make


def _moved(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """These copy by themselves, past everything that could be told of it."""

    def make_and_move(data: Any, *, device: Any = None, **options: Any) -> Tensor:
        tensor = make(data, **options)
        return tensor if device is None else tensor.to(device)

    return make_and_move


def _as_it_is(function: Any = None, **_options: Any) -> Any:
    return function if function is not None else lambda function: function
