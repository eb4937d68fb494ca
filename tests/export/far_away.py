"""Tensors as on a GPU, for machines without one: they say `cuda:N`, compute on the CPU, and meet no tensor from there.

What a real GPU refuses is refused: to compute with tensors of another device, and to become a NumPy array in place.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map_only

_COPY: Any = torch.ops.aten.copy_.default


class FarTensor(Tensor):
    """A tensor on a GPU, as far as Python can tell. PyTorch's core, which may lack CUDA, takes it for a meta tensor."""

    near: Tensor
    place: torch.device
    is_meta = False

    @staticmethod
    def __new__(cls: Any, near: Tensor, place: torch.device) -> "FarTensor":
        make: Any = Tensor._make_wrapper_subclass
        far: FarTensor = make(cls, near.shape, near.stride(), near.storage_offset(), dtype=near.dtype, device="meta")
        far.near, far.place = near, place
        return far

    @property
    def device(self) -> torch.device:  # type: ignore[override]  # real tensors' cannot be set either
        return self.place

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError(f"can't convert {self.place} device type tensor to numpy")

    @classmethod
    def __torch_dispatch__(cls, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        kwargs = dict(kwargs or {})
        tensors = [leaf for leaf in tree_flatten((args, kwargs))[0] if isinstance(leaf, Tensor)]
        place = next(tensor.device for tensor in tensors if isinstance(tensor, cls))
        if func is not _COPY and any(tensor.device != place and tensor.ndim for tensor in tensors):
            raise RuntimeError(f"Expected all tensors to be on the same device, but found {place} and another")
        leaves = kwargs.get("device", place) not in (place, torch.device("meta"))
        if "device" in kwargs:
            kwargs["device"] = torch.device("cpu")
        near_args, near_kwargs = tree_map_only(cls, lambda far: far.near, (args, kwargs))
        result = func(*near_args, **near_kwargs)
        if leaves or not isinstance(tensors[0], cls):
            return result
        return tree_map_only(Tensor, lambda near: cls(near, place), result)


def far_away(network: nn.Module, number: int = 0) -> None:
    """Move a network to `cuda:N`, in place."""
    place = torch.device("cuda", number)
    for module in network.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(FarTensor(parameter.detach(), place), requires_grad=False))
        for name, buffer in list(module.named_buffers(recurse=False)):
            setattr(module, name, FarTensor(buffer, place))
