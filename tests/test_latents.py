"""The latent file, and the latents that users bring from elsewhere."""

import json
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from i2s_trt.arrays import Array, WPlus
from i2s_trt.errors import LatentError
from i2s_trt.latents import Latent, read_latent, read_latents, save_latent
from i2s_trt.models.generator import Generator

W_PLUS = np.random.default_rng(0).standard_normal((3, 18, 512)).astype(np.float32)
NUMBERS = st.floats(-1e6, 1e6, width=32)


class Trap:
    """Leaves a trace when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def refused(path: Path, *words: str) -> None:
    """Reading must fail with an error that names the file, says these words and has a hint."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(LatentError) as caught:
            read_latents(path)
    assert str(path) in caught.value.args[0]
    assert caught.value.hint
    for word in words:
        assert word in str(caught.value)


@settings(max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 18), st.integers(1, 6)),
    distance=st.none() | NUMBERS,
    losses=st.dictionaries(st.text(max_size=9), NUMBERS, max_size=3),
    text=st.text(),
)
def test_what_is_saved_is_read(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, int], distance: float | None,
    losses: dict[str, float], text: str,
) -> None:  # fmt: skip
    path = tmp_path_factory.getbasetemp() / "roundtrip.safetensors"
    w_plus = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    latent = Latent(
        w_plus, "model", "image", float("nan") if distance is None else distance, losses, w_plus[:1],
        ("total", "pixel"), {"steps": 3, "text": text}, {"source": text, "quad": [1.5, 2]}, "interrupted",
    )  # fmt: skip
    save_latent(path, latent)
    found = read_latent(path)
    np.testing.assert_array_equal(found.w_plus, w_plus)
    np.testing.assert_array_equal(found.curve, latent.curve)
    np.testing.assert_equal(found.distance, latent.distance)
    for name in ("model_digest", "image_digest", "losses", "curve_terms", "options", "extra", "status"):
        assert getattr(found, name) == getattr(latent, name)


@pytest.mark.parametrize(
    "w_plus", [np.broadcast_to(W_PLUS[0, :1], (18, 512)), W_PLUS[0].T.copy().T, W_PLUS[0, ::2]], ids=["w", "T", "steps"]
)
def test_arrays_that_lie_otherwise_in_memory_come_back_the_same(tmp_path: Path, w_plus: WPlus) -> None:
    save_latent(tmp_path / "latent.safetensors", Latent(w_plus))
    np.testing.assert_array_equal(read_latent(tmp_path / "latent.safetensors").w_plus, w_plus)


def test_losses_that_are_not_finite_survive(tmp_path: Path) -> None:
    save_latent(tmp_path / "a.safetensors", Latent(W_PLUS[0], losses={"total": float("nan")}))
    assert np.isnan(read_latent(tmp_path / "a.safetensors").losses["total"])


@pytest.mark.parametrize(
    ("array", "count"), [(W_PLUS[0], 1), (W_PLUS[:1], 1), (W_PLUS, 3), (W_PLUS[0].astype(np.float64), 1),
    (W_PLUS[0].astype(np.float16), 1), (W_PLUS[0].astype(">f4"), 1), (np.asfortranarray(W_PLUS), 3)],
    ids=["L D", "1 L D", "N L D", "double", "half", "big endian", "fortran"],
)  # fmt: skip
def test_npy_files(tmp_path: Path, array: Array, count: int) -> None:
    np.save(tmp_path / "a.npy", array)
    found = read_latents(tmp_path / "a.npy")
    assert len(found) == count
    for latent, expected in zip(found, array.reshape(-1, 18, 512), strict=True):
        assert latent.w_plus.dtype == np.float32
        np.testing.assert_array_equal(latent.w_plus, expected.astype(np.float32))


