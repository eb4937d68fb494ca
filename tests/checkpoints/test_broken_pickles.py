"""Pickles that are truncated, damaged or laid out as something else."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.errors import CheckpointError
from tests.checkpoints.builders import dumps, network, network_pickle, old_numpy, static_kwargs, tf_variables
from tests.checkpoints.opcodes import (
    TINY,
    refused,
)


@pytest.mark.parametrize("change", ["components", "variables", "static_kwargs", "version"])
@pytest.mark.parametrize("value", [[1, 2], "text", {"a": 1}, 7.5], ids=str)
def test_network_of_the_wrong_layout(change: str, value: Any, tmp_path: Path) -> None:
    gs = network(tf_variables(TINY), static_kwargs(TINY))
    gs.state[change] = value
    path = tmp_path / "net.pkl"
    path.write_bytes(dumps(gs))
    try:
        read_checkpoint(path)
    except CheckpointError as error:
        assert "net.pkl" in str(error)  # noqa: PT017 - unknown options are harmless, so some are read


def test_component_that_is_no_network(tmp_path: Path) -> None:
    gs = network(tf_variables(TINY), static_kwargs(TINY), components={"synthesis": {}})
    assert "a component of the network is not a network" in refused(tmp_path, dumps(gs))


@pytest.mark.parametrize("tree", [None, 5, "text", [1, 2, 3], (1, 2, 3), (None, None)], ids=str)
def test_pickle_of_something_else(tree: Any, tmp_path: Path) -> None:
    assert "the pickle holds no (G, D, Gs) networks" in refused(tmp_path, dumps(tree))


@pytest.mark.parametrize("tree", [{}, {"G": None}, {"G_ema": {}}, {"G_ema": 5}], ids=str)
def test_dictionary_of_something_else(tree: Any, tmp_path: Path) -> None:
    assert "the pickle holds no generator named G_ema" in refused(tmp_path, dumps(tree))


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_truncated_anywhere(protocol: int, tmp_path: Path) -> None:
    whole = network_pickle(TINY, protocol)
    for length in range(1, len(whole) - 1, len(whole) // 60):
        assert "truncated or broken" in refused(tmp_path, whole[:length])


WHOLE = {protocol: network_pickle(TINY, protocol) for protocol in (2, 4, 5)} | {0: old_numpy(network_pickle(TINY, 2))}


@settings(max_examples=150)
@given(data=st.data())
def test_flipped_bytes(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = bytearray(WHOLE[data.draw(st.sampled_from(sorted(WHOLE)))])
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(1, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "flipped.pkl"
    path.write_bytes(bytes(whole))
    try:
        read_checkpoint(path)
    except CheckpointError as error:
        assert error.hint or "flipped.pkl" in str(error)  # noqa: PT017


@settings(max_examples=100)
@given(body=st.binary(max_size=200))
def test_random_bytes(body: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "random.pkl"
    path.write_bytes(b"\x80\x04" + body)
    with pytest.raises(CheckpointError):
        read_checkpoint(path)
