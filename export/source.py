"""The model that graphs are made from, loaded when something has to be made and not before."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from export.keys import WITH_LOSS, GraphKey, Precision
from i2s_trt.checkpoints.catalogue import find_folder, read_info
from i2s_trt.embedding.options import ObjectiveOptions

if TYPE_CHECKING:
    from i2s_trt.checkpoints.encoders import TrainedEncoder
    from i2s_trt.models.generator import Generator
    from i2s_trt.models.vgg import Vgg16


class GraphSource:
    """A generator, a feature network and the settings of the loss.

    The networks may be on any device and stay there: what is exported are copies of theirs on the CPU.

    Args:
        generator: gives the generator when it is needed.
        vgg: gives the feature network when it is needed.
        objective: settings of the loss, for the graphs that hold one.
        model_digest: of the generator, where it is known without loading it.
        encoder: gives the encoder when it is needed; by default the one that was trained for the generator.
    """

    def __init__(
        self,
        generator: "Callable[[], Generator]",
        vgg: "Callable[[], Vgg16]",
        objective: ObjectiveOptions | None = None,
        model_digest: str = "",
        encoder: "Callable[[], TrainedEncoder] | None" = None,
    ) -> None:
        self._load_generator, self._load_vgg = generator, vgg
        self.objective = objective or ObjectiveOptions()
        self._known_digest = model_digest
        self._load_encoder = encoder

    @classmethod
    def named(cls, model: str, vgg: "Callable[[], Vgg16]") -> "GraphSource":
        """The source of a model by name or path. Raises ModelError or CheckpointError when it is loaded."""

        def load() -> "Generator":
            from i2s_trt.checkpoints.store import load_generator

            return load_generator(model)

        folder = find_folder(model)
        return cls(load, vgg, model_digest=read_info(folder).digest if folder else "")

    @cached_property
    def generator(self) -> "Generator":
        """The generator, frozen, in float32, on the CPU. Raises ExportError for one without weights."""
        from export.cpu_copy import cpu_copy

        return cpu_copy(self._load_generator())

    @cached_property
    def vgg(self) -> "Vgg16":
        """The feature network, on the CPU."""
        from export.cpu_copy import cpu_copy

        return cpu_copy(self._load_vgg())

    @cached_property
    def encoder(self) -> "TrainedEncoder":
        """The encoder, on the CPU. Raises ModelError when none has been trained."""
        from export.cpu_copy import cpu_copy
        from i2s_trt.checkpoints.encoders import load_encoder

        encoder = self._load_encoder() if self._load_encoder else load_encoder(self.generator)
        return replace(encoder, network=cpu_copy(encoder.network))

    @property
    def model_digest(self) -> str:
        """Digest of the generator."""
        return self._known_digest or self.generator.digest

    def key(self, name: str, precision: Precision) -> GraphKey:
        """The key of a graph made from this source."""
        if name == "encoder":
            return GraphKey(self.model_digest, name, precision, encoder_digest=self.encoder.digest)
        if name not in WITH_LOSS:
            return GraphKey(self.model_digest, name, precision)
        objective = hashlib.sha256(repr(self.objective).encode()).hexdigest()
        return GraphKey(self.model_digest, name, precision, self.vgg.source.digest, objective)
