"""What edits do to pictures of the embedded model, as the factor reader sees it.

Latents come from the mapping network, fed with the very variables that draw a portrait, so that a pair differs in one
factor alone and nothing depends on an embedding.
"""

from statistics import NormalDist

import numpy as np
import pytest
import torch

from i2s_trt.arrays import Array, WPlus
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.edit.operations import crossover, expression_transfer
from i2s_trt.models.generator import Generator
from i2s_trt.training.factor_reader import READ, FactorReader, load_factor_reader
from i2s_trt.training.factors import INDEX, sample_latents

SEED = 900


@pytest.fixture(scope="module")
def generator() -> Generator:
    return load_generator()


@pytest.fixture(scope="module")
def reader() -> FactorReader:
    return load_factor_reader()


def faces(generator: Generator, variables: Array) -> WPlus:
    """w_plus [N, L, D] of drawn faces' variables [N, Z]."""
    z = torch.from_numpy(variables)
    return generator.broadcast(generator.mapping(z / z.square().mean(dim=1, keepdim=True).sqrt())).numpy()


def read(generator: Generator, reader: FactorReader, w_plus: WPlus) -> Array:
    """What the pictures show, [N, factors]."""
    return reader.read(generator.synthesis(torch.from_numpy(w_plus))).table.numpy()


def smile_pair(generator: Generator) -> tuple[WPlus, WPlus]:
    """One face with a frown and with a smile, everything else alike."""
    face = sample_latents(SEED + 1, 1, mixing=0.0)[:, 0]
    ends = []
    for smile in (-0.8, 0.8):
        changed = face.copy()
        changed[:, INDEX["smile"]] = NormalDist().inv_cdf((smile + 1) / 2)
        ends.append(faces(generator, changed)[0])
    return ends[0], ends[1]


@pytest.mark.parametrize(("reach", "bar"), [(0.5, 0.1), (1.0, 0.2)])
def test_an_expression_ramp_raises_the_smile_and_little_else(
    generator: Generator, reader: FactorReader, reach: float, bar: float
) -> None:
    """Half the pair's way, the others move a tenth as far; the whole way, faces squint, by .11 on 48 of them."""
    neutral, smiling = smile_pair(generator)
    targets = faces(generator, sample_latents(SEED, 16, mixing=0.0)[:, 0])
    strengths = np.linspace(-reach, reach, 5).tolist()
    ramp = np.stack([expression_transfer(targets, neutral, smiling, strength, threshold=0.0) for strength in strengths])
    seen = read(generator, reader, ramp.reshape(-1, *targets.shape[1:])).reshape(len(strengths), len(targets), -1)
    smile = READ.index("smile")
    assert (np.diff(seen[:, :, smile], axis=0) > 0).mean() > 0.95  # on every face; the reader's scale ends somewhere
    of_all = seen.mean(axis=1)
    assert (np.diff(of_all[:, smile]) > 0).all()
    assert np.ptp(of_all[:, smile]) > 1
    moved = np.ptp(of_all, axis=0) / np.ptp(of_all[:, smile])
    assert {name: float(moved[i]) for i, name in enumerate(READ) if name != "smile" and moved[i] > bar} == {}


def test_a_style_transfer_keeps_pose_and_shape_and_takes_colours(generator: Generator, reader: FactorReader) -> None:
    both = faces(generator, sample_latents(SEED, 32, mixing=0.0)[:, 0])
    content, style = both[:16], both[16:]
    of_content, of_style, of_mixed = (
        read(generator, reader, w_plus) for w_plus in (content, style, crossover(content, style))
    )
    way, gone = of_style - of_content, of_mixed - of_content
    share = dict(zip(READ, (way * gone).sum(axis=0) / (way * way).sum(axis=0), strict=True))  # 0: content's, 1: style's
    for kept in ("yaw", "gaze", "face_width", "smile", "mouth_open", "hair_length", "glasses"):
        assert abs(share[kept]) < 0.15, (kept, share[kept])
    assert abs(share["beard"]) < 0.35  # the reader takes the shade of another light for some of a beard
    for taken in ("skin_tone", "hair_darkness", "light_side", "backdrop_light", "clothes_light"):
        assert share[taken] > 0.75, (taken, share[taken])
