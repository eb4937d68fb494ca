"""The factor reader that ships says what unseen portraits show."""

import numpy as np
import pytest
import torch

from i2s_trt.errors import ImageError
from i2s_trt.training.factor_reader import READ, FactorReader, load_factor_reader, shrink
from i2s_trt.training.factors import INDEX, NAMES, WORN, sample_latents, uniform_from_latents, visible
from i2s_trt.training.portraits.render import render_uniform
from i2s_trt.training.read_factors import (
    ReaderOptions,
    determination,
    roughen,
    small_images,
    targets,
    train_reader,
)
from i2s_trt.training.shards import render_shard


@pytest.fixture(scope="module")
def reader() -> FactorReader:
    return load_factor_reader()


def to_images(portraits: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(portraits).permute(0, 3, 1, 2).float() / 127.5 - 1


def test_it_reads_unseen_portraits(reader: FactorReader) -> None:
    shard = render_shard(987_654, 200, 128)
    scores = determination(reader, small_images(shard), targets(shard))
    for name in ("glasses", "yaw", "mouth_open", "gaze", "beard", "skin_tone"):
        assert scores[name] > 0.85, name
    assert scores["smile"] > 0.75
    assert scores["age"] > 0.7
    assert scores["eye_open"] > 0.75
    assert min(scores.values()) > 0.5


@pytest.mark.parametrize("name", ["smile", "mouth_open", "glasses", "gaze", "age", "beard"])
def test_reading_follows_one_factor_and_leaves_others(reader: FactorReader, name: str) -> None:
    found = []
    for seed in range(321, 326):
        uniform = uniform_from_latents(sample_latents(seed, 1, mixing=0.0)).repeat(5, axis=0)
        uniform[:, [INDEX[worn] for worn in WORN]] = -1.0
        uniform[:, INDEX["smile"]] = 0.0
        uniform[:, INDEX[name]] = np.linspace(-1, 1, 5)
        reading = reader.read(to_images(render_uniform(uniform)))
        found.append(np.corrcoef(reading[name].numpy(), visible(name, uniform[:, INDEX[name]]))[0, 1])
        assert reading["yaw"].std() < 0.15
    assert min(found) > 0.9
    assert np.median(found) > 0.95


def test_a_reading_does_not_depend_on_the_batch(reader: FactorReader) -> None:
    images = to_images(render_shard(5, 6, 128).images)
    together, alone = reader.read(images), reader.read(images[2:3])
    torch.testing.assert_close(together.table[2:3], alone.table, rtol=1e-4, atol=1e-4)


def test_a_reading_is_a_mapping_of_names() -> None:
    reading = load_factor_reader().read(torch.zeros(2, 3, 64, 64))
    assert set(reading) == set(READ) <= set(NAMES)
    assert len(reading) == len(READ)
    assert reading["smile"].shape == (2,)
    with pytest.raises(KeyError):
        reading["charisma"]


def test_other_shapes_are_refused(reader: FactorReader) -> None:
    with pytest.raises(ImageError, match=r"(?s)\[1, 3, 32, 32\].*R of at least 64"):
        reader.read(torch.zeros(1, 3, 32, 32))


def test_larger_images_read_the_same(reader: FactorReader) -> None:
    image = to_images(render_shard(6, 1, 256).images)
    torch.testing.assert_close(reader.read(image).table, reader.read(shrink(image)).table)


def test_training_learns_and_repeats() -> None:
    shard = render_shard(1, 300, 64)
    images, truth = small_images(shard), targets(shard)
    options, losses = ReaderOptions(presentations=64 * 60, rate=1e-3, report_every=10), []
    first = train_reader(images, truth, options, lambda _, loss: losses.append(loss))
    again = train_reader(images, truth, options)
    assert losses[-1] < 0.8 * losses[0]
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_roughening_keeps_the_picture_recognisable() -> None:
    images = small_images(render_shard(2, 8, 64)).float() / 127.5 - 1
    rough = roughen(images, torch.Generator().manual_seed(0))
    assert rough.shape == images.shape
    assert 0.005 < (rough - images).abs().mean() < 0.2
