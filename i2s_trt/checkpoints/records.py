"""What stands in a network's pickle for what the file names: inert records, that nothing can run or alter."""

import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from i2s_trt.arrays import Array

_DTYPE = re.compile(r"[<>|=]?(f[248]|[iu][1248]|b1|\?)")


class NetworkRecord:
    """What stands for a `dnnlib` Network: the dictionary it was saved with."""

    state: dict[str, Any]

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("a network's state is not a dictionary")
        self.state = state


class DtypeRecord:
    """What stands for a NumPy dtype."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1]
        if order in ("<", ">", "|", "="):
            self.code = order.replace("=", "<") + self.code.lstrip("<>|=")

    def numpy(self) -> np.dtype[Any]:
        """The dtype, if it is a plain number.

        Raises:
            UnpicklingError: an object, string or structured dtype.
        """
        if not _DTYPE.fullmatch(self.code):
            raise pickle.UnpicklingError(f"an array of dtype {self.code!r} is not made of numbers")
        return np.dtype(self.code)


class Budget:
    """Bytes that a file may still unfold into, twice its own, so that it cannot fill the memory by repeating itself."""

    def __init__(self, size: int) -> None:
        self._left = 2 * size

    def spend(self, count: int) -> None:
        """Take bytes away.

        Raises:
            UnpicklingError: nothing is left.
        """
        self._left -= count
        if self._left < 0:
            raise pickle.UnpicklingError("it repeats itself to exhaust the memory")


class ArrayRecord:
    """What stands for a NumPy array; `array` holds it once its state has arrived."""

    array: Array

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        self.fill(data, dtype, shape, "F" if fortran else "C")

    def fill(self, data: Any, dtype: Any, shape: Any, order: str, axes: Any = None) -> "ArrayRecord":
        """Take raw bytes as an array; `axes` permutes the dimensions afterwards (NumPy's order K)."""
        if not isinstance(dtype, DtypeRecord) or not isinstance(data, bytes | bytearray):
            raise pickle.UnpicklingError("an array's state is not bytes and a dtype")
        self._budget.spend(len(data))
        array = np.frombuffer(data, dtype.numpy()).reshape(shape, order="F" if order == "F" else "C")
        self.array = array.transpose(axes) if order == "K" and axes is not None else array
        return self


class OptionsRecord:
    """What stands for the `argparse.Namespace` of a training: its options, if it has any."""

    options: Mapping[str, Any] = MappingProxyType({})

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("a training's options are not a dictionary")
        self.options = state


def options_of(tree: Any, name: str) -> Mapping[Any, Any]:
    """The options of a training, kept in a dictionary or a Namespace; none where a file has none of that name."""
    options = tree.get(name) if isinstance(tree, Mapping) else None
    options = options.options if isinstance(options, OptionsRecord) else options
    return options if isinstance(options, Mapping) else {}


class ModuleRecord:
    """What stands for a PyTorch module: its class's name and the dictionary it was saved with."""

    def __init__(self, meta: object) -> None:
        state = meta.get("state") if isinstance(meta, dict) else None
        if not isinstance(meta, dict) or meta.get("type") != "class" or not isinstance(state, dict):
            raise pickle.UnpicklingError("a module's description is not a class and its state")
        self.class_name, self.state = str(meta.get("class_name"))[:80], state

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("the file tries to alter a module")


@dataclass(frozen=True)
class StorageRecord:
    """What stands for a PyTorch storage: the bytes that `torch.save` made of it."""

    data: bytes

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("the file tries to alter a storage")


@dataclass(frozen=True)
class TensorRecord:
    """What stands for a PyTorch tensor: a view of a storage."""

    storage: Any
    offset: Any
    size: Any
    stride: Any

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("the file tries to alter a tensor")
