"""TensorFlow's StyleGAN2 pickles that are hostile, truncated or mismatched: each is refused, and none runs anything."""

import builtins
import importlib
import os
import pickle
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt.checkpoints.read import read_checkpoint
from tests.checkpoints.hostile import Reduced
from tests.checkpoints.opcodes import refused
from tests.checkpoints.reference_stylegan2 import Recipe2, raw_state
from tests.checkpoints.writers_stylegan2 import EXECUTED, SOURCE, tf_pickle

TINY = Recipe2(channels=(2, 2), z_dim=3, w_dim=4, mapping_layers=1)
STATE = raw_state(TINY)
AGAIN, INCOMPLETE = "hint: download it again", "hint: the file is incomplete, or another network's: download it again"
OTHER, ORIGINAL = "hint: use a StyleGAN1 or StyleGAN2 checkpoint", "hint: use the original .pkl from its publisher"
VERSIONS = pytest.mark.parametrize("version", [4, 5])
CONV = "synthesis/8x8/Conv1/weight"


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """The file that an attack would make."""
    return tmp_path / "executed"


@VERSIONS
@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("place", ["option", "variable", "discriminator", "version"])
def test_an_attack_within_a_whole_network(
    place: str, protocol: int, version: int, tmp_path: Path, marker: Path
) -> None:
    attack = Reduced(os.system, f"touch {marker}")
    places: dict[str, dict[str, Any]] = {
        "option": {"hook": attack}, "variable": {"changed": {"synthesis/hook": attack}},
        "discriminator": {"discriminator": attack}, "version": {"version": attack},
    }  # fmt: skip
    data = tf_pickle(TINY, STATE, **{"version": version, "protocol": protocol, **places[place]})
    message = refused(tmp_path, data, marker)
    assert "refused to load posix.system: no StyleGAN network needs it, and it could run code" in message
    assert ORIGINAL in message


