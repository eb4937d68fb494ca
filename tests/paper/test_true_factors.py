"""Studies of the built-in model's faces on the latents that drew them: claims hold, and fall when exchanged."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.paper.album import Album
from benchmarks.paper.catalogue import study
from benchmarks.paper.factors import mean_share, taken_shares
from benchmarks.paper.lab import Lab
from benchmarks.paper.pictures.collection import FACES, Collection, Picture, Source
from benchmarks.paper.settings import quick_settings
from benchmarks.paper.verdict import FAILS, HOLDS, judge
from i2s_trt.arrays import Pixels
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.images.fit import picture_digest
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from i2s_trt.synthesizer import TorchSynthesizer
from i2s_trt.training.factor_reader import load_factor_reader
from i2s_trt.training.factors import INDEX, FloatArray, sample_latents
from tests.paper.known import KnownEmbedder

SEEDS = (6003, 6007, 6011)
SHAVEN = {"glasses": -1.5, "beard": -1.5, "moustache": -1.5, "bangs": -1.5}


@pytest.fixture(scope="module")
def demo() -> Generator:
    return load_generator()


@torch.no_grad()
def w_plus_of(demo: Generator, seed: int, **factors: float) -> Pixels:
    """The latent [L, D] that a drawn face's factors map to, some of them set (standard normal)."""
    latent: FloatArray = sample_latents(seed, 1, mixing=0.0)[0, 0]
    for name, value in factors.items():
        latent[INDEX[name]] = value
    return demo.broadcast(demo.mapping(torch.from_numpy(latent[None])))[0].numpy().copy()


class Makers:
    """Pictures by the model, and the latents that made them."""

    def __init__(self, demo: Generator) -> None:
        self.latents: dict[str, tuple[Pixels, float]] = {}
        self._render, self._demo = TorchSynthesizer(demo), demo

    def picture(self, seed: int, **factors: float) -> Pixels:
        w_plus = w_plus_of(self._demo, seed, **factors)
        pixels = np.asarray(self._render(w_plus[None])[0])
        self.latents[picture_digest(pixels)] = (w_plus, 1.0)
        return pixels


def lab_of(demo: Generator, vgg: Vgg16, *, exchanged: bool = False) -> Lab:
    """Three faces and one person who smiles; `exchanged` gives each expression the other's latent."""
    makers = Makers(demo)
    faces = tuple(Picture(str(seed), makers.picture(seed), FACES) for seed in SEEDS)
    calm = makers.picture(6021, smile=-0.5, mouth_open=-1.0, **SHAVEN)
    smiling = makers.picture(6021, smile=2.0, mouth_open=0.8, **SHAVEN)
    if exchanged:
        one, other = picture_digest(calm), picture_digest(smiling)
        makers.latents |= {one: makers.latents[other], other: makers.latents[one]}
    collection = Collection(faces, (Source("person", {"neutral": calm, "smile": smiling}),), "known")
    settings = replace(quick_settings(3.0, demo.w_dim), faces=3)
    return Lab(demo, vgg, collection, settings, KnownEmbedder(demo, makers.latents), load_factor_reader())


def test_expressions_transfer_and_exchanged_ones_do_not(demo: Generator, vgg: Vgg16, tmp_path: Path) -> None:
    measure = study("figure7").measure
    found = measure(lab_of(demo, vgg), Album(tmp_path / "true"))
    assert judge(found.checks) == HOLDS, found.checks
    assert judge(measure(lab_of(demo, vgg, exchanged=True), Album(tmp_path / "false")).checks) == FAILS


def test_crossover_keeps_shape_and_takes_colour(demo: Generator, vgg: Vgg16) -> None:
    from i2s_trt.edit.operations import crossover

    content, style = (np.stack([w_plus_of(demo, seed) for seed in seeds]) for seeds in (SEEDS, SEEDS[::-1]))
    lab = lab_of(demo, vgg)
    read = [lab.read(list(lab.render(w_plus))) for w_plus in (content, style, crossover(content, style))]
    shares = taken_shares(*read)
    assert mean_share(shares, fine=False) < 1 / 3
    assert mean_share(shares, fine=True) > 2 / 3
    backwards = taken_shares(read[1], read[0], read[2])
    assert mean_share(backwards, fine=False) > 2 / 3


def test_without_a_reader_expressions_are_shown_and_not_judged(demo: Generator, vgg: Vgg16, tmp_path: Path) -> None:
    lab = lab_of(demo, vgg)
    lab._reader = None
    found = study("figure7").measure(lab, Album(tmp_path))
    assert "built-in model" in found.untestable
    assert (tmp_path / found.media[0].file).exists()
