"""Tunes the generator to pictures whose latents are written, and leaves a delta beside each."""

import time
from collections.abc import Callable
from typing import Any

from i2s_trt.arrays import Pixels
from i2s_trt.deltas import changed, delta_of, noise_delta
from i2s_trt.embedding.options import ObjectiveOptions, TuneOptions
from i2s_trt.embedding.run.outputs import Outputs
from i2s_trt.embedding.tune import Tuner
from i2s_trt.errors import LatentError
from i2s_trt.latents import Latent, read_latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

TuneReport = Callable[[str, dict[str, Any]], None]


class PictureTuner:
    """Tuning as a part of a job on files.

    Args:
        generator, vgg: of the job.
        objective: of the embedding.
        options: of the tuning.
        report: called with `tuning` and `tuned`, and the step or the result.
        should_stop: asked after each step.
    """

    def __init__(
        self,
        generator: Generator,
        vgg: Vgg16,
        objective: ObjectiveOptions,
        options: TuneOptions,
        report: TuneReport,
        should_stop: Callable[[], bool],
    ) -> None:
        self._generator, self._vgg, self._objective, self._options = generator, vgg, objective, options
        self._report, self._should_stop = report, should_stop
        self._tuner: Tuner | None = None

    def is_done(self, outputs: Outputs) -> bool:
        """Whether nothing is left to be done for a picture whose latent is there."""
        if not self._options.steps:
            return True
        try:
            w_plus = read_latent(outputs.latent).w_plus
            delta = delta_of(outputs.latent, w_plus, self._generator.digest)
        except LatentError:
            return False
        return delta is not None and delta.record.get("options") == self._options.to_json()

    def _tuner_for(self, latent: Latent) -> Tuner:
        """The tuner of the model, which is made once; for a latent with noise maps one of the model with those."""
        stored = [map_[0, 0].cpu().numpy() for map_ in self._generator.synthesis.stored_noise()]
        if own := noise_delta(latent.noise, stored, self._generator.digest):
            return Tuner(changed(self._generator, own), self._vgg, self._objective, self._options)
        if self._tuner is None:
            self._tuner = Tuner(self._generator, self._vgg, self._objective, self._options)
        return self._tuner

    def run(self, outputs: Outputs, picture: Pixels) -> str:
        """Tune to one picture uint8 [H, W, 3]; returns `finished`, or `interrupted`, which leaves no delta.

        Raises:
            EnvironmentFault: the disk is full.
        """
        latent = read_latent(outputs.latent)
        steps, begun = self._options.steps, time.monotonic()

        def report(step: int, loss: float) -> None:
            self._report("tuning", {"step": step, "steps": steps, "loss": loss})

        tuned = self._tuner_for(latent)(latent.w_plus, picture, report, self._should_stop)
        if len(tuned.losses) < steps:
            return "interrupted"
        outputs.write_tuned(tuned, picture)
        before, after = tuned.mean_square_errors
        seconds = round(time.monotonic() - begun, 3)
        self._report("tuned", {"steps": steps, "seconds": seconds, "error": after, "error_before": before})
        return "finished"
