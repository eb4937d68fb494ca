"""Pickles written opcode by opcode, as nobody's pickler would write them."""

import struct
from pathlib import Path

import pytest

from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.errors import CheckpointError
from tests.checkpoints.builders import Recipe

TINY = Recipe(channels=(2, 2), z_dim=2, w_dim=2, mapping_widths=())


def refused(folder: Path, data: bytes, marker: Path | None = None) -> str:
    """The message with which a file of these bytes is refused."""
    path = folder / "attack.pkl"
    path.write_bytes(data)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert marker is None or not marker.exists()
    assert str(path) in str(caught.value)
    return str(caught.value)


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def raw_bytes(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def call(module: str, name: str, *arguments: bytes) -> bytes:
    """Opcodes that call a global."""
    return named(module, name) + b"(" + b"".join(arguments) + b"tR"


def program(body: bytes) -> bytes:
    return b"\x80\x04" + body + b"."


DTYPE = call("numpy", "dtype", text("f4"))
EMPTY_ARRAY = call("numpy.core.multiarray", "_reconstruct", named("numpy", "ndarray"), b"K\x00\x85", raw_bytes(b"b"))


def array(shape: bytes, data: bytes, dtype: bytes = DTYPE) -> bytes:
    """Opcodes that build an array, forged or not."""
    return EMPTY_ARRAY + b"(K\x01" + shape + dtype + b"\x89" + raw_bytes(data) + b"tb"