@VERSIONS
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (builtins.eval, "builtins.eval"), (builtins.exec, "builtins.exec"), (builtins.getattr, "builtins.getattr"),
        (importlib.import_module, "importlib.import_module"), (subprocess.Popen, "subprocess.Popen"),
        (pickle.loads, "_pickle.loads"), (torch.load, "torch.serialization.load"), (np.load, "numpy.load"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_foreign_global_is_refused_by_name(
    function: Callable[..., Any], name: str, version: int, tmp_path: Path, marker: Path
) -> None:
    data = tf_pickle(TINY, STATE, version=version, hook=Reduced(function, f"touch {marker}"))
    message = refused(tmp_path, data, marker)
    assert f"refused to load {name}" in message
    assert ORIGINAL in message


@VERSIONS
def test_the_source_of_a_network_is_not_looked_at(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(EXECUTED, raising=False)
    data = tf_pickle(TINY, STATE, version=version)
    assert data.count(SOURCE.encode()) == 1  # the pickler remembers it
    (tmp_path / "net.pkl").write_bytes(data)
    assert read_checkpoint(tmp_path / "net.pkl").weights.spec.resolution == 8
    assert EXECUTED not in os.environ


@VERSIONS
@pytest.mark.parametrize(
    ("value", "words", "hint"),
    [
        (np.array([None, 1]), "an array's state is not bytes and a dtype", AGAIN),
        (np.array(["a", "b"]), "'<U1' is not made of numbers", AGAIN),
        (np.array([b"a"]), "'|S1' is not made of numbers", AGAIN),
        (np.zeros(2, "f4,i4"), "is not made of numbers", AGAIN),
        (np.zeros((3, 3, 2, 2), "c8"), "'<c8' is not made of numbers", AGAIN),
        ({"a": 1}, "a variable of network 'synthesis' is not a named array", OTHER),
        ([1.0, 2.0], "a variable of network 'synthesis' is not a named array", OTHER),
        ("text", "a variable of network 'synthesis' is not a named array", OTHER),
        (5, "a variable of network 'synthesis' is not a named array", OTHER),
    ],
    ids=["objects", "texts", "bytes", "records", "complex", "dict", "list", "text", "number"],
)
def test_a_tensor_that_is_something_else(value: Any, words: str, hint: str, version: int, tmp_path: Path) -> None:
    message = refused(tmp_path, tf_pickle(TINY, STATE, version=version, changed={CONV: value}))
    assert words in message
    assert hint in message


@VERSIONS
def test_one_array_under_many_names(version: int, tmp_path: Path) -> None:
    """Some 100 KiB, each name of which would be laid out as a tensor of its own."""
    array = np.zeros((1, 1, 160, 160), "f4")
    data = tf_pickle(TINY, STATE, version=version, changed={f"synthesis/noise{i}": array for i in range(300)})
    assert len(data) < 2 * array.nbytes
    message = refused(tmp_path, data)
    assert "it repeats the same numbers to exhaust the memory" in message
    assert OTHER in message


@VERSIONS
@pytest.mark.parametrize("protocol", [2, 4])
def test_truncated_anywhere(protocol: int, version: int, tmp_path: Path) -> None:
    whole = tf_pickle(TINY, STATE, version=version, protocol=protocol)
    for length in range(2, len(whole) - 1, len(whole) // 25):
        message = refused(tmp_path, whole[:length])
        assert "the pickle is truncated or broken" in message
        assert "hint: download it again and compare its size and sha256" in message


def test_all_but_the_last_byte(tmp_path: Path) -> None:
    assert "the pickle is truncated or broken" in refused(tmp_path, tf_pickle(TINY, STATE)[:-1])


@VERSIONS
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (CONV, None, "lacks the tensor that becomes 'synthesis.layers.2.weight'"),
        ("synthesis/4x4/Const/const", None, "lacks the tensor that becomes 'synthesis.const'"),
        ("synthesis/8x8/ToRGB/bias", None, "lacks the tensor that becomes 'synthesis.to_rgb.1.bias'"),
        ("synthesis/8x8/ToRGB/mod_weight", None, "lacks the tensor that becomes 'synthesis.to_rgb.1.style.weight'"),
        ("synthesis/4x4/Conv/mod_weight", None, "lacks the tensor that becomes 'synthesis.layers.0.style.weight'"),
        ("synthesis/8x8/Conv1/noise_strength", None, "lacks the tensor that becomes 'synthesis.layers.2.noise_weight'"),
        ("synthesis/8x8/Conv1/bias", None, "2 styled layers and 1 mapping layers do not make a StyleGAN2 generator"),
        ("synthesis/4x4/Conv/bias", None, "0 styled layers and 1 mapping layers do not make a StyleGAN2 generator"),
        ("mapping/Dense0/weight", None, "3 styled layers and 0 mapping layers do not make a StyleGAN2 generator"),
        ("mapping/Dense0/bias", None, "lacks the tensor that becomes 'mapping.dense.0.bias'"),
        (CONV, np.zeros((2, 2, 3, 3), "f4"), "has shape [3, 3, 2, 2]; this architecture has [2, 2, 3, 3]"),
        (CONV, np.zeros((5, 5, 2, 2), "f4"), "has shape [2, 2, 5, 5]; this architecture has [2, 2, 3, 3]"),
        ("synthesis/8x8/Conv1/noise_strength", np.zeros(2, "f4"), "has shape [2]; this architecture has [1]"),
        ("synthesis/noise1", np.zeros((1, 1, 4, 4), "f4"), "[1, 1, 4, 4]; this architecture has [1, 1, 8, 8]"),
        ("synthesis/noise3", np.zeros((1, 1, 8, 8), "f4"), "this architecture has none at all"),
        ("synthesis/16x16/Conv1/weight", np.zeros((3, 3, 2, 2), "f4"), "this architecture has none at all"),
        ("synthesis/4x4/Conv/mod_weight", np.float32(1), "the tensors have shapes that no StyleGAN2 has"),
        ("dlatent_avg", np.zeros(5, "f4"), "becomes mean_w has shape [5]; this architecture has [4]"),
        (CONV, np.zeros((3, 3, 2, 2), "i4"), f"the variable {CONV} is made of int32, where floating-point numbers"),
        (CONV, np.zeros((3, 3, 2, 2), "?"), f"the variable {CONV} is made of bool, where floating-point numbers"),
        ("dlatent_avg", np.zeros(4, "i8"), "the variable dlatent_avg is made of int64, where floating-point numbers"),
    ],
)  # fmt: skip
def test_tensors_that_do_not_fit(name: str, value: Any, words: str, version: int, tmp_path: Path) -> None:
    message = refused(tmp_path, tf_pickle(TINY, STATE, version=version, changed={name: value}))
    assert words in message
    assert (OTHER if "is made of" in words else INCOMPLETE) in message


@VERSIONS
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        (CONV, "synthesis.layers.2.weight"), ("dlatent_avg", "mean_w"),
        ("synthesis/noise0", "synthesis.layers.0.noise"), ("mapping/Dense0/bias", "mapping.dense.0.bias"),
        ("synthesis/8x8/ToRGB/mod_bias", "synthesis.to_rgb.1.style.bias"),
    ],
)  # fmt: skip
def test_values_that_are_no_numbers(name: str, becomes: str, value: float, version: int, tmp_path: Path) -> None:
    shapes = {CONV: (3, 3, 2, 2), "dlatent_avg": (4,), "synthesis/noise0": (1, 1, 4, 4), "mapping/Dense0/bias": (4,)}
    array = np.zeros(shapes.get(name, (2,)), "f4")
    array.flat[-1] = value
    message = refused(tmp_path, tf_pickle(TINY, STATE, version=version, changed={name: array}))
    assert f"the tensor that becomes {becomes} holds values that are not finite" in message
    assert "hint: the training diverged, or the file is damaged: take another one" in message


@pytest.mark.parametrize("version", [0, 1, 6, 99, -4, 4.5, "4", (4,), [5]], ids=repr)
def test_a_version_that_nobody_knows(version: Any, tmp_path: Path) -> None:
    message = refused(tmp_path, tf_pickle(TINY, STATE, version=version))
    assert "a network was saved in version " in message
    assert " of its format, not 2, 3, 4, 5" in message
    assert OTHER in message


