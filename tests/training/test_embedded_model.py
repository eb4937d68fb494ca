"""The model that ships: small, whole, and every edit means something. Seeds here were never trained on."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.models.generator import Generator
from i2s_trt.training.directions import edit_table, factor_directions
from i2s_trt.training.factor_reader import load_factor_reader
from i2s_trt.training.factors import COUNT, sample_latents, uniform_from_latents
from i2s_trt.training.portraits.render import render_uniform
from i2s_trt.training.study import psnr

WEIGHTS = Path(str(files("i2s_trt") / "weights"))
VGG16 = WEIGHTS / "vgg16"  # Oxford's; the others are trained here


@pytest.fixture(scope="module")
def generator() -> Generator:
    return load_generator(WEIGHTS / "demo")


def generated(generator: Generator, latents: np.ndarray) -> torch.Tensor:
    with torch.no_grad():
        images: torch.Tensor = generator.synthesis(
            generator.broadcast(generator.mapping(torch.from_numpy(latents[:, 0])))
        )
    return images


def test_the_weights_stay_small() -> None:
    sizes = {path: path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 24e6
    assert sum(size for path, size in sizes.items() if path.parent != VGG16 and path.suffix == ".safetensors") < 12e6


def test_the_architecture_is_as_described(generator: Generator) -> None:
    assert (generator.resolution, generator.num_layers, generator.z_dim, generator.w_dim) == (128, 12, COUNT, 384)


def test_it_makes_the_portrait_that_a_latent_describes(generator: Generator) -> None:
    latents = sample_latents(77_001, 16, mixing=0.0)
    drawn = render_uniform(uniform_from_latents(latents)).astype(np.float32) / 127.5 - 1
    targets = torch.from_numpy(drawn).permute(0, 3, 1, 2)
    own = psnr(generated(generator, latents), targets)
    others = psnr(generated(generator, latents), targets.roll(1, 0))
    assert own.mean() > 25
    assert (own > others + 3).all()


def test_edits_follow_the_drawn_truth(generator: Generator) -> None:
    table = edit_table(generator, ("mouth_open", "gaze", "glasses", "beard", "smile"), seed=77_002, faces=6)
    for name, scores in table.items():
        assert scores["correlation"] > 0.78, name
        assert 0.5 < scores["size_ratio"] < 1.5, name


@pytest.mark.parametrize("name", ["smile", "mouth_open", "glasses", "gaze"])
def test_the_reader_sees_an_edit_and_the_same_person(generator: Generator, name: str) -> None:
    directions, reader = factor_directions(generator, count=3000), load_factor_reader()
    w = generator.mapping(torch.from_numpy(sample_latents(77_003, 4, mixing=0.0)[:, 0]))
    low, high = (reader.read(generator.synthesis(generator.broadcast(w + s * directions[name]))) for s in (-0.6, 0.6))
    assert (high[name] - low[name]).mean() > 0.3
    for other in ("skin_tone", "yaw", "hair_length", "backdrop_light"):
        assert (high[other] - low[other]).abs().mean() < 0.15, other


def test_mean_w_is_the_mean_and_w_has_the_scale_that_the_threshold_expects(generator: Generator) -> None:
    w = generator.mapping(torch.from_numpy(sample_latents(77_004, 2000, mixing=0.0)[:, 0]))
    assert (w.mean(dim=0) - generator.mean_w).norm() < 0.2
    assert (w - generator.mean_w).norm(dim=1).mean() == pytest.approx(3.2, rel=0.05)


def test_crossover_keeps_the_face_and_takes_the_colours(generator: Generator) -> None:
    reader = load_factor_reader()
    w = generator.broadcast(generator.mapping(torch.from_numpy(sample_latents(77_005, 8, mixing=0.0)[:, 0])))
    structure, colour = w, w.roll(1, 0)
    mixed = structure.clone()
    mixed[:, 6:] = colour[:, 6:]
    reading, own, given = (reader.read(generator.synthesis(x)) for x in (mixed, structure, colour))
    for name in ("yaw", "glasses", "mouth_open", "hair_length"):
        assert (reading[name] - own[name]).abs().mean() < 0.2, name
    for name in ("skin_tone", "backdrop_light", "clothes_light"):
        assert (reading[name] - given[name]).abs().mean() < 0.2, name
