"""The schedule of the embedding, as users are told of it."""

from typing import TYPE_CHECKING

from cli.console import Console
from i2s_trt.embedding.options import EmbedOptions

if TYPE_CHECKING:
    from i2s_trt.models.generator import Generator
    from i2s_trt.models.vgg import Vgg16


def say_schedule(console: Console, generator: "Generator", vgg: "Vgg16", settings: EmbedOptions) -> None:
    """Why nothing seems to happen when a model is embedded fast for the first time."""
    if settings.schedule == "paper":
        return
    from i2s_trt.embedding.loss.curvature import POINTS, PROBES, curvature_path

    known = curvature_path(generator, vgg, settings.objective).is_file()
    console.event("schedule", name=settings.schedule, curvature="known" if known else "to be measured")
    first = "" if known else f"; first the model's curvature, once: {POINTS * PROBES} backward passes"
    console.say(f"schedule: {settings.schedule}, {settings.steps} steps{first}")
