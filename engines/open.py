"""Opens a model for editing: the generator, the latents that it can take, and what renders them."""

from dataclasses import dataclass

from engines.synthesizers import Choice, choose_synthesizer
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.devices import choose_device
from i2s_trt.edit.sources import LatentSource
from i2s_trt.models.generator import Generator


@dataclass(frozen=True)
class Opened:
    """A model that is ready to be edited with.

    Attributes:
        generator: on the device.
        source: reads latents by name.
        choice: what renders, and why.
    """

    generator: Generator
    source: LatentSource
    choice: Choice


def open_model(model: str, device: str, engine: str, precision: str, *, any_model: bool = False) -> Opened:
    """Load a model and choose its engine.

    Args:
        model: name in the store, or path.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        engine: `auto`, or a backend's name.
        precision: that it renders in; `auto` for the engine's own.
        any_model: accept latents that were made with another model.

    Raises:
        ModelError: there is no such model.
        UsageError: there is no such engine, or it cannot render in this precision.
        EnvironmentFault: there is no such device, or the engine is not installed.
    """
    generator = load_generator(model).to(choose_device(device))
    choice = choose_synthesizer(engine, generator, "auto", precision)
    return Opened(generator, LatentSource.of(generator, any_model=any_model), choice)