@pytest.mark.parametrize("name", ["w", "dlatents"])
def test_npz_files_of_the_projectors(tmp_path: Path, name: str) -> None:
    arrays: dict[str, Any] = {name: W_PLUS[:1], "other": np.zeros(3)}
    np.savez(tmp_path / "projected.npz", **arrays)
    np.testing.assert_array_equal(read_latent(tmp_path / "projected.npz").w_plus, W_PLUS[0])


def test_the_tensor_of_e4e(tmp_path: Path) -> None:
    torch.save(torch.from_numpy(W_PLUS).requires_grad_(True), tmp_path / "latents.pt")
    np.testing.assert_array_equal([latent.w_plus for latent in read_latents(tmp_path / "latents.pt")], W_PLUS)
    torch.save(torch.from_numpy(W_PLUS).bfloat16(), tmp_path / "latents.pt")
    assert len(read_latents(tmp_path / "latents.pt")) == 3


def test_the_dictionary_of_rosinality(tmp_path: Path) -> None:
    noise = [torch.zeros(1, 1, 4, 4)]
    files = {
        f"{i}.png": {"img": torch.zeros(3, 8, 8), "latent": torch.from_numpy(W_PLUS[i]), "noise": noise} for i in (0, 1)
    }
    torch.save(files, tmp_path / "projected.pt")
    np.testing.assert_array_equal([latent.w_plus for latent in read_latents(tmp_path / "projected.pt")], W_PLUS[:2])


def test_one_latent_is_wanted_and_there_are_three(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", W_PLUS)
    with pytest.raises(LatentError, match="holds 3 latents where one is needed"):
        read_latent(tmp_path / "a.npy")


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_pickled_objects_in_numpy_files_are_refused_and_not_run(tmp_path: Path, suffix: str) -> None:
    array = np.array([Trap(tmp_path / "trace")], dtype=object)
    if suffix == "npy":
        np.save(tmp_path / "a.npy", array, allow_pickle=True)
    else:
        np.savez(tmp_path / "a.npz", w=array)
    refused(tmp_path / f"a.{suffix}", "could run code", "astype('float32')")
    assert not (tmp_path / "trace").exists()


def test_a_pickle_named_npy_is_refused_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(pickle.dumps(Trap(tmp_path / "trace")))
    refused(tmp_path / "a.npy", "could run code")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("how", ["torch", "old torch", "pickle"])
def test_a_hostile_pt_file_is_refused_and_not_run(tmp_path: Path, how: str) -> None:
    path, trap = tmp_path / "a.pt", {"a.png": {"latent": Trap(tmp_path / "trace")}}
    if how == "pickle":
        path.write_bytes(pickle.dumps(trap))
    else:
        torch.save(trap, path, _use_new_zipfile_serialization=how == "torch")
    refused(path, "could run code", "torch.save")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("content", [{"a": 1}, [torch.zeros(18, 512)], {"a.png": {"latent": "text"}}, 5])
def test_a_pt_file_without_latents_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "a.pt")
    refused(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("array", "words"), [
        (np.full((18, 512), np.nan, np.float32), "not finite"), (np.full((18, 512), 1e300), "not finite"),
        (np.full((18, 512), -1e30), "values of up to 1e+30, where latents stay below 10000"),
        (np.zeros((18, 512), np.int64), "int64"), (np.zeros((18, 512), np.complex64), "complex64"),
        (np.zeros((0, 18, 512), np.float32), "[0, 18, 512]"), (np.zeros((1, 1, 18, 512), np.float32), "not latents"),
        (np.float32(3), "not latents"),
    ], ids=["nan", "beyond float32", "absurd", "integers", "complex", "none", "four axes", "a number"],
)  # fmt: skip
def test_arrays_that_are_no_latents_are_refused(tmp_path: Path, array: Array, words: str) -> None:
    np.save(tmp_path / "a.npy", array)
    refused(tmp_path / "a.npy", words)


def test_an_npz_without_a_known_name_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=W_PLUS)
    refused(tmp_path / "a.npz", "no array named w or dlatents, only images")


