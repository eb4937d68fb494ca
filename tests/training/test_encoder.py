"""Encoders: trained on a generator's own samples, kept for it, refused for another, and used to start from."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from i2s_trt.checkpoints.encoders import (
    TrainedEncoder,
    encoder_path,
    load_encoder,
    save_encoder,
)
from i2s_trt.embedding.embed import EmbedProblem, embed
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.loss import curvature
from i2s_trt.embedding.loss.curvature import model_curvature
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.start.point import starting_point
from i2s_trt.errors import LatentError, ModelError, UsageError
from i2s_trt.images.fit import to_pixels
from i2s_trt.models.encoder import Encoder
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16
from i2s_trt.training.encoder import EncoderEvent, EncoderOptions, errors, train_encoder

PIXEL = ObjectiveOptions(layer_weights={})
SHORT = EncoderOptions(presentations=40, batch=4)


@pytest.fixture(scope="module")
def metric_of_toy(toy: Generator) -> torch.Tensor:
    """Any curvature will do to learn by."""
    return torch.eye(toy.w_dim).repeat(toy.num_layers, 1, 1)


@pytest.fixture
def encoder(toy: Generator, metric_of_toy: torch.Tensor) -> TrainedEncoder:
    trained = train_encoder(toy, metric_of_toy, SHORT)
    assert trained is not None
    return trained


def test_training_lowers_the_error_on_samples_it_has_not_seen(toy: Generator, metric_of_toy: torch.Tensor) -> None:
    options = EncoderOptions(presentations=2400, batch=16, spreads=(0.0,), rate=3e-3)
    trained = train_encoder(toy, metric_of_toy, options)
    assert trained is not None
    assert trained.recipe["held_out_error"] < 0.8
    assert trained.recipe["seed"] == 0
    assert trained.model_digest == toy.digest


def test_the_same_seed_gives_the_same_encoder_and_another_another(
    toy: Generator, metric_of_toy: torch.Tensor, encoder: TrainedEncoder
) -> None:
    torch.manual_seed(99)
    state = torch.random.get_rng_state()
    again = train_encoder(toy, metric_of_toy, SHORT)
    assert torch.equal(torch.random.get_rng_state(), state)
    other = train_encoder(toy, metric_of_toy, replace(SHORT, seed=1))
    assert again is not None
    assert other is not None
    assert again.digest == encoder.digest != other.digest


def test_events_count_and_a_true_answer_stops(toy: Generator, metric_of_toy: torch.Tensor) -> None:
    seen: list[EncoderEvent] = []

    def keep(event: EncoderEvent) -> bool:
        seen.append(event)
        return len(seen) == 3

    assert train_encoder(toy, metric_of_toy, replace(SHORT, presentations=18), keep) is None
    assert [event.shown for event in seen] == [4, 8, 12]
    assert {event.of for event in seen} == {18}


def test_one_that_looks_again_corrects_its_guesses(toy: Generator, metric_of_toy: torch.Tensor) -> None:
    options = EncoderOptions(presentations=2400, batch=16, spreads=(0.0,), rate=3e-3, rounds=3)
    trained = train_encoder(toy, metric_of_toy, options)
    assert trained is not None
    network = trained.network
    assert isinstance(network, Encoder)
    latents = toy.broadcast(toy.mapping(torch.randn(64, toy.z_dim, generator=torch.Generator().manual_seed(5))))
    images, guess, left = toy(latents), toy.mean_w.expand_as(latents), []
    for _ in range(3):
        guess = network.corrected(guess, images, toy)
        left.append(float((guess - latents).square().mean()))
    assert left[1] < 0.95 * left[0]
    torch.testing.assert_close(network.refine(images, toy), guess)
    with pytest.raises(ModelError, match="corrects its own guesses"):
        network(images)


def test_one_that_looks_again_is_kept_with_its_rounds(toy: Generator, metric_of_toy: torch.Tensor) -> None:
    trained = train_encoder(toy, metric_of_toy, replace(SHORT, rounds=2))
    once = train_encoder(toy, metric_of_toy, SHORT)
    assert trained is not None
    assert once is not None
    assert trained.digest != once.digest
    path = encoder_path(toy.digest)
    save_encoder(path, trained)
    picture, found = np.full((16, 16, 3), 90, np.uint8), load_encoder(toy)
    np.testing.assert_allclose(found(picture), trained(picture), atol=0.02)
    assert isinstance(found.network, Encoder)
    assert found.network.rounds == found.recipe["rounds"] == 2
    for rounds, said in ((0, "looks 0 times"), (99, "looks 99 times"), ("2", "looks 2 times"), (1, "size mismatch")):
        rewrite(path, rounds=rounds)
        with pytest.raises(ModelError, match=said):
            load_encoder(toy)


def rewrite(path: Path, **changes: object) -> None:
    """Say something else of an encoder than it is."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    document = {**json.loads(metadata["encoder"]), **changes}
    save_file(load_file(path), path, {**metadata, "encoder": json.dumps(document)})


@pytest.mark.parametrize("rounds", [0, 11])
def test_rounds_that_are_none_are_refused(rounds: int) -> None:
    with pytest.raises(UsageError, match=f"cannot look {rounds} times"):
        EncoderOptions(rounds=rounds)


@pytest.mark.parametrize("wrong", [{"presentations": 0}, {"batch": 0}, {"rate": 0.0}, {"rate": float("nan")}])
def test_impossible_trainings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="cannot be trained"):
        EncoderOptions(**wrong)  # type: ignore[arg-type]


