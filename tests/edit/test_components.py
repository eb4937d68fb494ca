"""One vector of several: GANSpace's files as it writes them, stacks, and files that are neither."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt.arrays import Array
from i2s_trt.edit.components import split_number
from i2s_trt.edit.direction import read_direction
from i2s_trt.edit.space import LatentSpace
from i2s_trt.errors import LatentError

SPACE = LatentSpace(18, 512, "a" * 64)
COUNT = 5


def analysis(**changes: Array | None) -> dict[str, Any]:
    """The arrays of GANSpace's file of a mapping network's layer."""
    numbers = np.random.default_rng(0)
    comp = np.linalg.qr(numbers.normal(size=(512, COUNT)))[0].T.astype(np.float32)[:, None]
    stdev = np.linspace(9, 1, COUNT).astype(np.float32)
    arrays: dict[str, Any] = {
        "act_comp": comp, "act_mean": np.zeros((1, 512), np.float32), "act_stdev": stdev,
        "lat_comp": comp, "lat_mean": np.zeros((1, 512), np.float32), "lat_stdev": stdev,
        "var_ratio": stdev / stdev.sum(), "random_stdevs": stdev,
    }  # fmt: skip
    return {name: array for name, array in (arrays | changes).items() if array is not None}


def written(path: Path, **changes: Array | None) -> Path:
    np.savez_compressed(path, **analysis(**changes))
    return path


@pytest.mark.parametrize("number", range(COUNT))
def test_a_component_is_a_standard_deviation_long(tmp_path: Path, number: int) -> None:
    file, arrays = written(tmp_path / "ffhq_style_w.npz"), analysis()
    direction = read_direction(Path(f"{file}:{number}"))
    assert direction.norm == pytest.approx(arrays["lat_stdev"][number], rel=1e-5)
    assert direction.describe().startswith(f"ffhq_style_w.npz:{number} [1, 512]")
    expected = arrays["lat_stdev"][number] * arrays["lat_comp"][number]
    np.testing.assert_allclose(direction.for_space(SPACE), np.repeat(expected, 18, axis=0), rtol=1e-6)


def test_a_layer_that_gives_w_is_taken_before_latents_that_may_lie_in_z(tmp_path: Path) -> None:
    z = np.random.default_rng(1).normal(size=(COUNT, 1, 512)).astype(np.float32)
    mapped = read_direction(Path(f"{written(tmp_path / 'style.npz', lat_comp=z)}:1"))
    np.testing.assert_allclose(mapped.vector, 7 * analysis()["act_comp"][1], rtol=1e-6)
    every = np.random.default_rng(2).normal(size=(COUNT, 18, 512)).astype(np.float32)
    layers = read_direction(Path(f"{written(tmp_path / 'layers.npz', act_comp=every)}:0"))
    np.testing.assert_allclose(layers.for_space(SPACE), 9 * every[0], rtol=1e-6)


@pytest.mark.parametrize("shape", [(COUNT, 512, 4, 4), (COUNT, 64, 8, 8), (COUNT, 8192)])
def test_of_a_convolution_the_latents_are_taken(tmp_path: Path, shape: tuple[int, ...]) -> None:
    file = written(tmp_path / "convs.npz", act_comp=np.ones(shape, np.float32))
    np.testing.assert_allclose(read_direction(Path(f"{file}:2")).vector, 5 * analysis()["lat_comp"][2], rtol=1e-6)
    assert read_direction(Path(f"{written(tmp_path / 'old.npz', act_comp=None)}:2")).norm == pytest.approx(5, rel=1e-5)


def test_a_row_of_a_stack(tmp_path: Path) -> None:
    stack = np.random.default_rng(3).normal(size=(3, 18, 512)).astype(np.float32)
    np.save(tmp_path / "stack.npy", stack)
    np.save(tmp_path / "rows.npy", stack[:, 0])
    np.testing.assert_array_equal(read_direction(tmp_path / "stack.npy:2").vector, stack[2])
    np.testing.assert_array_equal(read_direction(tmp_path / "rows.npy:2").vector, stack[2, :1])
    for name in ("stack.npy:3", "rows.npy:3"):
        with pytest.raises(LatentError, match="holds 3 vectors, and none of number 3") as told:
            read_direction(tmp_path / name)
        assert f"{name[:-2]}:0 to {name[:-2]}:2" in told.value.hint


@pytest.mark.parametrize("name", ["a.npz", "a.txt:1", "a.npz:", "a.npz:x", "a.npz:-1", ":1", "a.npz:1234567"])
def test_other_names_name_no_vector(name: str) -> None:
    assert split_number(Path(name)) == (Path(name), None)


@pytest.mark.parametrize(
    ("number", "changes", "said"),
    [
        ("", {}, "holds 5 components"),
        (":5", {}, "none of number 5"),
        (":0", {"lat_stdev": np.ones(3, np.float32)}, "no components of latents"),
        (":0", {"lat_comp": np.ones(512, np.float32)}, "no components of latents"),
        (":0", {"lat_comp": np.ones((5, 0, 512), np.float32)}, "no components of latents"),
        (":0", {"lat_comp": np.ones((5, 512), np.int64)}, "no components of latents"),
        (":0", {"lat_stdev": np.full(5, np.nan, np.float32), "act_comp": None}, "not finite"),
        (":0", {"lat_stdev": np.full(5, 1e30, np.float32), "act_comp": None}, "values of up to"),
        (":0", {"lat_stdev": np.zeros(5, np.float32), "act_comp": None}, "no direction"),
        (":0", {"lat_comp": np.array([{}] * 5, dtype=object)}, "pickled objects"),
        (":0", {"act_comp": np.array([{}] * 5, dtype=object), "act_stdev": None}, ""),
    ],
)
def test_files_that_are_not_as_ganspace_writes_them(
    tmp_path: Path, number: str, changes: dict[str, Any], said: str
) -> None:
    file = Path(f"{written(tmp_path / 'c.npz', **changes)}{number}")
    if said:
        with pytest.raises(LatentError, match=said) as told:
            read_direction(file)
        assert told.value.hint
    else:
        assert read_direction(file).norm == pytest.approx(9, rel=1e-5)


def test_truncated_and_hostile_files(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.npz").read_bytes()
    for cut in range(0, len(whole), len(whole) // 23):
        (tmp_path / "cut.npz").write_bytes(whole[:cut])
        with pytest.raises(LatentError):
            read_direction(tmp_path / "cut.npz:0")
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("lat_comp.npy", b"\0" * 2**27)
        archive.writestr("lat_stdev.npy", b"\0")
    with pytest.raises(LatentError, match="exhaust the memory"):
        read_direction(tmp_path / "bomb.npz:0")
    with pytest.raises(LatentError, match="cannot be read"):
        read_direction(tmp_path / "missing.npz:0")


def test_e4es_copy_of_ganspaces_components(tmp_path: Path) -> None:
    arrays, file = analysis(), tmp_path / "ffhq_pca.pt"
    names = {"comp": "lat_comp", "mean": "lat_mean", "std": "lat_stdev"}
    torch.save({name: torch.from_numpy(arrays[theirs]) for name, theirs in names.items()}, file)
    direction = read_direction(Path(f"{file}:3"))
    np.testing.assert_allclose(direction.vector, arrays["lat_stdev"][3] * arrays["lat_comp"][3], rtol=1e-6)
    with pytest.raises(LatentError, match="holds 5 components") as told:
        read_direction(file)
    assert "ffhq_pca.pt:0 to ffhq_pca.pt:4" in told.value.hint


def test_rosinalitys_factors_are_columns(tmp_path: Path) -> None:
    vectors, file = torch.linalg.qr(torch.randn(512, 512, generator=torch.Generator().manual_seed(0)))[0], tmp_path
    torch.save({"ckpt": "550000.pt", "eigvec": vectors}, file / "factor.pt")
    direction = read_direction(file / "factor.pt:7")
    np.testing.assert_array_equal(direction.vector, vectors[:, 7].numpy()[None])
    assert direction.norm == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"comp": torch.zeros(5, 1, 8), "std": torch.ones(4)}, "comp [5, 1, 8], std [4], which are no components"),
        ({"comp": torch.zeros(5), "std": torch.ones(5)}, "which are no components"),
        ({"comp": torch.zeros(5, 1, 8), "std": 3}, "holds no numbers under the names comp, std"),
        ({"eigvec": torch.zeros(8, 8, dtype=torch.long)}, "holds no numbers under the names eigvec"),
        ({"eigvec": torch.zeros(1).expand(2**20, 2**12)}, "holds no numbers under the names eigvec"),
        ({"eigvec": torch.eye(8).to_sparse()}, "holds no numbers under the names eigvec"),
        ({"eigvec": torch.zeros(8, 8)}, "that is no direction"),
        ({"eigvec": torch.full((8, 8), torch.nan)}, "factor.pt:1 holds values that are not finite"),
        ({"other": torch.zeros(8, 8)}, "holds no latents"),
    ],
)
def test_files_of_torch_that_hold_no_components(tree: dict[str, Any], said: str, tmp_path: Path) -> None:
    torch.save(tree, tmp_path / "factor.pt")
    with pytest.raises(LatentError) as told:
        read_direction(tmp_path / "factor.pt:1")
    assert said in str(told.value)
    assert told.value.hint


def test_of_a_stack_one_is_to_be_named(tmp_path: Path) -> None:
    np.save(tmp_path / "stack.npy", np.ones((3, 18, 512), np.float32))
    with pytest.raises(LatentError, match="holds 3 vectors") as told:
        read_direction(tmp_path / "stack.npy")
    assert "stack.npy:0 to stack.npy:2" in told.value.hint
