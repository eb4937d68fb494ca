"""Small pickles made to fill the memory or to hang their reader."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.modules.module import register_module_forward_hook

from i2s_trt.checkpoints.read import read_checkpoint
from tests.checkpoints.builders import dumps, network, static_kwargs, tf_variables
from tests.checkpoints.opcodes import DTYPE, TINY, array, named, number, program, raw_bytes, refused, text
from tests.checkpoints.reference_stylegan2 import Recipe2, raw_state
from tests.checkpoints.writers_stylegan2 import ada_state_file

MOST = 10_000 * 1024  # numbers of all samples at once, in a network of usual widths


@pytest.mark.parametrize("wide", ["between", "z", "labels"])
def test_a_mapping_network_that_is_wide_takes_no_more_memory_than_a_usual_one(wide: str, tmp_path: Path) -> None:
    """The file is small, and the mean latent that it lacks an average over 10,000 samples."""
    width, state = 3000, raw_state(Recipe2())
    del state["mapping.w_avg"]
    z_dim, last = state["mapping.fc0.weight"].shape[1], state["mapping.fc1.weight"].shape[0]
    if wide == "between":
        state |= {"mapping.fc0.weight": torch.randn(width, z_dim), "mapping.fc0.bias": torch.zeros(width)}
        state["mapping.fc1.weight"] = torch.randn(last, width)
    elif wide == "z":
        state["mapping.fc0.weight"] = torch.randn(len(state["mapping.fc0.weight"]), width)
    else:
        state |= {"mapping.embed.weight": torch.randn(4, width), "mapping.embed.bias": torch.zeros(4)}
        state["mapping.fc0.weight"] = torch.randn(len(state["mapping.fc0.weight"]), z_dim + 4)
    (tmp_path / "net.pt").write_bytes(ada_state_file(state))
    seen: list[int] = []

    def look(_module: torch.nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen.extend(one.numel() for one in (*inputs, output))

    hook = register_module_forward_hook(look)
    try:
        found = read_checkpoint(tmp_path / "net.pt").weights
    finally:
        hook.remove()
    assert 0 < max(seen) <= MOST
    assert torch.isfinite(found.tensors["mean_w"]).all()


def test_huge_shape_with_little_data(tmp_path: Path) -> None:
    message = refused(tmp_path, program(array(number(2**31 - 1) * 2 + b"\x86", bytes(16))))
    assert "truncated or broken" in message


@pytest.mark.parametrize("index", [10**6, 2**31 - 1])
def test_huge_memo_index(index: int, tmp_path: Path) -> None:
    message = refused(tmp_path, program(b"Nr" + struct.pack("<I", index)))
    assert f"refused memo index {index}: the file was made to exhaust the memory" in message


def test_huge_memo_index_as_text(tmp_path: Path) -> None:
    assert "refused memo index 99999999999" in refused(tmp_path, program(b"Np99999999999\n"))


def test_text_that_unfolds_again_and_again(tmp_path: Path) -> None:
    encode = b"h\x00h\x01\x86"
    body = text("x" * 10_000) + b"q\x00" + text("latin1") + b"q\x01" + named("_codecs", "encode") + b"q\x02"
    message = refused(tmp_path, program(body + (b"h\x02" + encode + b"R") * 1000))
    assert "repeats itself to exhaust the memory" in message


def test_one_piece_of_data_in_many_arrays(tmp_path: Path) -> None:
    body = (
        raw_bytes(bytes(40_000)) + b"q\x00" + DTYPE + b"q\x01" + named("numpy.core.numeric", "_frombuffer") + b"q\x02"
    )
    again = b"h\x02(h\x00h\x01" + number(10_000) + b"\x85" + text("C") + b"tR"
    assert "repeats itself to exhaust the memory" in refused(tmp_path, program(body + again * 100))


@pytest.mark.parametrize("opcode", [b"\x8d", b"\x8e", b"\x95", b"\x96"], ids=["text", "bytes", "frame", "bytearray"])
@pytest.mark.parametrize("length", [2**33, 2**62, 2**64 - 1])
def test_length_beyond_the_file(opcode: bytes, length: int, tmp_path: Path) -> None:
    assert "truncated or broken" in refused(tmp_path, program(opcode + struct.pack("<Q", length) + b"short"))


@pytest.mark.parametrize("depth", [25, 60])
@pytest.mark.parametrize("use", [b"N\x94s0", b"\x91"], ids=["key", "frozenset"])
def test_tuples_nested_to_hang(use: bytes, depth: int, tmp_path: Path) -> None:
    pairs = b")" + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(depth))
    body = b"(" + pairs + use if use == b"\x91" else b"}" + pairs + use
    assert "refused tuples nested 21 deep" in refused(tmp_path, program(body))


@pytest.mark.parametrize("place", ["name", "option", "builder", "blur"])
def test_nested_tuples_are_never_printed(place: str, tmp_path: Path) -> None:
    bomb: Any = ()
    for _ in range(12):
        bomb = [(bomb, bomb)] * 1000
    kwargs = static_kwargs(TINY) | {"option": {"num_channels": bomb}, "blur": {"blur_filter": bomb}}.get(place, {})
    gs = network(tf_variables(TINY), kwargs)
    if place == "name":
        gs.state["variables"].append((bomb, np.float32(1)))
    if place == "builder":
        gs.state |= {"build_func_name": bomb, "components": {}}
    refused(tmp_path, dumps(gs))
