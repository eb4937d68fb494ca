"""Reads TensorFlow-era network pickles without executing anything in them.

A pickle is a program. This reader first walks over its opcodes, refusing those no network needs, and then lets the
standard unpickler build the tree with inert records in place of every class and function: nothing the file names is
imported, and NumPy never sees a state that the file could have forged. Formats: Karras et al. 2019's `(G, D, Gs)`.
"""

import pickle
import pickletools
import re
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np

from i2s_trt.errors import CheckpointError

_REFUSED_OPCODES = frozenset({
    "PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "INST", "OBJ", "NEXT_BUFFER", "READONLY_BUFFER",
})  # fmt: skip
_DTYPE = re.compile(r"[<>|=]?(f[248]|[iu][1248]|b1|\?)")
_MEND = "use the original .pkl from its publisher; i2s-trt executes nothing, so there is no way to force it"
_PERSISTENCE = "torch_utils.persistence"
_STYLEGAN3_MARKS = re.compile(r"SynthesisInput|^L\d+_\d+_\d+$|^phases$|^magnitude_ema|^num_critical$|stylegan3")


class NetworkRecord:
    """What stands for a `dnnlib` Network: the dictionary it was saved with."""

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("a network's state is not a dictionary")
        self.state: dict[str, Any] = state


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


class ArrayRecord:
    """What stands for a NumPy array; `array` holds it once its state has arrived."""

    array: np.ndarray[Any, Any]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        self.array = _array(data, dtype, shape, "F" if fortran else "C")


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


def _array(data: Any, dtype: Any, shape: Any, order: str) -> np.ndarray[Any, Any]:
    if not isinstance(dtype, DtypeRecord) or not isinstance(data, bytes | bytearray):
        raise pickle.UnpicklingError("an array's state is not bytes and a dtype")
    return np.frombuffer(data, dtype.numpy()).reshape(shape, order="F" if order == "F" else "C")


def _from_buffer(data: Any, dtype: Any, shape: Any, order: str) -> ArrayRecord:
    record = ArrayRecord()
    record.array = _array(data, dtype, shape, order)
    return record


def _scalar(dtype: Any, data: Any) -> ArrayRecord:
    return _from_buffer(data, dtype, (), "C")


class _InertUnpickler(pickle.Unpickler):
    """The standard unpickler with every global replaced by a record, and all others refused."""

    _networks: ClassVar[set[str]] = {"dnnlib.tflib.network.Network"}

    def __init__(self, stream: IO[bytes], size: int) -> None:
        super().__init__(stream, encoding="latin1")
        self._bytes_left = 2 * size  # of protocol 2's text, so that a short file cannot unfold into a huge one
        numpy_functions = {
            "multiarray._reconstruct": _Function(lambda *_: ArrayRecord()),
            "multiarray.scalar": _Function(_scalar),
            "numeric._frombuffer": _Function(_from_buffer),
        }
        self._globals: dict[str, Any] = {
            f"numpy.{core}.{name}": function for name, function in numpy_functions.items() for core in ("core", "_core")
        } | {
            "numpy.ndarray": _Function(lambda *_: ArrayRecord()),
            "numpy.dtype": _Function(lambda code, *_: DtypeRecord(code)),
            "_codecs.encode": _Function(self._encode),
            "collections.OrderedDict": _Dict,
            "dnnlib.util.EasyDict": _Dict,
        }

    def _encode(self, text: str, encoding: str = "latin1") -> bytes:
        self._bytes_left -= len(text)
        if encoding not in ("latin1", "latin-1") or self._bytes_left < 0:
            raise pickle.UnpicklingError("bytes in a form that no network file has")
        return text.encode("latin1")

    def find_class(self, module: str, name: str) -> Any:
        key = f"{module}.{name}"
        if key in self._networks:
            return NetworkRecord
        if key not in self._globals:
            raise CheckpointError(f"refused to load {key}: no StyleGAN1 network needs it, and it could run code", _MEND)
        return self._globals[key]


def read_pickle(path: Path) -> Any:
    """The tree of a network pickle, with records for networks and arrays.

    Raises:
        CheckpointError: the file is hostile, truncated or not a network pickle, or holds a PyTorch StyleGAN2 or 3.
    """
    try:
        with path.open("rb") as stream:
            _inspect(stream)
            stream.seek(0)
            return _InertUnpickler(stream, path.stat().st_size).load()
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error.args[0]}", error.mend) from error
    except OSError:
        raise
    except Exception as error:  # unpickling a broken file can raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CheckpointError(
            f"{path}: the pickle is truncated or broken ({reason})", "download it again and compare its size and sha256"
        ) from error


def _inspect(stream: IO[bytes]) -> None:
    """Walk over the opcodes without building anything."""
    persistent, stylegan3 = False, False
    for number, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if opcode.name in _REFUSED_OPCODES:
            raise CheckpointError(f"refused the pickle opcode {opcode.name}, which no network file contains", _MEND)
        if opcode.name.endswith("PUT") and int(argument or 0) > number:  # a huge memo index would exhaust the memory
            raise CheckpointError(f"refused memo index {argument}: the file was made to exhaust the memory", _MEND)
        if isinstance(argument, str):
            persistent = persistent or argument.startswith(_PERSISTENCE)
            stylegan3 = stylegan3 or bool(_STYLEGAN3_MARKS.search(argument))
    if persistent:
        kind = "StyleGAN3" if stylegan3 else "StyleGAN2-ADA (PyTorch)"
        raise CheckpointError(
            f"this is a {kind} network; i2s-trt embeds into StyleGAN1",
            "use a StyleGAN1 checkpoint, for example: i2s-trt models pull ffhq",
        )
