"""Encoders that come with a checkpoint: they guess what the originals guess, are kept, and start embeddings."""

import argparse
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from i2s_trt.checkpoints.catalogue import models_folder
from i2s_trt.checkpoints.encoders import load_encoder, save_encoder, used_encoder_path
from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.checkpoints.store import import_model, load_generator
from i2s_trt.embedding.start.point import starting_point
from i2s_trt.errors import CheckpointError, ModelError
from i2s_trt.images.fit import to_target
from i2s_trt.models.generator import Generator
from i2s_trt.models.pyramid_encoder import PyramidEncoder, PyramidSpec
from tests.checkpoints.builders import torch_file
from tests.checkpoints.reference_encoders import EncoderRecipe, encode, encode_again_and_again, raw_encoder
from tests.checkpoints.reference_stylegan2 import Recipe2, raw_state
from tests.checkpoints.writers_stylegan2 import encoder_bundle

DECODER = Recipe2(channels=(7, 6, 5, 4, 3), z_dim=10)  # 64 pixels, 10 rows
ONE_LOOK = ("GradualStyleEncoder", "Encoder4Editing")
MORE_LOOKS = ("BackboneEncoder", "ProgressiveBackboneEncoder")


def recipe_of(kind: str) -> EncoderRecipe:
    return EncoderRecipe(DECODER.rows, DECODER.w_dim, kind)


def bundle(kind: str, state: dict[str, Tensor] | None = None, **options: Any) -> bytes:
    """A file of that kind, its encoder exchanged if another is given."""
    encoder = raw_encoder(recipe_of(kind)) if state is None else state
    return encoder_bundle(DECODER, raw_state(DECODER), encoder, encoder_type=kind, **options)


@pytest.fixture
def imported(tmp_path: Path) -> Any:
    """Imports a bundle and gives the generator of the store."""

    def into_store(data: bytes) -> Generator:
        (tmp_path / "bundle.pt").write_bytes(data)
        import_model(tmp_path / "bundle.pt", "bundle", overwrite=True)
        return load_generator("bundle")

    return into_store


def picture(size: int = 64) -> Any:
    return np.random.default_rng(3).integers(0, 256, (size, size, 3), np.uint8)


def seen(images: Tensor) -> Tensor:
    return F.interpolate(images, size=(256, 256), mode="bilinear", align_corners=False)


@pytest.mark.parametrize("kind", ONE_LOOK)
@pytest.mark.parametrize("from_mean", [True, False], ids=["from the mean", "from nothing"])
def test_it_guesses_what_the_original_does(kind: str, from_mean: bool, imported: Any) -> None:
    generator = imported(bundle(kind, start_from_latent_avg=from_mean))
    encoder = load_encoder(generator)
    guess = encode(recipe_of(kind), raw_encoder(recipe_of(kind)), seen(to_target(picture()).unsqueeze(0)))[0]
    wanted = (guess + generator.mean_w * from_mean).numpy()
    np.testing.assert_allclose(encoder(picture()), wanted, atol=2e-5 * float(np.abs(wanted).max()))
    assert np.abs(guess.numpy()).max() > 0.05
    assert encoder.recipe["kind"] == kind


@pytest.mark.parametrize("kind", MORE_LOOKS)
@pytest.mark.parametrize("rounds", [1, 3])
def test_restyle_looks_at_what_it_guessed(kind: str, rounds: int, imported: Any) -> None:
    generator = imported(bundle(kind, n_iters_per_batch=rounds))
    encoder = load_encoder(generator)
    image, mean = seen(to_target(picture()).unsqueeze(0)), generator.mean_w.repeat(generator.num_layers, 1)

    def render(latents: Tensor) -> Tensor:
        return seen(generator(latents))

    state = raw_encoder(recipe_of(kind))
    with torch.no_grad():
        wanted = encode_again_and_again(recipe_of(kind), state, image, mean, render, rounds)[0].numpy()
        less = encode_again_and_again(recipe_of(kind), state, image, mean, render, rounds - 1)[0].numpy()
    np.testing.assert_allclose(encoder(picture()), wanted, atol=5e-5 * float(np.abs(wanted).max()))
    assert np.abs(less - wanted).max() > 0.05


@pytest.mark.parametrize(("size", "pooled"), [((1024, 1024), 4), ((384, 512), 2), ((256, 256), 1)])
def test_pictures_are_256_pixels_wide_for_it(size: tuple[int, int], pooled: int) -> None:
    recipe = EncoderRecipe(rows=8, w_dim=9)
    network = PyramidEncoder(PyramidSpec(8, 9, recipe.channels)).eval()
    raw = raw_encoder(recipe)
    network.load_state_dict({**raw, "mean_w": torch.zeros(8, 9)})
    images = torch.rand(1, 3, *size) * 2 - 1
    with torch.no_grad():
        guess = network(images)
        for head in raw:
            raw[head] = raw[head] * 3 if head.endswith("linear.weight") else raw[head]  # no 1 / sqrt(9) in `network`
        wanted = encode(recipe, raw, F.avg_pool2d(images, pooled))
    torch.testing.assert_close(guess, wanted, atol=2e-5, rtol=1e-4)


