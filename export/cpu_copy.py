"""Networks as exports need them: on the CPU, where examples, references and ONNX Runtime's check are."""

import copy
from itertools import chain
from typing import Any, TypeVar

from torch import Tensor, nn

from export.errors import ExportError

Network = TypeVar("Network", bound=nn.Module)


def cpu_copy(network: Network) -> Network:
    """The network itself if it is on the CPU, else a frozen copy there; the caller's own stays where it is.

    Raises:
        ExportError: it is on the `meta` device, where there are no weights.
    """
    tensors = list(chain(network.parameters(), network.buffers()))
    if any(tensor.is_meta for tensor in tensors):
        raise ExportError(
            f"a {type(network).__name__} on the device meta has no weights to export",
            "load it with i2s_trt.load_generator, or move it off meta before its weights are loaded",
        )
    if all(tensor.device.type == "cpu" for tensor in tensors):
        return network
    copied: dict[int, Any] = {id(tensor): _freeze(tensor) for tensor in tensors}
    return copy.deepcopy(network, copied)  # all but the weights, of which a GPU need not hold two


def _freeze(tensor: Tensor) -> Tensor:
    there = tensor.detach().cpu()
    return nn.Parameter(there, requires_grad=False) if isinstance(tensor, nn.Parameter) else there
