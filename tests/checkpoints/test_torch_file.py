"""Files of torch.save that were made to run code, to fill the memory or to hang: told what was refused, and quickly."""

import io
import os
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt import archives
from i2s_trt.checkpoints import safe_pickle
from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.checkpoints.torch_file import read_torch_file
from i2s_trt.checkpoints.vgg import load_vgg16
from i2s_trt.errors import CheckpointError, I2sError
from i2s_trt.latents import read_latents
from tests.checkpoints.builders import torch_file
from tests.checkpoints.hostile import LARGE, Reduced, inflating
from tests.checkpoints.opcodes import program

READERS: list[Callable[[Path], Any]] = [read_checkpoint, read_latents, load_vgg16]
ENOUGH = 32 * 2**20  # bytes of memory for refusing anything


def refused(reader: Callable[[Path], Any], path: Path) -> str:
    """The message of a refusal, for which hardly any memory was taken and after which no warning was shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tracemalloc.start()
        try:
            with pytest.raises(I2sError) as caught:
                reader(path)
            assert tracemalloc.get_traced_memory()[1] < ENOUGH
        finally:
            tracemalloc.stop()
    assert path.name in str(caught.value)
    return str(caught.value)


def repacked(path: Path, compression: int, **replaced: bytes) -> Path:
    """An archive packed anew, with other contents for the entries that end so."""
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, replaced.get(name.rpartition("/")[2].replace(".", "_"), data))
    return path


def zeros_bomb(path: Path) -> Path:
    """A small archive that inflates to 96 MiB of zeros."""
    path.write_bytes(inflating(torch_file({"w": torch.zeros(4)})))
    assert path.stat().st_size < 2**20
    return path


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("reader", READERS)
def test_what_would_run_is_named_and_nobody_is_told_to_run_it(
    reader: Callable[[Path], Any], legacy: bool, tmp_path: Path
) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(
        torch_file({"w": torch.zeros(2), "hook": Reduced(os.system, f"touch {tmp_path / 'executed'}")}, legacy=legacy)
    )
    message = refused(reader, path)
    assert "it needs posix.system, which is no tensor" in message
    assert "weights_only" not in message
    assert "safe_globals" not in message
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "body", [b"(lp0\nI1\na", b"\x95" + struct.pack("<Q", 1) + b"N", b"N"], ids=["old", "new", "none"]
)
def test_a_foreign_pickle_is_refused_without_advice_to_run_it(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(program(body))
    with pytest.raises(CheckpointError, match="restricted loader refused the file") as caught:
        read_torch_file(path)
    assert "weights_only" not in str(caught.value)


def test_a_torchscript_archive_is_refused_without_advice_to_run_it(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    for reader in READERS:
        assert "weights_only" not in refused(reader, path)


@pytest.mark.parametrize("reader", READERS)
def test_a_bomb_is_not_inflated(reader: Callable[[Path], Any], tmp_path: Path) -> None:
    assert "refused to inflate" in refused(reader, zeros_bomb(tmp_path / "net.pt"))


def npz_bomb(path: Path) -> Path:
    """The same for NumPy."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (LARGE // 4, 1)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("w.npy", header.getvalue() + bytes(LARGE))
    return path


def test_an_npz_bomb_is_not_inflated(tmp_path: Path) -> None:
    message = refused(read_latents, npz_bomb(tmp_path / "latents.npz"))
    assert "refused to inflate 0." in message
    assert "save it anew without compression" in message


@pytest.mark.parametrize("kind", ["pt", "npz"])
def test_sizes_that_lie_inflate_to_no_more_than_they_say(kind: str, tmp_path: Path) -> None:
    path = zeros_bomb(tmp_path / "net.pt") if kind == "pt" else npz_bomb(tmp_path / "net.npz")
    with zipfile.ZipFile(path) as archive:
        size = max(entry.file_size for entry in archive.infolist())
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<I", size), struct.pack("<I", 1000)))
    assert path.read_bytes() != data
    refused(read_latents, path)


def test_an_archive_that_two_readers_could_read_differently_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save({"w": torch.arange(9)}, path)
    with zipfile.ZipFile(path) as archive:
        assert archives.is_plain(archive)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"room for another directory"
    prefixed = tmp_path / "prefixed.pt"
    prefixed.write_bytes(b"PK\x03\x04 and more" + path.read_bytes())
    for odd in (path, prefixed):
        with zipfile.ZipFile(odd) as archive:
            assert not archives.is_plain(archive)
        assert torch.equal(read_torch_file(odd)["w"], torch.arange(9))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_large_files_without_compression_are_read(
    compression: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "INFLATED_FREE", 0)
    path = tmp_path / "net.pt"
    noise = torch.rand(100_000, generator=torch.Generator().manual_seed(1))
    torch.save({"w": noise}, path)
    assert torch.equal(read_torch_file(repacked(path, compression))["w"], noise)


@pytest.mark.parametrize("kind", ["pkl", "zip", "legacy"])
def test_a_pickle_of_very_many_steps_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_pickle, "OPCODES_MAX", 20_000)
    path = tmp_path / ("net.pkl" if kind == "pkl" else "net.pt")
    nested = b"\x80\x02" + b"]" * 20_000 + b"a" * 19_999 + b"."
    if kind == "zip":
        path.write_bytes(torch_file({}))
        repacked(path, zipfile.ZIP_STORED, data_pkl=nested)
    else:
        path.write_bytes(nested)
        if kind == "legacy":
            whole = torch_file({}, legacy=True)
            path.write_bytes(whole[: whole.index(b"\x80\x02}")] + nested)
    assert "refused a pickle of more than 20000 steps" in refused(read_checkpoint, path)


def test_tuples_nested_to_hang_pytorch_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(torch_file({}))
    pairs = b")" + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))
    repacked(path, zipfile.ZIP_STORED, data_pkl=b"\x80\x02}" + pairs + b"Ns.")
    assert "refused tuples nested 21 deep" in refused(read_checkpoint, path)
