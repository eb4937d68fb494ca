"""The editing pipeline, and the engine that it feeds, as calls that make the same number of pictures."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.speed.clock import Work

if TYPE_CHECKING:
    from engines.throughput import Throughput
    from i2s_trt.models.generator import Generator

PIPELINE, ALONE = "pipeline", "engine alone"
RECIPE = """
[[edit]]
name = "towards_the_mean"
operation = "truncation"
psi = [0.2, 0.4, 0.6, 0.8]
"""
VARIANTS = 4  # of each latent


def make_pipeline(model: str, engine: str, batch: int, pictures: int, device: str) -> Work:
    """A call that edits latents and leaves them as PNG files, from seeds to the last commit.

    Args:
        model: name or path.
        engine: as `i2s-trt edit --engine` takes it.
        batch: latents rendered at a time.
        pictures: made by a call, a multiple of four: four variants of each latent.
        device: where PyTorch computes.

    Raises:
        I2sError: the model is unknown, or the engine is not there.
    """
    from i2s_trt.batch.jobs import collect_latents
    from i2s_trt.batch.options import BatchOptions
    from i2s_trt.batch.runner import run_batch
    from i2s_trt.edit.recipe.load import load_recipe
    from i2s_trt.edit.sources import LatentSource

    generator, engines = _prepare(model, engine, device)
    source = LatentSource.of(generator)
    latents = collect_latents([], range(1, pictures // VARIANTS + 1), source)
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "recipe.toml"
        recipe.write_text(RECIPE)
        variants = load_recipe(recipe, source)

    outputs = tempfile.TemporaryDirectory()  # goes with `work`: files deleted between calls slow down creating new ones

    def work() -> None:
        folder = Path(tempfile.mkdtemp(dir=outputs.name))
        run_batch(latents, variants, engines.synthesizers, folder, BatchOptions(batch=batch))

    return work


def make_alone(model: str, engine: str, batch: int, pictures: int, device: str) -> Work:
    """A call that only renders: the same synthesizers, a thread each, as busy as they can be.

    Arguments and errors as above.
    """
    from benchmarks.speed.renderers import random_latents

    generator, engines = _prepare(model, engine, device)
    parts = np.split(random_latents(generator, pictures), range(batch, pictures, batch))
    free: SimpleQueue[Any] = SimpleQueue()
    for synthesizer in engines.synthesizers:
        free.put(synthesizer)
    pool = ThreadPoolExecutor(len(engines.synthesizers))

    def render(part: Any) -> None:
        synthesizer = free.get()
        synthesizer(part)
        free.put(synthesizer)

    return lambda: list(pool.map(render, parts))


def _prepare(model: str, engine: str, device: str) -> "tuple[Generator, Throughput]":
    from engines.synthesizers import choose_synthesizer
    from engines.throughput import for_throughput
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.devices import choose_device

    generator = load_generator(model).to(choose_device(device))
    return generator, for_throughput(choose_synthesizer(engine, generator), generator)
