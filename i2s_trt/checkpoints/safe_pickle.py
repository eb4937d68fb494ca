"""Reads network pickles, of TensorFlow's days and of PyTorch's modules, without executing anything in them.

A pickle is a program. This reader first walks over its opcodes, refusing those no network needs, and then lets the
standard unpickler build the tree with inert records in place of every class and function: nothing the file names is
imported, and NumPy never sees a state that the file could have forged. Formats: Karras et al. 2019's `(G, D, Gs)`,
and the modules of stylegan2-ada-pytorch and stylegan3, which carry the source of their classes: it is read past.
"""

import pickle
import pickletools
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, ClassVar

from i2s_trt.checkpoints.other_networks import refuse_foreign
from i2s_trt.checkpoints.records import (
    ArrayRecord,
    Budget,
    DtypeRecord,
    ModuleRecord,
    NetworkRecord,
    StorageRecord,
    TensorRecord,
)
from i2s_trt.errors import CheckpointError

_REFUSED_OPCODES = frozenset({
    "PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "INST", "OBJ", "NEXT_BUFFER", "READONLY_BUFFER",
})  # fmt: skip
_HINT = "use the original .pkl from its publisher; i2s-trt executes nothing, so there is no way to force it"
OPCODES_MAX = 500_000  # a network has some 10,000
_NESTED_MAX = 20  # a network's tuples are nested two deep


class _Dict(dict[Any, Any]):
    """What stands for OrderedDict and EasyDict."""

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.update(state)


class _Function:
    """An inert stand-in for a global; refuses to be altered by the file."""

    __slots__ = ("_call",)

    def __init__(self, call: Any) -> None:
        self._call = call

    def __call__(self, *args: Any) -> Any:
        return self._call(*args)

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("the file tries to alter a function")


class _InertUnpickler(pickle.Unpickler):
    """The standard unpickler with every global replaced by a record, and all others refused."""

    _networks: ClassVar[set[str]] = {"dnnlib.tflib.network.Network"}

    def __init__(self, stream: IO[bytes], size: int) -> None:
        super().__init__(stream, encoding="latin1")
        self._text_budget, budget = Budget(size), Budget(size)
        self._storage_budget = Budget(size)
        numpy_functions = {
            "multiarray._reconstruct": _Function(lambda *_: ArrayRecord(budget)),
            "multiarray.scalar": _Function(lambda dtype, data: ArrayRecord(budget).fill(data, dtype, (), "C")),
            "numeric._frombuffer": _Function(lambda *state: ArrayRecord(budget).fill(*state)),
        }
        self._globals: dict[str, Any] = (
            {
                f"numpy.{core}.{name}": function
                for name, function in numpy_functions.items()
                for core in ("core", "_core")
            }
            | {
                "numpy.ndarray": _Function(lambda *_: ArrayRecord(budget)),
                "numpy.dtype": _Function(lambda code, *_: DtypeRecord(code)),
                "_codecs.encode": _Function(self._encode),
                "builtins.set": _Function(lambda *_: None),  # a module has an empty one, named below protocol 4
                "__builtin__.set": _Function(lambda *_: None),
                "collections.OrderedDict": _Dict,
                "dnnlib.util.EasyDict": _Dict,
                "torch_utils.persistence._reconstruct_persistent_obj": _Function(ModuleRecord),
                "torch.storage._load_from_bytes": _Function(self._storage),
                "torch._utils._rebuild_tensor_v2": _Function(lambda *view: TensorRecord(*view[:4])),
                "torch._utils._rebuild_parameter": _Function(lambda tensor, *_: tensor),
            }
        )

    def _storage(self, data: object) -> StorageRecord:
        if not isinstance(data, bytes):
            raise pickle.UnpicklingError("a tensor's storage is not bytes")
        self._storage_budget.spend(len(data))
        return StorageRecord(data)

    def _encode(self, text: str, encoding: str = "latin1") -> bytes:
        self._text_budget.spend(len(text))
        if encoding not in ("latin1", "latin-1"):
            raise pickle.UnpicklingError("bytes in a form that no network file has")
        return text.encode("latin1")

    def find_class(self, module: str, name: str) -> Any:
        key = f"{module}.{name}"
        if key in self._networks:
            return NetworkRecord
        if key not in self._globals:
            refuse_foreign(key)
            raise CheckpointError(f"refused to load {key}: no StyleGAN network needs it, and it could run code", _HINT)
        return self._globals[key]