def test_the_errors_metric_is_the_curvatures() -> None:
    root = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(0))
    guess, latents, mean = torch.zeros(1, 2, 3), torch.ones(1, 2, 3), torch.full((3,), 0.5)
    error, scale = errors(guess, latents, mean, root)
    expected = sum(float(torch.ones(3) @ (r.T @ r) @ torch.ones(3)) for r in root)
    assert float(error) == pytest.approx(expected, rel=1e-4)
    assert float(scale) == pytest.approx(expected / 4, rel=1e-4)


@pytest.mark.parametrize("crop", [None, (4, 28)])
@pytest.mark.parametrize("resolution", [8, 32, 256])
def test_the_network_takes_pictures_of_every_model(resolution: int, crop: tuple[int, int] | None) -> None:
    if crop and resolution == 8:
        crop = (1, 7)
    spec = replace(standard_spec(resolution, 8, 16), crop=crop)
    guess = Encoder(spec)(torch.zeros(2, 3, *spec.picture_size))
    assert guess.shape == (2, spec.num_layers, 16)


def test_what_was_saved_is_read_again(toy: Generator, encoder: TrainedEncoder) -> None:
    save_encoder(encoder_path(toy.digest), encoder)
    found = load_encoder(toy)
    assert found.recipe == encoder.recipe
    picture = np.full((16, 16, 3), 90, np.uint8)
    np.testing.assert_allclose(found(picture), encoder(picture), atol=0.02)
    assert found(picture).shape == (toy.num_layers, toy.w_dim)


def test_an_encoder_of_another_model_is_refused(toy: Generator, encoder: TrainedEncoder, tmp_path: Path) -> None:
    other = Generator.from_weights(random_weights(standard_spec(16, 16, 24), seed=4))
    save_encoder(tmp_path / "encoder.safetensors", encoder)
    with pytest.raises(ModelError, match="trained for another model") as caught:
        load_encoder(other, tmp_path / "encoder.safetensors")
    assert "train-encoder" in caught.value.hint
    with pytest.raises(ModelError, match="no encoder has been trained"):
        load_encoder(other)


@pytest.mark.parametrize("damage", ["cut", "foreign", "tensor", "record"])
def test_damaged_encoders_are_errors(toy: Generator, encoder: TrainedEncoder, damage: str) -> None:
    path = encoder_path(toy.digest)
    save_encoder(path, encoder)
    tensors = load_file(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    elif damage == "foreign":
        save_file(tensors, path)
    elif damage == "tensor":
        first = {name: tensor for i, (name, tensor) in enumerate(tensors.items()) if i}
        save_file(
            first, path, {"format": "i2s-trt encoder 1", "encoder": f'{{"model": "{toy.digest}", "recipe": {{}}}}'}
        )
    else:
        save_file(tensors, path, {"format": "i2s-trt encoder 1", "encoder": "[]"})
    with pytest.raises(ModelError, match="missing or damaged"):
        load_encoder(toy)


def test_an_embedding_starts_where_the_encoder_says(toy: Generator, vgg: Vgg16, encoder: TrainedEncoder) -> None:
    save_encoder(encoder_path(toy.digest), encoder)
    start = starting_point("encoder", toy)
    assert (start.init, start.digest) == ("encoder", load_encoder(toy).digest)
    pictures = [np.full((16, 16, 3), level, np.uint8) for level in (30, 200)]
    options = EmbedOptions(steps=0, init="encoder", init_digest=start.digest, objective=PIXEL)
    results = embed(toy, pictures, options, vgg=vgg, initial=start.initial)
    for picture, result in zip(pictures, results, strict=True):
        np.testing.assert_array_equal(result.latent.w_plus, load_encoder(toy)(picture))
        (alone,) = embed(toy, [picture], options, vgg=vgg, initial=start.initial)
        np.testing.assert_array_equal(alone.latent.w_plus, result.latent.w_plus)


def test_in_w_the_guesss_rows_are_averaged_and_z_is_refused(
    toy: Generator, vgg: Vgg16, encoder: TrainedEncoder
) -> None:
    picture = np.full((16, 16, 3), 90, np.uint8)
    options = EmbedOptions(steps=0, init="encoder", space="w", objective=PIXEL)
    state = EmbedProblem(Embedder(toy, options, vgg), [picture], initial=encoder).start()
    np.testing.assert_allclose(state.variable[0, 0].numpy(), encoder(picture).mean(axis=0), rtol=1e-5, atol=1e-6)
    with pytest.raises(LatentError, match="Z"):
        EmbedProblem(Embedder(toy, replace(options, space="z"), vgg), [picture], initial=encoder)


def test_an_encoder_that_is_asked_for_and_not_given_is_an_error(toy: Generator, vgg: Vgg16) -> None:
    with pytest.raises(UsageError, match="no encoder was given"):
        embed(toy, [np.zeros((16, 16, 3), np.uint8)], EmbedOptions(steps=0, init="encoder"), vgg=vgg)


def test_trained_with_the_real_curvature_it_beats_the_mean_latent_on_new_samples(
    toy: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curvature, "PROBES", 4)
    options = EncoderOptions(presentations=2400, batch=16, spreads=(0.0,), rate=3e-3)
    encoder = train_encoder(toy, model_curvature(toy, vgg, PIXEL), options)
    assert encoder is not None
    w = toy.mapping(torch.randn(6, toy.z_dim, generator=torch.Generator().manual_seed(77)))
    pictures = list(to_pixels(toy(toy.broadcast(w))))
    settings = EmbedOptions(steps=0, objective=PIXEL)
    mean = [item.latent.losses["total"] for item in embed(toy, pictures, settings, vgg=vgg)]
    ours = [
        item.latent.losses["total"]
        for item in embed(toy, pictures, replace(settings, init="encoder"), vgg=vgg, initial=encoder)
    ]
    assert sum(ours) < sum(mean)
