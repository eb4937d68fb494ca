"""`i2s-trt synthesize`: latents and seeds to pictures."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cli.synthesize import parse_seeds
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.errors import UsageError
from i2s_trt.images.decode import decode
from i2s_trt.images.fit import to_pixels
from i2s_trt.latents import Latent, save_latent
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import TorchSynthesizer
from tests.cli.support import I2s, invoke, names, refused, says


def test_seeds_become_the_same_pictures_in_any_batch(i2s: I2s, small: Path, tmp_path: Path) -> None:
    run = i2s("synthesize", "--seeds", "1,2,5-7", "-m", small, "-o", "four", "--json")
    assert (run.code, run.err) == (0, "")
    expected = [f"seed{seed:04d}.png" for seed in (1, 2, 5, 6, 7)]
    assert [Path(event["path"]).name for event in run.events if event["event"] == "picture"] == expected
    assert names(tmp_path / "four") == expected
    for batch in (1, 5):
        folder = tmp_path / str(batch)
        assert invoke("synthesize", "--seeds", "5-7,1,2", "-m", small, "--batch", batch, "-o", folder).exit_code == 0
        assert names(folder) == expected
        for name in expected:
            assert (folder / name).read_bytes() == (tmp_path / "four" / name).read_bytes()


def test_a_picture_is_what_the_generator_says(small: Path, tmp_path: Path) -> None:
    generator = load_generator(small)
    w_plus = w_plus_from_seed(generator, 3, 0.5)
    assert invoke("synthesize", "--seeds", 3, "--psi", 0.5, "-m", small, "-o", tmp_path).exit_code == 0
    render = TorchSynthesizer(generator)
    np.testing.assert_array_equal(decode(tmp_path / "seed0003.png"), render(w_plus[None])[0])
    images = render.images(w_plus[None])
    assert images.shape == (1, 3, 16, 16)
    assert render.preview(w_plus[None]).shape == (1, 16, 16, 3)
    assert render(np.zeros((0, 6, 24), np.float32)).shape == (0, 16, 16, 3)
    np.testing.assert_array_equal(to_pixels(generator(generator.mean_w_plus[None]))[0].shape, (16, 16, 3))


def test_latents_of_all_kinds_and_their_names(small: Path, tmp_path: Path) -> None:
    w_plus = np.random.default_rng(0).standard_normal((3, 6, 24)).astype(np.float32)
    (tmp_path / "more").mkdir()
    np.save(tmp_path / "many.npy", w_plus)
    np.savez(tmp_path / "one.npz", w=w_plus[:1])
    np.save(tmp_path / "more/one.npy", w_plus[0, :1])
    files = [tmp_path / "many.npy", tmp_path / "one.npz", tmp_path / "more/one.npy"]
    assert invoke("synthesize", *files, "--seeds", 1, "-m", small, "-o", tmp_path / "out").exit_code == 0
    assert names(tmp_path / "out") == [
        "many-0000.png", "many-0001.png", "many-0002.png", "one-2.png", "one.png", "seed0001.png",
    ]  # fmt: skip
    assert (tmp_path / "out/one.png").read_bytes() == (tmp_path / "out/many-0000.png").read_bytes()


def test_a_latent_of_another_model(i2s: I2s, small: Path, tmp_path: Path) -> None:
    save_latent(tmp_path / "a.safetensors", Latent(np.zeros((6, 24), np.float32), model_digest="f" * 64))
    says(i2s("synthesize", "a.safetensors", "-m", small), 2, "a.safetensors: the latent was made with", "--any-model")
    assert names(tmp_path) == ["a.safetensors", "pictures"] or not (tmp_path / "pictures").exists()
    done = invoke("synthesize", tmp_path / "a.safetensors", "-m", small, "--any-model", "-o", tmp_path / "out")
    assert done.exit_code == 0
    assert names(tmp_path / "out") == ["a.png"]


@pytest.mark.parametrize(
    ("words", "message"), [
        ([], "nothing to render"), (["--seeds", "x"], "--seeds: 'x'"), (["--seeds", "5-1"], "'5-1'"),
        (["--seeds", "1-999999"], "at most"), (["--seeds", "4294967296"], "4294967296"),
        (["--seeds", "1", "--psi", "nan"], "--psi"), (["none.npy"], "none.npy cannot be read"),
        (["photo.jpg"], "not a latent file"), (["--seeds", "1", "--batch", "0"], "--batch"),
    ], ids=str,
)  # fmt: skip
def test_bad_values_are_refused(small: Path, tmp_path: Path, words: list[str], message: str) -> None:
    refused(invoke("synthesize", *words, "-m", small, "-o", tmp_path / "out"), 2, message)
    assert not (tmp_path / "out").exists() or names(tmp_path / "out") == []


@given(st.lists(st.tuples(st.integers(0, 2**32 - 300), st.integers(0, 200))), st.sampled_from([",", ", ", " ,"]))
def test_parse_seeds_expands_ranges_in_order(ranges: list[tuple[int, int]], comma: str) -> None:
    text = comma.join(f"{first}-{first + more}" if more else str(first) for first, more in ranges)
    assert parse_seeds(text) == [first + i for first, more in ranges for i in range(more + 1)]


@given(st.text(max_size=12))
def test_parse_seeds_refuses_whatever_is_no_seed(text: str) -> None:
    with suppress(UsageError):
        assert all(0 <= seed < 2**32 for seed in parse_seeds(text))


def test_the_engine_is_named_and_an_unknown_one_refused(i2s: I2s, tmp_path: Path) -> None:
    done = i2s("synthesize", "--seeds", "1", "-o", tmp_path / "out", "-m", "random-16", "--engine", "onnxruntime")
    assert done.code == 0, done.err
    assert "engine:   onnxruntime in fp32 (as asked for)" in done.out
    again = i2s("synthesize", "--seeds", "1", "-o", tmp_path / "auto", "-m", "random-16", "--json")
    assert [e["name"] for e in again.events if e["event"] == "engine"] == ["onnxruntime"]
    assert (tmp_path / "out" / "seed0001.png").read_bytes() == (tmp_path / "auto" / "seed0001.png").read_bytes()
    words = ("--seeds", 1, "-m", "random-16", "-o", tmp_path / "rough", "--precision", "bf16")
    assert invoke("synthesize", *words).output.startswith("engine:   torch in bf16 (ONNX Runtime computes no bf16")
    assert (tmp_path / "out" / "seed0001.png").read_bytes() != (tmp_path / "rough" / "seed0001.png").read_bytes()
    refused(invoke("synthesize", "--seeds", 1, "--precision", "int4"), 2, "no precision named int4")
    wrong = i2s("synthesize", "--seeds", "1", "--engine", "warp")
    assert wrong.code == 2
    assert "no engine named warp" in wrong.err
    refused(invoke("synthesize", "--seeds", 1, "-m", "random-16", "--provider", "cuda"), 2, "add --engine onnxruntime")


def test_a_latent_with_noise_maps_is_rendered_with_them_and_its_neighbours_are_not(small: Path, tmp_path: Path) -> None:
    generator, random = load_generator(small), np.random.default_rng(0)
    maps = tuple(3 * random.standard_normal(m.shape[-2:], dtype=np.float32) for m in generator.synthesis.stored_noise())
    w_plus = w_plus_from_seed(generator, 3)
    save_latent(tmp_path / "own.safetensors", Latent(w_plus, noise=maps))
    save_latent(tmp_path / "plain.safetensors", Latent(w_plus))
    files = [tmp_path / f"{name}.safetensors" for name in ("plain", "own")]
    assert invoke("synthesize", *files, "-m", small, "-o", tmp_path / "out").exit_code == 0
    render, own = TorchSynthesizer(generator), [torch.from_numpy(map_)[None, None] for map_ in maps]
    np.testing.assert_array_equal(decode(tmp_path / "out/plain.png"), render(w_plus[None])[0])
    with torch.no_grad():
        wanted = to_pixels(generator.crop(generator.synthesis(torch.from_numpy(w_plus[None]), own)))[0]
    assert np.abs(decode(tmp_path / "out/own.png").astype(int) - wanted).max() <= 1
    assert (tmp_path / "out/own.png").read_bytes() != (tmp_path / "out/plain.png").read_bytes()


def test_noise_maps_that_do_not_fit_are_refused(i2s: I2s, small: Path, tmp_path: Path) -> None:
    w_plus, maps = w_plus_from_seed(load_generator(small), 3), (np.zeros((4, 4), np.float32),)
    save_latent(tmp_path / "own.safetensors", Latent(w_plus, noise=maps))
    says(i2s("synthesize", "own.safetensors", "-m", small), 2, "1 noise maps that do not fit the model's 6")