class _Nesting:
    """Follows how deep tuples are nested: pairs of pairs of pairs are small, but take for ever to hash."""

    def __init__(self) -> None:
        self._stack: list[int | None] = []  # depth of each value; None for a mark
        self._memo: dict[int, int] = {}

    def follow(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """Take one step, as the unpickler will."""
        name = opcode.name
        if name.endswith("PUT") or name == "MEMOIZE":
            self._memo[len(self._memo) if name == "MEMOIZE" else int(argument)] = self._stack[-1] or 0
        elif name.endswith("GET"):
            self._stack.append(self._memo.get(int(argument), 0))
        else:
            inside = max(self._take(opcode), default=0)
            hashed_through = name.startswith(("TUPLE", "FROZENSET"))  # lists have no hash, records that of their place
            depth = inside + 1 if hashed_through else inside if name == "DUP" else 0
            if depth > _NESTED_MAX:
                raise CheckpointError(f"refused tuples nested {depth} deep, made to hang the reader", _HINT)
            self._stack.extend(None if after is pickletools.markobject else depth for after in opcode.stack_after)

    def _take(self, opcode: pickletools.OpcodeInfo) -> list[int]:
        """The depths of the values that an opcode consumes."""
        before, taken = list(opcode.stack_before), []
        if pickletools.markobject in before:
            while (depth := self._stack.pop()) is not None:
                taken.append(depth)
            before = before[: before.index(pickletools.markobject)]
        return taken + [self._stack.pop() or 0 for _ in before]


def read_pickle(path: Path) -> Any:
    """The tree of a network pickle, with records for networks, modules, arrays and tensors.

    Raises:
        CheckpointError: the file is hostile, truncated or not a network pickle.
    """
    try:
        with path.open("rb") as stream:
            _inspect(stream)
            stream.seek(0)
            return _InertUnpickler(stream, path.stat().st_size).load()
    except (CheckpointError, OSError):
        raise
    except Exception as error:  # unpickling a broken file can raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CheckpointError(
            f"the pickle is truncated or broken ({reason[:200]})", "download it again and compare its size and sha256"
        ) from error


def inspect_pickle(stream: IO[bytes]) -> None:
    """Walk over one pickle's opcodes without building anything, up to its end.

    Raises:
        CheckpointError: it was made to exhaust the memory or to hang its reader.
        ValueError: it is truncated or broken.
    """
    for _ in _walk(stream):
        pass


def _walk(stream: IO[bytes]) -> Iterator[tuple[pickletools.OpcodeInfo, Any]]:
    nesting = _Nesting()
    for number, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if number == OPCODES_MAX:
            raise CheckpointError(f"refused a pickle of more than {OPCODES_MAX} steps, made to hang the reader", _HINT)
        if opcode.name.endswith("PUT") and int(argument or 0) > number:  # the memo is as long as its highest index
            raise CheckpointError(f"refused memo index {argument}: the file was made to exhaust the memory", _HINT)
        yield opcode, argument
        nesting.follow(opcode, argument)


def _inspect(stream: IO[bytes]) -> None:
    """Refuse what no network's pickle contains."""
    for opcode, _ in _walk(stream):
        if opcode.name in _REFUSED_OPCODES:
            raise CheckpointError(f"refused the pickle opcode {opcode.name}, which no network file contains", _HINT)
