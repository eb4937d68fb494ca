"""What embedding needs of a model, made once: for one picture, for a folder of them, for every frame of a clip."""

import copy
from dataclasses import replace
from typing import Self

import torch

from i2s_trt.embedding.loss.gradient import Announce, Gradient, warn
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.steps.schedule import step_rule
from i2s_trt.fused.epilogue import Epilogue
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16, imagenet_vgg16


class Embedder:
    """A generator made ready to embed pictures under one set of options.

    The fused networks, the prior's covariance, the fast schedule's metric and, on a GPU, the captured step live here:
    they depend on the model and not on the picture.

    Args:
        generator: on the device to use.
        options: the paper's settings when left out.
        vgg: feature network of Eq. 2; the built-in one, trained on ImageNet, when left out.
        announce: called with what does not go as planned: a batch too large, a step that cannot be captured.
        epilogue: the implementation of the layers' epilogue; the one that suits the device when left out.

    Attributes:
        generator, options, vgg, announce: as given.
        device: of the generator.
        gradient: evaluates losses and their gradient.
        rule: how a step moves.
        captured: steps captured as CUDA graphs, with the problem whose tensors they read; of `EmbedProblem`.

    Raises:
        UsageError: the objective has no curvature, and the schedule is the fast one.
    """

    def __init__(
        self,
        generator: Generator,
        options: EmbedOptions | None = None,
        vgg: Vgg16 | None = None,
        announce: Announce = warn,
        epilogue: Epilogue | None = None,
    ) -> None:
        self.generator, self.options, self.announce = generator, options or EmbedOptions(), announce
        self.device: torch.device = generator.mean_w.device
        self.vgg: Vgg16 = (vgg or imagenet_vgg16()).to(self.device)
        self.gradient = Gradient(generator, self.vgg, self.options, announce, epilogue)
        self.rule = step_rule(generator, self.vgg, self.options, self.gradient)
        self.captured: dict[object, object] = {}

    def starting_at(self, digest: str) -> Self:
        """The same for pictures that start from a given latent; `digest` goes into their record."""
        other = copy.copy(self)
        other.options = replace(self.options, init="latent", init_digest=digest)
        return other
