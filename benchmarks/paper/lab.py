"""What a study works with: the model, its yardsticks, the pictures, and the embeddings."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch

from benchmarks.paper.likeness import Likeness
from benchmarks.paper.pictures.collection import FACES, Collection, Picture
from benchmarks.paper.settings import Settings
from benchmarks.paper.task import Embedded, Task
from benchmarks.paper.verdict import NotTestableError
from i2s_trt.arrays import Array, Pixels, WPlus
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.start.distance import typical_distance
from i2s_trt.images.fit import to_target
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import TorchSynthesizer
from i2s_trt.training.factor_reader import FactorReader

_SAMPLES = 256
_LARGE, _FEW_SAMPLES = 512, 96  # on the CPU a sample of a large model takes seconds


class Embedder(Protocol):
    """Makes embeddings, or finds them."""

    def embed(self, tasks: Sequence[Task]) -> list[Embedded]:
        """Embeddings of all tasks, in order."""
        ...


class Lab:
    """One model and one collection.

    Args:
        generator: on the device to use.
        vgg: feature network.
        collection: pictures of the model's size.
        settings: of the run.
        embedder: gives embeddings.
        reader: reads factors off pictures, for the embedded model alone.
        others: further models by name (Figures 18 and 19).
    """

    def __init__(
        self,
        generator: Generator,
        vgg: Vgg16,
        collection: Collection,
        settings: Settings,
        embedder: Embedder,
        reader: FactorReader | None = None,
        others: Mapping[str, Generator] | None = None,
    ) -> None:
        self.generator, self.vgg, self.collection, self.settings = generator, vgg, collection, settings
        self._embedder, self._reader = embedder, reader
        self.others = others or {}
        self.render = TorchSynthesizer(generator)

    def task(self, picture: Pixels, **changes: Any) -> Task:
        """The standard embedding of a picture, with changed options."""
        return Task(picture, replace(self.settings.options, **changes))

    def objective_task(self, picture: Pixels, **changes: Any) -> Task:
        """The standard embedding of a picture under a changed objective (Eq. 1 and 2)."""
        return self.task(picture, objective=replace(self.settings.options.objective, **changes))

    def standard(self) -> list[Task]:
        """The standard embedding of every picture: what most studies share."""
        return [self.task(picture.pixels) for picture in self.collection.pictures]

    def embed(self, tasks: Sequence[Task]) -> list[Embedded]:
        """Embeddings in order, each made once whichever studies ask for it."""
        return self._embedder.embed(tasks)

    def faces(self, count: int | None = None) -> list[Picture]:
        """The first faces. Raises NotTestableError when there are none."""
        faces = self.collection.of(FACES)[: count or self.settings.faces]
        if not faces:
            raise NotTestableError("there are no pictures of faces (no subfolder named faces)")
        return faces

    def classes_beside_faces(self) -> list[str]:
        """The other classes. Raises NotTestableError when there are no faces, or nothing else."""
        self.faces()
        others = [label for label in self.collection.labels if label != FACES]
        if not others:
            raise NotTestableError("there are pictures of faces alone, no other class to compare them with")
        return others

    @property
    def reader(self) -> FactorReader:
        """Reads factors. Raises NotTestableError where none are known."""
        if self._reader is None:
            raise NotTestableError("only of the built-in model's faces is it known what they show")
        return self._reader

    @property
    def knows_factors(self) -> bool:
        """Whether there is a reader."""
        return self._reader is not None

    def read(self, pictures: Sequence[Pixels]) -> dict[str, Array]:
        """Factor -> values [N] of pictures uint8 [H, W, 3]. Raises NotTestableError as `reader` does."""
        reading = self.reader.read(torch.stack([to_target(picture) for picture in pictures]))
        return {name: values.numpy() for name, values in reading.items()}

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Digests and settings that every outcome depends on."""
        return {
            "model": self.generator.digest,
            "features": self.vgg.source.digest,
            "pictures": self.collection.digest(),
            "settings": self.settings.to_json(),
            "reader": _digest(self._reader) if self._reader else "",
            "others": {name: network.digest for name, network in self.others.items()},
        }

    @property
    def style_layers(self) -> range:
        """The rows of w+ that carry style (section 4.2), from the same resolution on in every architecture."""
        spec = self.generator.spec
        return range(spec.crossover, spec.num_layers)

    @cached_property
    def length(self) -> float:
        """Typical |w - w-bar| of the model's own samples."""
        return self.typical_distance / math.sqrt(self.generator.num_layers)

    @cached_property
    def typical_distance(self) -> float:
        """The same over all of W+: the yardstick for distances to the mean latent."""
        return typical_distance(self.generator)

    @cached_property
    def mean_picture(self) -> Pixels:
        """The mean face, uint8 [H, W, 3]."""
        return np.asarray(self.render(self.mean_w_plus[None])[0])

    @cached_property
    def mean_w_plus(self) -> WPlus:
        """w-bar as float32 [L, D]."""
        return self.generator.mean_w_plus.cpu().numpy().copy()

    @cached_property
    def samples(self) -> list[Pixels]:
        """The model's own pictures, untruncated."""
        small = self.generator.resolution < _LARGE or self.generator.mean_w.device.type != "cpu"
        seeds = range(_SAMPLES if small else _FEW_SAMPLES)
        return [self.render(w_plus_from_seed(self.generator, seed, psi=1.0)[None])[0] for seed in seeds]

    @cached_property
    def likeness(self) -> Likeness:
        """How much pictures look like the model's."""
        return Likeness(self.samples)

    def relative(self, embedded: Embedded) -> float:
        """Distance to the mean latent in units of the model's own samples'."""
        return embedded.latent.distance / self.typical_distance

    def options(self, **changes: Any) -> EmbedOptions:
        """The standard options, changed."""
        return replace(self.settings.options, **changes)


def _digest(reader: FactorReader) -> str:
    state = hashlib.sha256()
    for name, tensor in sorted(reader.state_dict().items()):
        state.update(name.encode() + tensor.cpu().numpy().tobytes())
    return state.hexdigest()
