"""rosinality's files that are hostile, truncated or mismatched, converted and trained: refused, and run nothing."""

import argparse
import builtins
import functools
import os
import pickle
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from i2s_trt.checkpoints.read import read_checkpoint
from tests.checkpoints.hostile import LARGE, Reduced, inflating
from tests.checkpoints.opcodes import refused
from tests.checkpoints.reference_stylegan2 import Recipe2, raw_state
from tests.checkpoints.writers_stylegan2 import rosinality_file, rosinality_state

TINY = Recipe2(channels=(2, 2), z_dim=4, w_dim=4, mapping_layers=1)
STATE = raw_state(TINY)
ALONE = "hint: download it again; if it holds more than tensors, save its state_dict alone"
INCOMPLETE = "hint: the file is incomplete, or another network's: download it again"
OTHER = "hint: use a StyleGAN1 or StyleGAN2 checkpoint"
BROKEN = "PyTorch's restricted loader refused the file"
CONV = "convs.1.conv.weight"
ORIGINS = pytest.mark.parametrize("converted", [True, False], ids=["converted", "trained"])
CONTAINERS = pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
file = functools.partial(rosinality_file, TINY, STATE)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """The file that an attack would make."""
    return tmp_path / "executed"


@ORIGINS
@CONTAINERS
@pytest.mark.parametrize("place", ["tensor", "entry", "mean", "options", "option", "optimiser"])
def test_a_pickle_that_would_run(place: str, legacy: bool, converted: bool, tmp_path: Path, marker: Path) -> None:
    attack = Reduced(os.system, f"touch {marker}")
    places: dict[str, dict[str, Any]] = {
        "tensor": {"changed": {CONV: attack}}, "entry": {"changed": {"hook": attack}}, "mean": {"latent_avg": attack},
        "options": {"args": attack}, "option": {"args": argparse.Namespace(size=attack)},
        "optimiser": {"g_optim": attack},
    }  # fmt: skip
    message = refused(tmp_path, file(converted=converted, legacy=legacy, **places[place]), marker)
    assert f"{BROKEN} (it needs posix.system, which is no tensor: reading it could run code)" in message
    assert ALONE in message


