"""A method made ready for a model: from a picture to its latent, looked at on the way."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch

from benchmarks.speed.quality.methods import Method
from i2s_trt.arithmetic import Precision, arithmetic
from i2s_trt.arrays import Pixels
from i2s_trt.checkpoints.encoders import TrainedEncoder, load_encoder
from i2s_trt.embedding.embed import EmbedProblem
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions, TuneOptions
from i2s_trt.embedding.start.spaces import to_w_plus
from i2s_trt.embedding.steps.state import DIVERGED
from i2s_trt.embedding.tune import Tuned, Tuner
from i2s_trt.errors import EnvironmentFault
from i2s_trt.images.fit import to_pixels
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

Look = Callable[[int, Callable[[], Pixels]], None]
_WARM_UP = 5  # steps, after which a GPU replays a captured one


@dataclass(frozen=True)
class Ready:
    """A method with the networks that it needs, on the device.

    Attributes:
        method: what is done.
        embedder: for its steps in W+.
        encoder: that it starts from; None for the mean latent.
        tuner: of the generator; None where it is not tuned.
    """

    method: Method
    embedder: Embedder
    encoder: TrainedEncoder | None = None
    tuner: Tuner | None = None

    @classmethod
    def make(cls, method: Method, generator: Generator, vgg: Vgg16, precision: Precision) -> Self:
        """Load, measure or compile whatever does not depend on a picture.

        Raises:
            ModelError: the method needs an encoder that the model has not.
        """
        encoder = load_encoder(generator) if method.encoder else None
        options = EmbedOptions(max((1, *method.looks)), schedule=method.schedule, precision=precision)
        if encoder is not None:
            options = replace(options, init="encoder", init_digest=encoder.digest)
        steps = max((0, *method.tuning))
        tuner = Tuner(generator, vgg, ObjectiveOptions(), TuneOptions(steps)) if steps else None
        return cls(method, Embedder(generator, options, vgg), encoder, tuner)

    def warm_up(self) -> None:
        """Embed a grey picture for a few steps: what happens once only has happened then."""
        method = self.method
        looks = (min(_WARM_UP, method.looks[-1]),) if method.looks else ()
        short = replace(self, method=replace(method, looks=looks, tuning=(1,) if method.tuning else ()))
        grey = np.full((*self.embedder.generator.spec.picture_size, 3), 128, np.uint8)
        short.embed(grey, lambda _step, _draw: None)

    def embed(self, picture: Pixels, look: Look, end: float = float("inf")) -> None:
        """Embed a picture.

        Args:
            picture: uint8 [H, W, 3], of the model's size.
            look: called with the steps done and what draws the picture as it is then, uint8 [H, W, 3].
            end: on the monotonic clock; later steps are not taken.

        Raises:
            EnvironmentFault: the loss is no longer finite.
        """
        if self.encoder is not None and not self.method.looks:
            guess = torch.from_numpy(self.encoder(picture))[None].to(self.embedder.device)
            look(0, lambda: self._draw(guess))
            return
        w_plus = self._in_w_plus(picture, look, end)
        if self.tuner is not None and time.monotonic() < end:
            self._tune(self.tuner, w_plus, picture, look, end)

    def _in_w_plus(self, picture: Pixels, look: Look, end: float) -> torch.Tensor:
        """w_plus [1, L, D] after the last step, as it would be written."""
        problem = EmbedProblem(self.embedder, [picture], initial=self.encoder)
        step, state = problem.running(problem.start())

        def found() -> torch.Tensor:
            return to_w_plus(self.embedder.generator, state.answer, "w+").detach()

        done = 0
        for wanted in self.method.looks:
            while done < wanted and time.monotonic() < end:
                step()
                done += 1
            if done < wanted:
                break
            look(done, lambda: self._draw(found()))
        if int(state.status) == DIVERGED:
            raise EnvironmentFault("the loss is no longer finite", "measure in fp32")
        return found()

    def _tune(self, tuner: Tuner, w_plus: torch.Tensor, picture: Pixels, look: Look, end: float) -> None:
        before, done = self.method.looks[-1], 0

        def count(step: int, _loss: float) -> None:
            nonlocal done
            done = step

        def glance(step: int, so_far: Callable[[], Tuned]) -> None:
            if step in self.method.tuning:
                look(before + step, lambda: so_far().picture)

        def over() -> bool:
            return done >= self.method.tuning[-1] or time.monotonic() >= end

        tuner(w_plus[0].cpu().numpy(), picture, count, over, glance)

    @torch.no_grad()
    def _draw(self, w_plus: torch.Tensor) -> Pixels:
        """The picture uint8 [H, W, 3] of w_plus [1, L, D], as it would be saved."""
        with arithmetic("fp32"):
            picture: Pixels = to_pixels(self.embedder.generator(w_plus))[0]
        return picture