@pytest.mark.parametrize("suffix", ["safetensors", "npy", "npz", "pt"])
def test_damaged_files_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    refused(path, "cannot be read")
    save = {
        "safetensors": lambda: save_latent(path, Latent(W_PLUS[0])), "npy": lambda: np.save(path, W_PLUS),
        "npz": lambda: np.savez(path, w=W_PLUS), "pt": lambda: torch.save(torch.from_numpy(W_PLUS), path),
    }  # fmt: skip
    save[suffix]()
    whole = path.read_bytes()
    for damaged in (b"", whole[:7], whole[: len(whole) // 2], whole[:-1], b"text, not a latent\n" * 9):
        path.write_bytes(damaged)
        refused(path)


def test_a_header_that_promises_terabytes_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((10, 512), np.float32))
    data = (tmp_path / "a.npy").read_bytes().replace(b"(10, 512), }" + b" " * 10, b"(1000000000000, 512), }"[:22])
    (tmp_path / "a.npy").write_bytes(data.replace(b"(10, 512), }" + b" " * 9, b"(9999999999, 512), }" + b" "))
    refused(tmp_path / "a.npy")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    refused(tmp_path / "photo.jpg", "not a latent file", ".safetensors, .npy")
    (tmp_path / "folder.npy").mkdir()
    refused(tmp_path / "folder.npy", "is a folder")


def test_foreign_safetensors_are_refused(tmp_path: Path) -> None:
    safetensors.numpy.save_file({"w_plus": W_PLUS[0]}, tmp_path / "a.safetensors")
    refused(tmp_path / "a.safetensors", "not a latent")


def test_a_latent_of_another_version_is_refused(tmp_path: Path) -> None:
    metadata = {"format": "i2s-trt latent", "version": "99", "latent": "{}"}
    safetensors.numpy.save_file({"w_plus": W_PLUS[0]}, tmp_path / "a.safetensors", metadata)
    refused(tmp_path / "a.safetensors", "another version", "99")


def test_a_latent_with_an_unknown_record_is_refused(tmp_path: Path) -> None:
    record = json.dumps({"curve_terms": [], "distance": 1, "losses": {}, "surprise": 1})
    metadata = {"format": "i2s-trt latent", "version": "1", "latent": record}
    safetensors.numpy.save_file({"w_plus": W_PLUS[0], "curve": W_PLUS[0]}, tmp_path / "a.safetensors", metadata)
    refused(tmp_path / "a.safetensors", "damaged")


def test_a_single_w_is_repeated_for_every_layer(tmp_path: Path, toy: Generator) -> None:
    for shape in ((24,), (1, 24), (1, 1, 24)):
        np.save(tmp_path / "w.npy", np.arange(24, dtype=np.float32).reshape(shape))
        w_plus = read_latent(tmp_path / "w.npy").for_model(toy)
        assert w_plus.shape == (toy.num_layers, 24)
        assert (w_plus == np.arange(24)).all()
        assert w_plus.flags.writeable


def test_a_latent_of_another_shape_is_refused(toy: Generator) -> None:
    with pytest.raises(LatentError, match=r"shape \[18, 512\], the model takes \[6, 24\]") as caught:
        Latent(W_PLUS[0]).for_model(toy, any_model=True)
    assert "--model" in caught.value.hint


def test_a_latent_of_another_model_is_refused_unless_told(toy: Generator) -> None:
    latent = Latent(np.zeros((6, 24), np.float32), model_digest="0123456789abcdef")
    with pytest.raises(LatentError, match="another model") as caught:
        latent.for_model(toy)
    assert "--any-model" in caught.value.hint
    assert latent.for_model(toy, any_model=True).shape == (6, 24)
    assert Latent(latent.w_plus, model_digest=toy.digest).for_model(toy).shape == (6, 24)
    assert Latent(latent.w_plus).for_model(toy).shape == (6, 24)