@ORIGINS
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (builtins.eval, "eval"), (builtins.exec, "exec"), (subprocess.Popen, "commands.Popen"),
        (pickle.loads, "pickle.loads"), (np.load, "numpy.load"), (torch.load, "torch.serialization.load"),
        (torch.hub.load, "torch.hub.load"), (argparse.FileType, "argparse.FileType"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_foreign_global_is_refused_by_name(
    function: Callable[..., Any], name: str, converted: bool, tmp_path: Path, marker: Path
) -> None:
    message = refused(tmp_path, file(converted=converted, hook=Reduced(function, f"touch {marker}")), marker)
    assert f"{name}, which is no tensor: reading it could run code" in message
    assert ALONE in message


def test_what_would_run_does_where_it_is_executed(marker: Path) -> None:
    pickle.loads(pickle.dumps(Reduced(os.system, f"touch {marker}")))
    assert marker.exists()


@CONTAINERS
@pytest.mark.parametrize(
    "options",
    [
        Reduced(argparse.Namespace, "text"), Reduced(argparse.Namespace, {"size": 8}),
        *(Reduced(argparse.Namespace, state=state) for state in ("text", [1], (None, {"__class__": dict}), 5)),
    ],
    ids=["called", "called with a dict", "text", "list", "slots", "number"],
)  # fmt: skip
def test_options_that_are_no_dictionary(options: Reduced, legacy: bool, tmp_path: Path) -> None:
    message = refused(tmp_path, file(converted=False, legacy=legacy, args=options))
    assert BROKEN in message
    assert ALONE in message


@ORIGINS
def test_an_archive_that_inflates_to_fill_the_memory(converted: bool, tmp_path: Path) -> None:
    data = inflating(file(converted=converted))
    assert len(data) < LARGE // 50
    tracemalloc.start()
    message = refused(tmp_path, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LARGE // 4
    assert "MiB to 96.0 MiB: the file was made to exhaust the memory" in message
    assert "hint: if you trust where it comes from, save it anew without compression" in message


@ORIGINS
@CONTAINERS
@pytest.mark.parametrize("place", [CONV, "latent_avg"])
def test_one_number_as_a_tensor_of_very_many(place: str, legacy: bool, converted: bool, tmp_path: Path) -> None:
    many = torch.zeros(1).expand(10**11, 4)
    places: dict[str, dict[str, Any]] = {CONV: {"changed": {CONV: many}}, "latent_avg": {"latent_avg": many}}
    message = refused(tmp_path, file(converted=converted, legacy=legacy, **places[place]))
    assert f"the tensor {place} is not a plain array of numbers" in message
    assert OTHER in message


@ORIGINS
def test_one_tensor_under_many_names(converted: bool, tmp_path: Path) -> None:
    """Each of them would be laid out as a bias of its own."""
    wide = torch.zeros(100, 400).T
    data = file(converted=converted, changed={f"convs.{i}.activate.bias": wide for i in range(2, 300)})
    assert len(data) < 2 * wide.nbytes
    message = refused(tmp_path, data)
    assert "it repeats the same numbers to exhaust the memory" in message
    assert OTHER in message


@ORIGINS
@pytest.mark.parametrize(
    ("value", "words", "hint"),
    [
        (np.zeros((1, 2, 2, 3, 3), "f4"), "numpy._core.multiarray._reconstruct, which is no tensor", ALONE),
        (np.array([None]), "numpy._core.multiarray._reconstruct, which is no tensor", ALONE),
        ([1.0], "lacks the tensor that becomes 'synthesis.layers.2.weight'", INCOMPLETE),
        ("text", "lacks the tensor that becomes 'synthesis.layers.2.weight'", INCOMPLETE),
        ({"a": 1}, "lacks the tensor that becomes 'synthesis.layers.2.weight'", INCOMPLETE),
        (torch.zeros(1, 2, 2, 3, 3).to_sparse(), f"the tensor {CONV} is not a plain array of numbers", OTHER),
        (
            torch.zeros(1, 2, 2, 3, 3, dtype=torch.complex64),
            f"the tensor {CONV} is not a plain array of numbers",
            OTHER,
        ),
        (torch.zeros(1, 2, 2, 3, 3, device="meta"), f"the tensor {CONV} is not a plain array of numbers", OTHER),
    ],
    ids=["array", "objects", "list", "text", "dict", "sparse", "complex", "meta"],
)
def test_a_tensor_that_is_something_else(value: Any, words: str, hint: str, converted: bool, tmp_path: Path) -> None:
    message = refused(tmp_path, file(converted=converted, changed={CONV: value}))
    assert words in message
    assert hint in message


@ORIGINS
@CONTAINERS
def test_truncated_anywhere(legacy: bool, converted: bool, tmp_path: Path) -> None:
    whole = file(converted=converted, legacy=legacy)
    for length in range(20, len(whole) - 1, len(whole) // 25):
        message = refused(tmp_path, whole[:length])
        assert BROKEN in message
        assert ALONE in message


@ORIGINS
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (CONV, None, "lacks the tensor that becomes 'synthesis.layers.2.weight'"),
        ("input.input", None, "lacks the tensor that becomes 'synthesis.const'"),
        ("to_rgbs.0.bias", None, "lacks the tensor that becomes 'synthesis.to_rgb.1.bias'"),
        ("to_rgb1.conv.weight", None, "synthesis.to_rgb.0.style.weight has shape [2, 4]; this architecture has none"),
        ("convs.1.noise.weight", None, "lacks the tensor that becomes 'synthesis.layers.2.noise_weight'"),
        ("convs.1.activate.bias", None, "2 styled layers and 1 mapping layers do not make a StyleGAN2 generator"),
        ("conv1.activate.bias", None, "0 styled layers and 1 mapping layers do not make a StyleGAN2 generator"),
        ("style.1.weight", None, "3 styled layers and 0 mapping layers do not make a StyleGAN2 generator"),
        ("style.1.bias", None, "lacks the tensor that becomes 'mapping.dense.0.bias'"),
        ("style.1.weight", torch.zeros(5, 4), "the mapping network ends with 5 values, not 4"),
        (CONV, torch.zeros(1, 2, 2, 5, 5), "has shape [2, 2, 5, 5]; this architecture has [2, 2, 3, 3]"),
        (CONV, torch.zeros(2, 2, 2, 3, 3), "has shape [2, 2, 2, 3, 3]; this architecture has [2, 2, 3, 3]"),
        ("convs.1.noise.weight", torch.zeros(2), "has shape [2]; this architecture has [1]"),
        ("convs.3.activate.bias", torch.zeros(2), "this architecture has none at all"),
        ("noises.noise_1", torch.zeros(1, 1, 4, 4), "has shape [1, 1, 4, 4]; this architecture has [1, 1, 8, 8]"),
        ("to_rgbs.0.bias", torch.zeros(1, 12, 1, 1), "has shape [12]; this architecture has [3]"),
        (CONV, torch.zeros(1, 2, 2, 3, 3, dtype=torch.int32), "is made of int32, where floating-point numbers belong"),
        (CONV, torch.zeros(1, 2, 2, 3, 3, dtype=torch.bool), "is made of bool, where floating-point numbers belong"),
    ],
)  # fmt: skip
def test_tensors_that_do_not_fit(name: str, value: Any, words: str, converted: bool, tmp_path: Path) -> None:
    message = refused(tmp_path, file(converted=converted, changed={name: value}))
    assert words in message
    assert INCOMPLETE in message


@ORIGINS
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize(
    "name", [CONV, "input.input", "style.1.bias", "noises.noise_2", "to_rgb1.conv.modulation.bias"]
)
def test_values_that_are_no_numbers(name: str, value: float, converted: bool, tmp_path: Path) -> None:
    odd = rosinality_state(TINY, STATE)[name].clone()
    odd.view(-1)[-1] = value
    message = refused(tmp_path, file(converted=converted, changed={name: odd}))
    assert "holds values that are not finite" in message
    assert "hint: the training diverged, or the file is damaged: take another one" in message


@pytest.mark.parametrize(
    ("mean", "words"),
    [
        (torch.zeros(5), "the file's mean latent has 5 values, where 4 belong, or those of 4 rows"),
        (torch.zeros(8), "the file's mean latent has 8 values, where 4 belong, or those of 4 rows"),
        (torch.zeros(3, 4), "the file's mean latent has 12 values, where 4 belong"),
        (torch.zeros(0), "the file's mean latent has 0 values, where 4 belong"),
        (torch.zeros(4, dtype=torch.int64), "becomes mean_w is made of int64, where floating-point numbers belong"),
        (torch.tensor([0, 0, 0, torch.nan]), "becomes mean_w holds values that are not finite"),
        (torch.full((4, 4), torch.inf), "becomes mean_w holds values that are not finite"),
        (torch.zeros(4).to_sparse(), "the tensor latent_avg is not a plain array of numbers"),
    ],
    ids=["width", "two rows", "three rows", "none", "integers", "nan", "infinite", "sparse"],
)
def test_a_mean_latent_that_does_not_fit(mean: Tensor, words: str, tmp_path: Path) -> None:
    message = refused(tmp_path, file(latent_avg=mean))
    assert words in message
    assert "hint: " in message


ROW = torch.tensor([1.0, 3, 3, 1])
KERNEL = torch.outer(ROW, ROW) / 16


@ORIGINS
@pytest.mark.parametrize(
    "kernel",
    [torch.eye(4), torch.zeros(4, 4), torch.full((4, 4), torch.nan), KERNEL / 4, KERNEL[:3, :3], ROW, KERNEL[None],
     torch.outer(ROW, torch.tensor([1.0, 2, 3, 1])) * 4 / 56, torch.outer(torch.tensor([1.0, -1, 1, -1]), ROW)],
    ids=["diagonal", "zeros", "nan", "gain", "three", "row", "deep", "two rows", "no gain"],
)  # fmt: skip
def test_a_filter_that_is_none(kernel: Tensor, converted: bool, tmp_path: Path) -> None:
    message = refused(tmp_path, file(converted=converted, changed={"convs.0.conv.blur.kernel": kernel}))
    assert "this network was trained with a resampling filter that is not a row of four numbers" in message
    assert OTHER in message


@ORIGINS
def test_filters_that_differ(converted: bool, tmp_path: Path) -> None:
    other = torch.outer(torch.ones(4), torch.ones(4)) / 4
    message = refused(tmp_path, file(converted=converted, changed={"to_rgbs.0.upsample.kernel": other}))
    assert "to_rgbs.0.upsample.kernel is another filter than convs.0.conv.blur.kernel; a network has one" in message
    assert OTHER in message


@pytest.mark.parametrize("wrap", [dict, argparse.Namespace], ids=["dict", "namespace"])
@pytest.mark.parametrize(
    ("options", "words", "hint"),
    [
        (
            {"size": 16},
            "the file says resolution 16 and holds the tensors of 8",
            "its parts belong to different networks",
        ),
        ({"size": "8"}, "the file says resolution '8' and holds the tensors of 8", "download it again"),
        ({"arch": "swagan"}, "this is a network of the architecture 'swagan', no StyleGAN2", OTHER),
        ({"arch": 3}, "this is a network of the architecture '3', no StyleGAN2", OTHER),
    ],
    ids=["size", "text", "architecture", "number"],
)
def test_options_of_another_network(
    options: dict[str, Any], words: str, hint: str, wrap: Callable[..., Any], tmp_path: Path
) -> None:
    message = refused(tmp_path, file(converted=False, args=wrap(**options)))
    assert words in message
    assert hint in message


@CONTAINERS
@pytest.mark.parametrize("args", [{}, {"size": 8}, argparse.Namespace(), [1], None, 5], ids=repr)
def test_a_training_without_a_mean_latent_is_read_and_says_so(args: Any, legacy: bool, tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(file(converted=False, legacy=legacy, args=args))
    found = read_checkpoint(tmp_path / "net.pt")
    assert found.notes == ("the mean latent was not in the file; averaged over 10000 samples of seed 0",)
    assert torch.isfinite(found.weights.tensors["mean_w"]).all()


def test_a_mean_latent_for_every_row_is_averaged(tmp_path: Path) -> None:
    rows = torch.arange(16.0).view(4, 4)
    (tmp_path / "net.pt").write_bytes(file(latent_avg=rows))
    assert torch.equal(read_checkpoint(tmp_path / "net.pt").weights.tensors["mean_w"], rows.mean(dim=0))
