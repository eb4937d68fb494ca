"""The model that the studio has open, and what renders for it."""

import threading
from dataclasses import dataclass, field

import numpy as np

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.deltas import TunedLatent
from i2s_trt.models.generator import Generator
from i2s_trt.synthesizer import PREVIEW_SIZE, Synthesizer, TorchSynthesizer


@dataclass(frozen=True)
class StudioModel:
    """A model with what renders it.

    Attributes:
        name: as the user gave it.
        generator: on the device.
        synthesizers: each is used by one thread at a time, all side by side.
        engine: their engine's name.
        precision: in which they render.
        device: of the generator, as `choose_device` takes it.
    """

    name: str
    generator: Generator
    synthesizers: tuple[Synthesizer, ...] = field(repr=False)
    engine: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"
    _locks: tuple[threading.Lock, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_locks", tuple(threading.Lock() for _ in self.synthesizers))

    def engine_of(self, latent: TunedLatent) -> str:
        """What draws a latent: PyTorch one that changes the model in a way that the engine has no graph for."""
        return "torch" if isinstance(_tuned(self.synthesizers[0], latent), TorchSynthesizer) else self.engine

    def picture(self, latent: TunedLatent) -> Pixels:
        """w_plus float32 [L, D], and what it changes in the model -> uint8 [H, W, 3] of the model's full size."""
        with self._locks[0]:
            return np.asarray(_tuned(self.synthesizers[0], latent)(_batch(latent.w_plus))[0])

    def preview(self, latent: TunedLatent, worker: int = 0) -> Pixels:
        """The same with 256 pixels a side at most, by one of the synthesizers."""
        synthesizer = _tuned(self.synthesizers[worker], latent)
        render = synthesizer if self.generator.resolution <= PREVIEW_SIZE else synthesizer.preview
        with self._locks[worker]:
            return np.asarray(render(_batch(latent.w_plus))[0])


def _tuned(synthesizer: Synthesizer, latent: TunedLatent) -> Synthesizer:
    return synthesizer if latent.delta is None else synthesizer.tuned(latent.delta)


def _batch(w_plus: WPlus) -> WPlus:
    """[1, L, D], a copy: what is read from a file cannot be written, which PyTorch warns of."""
    return np.array(w_plus[None])