def test_an_embedding_starts_where_it_points(imported: Any) -> None:
    generator = imported(bundle("Encoder4Editing"))
    start = starting_point("encoder", generator)
    assert start.digest == load_encoder(generator).digest
    assert callable(start.initial)
    assert start.initial(picture()).shape == (DECODER.rows, DECODER.w_dim)


def test_what_is_kept_is_what_was_in_the_file(imported: Any, tmp_path: Path) -> None:
    generator = imported(bundle("Encoder4Editing"))
    encoder = load_encoder(generator)
    save_encoder(tmp_path / "copy.safetensors", encoder)
    again = load_encoder(generator, tmp_path / "copy.safetensors")
    assert again.digest == encoder.digest
    raw = raw_encoder(recipe_of("Encoder4Editing"))
    state = encoder.network.state_dict()
    assert torch.equal(state["body.9.res_layer.1.weight"], raw["body.9.res_layer.1.weight"])
    assert used_encoder_path(generator) == models_folder() / "bundle" / "encoder.safetensors"


def test_the_models_notes_name_the_encoder(tmp_path: Path) -> None:
    (tmp_path / "e4e.pt").write_bytes(bundle("Encoder4Editing"))
    info = import_model(tmp_path / "e4e.pt", "e4e")
    assert info.notes[0] == "its encoder (Encoder4Editing) comes with it, for embed --init encoder"
    assert info.kind == "rosinality, with an encoder"


@pytest.mark.parametrize("kind", ["ResNetBackboneEncoder", "BackboneEncoderUsingLastLayerIntoW", "no name"])
def test_a_kind_that_is_not_read_leaves_the_decoder(kind: str, tmp_path: Path) -> None:
    options = {} if kind == "no name" else {"encoder_type": kind}
    (tmp_path / "net.pt").write_bytes(encoder_bundle(DECODER, raw_state(DECODER), None, **options))
    checkpoint = read_checkpoint(tmp_path / "net.pt")
    assert checkpoint.encoder is None
    assert checkpoint.notes[0] == f"its encoder ({kind}) is not of a kind that is read; the decoder is"
    assert checkpoint.weights.spec.is_stylegan2


def test_an_encoder_of_sketches_leaves_the_decoder(tmp_path: Path) -> None:
    state = raw_encoder(recipe_of("GradualStyleEncoder"))
    state["input_layer.0.weight"] = torch.randn(16, 1, 3, 3)
    (tmp_path / "net.pt").write_bytes(bundle("GradualStyleEncoder", state))
    checkpoint = read_checkpoint(tmp_path / "net.pt")
    assert checkpoint.encoder is None
    assert "looks at 1 channels, which are no photograph" in checkpoint.notes[0]


def _without(name: str) -> dict[str, Tensor]:
    return {key: tensor for key, tensor in raw_encoder(recipe_of("Encoder4Editing")).items() if key != name}


