"""`embed --tune`, and every command that takes what it leaves."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from i2s_trt.arrays import Pixels
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.deltas import changed, delta_of, delta_path, mixed
from i2s_trt.edit.operations import morph
from i2s_trt.images.decode import decode
from i2s_trt.images.fit import to_pixels
from i2s_trt.latents import Latent, read_latent, save_latent
from i2s_trt.synthesizer import TorchSynthesizer
from tests.cli.support import I2s, invoke, names, refused, says

Quick = tuple[object, ...]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, astronaut: Path, quick: Quick) -> Path:
    """A latent with its delta."""
    folder = tmp_path_factory.mktemp("tuned")
    done = invoke("embed", astronaut, *quick, "--tune", 20, "-o", folder)
    assert done.exit_code == 0, done.output
    assert "the generator is tuned to it by 20 steps" in done.output
    return folder / "astronaut.safetensors"


def drawn(latent: Path, model: object, *, delta: bool = True) -> Pixels:
    generator, w_plus = load_generator(str(model)), read_latent(latent).w_plus
    found = delta_of(latent, w_plus, generator.digest)
    assert found is not None
    pixels: Pixels = TorchSynthesizer(changed(generator, found) if delta else generator)(w_plus[None])[0]
    return pixels


@pytest.fixture(scope="module")
def model(quick: Quick) -> object:
    return quick[quick.index("-m") + 1]


def test_synthesize_takes_it_up(tuned: Path, model: object, tmp_path: Path) -> None:
    assert invoke("synthesize", tuned, "-m", model, "-o", tmp_path).exit_code == 0
    np.testing.assert_array_equal(decode(tmp_path / "astronaut.png"), drawn(tuned, model))
    assert np.abs(drawn(tuned, model).astype(int) - drawn(tuned, model, delta=False)).max() > 3


@pytest.mark.parametrize(
    ("words", "result"),
    [
        (("expression-transfer", "LATENT", "seed:1", "seed:2", "--strength", 0), "astronaut-expression"),
        (("style-transfer", "LATENT", "seed:1", "--layers", "5"), "astronaut-as-seed1"),
    ],
    ids=lambda words: str(words[0]),
)  # fmt: skip
def test_edits_take_it_up_and_pass_it_on(
    words: tuple[object, ...], result: str, tuned: Path, model: object, tmp_path: Path
) -> None:
    words = tuple(tuned if word == "LATENT" else word for word in words)
    done = invoke(*map(str, words), "-m", model, "-o", tmp_path / "edits")
    assert done.exit_code == 0, done.output
    assert names(tmp_path / "edits") == [
        f"{result}{suffix}" for suffix in (".delta.safetensors", ".png", ".safetensors")
    ]
    edited = tmp_path / "edits" / f"{result}.safetensors"
    np.testing.assert_array_equal(decode(edited.with_suffix(".png")), drawn(edited, model))
    assert invoke("synthesize", edited, "-m", model, "-o", tmp_path / "again").exit_code == 0
    np.testing.assert_array_equal(decode(tmp_path / "again" / f"{result}.png"), decode(edited.with_suffix(".png")))


def test_a_morph_goes_from_one_model_to_the_other(tuned: Path, model: object, tmp_path: Path) -> None:
    done = invoke("morph", tuned, "mean", "--frames", 3, "-m", model, "-o", tmp_path / "frames")
    assert done.exit_code == 0, done.output
    np.testing.assert_array_equal(decode(tmp_path / "frames/frame-00000.png"), drawn(tuned, model))
    mean = load_generator(str(model))
    plain = TorchSynthesizer(mean)(mean.mean_w_plus.numpy()[None])[0]
    np.testing.assert_array_equal(decode(tmp_path / "frames/frame-00002.png"), plain)


@pytest.mark.parametrize(("engine", "off_by"), [("torch", 0), ("onnxruntime", 1)])
def test_a_batch_draws_each_latent_by_its_own_model(
    engine: str, off_by: int, tuned: Path, model: object, tmp_path: Path
) -> None:
    recipe, folder = tmp_path / "same.toml", tmp_path / "latents"
    recipe.write_text('[[edit]]\nname = "same"\noperation = "truncation"\npsi = 1.0\n')
    folder.mkdir()
    for name in ("ann", "bob"):
        (folder / f"{name}.safetensors").write_bytes(tuned.read_bytes())
    delta_path(folder / "ann.safetensors").write_bytes(delta_path(tuned).read_bytes())
    words = ("edit", recipe, folder, "-m", model, "--engine", engine, "-o", tmp_path / "out")
    done = invoke(*map(str, words))
    assert done.exit_code == 0, done.output
    assert "tuned:    1 of 2 latents change the model" in done.output
    for name, with_delta in (("ann", True), ("bob", False)):
        picture = decode(tmp_path / f"out/{name}-same.png").astype(int)
        assert np.abs(picture - drawn(folder / "ann.safetensors", model, delta=with_delta)).max() <= off_by
    outputs = json.loads((tmp_path / "out/manifest.json").read_text())["outputs"]
    assert ["delta_digest" in outputs[f"{name}-same.png"] for name in ("ann", "bob")] == [True, False]
    delta_path(folder / "ann.safetensors").unlink()
    again = invoke(*map(str, words), "--resume")
    assert "1 pictures rendered" in again.output, "what the delta changes is made anew"
    assert np.array_equal(decode(tmp_path / "out/ann-same.png"), decode(tmp_path / "out/bob-same.png"))


def test_a_recipe_goes_from_one_model_to_the_other(tuned: Path, model: object, tmp_path: Path) -> None:
    recipe, generator = tmp_path / "half.toml", load_generator(str(model))
    recipe.write_text(
        f'[[edit]]\nname = "half"\noperation = "morph"\nwith = "{tuned}"\nweight = [0.0, 0.5]\n'
        '[[edit]]\nname = "there_and_back"\noperation = "chain"\n'
        f'[[edit.steps]]\noperation = "morph"\nwith = "{tuned}"\nweight = 0.0\n'
        '[[edit.steps]]\noperation = "morph"\nwith = "mean"\nweight = 0.25\n'
    )
    words = ("edit", recipe, "--seeds", 3, "-m", model, "--engine", "torch", "-o", tmp_path / "out")
    done = invoke(*words)
    assert done.exit_code == 0, done.output
    np.testing.assert_array_equal(decode(tmp_path / "out/seed0003-half_0.png"), drawn(tuned, model))
    delta = delta_of(tuned, read_latent(tuned).w_plus, generator.digest)
    w_plus, mean = read_latent(tuned).w_plus, generator.mean_w_plus.numpy()
    quarter = TorchSynthesizer(generator).tuned(mixed([(delta, 0.25)]))(morph(w_plus, mean, 0.25)[None])[0]
    np.testing.assert_array_equal(decode(tmp_path / "out/seed0003-there_and_back.png"), quarter)
    copied = delta_path(tuned).read_bytes()
    try:
        delta_path(tuned).unlink()
        again = invoke(*words, "--resume")
        assert "3 pictures rendered" in again.output, "what is mixed in has changed"
    finally:
        delta_path(tuned).write_bytes(copied)


def test_a_damaged_delta_costs_a_batch_that_latent_alone(tuned: Path, model: object, tmp_path: Path) -> None:
    recipe, folder = tmp_path / "calm.toml", tmp_path / "latents"
    recipe.write_text('[[edit]]\nname = "calm"\noperation = "truncation"\npsi = 0.5\n')
    folder.mkdir()
    for name in ("ann", "bob"):
        (folder / f"{name}.safetensors").write_bytes(tuned.read_bytes())
    delta_path(folder / "ann.safetensors").write_bytes(b"nothing")
    done = invoke("edit", recipe, folder, "-m", model, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "ann.delta.safetensors is damaged" in done.output
    assert [name for name in names(tmp_path / "out") if name.endswith(".png")] == ["bob-calm.png"]


def test_edits_draw_with_the_noise_maps_of_a_latent(model: object, tmp_path: Path) -> None:
    generator, random = load_generator(str(model)), np.random.default_rng(0)
    maps = [3 * random.standard_normal(m.shape[-2:], dtype=np.float32) for m in generator.synthesis.stored_noise()]
    save_latent(tmp_path / "own.safetensors", Latent(generator.mean_w_plus.numpy(), noise=tuple(maps)))
    with torch.no_grad():
        tensors = [torch.from_numpy(map_)[None, None] for map_ in maps]
        wanted = to_pixels(generator.crop(generator.synthesis(generator.mean_w_plus[None], tensors)))[0]
    done = invoke("morph", tmp_path / "own.safetensors", "mean", "--frames", 2, "-m", model, "-o", tmp_path / "frames")
    assert done.exit_code == 0, done.output
    assert np.abs(decode(tmp_path / "frames/frame-00000.png").astype(int) - wanted).max() <= 1
    plain = TorchSynthesizer(generator)(generator.mean_w_plus.numpy()[None])[0]
    np.testing.assert_array_equal(decode(tmp_path / "frames/frame-00001.png"), plain)
    assert np.abs(plain.astype(int) - wanted).max() > 3


def test_a_delta_of_something_else_is_refused(i2s: I2s, tuned: Path, model: object, tmp_path: Path) -> None:
    (tmp_path / "ann.safetensors").write_bytes(tuned.read_bytes())
    delta = tmp_path / "ann.delta.safetensors"
    delta.write_bytes(delta_path(tuned).read_bytes()[:500])
    says(i2s("synthesize", "ann.safetensors", "-m", model), 2, "ann.delta.safetensors is damaged")
    says(i2s("morph", "ann.safetensors", "mean", "-m", model, "-o", "a.png"), 2, "is damaged")
    delta.unlink()
    assert i2s("synthesize", "ann.safetensors", "-m", model).code == 0


def test_clips_are_refused(tmp_path: Path, quick: Quick) -> None:
    (tmp_path / "talk.mp4").write_bytes(b"")
    refused(invoke("embed", tmp_path / "talk.mp4", *quick, "--tune", 5), 2, "not tuned to a clip")
