"""The precision of the embedding, as users name it."""

from dataclasses import replace
from typing import TYPE_CHECKING

from cli.console import Console
from i2s_trt.arithmetic import PRECISIONS
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from i2s_trt.models.generator import Generator
    from i2s_trt.models.vgg import Vgg16

AUTO = "auto"


def check_precision(name: str) -> None:
    """Refuse a precision that does not exist."""
    if name not in (AUTO, *PRECISIONS):
        raise UsageError(f"--precision {name!r} is not one of {', '.join((AUTO, *PRECISIONS))}")


def with_precision(
    name: str, generator: "Generator", vgg: "Vgg16", settings: EmbedOptions, console: Console
) -> EmbedOptions:
    """The settings in the precision `name`, which is said; `auto` measures."""
    if name != AUTO:
        console.event("precision", precision=name, chosen="by name")
        console.say(f"numbers:  {name}")
        return replace(settings, precision=name)  # type: ignore[arg-type]  # checked before
    from i2s_trt.embedding.run.tuning import choose_precision

    with console.progress():
        choice = choose_precision(generator, vgg, settings)
    measured = ", ".join(f"{one} {seconds * 1000:.1f} ms" for one, seconds in choice.seconds.items())
    console.event("precision", precision=choice.precision, chosen="by measurement", seconds=dict(choice.seconds))
    console.say(f"numbers:  {choice.precision} ({f'a step: {measured}' if measured else choice.unmeasured})")
    return replace(settings, precision=choice.precision)