def _with(**tensors: Tensor) -> dict[str, Tensor]:
    return raw_encoder(recipe_of("Encoder4Editing")) | {name.replace("__", "."): one for name, one in tensors.items()}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (_without("input_layer.0.weight"), "lacks 'input_layer.0.weight'"),
        (_without("styles.0.linear.weight"), "lacks 'styles.0.linear.weight'"),
        (_without("body.20.res_layer.1.weight"), "lacks 'body.20.res_layer.1.weight'"),
        (_without("body.5.res_layer.5.fc1.weight"), "body.5.res_layer.5.fc1.weight of the encoder has shape none"),
        (_without("latlayer1.bias"), "latlayer1.bias of the encoder has shape none"),
        (_with(body__24__weight=torch.zeros(3)), "body.24.weight of the encoder has shape [3]; a"),
        (_with(latlayer2__weight=torch.zeros(19, 9, 1, 1)), "latlayer2.weight of the encoder has shape [19, 9, 1, 1]"),
        (_with(latlayer2__bias=torch.full((19,), torch.nan)), "latlayer2.bias of the encoder holds values"),
        (_with(body__2__res_layer__1__weight=torch.zeros(2, 2, 3, 3)), "four stages of at least 16 channels"),
        (raw_encoder(EncoderRecipe(8, DECODER.w_dim)), "mean latent has 100 values, of rows of 10"),
        (raw_encoder(EncoderRecipe(10, 12)), "mean latent has 100 values, of rows of 12"),
    ],
    ids=[
        "no input", "no head", "no stage", "no excitation", "no bias", "one too many", "another shape", "nan",
        "too few channels", "rows", "latent",
    ],
)  # fmt: skip
def test_an_encoder_that_does_not_fit_is_refused_by_name(state: dict[str, Tensor], words: str, tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(bundle("Encoder4Editing", state))
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(tmp_path / "net.pt")
    assert words in str(caught.value)
    assert "net.pt" in str(caught.value)
    assert "download it again" in caught.value.hint


def test_an_encoder_of_another_decoder(tmp_path: Path) -> None:
    state = raw_encoder(EncoderRecipe(8, DECODER.w_dim))
    (tmp_path / "net.pt").write_bytes(bundle("Encoder4Editing", state, start_from_latent_avg=False))
    with pytest.raises(CheckpointError, match=r"guesses 8 rows of 10, and its decoder takes 10 of 10\n *hint: "):
        read_checkpoint(tmp_path / "net.pt")


def test_an_encoder_without_its_mean_starts_from_the_decoders(imported: Any, tmp_path: Path) -> None:
    tree = torch.load(io.BytesIO(bundle("Encoder4Editing")))
    del tree["latent_avg"]
    generator = imported(torch_file(tree))
    mean = load_encoder(generator).network.mean_w
    assert generator.mean_w.abs().max() > 0
    torch.testing.assert_close(mean, generator.mean_w_plus, atol=0, rtol=0)
    notes = read_checkpoint(tmp_path / "bundle.pt").notes
    assert [note.partition(":")[0] for note in notes[1:]] == [
        "the mean latent was not in the file; averaged over 10000 samples of seed 0",
        "its encoder starts from that mean latent",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stylegan_size": 1024}, "the file says resolution 1024 and holds the tensors of 64"),
        ({"stylegan_size": None, "output_size": 256}, "the file says resolution 256 and holds the tensors of 64"),
        ({"stylegan_size": 64, "output_size": 256}, "the file's options say stylegan_size 64 and output_size 256"),
        ({"stylegan_size": "64"}, "the file says resolution '64' and holds the tensors of 64"),
    ],
)
def test_sizes_that_are_not_the_decoders(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(bundle("Encoder4Editing", **options))
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(tmp_path / "net.pt")
    assert words in str(caught.value)
    assert "download it again" in caught.value.hint


@pytest.mark.parametrize("rounds", ["5", 0, -1, 1000, 2.5, True])
def test_rounds_that_are_none(rounds: object, tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(bundle("BackboneEncoder", n_iters_per_batch=rounds))
    with pytest.raises(CheckpointError, match=r"rounds(.|\n)*hint: .*download it again"):
        read_checkpoint(tmp_path / "net.pt")


def test_an_encoder_of_another_model_is_refused(imported: Any, toy: Generator, tmp_path: Path) -> None:
    encoder = load_encoder(imported(bundle("Encoder4Editing")))
    save_encoder(tmp_path / "e.safetensors", encoder)
    with pytest.raises(ModelError, match="was trained for another model"):
        load_encoder(toy, tmp_path / "e.safetensors")
    save_encoder(tmp_path / "e.safetensors", replace(encoder, model_digest=toy.digest))
    with pytest.raises(ModelError, match="is missing or damaged"):
        load_encoder(toy, tmp_path / "e.safetensors")


def test_restyle_needs_its_generator() -> None:
    network = PyramidEncoder(PyramidSpec(8, 9, (16, 16, 16, 16), pyramid=False, looks_at_its_guess=True, rounds=2))
    with pytest.raises(ModelError, match="needs its generator"):
        network(torch.zeros(1, 3, 32, 32))


@pytest.mark.parametrize(
    ("kind", "blocks", "crop"),
    [("cars_encode", 8, (64, 448)), ("cars_encode", 5, None), ("ffhq_encode", 8, None), (7, 8, None)],
)
def test_an_encoder_of_cars_draws_landscapes(kind: object, blocks: int, crop: object, tmp_path: Path) -> None:
    """Names of such files do not say so, as e4e_cars_encode.pt's does not; its options do."""
    recipe = Recipe2(channels=(2,) * blocks)
    (tmp_path / "e4e_cars_encode.pt").write_bytes(encoder_bundle(recipe, raw_state(recipe), None, dataset_type=kind))
    assert read_checkpoint(tmp_path / "e4e_cars_encode.pt").weights.spec.crop == crop
    assert read_checkpoint(tmp_path / "e4e_cars_encode.pt", crop_columns=(0, 4)).weights.spec.crop is None


def test_options_that_were_saved_as_they_were_parsed(tmp_path: Path) -> None:
    tree = torch.load(io.BytesIO(bundle("Encoder4Editing")))
    tree["opts"] = argparse.Namespace(**tree["opts"])
    (tmp_path / "net.pt").write_bytes(torch_file(tree))
    found = read_checkpoint(tmp_path / "net.pt").encoder
    assert found is not None
    assert found.kind == "Encoder4Editing"
