"""Generators that several test files export, and the one home that their graphs share: exporting is what takes time."""

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch

from export.source import GraphSource
from i2s_trt.checkpoints.encoders import TrainedEncoder
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.models.encoder import Encoder
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16, random_vgg16


@pytest.fixture
def shared_home(own_home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One home for the tests of all files that ask for it, in whichever process of the run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared-home"
    folder.mkdir(exist_ok=True)
    assert folder != own_home
    monkeypatch.setenv("I2S_TRT_HOME", str(folder))
    return folder


def made_from(generator: Generator, vgg: Vgg16, objective: ObjectiveOptions | None = None) -> GraphSource:
    """A source of networks that are loaded already."""
    return GraphSource(lambda: generator, lambda: vgg, objective, generator.digest, lambda: untrained(generator))


@cache
def slim(resolution: int, channels: int = 16, w_dim: int = 20) -> GraphSource:
    """A generator of few channels. At 64 pixels it is cropped, as a landscape model is, and no two sizes are alike."""
    spec = standard_spec(resolution, channels, w_dim)
    spec = replace(spec, crop=(8, 56)) if resolution == 64 else spec
    generator = Generator.from_weights(random_weights(spec, seed=3))
    return GraphSource(lambda: generator, _vgg, None, generator.digest, lambda: untrained(generator))


def untrained(generator: Generator) -> TrainedEncoder:
    """An encoder whose weights are random but always the same: exporting needs no better one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Encoder(generator.spec).eval().requires_grad_(False)
    return TrainedEncoder(network, generator.digest, {})


@cache
def _vgg() -> Vgg16:
    return random_vgg16()