@VERSIONS
@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("architecture", "stylegan3", "trained with architecture=stylegan3; supported: skip, resnet, orig"),
        ("architecture", None, "trained with architecture=None; supported: skip, resnet, orig"),
        ("nonlinearity", "swish", "trained with nonlinearity=swish; supported: lrelu"),
        ("mapping_nonlinearity", "relu", "trained with mapping_nonlinearity=relu; supported: lrelu"),
        ("num_channels", 1, "trained with num_channels=1; supported: 3"),
        ("use_noise", False, "trained with use_noise=False; supported: True"),
        ("conv_clamp", "256", "conv_clamp is 256, where a number above 0 belongs"),
        ("conv_clamp", 0, "conv_clamp is 0, where a number above 0 belongs"),
        ("conv_clamp", -1.0, "conv_clamp is -1.0, where a number above 0 belongs"),
        ("conv_clamp", np.nan, "conv_clamp is nan, where a number above 0 belongs"),
        ("conv_clamp", [256], "conv_clamp is [256], where a number above 0 belongs"),
        ("mapping_lrmul", 0.0, "mapping_lrmul is 0.0, where a number above 0 belongs"),
        ("mapping_lrmul", np.float32("inf"), "mapping_lrmul is inf, where a number above 0 belongs"),
        ("mapping_lrmul", "fast", "mapping_lrmul is fast, where a number above 0 belongs"),
        ("truncation_psi", np.nan, "truncation_psi is nan, where a number from 0 on belongs"),
        ("truncation_psi", "half", "truncation_psi is half, where a number from 0 on belongs"),
        ("truncation_cutoff", -2, "truncation_cutoff is -2, where a number from 0 on belongs"),
        ("truncation_cutoff", {}, "truncation_cutoff is dict, where a number from 0 on belongs"),
        *(("resample_kernel", kernel, "a resampling filter that is not a row of four numbers") for kernel in (
            [1, 3, 1], [1, 3, 3, 3, 1], [0, 0, 0, 0], [1, -1, 1, -1], [1, 3, np.nan, 1], [1, "3", 3, 1],
            "1331", None, 4, np.ones((4, 4)),
        )),
    ],
    ids=str,
)  # fmt: skip
def test_an_option_under_which_it_computes_something_else(
    option: str, value: Any, words: str, version: int, tmp_path: Path
) -> None:
    message = refused(tmp_path, tf_pickle(TINY, STATE, version=version, **{option: value}))
    assert words in message
    assert OTHER in message


@VERSIONS
@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("resolution", 16, "the file says resolution 16 and holds the tensors of 8"),
        ("resolution", "8", "the file says resolution '8' and holds the tensors of 8"),
        ("latent_size", 512, "the file says z_dim 512 and holds the tensors of 3"),
        ("dlatent_size", np.int64(5), "the file says w_dim 5 and holds the tensors of 4"),
        ("label_size", 10, "the file says label_size 10 and holds the tensors of 0"),
        ("architecture", "resnet", "the file says architecture 'resnet' and holds the tensors of 'skip'"),
        ("architecture", "orig", "the file says architecture 'orig' and holds the tensors of 'skip'"),
    ],
    ids=str,
)
def test_an_option_that_contradicts_the_tensors(
    option: str, value: Any, words: str, version: int, tmp_path: Path
) -> None:
    message = refused(tmp_path, tf_pickle(TINY, STATE, version=version, **{option: value}))
    assert words in message
    assert "download it again" in message.partition("hint: ")[2]


@VERSIONS
def test_labels_that_it_says_it_has_not(version: int, tmp_path: Path) -> None:
    recipe = replace(TINY, labels=2, label_width=3)
    message = refused(tmp_path, tf_pickle(recipe, raw_state(recipe), version=version, label_size=0))
    assert "the file says label_size 0 and holds the tensors of 2" in message
    assert "hint: its parts belong to different networks: download it again" in message


@VERSIONS
def test_without_a_mean_latent_it_is_averaged_and_said(version: int, tmp_path: Path) -> None:
    (tmp_path / "net.pkl").write_bytes(tf_pickle(TINY, STATE, version=version, changed={"dlatent_avg": None}))
    found = read_checkpoint(tmp_path / "net.pkl")
    assert found.notes == ("the mean latent was not in the file; averaged over 10000 samples of seed 0",)
    assert torch.isfinite(found.weights.tensors["mean_w"]).all()


@VERSIONS
@pytest.mark.parametrize("dtype", ["f2", "f8", ">f4"])
def test_other_floating_point_numbers_are_read(dtype: str, version: int, tmp_path: Path) -> None:
    mean = np.array([1, -0.5, 0.25, 2], dtype)
    (tmp_path / "net.pkl").write_bytes(tf_pickle(TINY, STATE, version=version, changed={"dlatent_avg": mean}))
    assert read_checkpoint(tmp_path / "net.pkl").weights.tensors["mean_w"].tolist() == mean.tolist()
