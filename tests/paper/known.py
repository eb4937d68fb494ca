"""A lab whose embeddings are known: its pictures are a model's own, and what made them embeds them exactly."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.paper.lab import Lab
from benchmarks.paper.pictures.collection import Collection, Picture, Source
from benchmarks.paper.settings import Settings
from benchmarks.paper.task import Embedded, Task
from i2s_trt.arrays import Pixels
from i2s_trt.images.fit import picture_digest
from i2s_trt.latents import Latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from i2s_trt.synthesizer import TorchSynthesizer

STEPS = 40
FACE, FAR = 0.5, 4.0  # distances of the latents from the mean, per coordinate's share


class KnownEmbedder:
    """Looks latents up by picture; losses and curves follow from the distance: the farther, the higher and slower."""

    def __init__(self, generator: Generator, latents: Mapping[str, tuple[Pixels, float]]) -> None:
        self._render = TorchSynthesizer(generator)
        self._mean = generator.mean_w_plus.numpy()
        self._latents = latents
        self.asked: list[Task] = []

    def embed(self, tasks: Sequence[Task]) -> list[Embedded]:
        """What made the pictures."""
        self.asked += tasks
        return [self._embedded(task) for task in tasks]

    def _embedded(self, task: Task) -> Embedded:
        w_plus, loss = self._latents[picture_digest(task.picture)]
        curve = loss * (1 + 9 * np.exp(-np.arange(STEPS) / (3 * loss)))[:, None]
        latent = Latent(
            w_plus,
            distance=float(np.linalg.norm(w_plus - self._mean)),
            losses={"total": loss},
            curve=curve.astype(np.float32),
            curve_terms=("total",),
        )
        return Embedded(latent, np.asarray(self._render(w_plus[None])[0]))


def known_lab(generator: Generator, vgg: Vgg16, *, dealt: bool = False, settings: Settings | None = None) -> Lab:
    """Five faces near the mean latent and five cars and paintings far from it, as the model renders them.

    Args:
        generator: a small model.
        vgg: feature network.
        dealt: the pictures dealt to the classes in turn.
        settings: of the lab.
    """
    random = np.random.default_rng(0)
    render, mean = TorchSynthesizer(generator), generator.mean_w_plus.numpy()
    pictures: list[Picture] = []
    latents: dict[str, tuple[Pixels, float]] = {}
    for label, spread, loss in (("faces", FACE, 1.0), ("cars", FAR, 2.0), ("paintings", FAR, 3.0)):
        for i in range(5):
            w_plus = (mean + spread * random.standard_normal(mean.shape)).astype(np.float32)
            pixels = np.asarray(render(w_plus[None])[0])
            pictures.append(Picture(f"{label}{i}", pixels, label))
            latents[picture_digest(pixels)] = (w_plus, loss)
    collection = Collection(tuple(pictures), (Source("ann", {}),)[:0], "known latents")
    embedder = KnownEmbedder(generator, latents)
    return Lab(generator, vgg, collection.dealt() if dealt else collection, settings or Settings(steps=STEPS), embedder)
