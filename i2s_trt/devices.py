"""Chooses the device that torch computes on."""

from contextlib import suppress
from typing import TYPE_CHECKING

from i2s_trt.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    import torch


def choose_device(name: str = "auto") -> "torch.device":
    """`auto`, `cpu`, `cuda` or `cuda:N` as a torch device; `auto` takes a GPU when there is one.

    A GPU comes with its number, PyTorch's current one where none is given: so that other libraries use the same one.

    Raises:
        EnvironmentFault: CUDA was asked for and is not there.
        UsageError: no such kind of device.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.partition(":")[0] not in ("cpu", "cuda"):
        raise UsageError(f"no device named {name}", "use auto, cpu, cuda or cuda:N")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"no device named {name}", "use auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise EnvironmentFault(
            f"there is no CUDA device {name} that PyTorch can use", "use --device cpu; i2s-trt doctor says more"
        )
    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return device


def check_device(name: str) -> None:
    """Refuse what is no device anywhere; one that this machine lacks another may have. Raises UsageError."""
    with suppress(EnvironmentFault):
        choose_device(name)


def cpu_threads(device: "torch.device") -> int:
    """Threads that PyTorch computes with; 0 on a GPU. With another number of them sums round otherwise."""
    import torch

    return torch.get_num_threads() if device.type == "cpu" else 0
