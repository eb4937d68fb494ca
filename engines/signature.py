"""What an engine takes and gives, from its record: shapes and types are checked before anything reaches the GPU."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.errors import EngineError
from i2s_trt.arrays import Array

Shape = tuple[int, ...]
FREE = -1  # a side that the batch decides
_DTYPES = {
    "FLOAT": np.float32, "HALF": np.float16, "INT8": np.int8, "INT32": np.int32, "INT64": np.int64,
    "UINT8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip


@dataclass(frozen=True)
class TensorSpec:
    """An input or output: NumPy's type, and FREE for the batch."""

    name: str
    dtype: np.dtype[Any]
    shape: Shape

    def at(self, batch: int) -> Shape:
        """The shape at a batch size."""
        return tuple(batch if side == FREE else side for side in self.shape)


@dataclass(frozen=True)
class Signature:
    """Inputs, outputs and the batch sizes of one engine.

    Attributes:
        label: graph and precision, for messages.
        smallest, largest: batch sizes of the profile.
    """

    label: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    smallest: int
    largest: int

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Signature":
        """The signature in a cache entry's record. Raises EngineError for a type that NumPy has not."""
        key = record["key"]
        profile = key["profile"]
        label = f"{key['graph']} {key['precision']}"
        return cls(
            label, _specs(label, record["inputs"]), _specs(label, record["outputs"]),
            profile["smallest"], profile["largest"],
        )  # fmt: skip

    def batch_of(self, inputs: Mapping[str, Array], defaults: Collection[str]) -> int:
        """Check the inputs of one call; returns the batch size.

        Args:
            inputs: arrays by name.
            defaults: names that may be left out.

        Raises:
            EngineError: one is unknown or missing, of another type or shape, or the batch is outside the profile.
        """
        batches = {name: self.check(name, array) for name, array in inputs.items()}
        missing = [name for name in self.inputs if name not in inputs and name not in defaults]
        if missing:
            raise EngineError(
                f"{self.label}: input {', '.join(missing)} is missing", "give every input without default"
            )
        sizes = {batch for batch in batches.values() if batch is not None}
        if len(sizes) > 1:
            raise EngineError(f"{self.label}: the inputs have different batch sizes: {batches}", "give all alike")
        return self._fits_profile(sizes.pop() if sizes else self.smallest)

    def check(self, name: str, array: Array) -> int | None:
        """The batch size of an input's array; None for a constant's. Raises EngineError as `batch_of` does."""
        if name not in self.inputs:
            raise EngineError(f"{self.label}: there is no input {name}", f"it takes {', '.join(self.inputs)}")
        spec = self.inputs[name]
        if array.dtype != spec.dtype:
            raise EngineError(
                f"{self.label}: input {spec.name} is {array.dtype}, not {spec.dtype}",
                f"convert it with .astype({str(spec.dtype)!r})",
            )
        batch = array.shape[0] if spec.shape and spec.shape[0] == FREE and array.ndim else None
        if array.shape != spec.at(0 if batch is None else batch):
            wanted = ", ".join("N" if side == FREE else str(side) for side in spec.shape)
            raise EngineError(f"{self.label}: input {spec.name} has shape {list(array.shape)}", f"give [{wanted}]")
        return batch

    def _fits_profile(self, batch: int) -> int:
        if not self.smallest <= batch <= self.largest:
            raise EngineError(
                f"{self.label}: batch {batch} is outside the engine's {self.smallest} to {self.largest}",
                f"split the batch, or build an engine with --batch {self.smallest},{batch}",
            )
        return batch


def _specs(label: str, tensors: Sequence[Mapping[str, Any]]) -> dict[str, TensorSpec]:
    return {
        tensor["name"]: TensorSpec(tensor["name"], _dtype(label, tensor), tuple(tensor["shape"])) for tensor in tensors
    }


def _dtype(label: str, tensor: Mapping[str, Any]) -> np.dtype[Any]:
    """The dtype by its name: TensorRT's own `nptype` raises for the newer types."""
    if tensor["dtype"] not in _DTYPES:
        raise EngineError(
            f"{label}: tensor {tensor['name']} is {tensor['dtype']}, which NumPy has no type for",
            "graphs that i2s-trt exports have float32 and uint8 at their ends; export this one again",
        )
    return np.dtype(_DTYPES[tensor["dtype"]])
