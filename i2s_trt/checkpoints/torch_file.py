"""Opens files of `torch.save` so that they run no code, fill no memory and hang no reader."""

import io
import re
import threading
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, BinaryIO

from i2s_trt.archives import is_plain, opened_archive, read_entry
from i2s_trt.checkpoints.records import OptionsRecord
from i2s_trt.checkpoints.safe_pickle import inspect_pickle
from i2s_trt.errors import CheckpointError

if TYPE_CHECKING:
    import torch

_REFUSED = "PyTorch's restricted loader refused the file"
_HINT = "download it again; if it holds more than tensors, save its state_dict alone"
_LOADING = threading.Lock()
_GLOBAL = re.compile(r"GLOBAL (\S+)")
_ZIP = b"PK\x03\x04"  # PyTorch tells the kinds apart by these bytes too
_LEGACY_PICKLES = 5  # magic number, protocol, machine, the tree, the names of its storages


def read_torch_file(path: Path) -> Any:
    """The tensors of a `.pt` or `.pth` file in their containers, on the CPU; a Namespace is an `OptionsRecord`.

    Raises:
        CheckpointError: damaged, or holding more than tensors, which is named; the message lacks the file's name.
        OSError: it cannot be read.
    """
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on files that are about to be refused
            with _harmless(path) as stream, _options_as_records():
                return torch.load(stream, map_location="cpu", weights_only=True)
    except (CheckpointError, OSError):
        raise
    except Exception as error:  # a broken or hostile file can raise anything
        raise CheckpointError(f"{_REFUSED} ({_reason(error)})", _HINT) from error


def read_tensors(path: Path) -> "dict[str, torch.Tensor]":
    """The tensors of a `.safetensors` file.

    Raises:
        CheckpointError: damaged.
        OSError: it cannot be read.
    """
    import safetensors
    import safetensors.torch

    try:
        return safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"it is no whole safetensors file ({str(error)[:120]})", "download it again") from error


def read_storage(data: bytes) -> "torch.Tensor":
    """The numbers of a storage that `torch.save` wrote in its old form, as modules' pickles hold them, in one row.

    Raises:
        CheckpointError: damaged, or something else than a storage of numbers.
    """
    import torch

    try:
        with io.BytesIO(data) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _inspect_legacy(stream, len(data))
            stream.seek(0)
            storage = torch.load(stream, map_location="cpu", weights_only=True)
            if not isinstance(storage, torch.TypedStorage):
                raise CheckpointError("a tensor of the module is not made of numbers", _HINT)
            return torch.tensor([], dtype=storage.dtype).set_(storage.untyped())  # type: ignore[no-untyped-call]
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"{_REFUSED} ({_reason(error)})", _HINT) from error


@contextmanager
def _options_as_records() -> Iterator[None]:
    """Trainings save their options as a Namespace. PyTorch's list of what it takes is the process's: one at a time."""
    from torch.serialization import safe_globals

    with _LOADING, safe_globals([(OptionsRecord, "argparse.Namespace")]):
        yield


def _reason(error: Exception) -> str:
    """What was refused, without PyTorch's advice to execute the file."""
    text = " ".join(str(error).split())
    if found := _GLOBAL.search(text):
        return f"it needs {found[1]}, which is no tensor: reading it could run code"
    if isinstance(error, UnpicklingError) or "weights_only" in text:
        return "it holds more than tensors, or is damaged: reading it could run code"
    return text[:200]


@contextmanager
def _harmless(path: Path) -> Iterator[BinaryIO]:
    """The file, its pickles inspected and its archive counted; one that is compressed as a plain copy in memory."""
    with path.open("rb") as stream:
        is_archive = stream.read(len(_ZIP)) == _ZIP
        stream.seek(0)
        if is_archive:
            with opened_archive(path) as archive:
                _inspect_tree(archive)
                yield stream if is_plain(archive) else _plain_copy(archive)
        else:
            _inspect_legacy(stream, path.stat().st_size)
            stream.seek(0)
            yield stream


def _inspect_tree(archive: zipfile.ZipFile) -> None:
    for entry in archive.infolist():
        if entry.filename.endswith("data.pkl"):
            inspect_pickle(io.BytesIO(read_entry(archive, entry)))


def _inspect_legacy(stream: BinaryIO, size: int) -> None:
    for _ in range(_LEGACY_PICKLES):
        if stream.tell() < size:
            inspect_pickle(stream)


def _plain_copy(archive: zipfile.ZipFile) -> BinaryIO:
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as plain:
        for entry in archive.infolist():
            plain.writestr(entry.filename, read_entry(archive, entry))
    copy.seek(0)
    return copy
