"""How far an expression is turned: a made-up renderer and reader say where the smile ends and another face begins."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.demo.ramp import IDENTITY, Ramp, choose_ramp
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import TorchSynthesizer
from i2s_trt.training.directions import factor_directions
from i2s_trt.training.factor_reader import FactorReading, load_factor_reader

Array = np.ndarray[Any, Any]
NAMES = ("smile", "mouth_open", *IDENTITY)


class _Identity:
    """Renders a latent as itself."""

    def images(self, w_plus: Array) -> Array:
        return w_plus


@dataclass
class _Curves:
    """Reads smile and glasses off a latent's strength, which is its only value."""

    smile: Any
    glasses: Any

    def read(self, images: torch.Tensor) -> FactorReading:
        strength = images[:, 0, 0]
        table = torch.zeros(len(strength), len(NAMES))
        table[:, 0] = self.smile(strength)
        table[:, NAMES.index("glasses")] = self.glasses(strength)
        return FactorReading(NAMES, table)


def ramp(smile: Any, glasses: Any = torch.zeros_like) -> Ramp:
    # a difference below the threshold of 1 is dropped: so rows of length 1 and more
    ends = np.zeros((1, 4), np.float32), np.ones((1, 4), np.float32)
    return choose_ramp(_Identity(), _Curves(smile, glasses), ends[0], *ends)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("smile", "glasses", "expected"),
    [
        pytest.param(lambda s: s, torch.zeros_like, (-0.9, 0.9), id="nine tenths of a straight line"),
        pytest.param(lambda s: s.clamp(-0.5, 0.5), torch.zeros_like, (-0.5, 0.5), id="saturated"),
        pytest.param(lambda s: s, lambda s: s.clamp(min=0), (-0.9, 0.3), id="glasses grow"),
        pytest.param(lambda s: -s.abs(), torch.zeros_like, (-0.9, 0.0), id="already smiling"),
        pytest.param(lambda s: -s, torch.zeros_like, (0.0, 0.0), id="the other way round"),
        pytest.param(
            lambda s: s.clamp(max=0.4) - 2 * (s - 0.6).clamp(min=0), torch.zeros_like, (-0.9, 0.4), id="tears"
        ),
    ],
)
def test_the_ends_are_where_the_smile_is(smile: Any, glasses: Any, expected: tuple[float, float]) -> None:
    found = ramp(smile, glasses)
    assert (found.weakest, found.strongest) == expected
    ends = torch.tensor([found.weakest, 0.0, found.strongest])
    assert found.smiles == pytest.approx(smile(ends).tolist(), abs=1e-6)


def test_strengths_are_even_and_meet_the_ends() -> None:
    assert Ramp(-0.5, 1.0, (0.0, 0.0, 0.0)).strengths(4) == pytest.approx([-0.5, 0.0, 0.5, 1.0])


def test_on_the_models_own_face_the_reader_sees_it_smile() -> None:
    generator = load_generator()
    smile = 1.5 * factor_directions(generator, count=2000)["smile"].numpy()
    face = w_plus_from_seed(generator, 3)
    found = choose_ramp(TorchSynthesizer(generator), load_factor_reader(), face, face - smile, face + smile)
    assert found.weakest < 0 < found.strongest
    assert found.smiles[0] < found.smiles[1] - 0.2 < found.smiles[2] - 0.4
