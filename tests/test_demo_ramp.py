"""How far an expression is turned: a made-up renderer and reader say where the smile ends and another face begins."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt.arrays import Array, WPlus
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.demo.ramp import IDENTITY, Ramp, choose_ramp
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import TorchSynthesizer
from i2s_trt.training.directions import factor_directions
from i2s_trt.training.factor_reader import FactorReading, load_factor_reader

NAMES = ("smile", "mouth_open", *IDENTITY)


class _Identity:
    """Renders a latent as itself."""

    def images(self, w_plus: WPlus) -> Array:
        return w_plus


@dataclass
class _Curves:
    """Reads factors off a latent's strength, which is its only value."""

    curves: dict[str, Any]

    def read(self, images: torch.Tensor) -> FactorReading:
        strength = images[:, 0, 0]
        table = torch.zeros(len(strength), len(NAMES))
        for name, curve in self.curves.items():
            table[:, NAMES.index(name)] = curve(strength)
        return FactorReading(NAMES, table)


def ends(**curves: Any) -> tuple[float, float]:
    start, end = np.zeros((1, 4), np.float32), np.ones((1, 4), np.float32)  # a difference of length 2: none is dropped
    ramp = choose_ramp(_Identity(), _Curves(curves), start, start, end)  # type: ignore[arg-type]
    return ramp.weakest, ramp.strongest


def _noise(s: torch.Tensor) -> torch.Tensor:
    return 0.05 * torch.sin(40 * s)


@pytest.mark.parametrize(
    ("curves", "expected"),
    [
        pytest.param({"smile": lambda s: s}, (-0.9, 0.9), id="nine tenths of a straight line"),
        pytest.param({"mouth_open": lambda s: s}, (-0.9, 0.9), id="the mouth alone"),
        pytest.param({"smile": lambda s: s, "mouth_open": lambda s: -s}, (0.0, 0.0), id="the mouth against the smile"),
        pytest.param({"smile": lambda s: s.clamp(-0.5, 0.5)}, (-0.5, 0.5), id="saturated"),
        pytest.param({"smile": lambda s: s, "glasses": lambda s: s.relu()}, (-0.9, 0.3), id="glasses grow"),
        pytest.param({"smile": lambda s: s, "age": lambda s: (s.abs() > 0.05).float()}, (0.0, 0.0), id="lost at once"),
        pytest.param(
            {"smile": lambda s: s, "age": lambda s: ((s - 0.5).abs() < 0.05).float()},
            (-0.9, 0.4),
            id="lost for a while",
        ),
        pytest.param({"smile": lambda s: -s.abs()}, (-0.9, 0.0), id="already smiling"),
        pytest.param({"smile": lambda s: -s}, (0.0, 0.0), id="the other way round"),
        pytest.param({"smile": lambda s: s.clamp(max=0.4) - 2 * (s - 0.6).relu()}, (-0.9, 0.4), id="tears"),
        pytest.param({"smile": _noise}, (0.0, 0.0), id="nothing but noise"),
    ],
)
def test_the_ends_are_where_the_smile_is(curves: dict[str, Any], expected: tuple[float, float]) -> None:
    assert ends(**curves) == expected


def test_strengths_are_even_and_meet_the_ends() -> None:
    assert Ramp(-0.5, 1.0).strengths(4) == pytest.approx([-0.5, 0.0, 0.5, 1.0])


def test_on_the_models_own_face_the_reader_sees_it_smile() -> None:
    generator = load_generator()
    smile = 1.5 * factor_directions(generator, count=2000)["smile"].numpy()
    face = w_plus_from_seed(generator, 3)
    found = choose_ramp(TorchSynthesizer(generator), load_factor_reader(), face, face - smile, face + smile)
    assert found.weakest < 0 < found.strongest
    strengths = np.array([found.weakest, 0.0, found.strongest], np.float32)
    latents = face + strengths[:, None, None] * 2 * smile
    seen = load_factor_reader().read(torch.from_numpy(TorchSynthesizer(generator).images(latents)))["smile"]
    assert seen[0] < seen[1] - 0.2 < seen[2] - 0.4
