"""Tensors of the fake card, and what is dispatched to them."""

import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map_only

CAPTURING = "CUDA error: operation not permitted when stream is capturing"
_READ_BACK = ("_local_scalar_dense", "equal", "nonzero", "is_nonzero", "masked_select")
_MIXES = ("copy_", "index", "index_put_", "index_put", "_to_copy")


class _Memory:
    """Bytes of the card's tensors, now and at the most."""

    def __init__(self) -> None:
        self.now = self.peak = 0
        self._users: Counter[int] = Counter()

    def take(self, tensor: "CardTensor") -> None:
        storage = tensor.host.untyped_storage()
        place, size = storage.data_ptr(), storage.nbytes()
        if not self._users[place]:
            self.now += size
            self.peak = max(self.peak, self.now)
        self._users[place] += 1
        weakref.finalize(tensor, self._give, place, size)

    def _give(self, place: int, size: int) -> None:
        self._users[place] -= 1
        if not self._users[place]:
            self.now -= size


@dataclass
class Card:
    """What there is one of.

    Attributes:
        capture: that is going on.
        forbid_waiting: whether to refuse what waits for the device.
        memory: bytes in use.
    """

    capture: "Capture | None" = None
    forbid_waiting: bool = False
    memory: _Memory = field(default_factory=_Memory)


card = Card()


class Capture:
    """What is dispatched while a graph is captured; the memory that it writes is put back at the end."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, tuple[Any, ...], Mapping[str, Any], list[Tensor]]] = []
        self._before: dict[int, tuple[Tensor, Tensor]] = {}

    def keep(self, tensor: Tensor) -> None:
        """The memory of a tensor, before it is written for the first time."""
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self._before:
            whole = torch.empty(0, dtype=torch.uint8).set_(storage)
            self._before[storage.data_ptr()] = whole, whole.clone()

    def undo(self) -> None:
        """Put back what was written."""
        for whole, before in self._before.values():
            whole.copy_(before)

    def replay(self) -> None:
        """Compute everything once more, into the same memory."""
        for function, args, kwargs, results in self.calls:
            found, _ = tree_flatten(function(*args, **kwargs))
            for result, value in zip(results, (one for one in found if isinstance(one, Tensor)), strict=True):
                if result.data_ptr() != value.data_ptr():
                    result.copy_(value)


class CardTensor(Tensor):
    """Says that it is on `cuda:0`; its numbers are in `host`."""

    host: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls: type["CardTensor"], host: Tensor) -> "CardTensor":
        return Tensor._make_wrapper_subclass(
            cls, host.size(), strides=host.stride(), storage_offset=host.storage_offset(), dtype=host.dtype,
            device=torch.device("cuda", 0),
        )  # fmt: skip

    def __init__(self, host: Tensor) -> None:
        self.host = host
        card.memory.take(self)

    def tolist(self) -> Any:
        """PyTorch's own knows no subclasses."""
        return self.cpu().tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """As the real one says it."""
        assert not force
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")

    def __repr__(self) -> str:  # type: ignore[override]
        return f"CardTensor({self.host!r})"

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = func.overloadpacket.__name__
        leaves, _ = tree_flatten((args, kwargs))
        to_host = str(kwargs.get("device") or "").startswith("cpu")
        _check(name, [leaf for leaf in leaves if isinstance(leaf, Tensor)], to_host)
        own_args, own_kwargs = tree_map_only(CardTensor, lambda tensor: tensor.host, (args, kwargs))
        if kwargs.get("device") is not None:
            own_kwargs["device"] = "cpu"
        own_kwargs = {key: value for key, value in own_kwargs.items() if key != "pin_memory"}
        result = computed(func, own_args, own_kwargs)
        if to_host:
            return result
        wrapped = tree_map_only(Tensor, CardTensor, result)
        return return_and_correct_aliasing(func, args, kwargs, wrapped)  # type: ignore[no-untyped-call]


def _check(name: str, tensors: Sequence[Tensor], to_host: bool) -> None:
    """Raise what CUDA raises: for tensors of two devices, and for what no graph can hold."""
    on_host = [tensor for tensor in tensors if not isinstance(tensor, CardTensor)]
    if any(tensor.dim() for tensor in on_host) and name not in _MIXES:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! ({name})"
        )
    waits = name in _READ_BACK or to_host or (name == "copy_" and bool(on_host))
    if card.forbid_waiting and waits:
        raise RuntimeError(f"called a synchronizing CUDA operation ({name})")
    if card.capture is not None and waits:
        raise RuntimeError(f"{CAPTURING} ({name})")


def computed(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The result on the host; under a capture the call is recorded too."""
    if card.capture is None:
        return function(*args, **kwargs)
    schema = function._schema
    names = [argument.name for argument in schema.arguments]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    for argument in schema.arguments:
        if argument.alias_info is not None and argument.alias_info.is_write and argument.name in given:
            for tensor in tree_flatten(given[argument.name])[0]:
                card.capture.keep(tensor)
    result = function(*args, **kwargs)
    is_view = any(one.alias_info is not None and not one.alias_info.is_write for one in schema.returns)
    if not is_view:
        results = [one for one in tree_flatten(result)[0] if isinstance(one, Tensor)]
        card.capture.calls.append((function, args, kwargs, results))
    return result
