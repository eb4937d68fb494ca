"""The engine's own rate renders everything and nothing else."""

import numpy as np

from i2s_trt.batch.rate import engine_rate
from i2s_trt.models.generator import Generator
from tests.batch.support import latents
from tests.batch.test_runner import Renderer


def test_every_latent_is_rendered_once_by_whoever_is_free(toy: Generator) -> None:
    renderers = [Renderer(toy), Renderer(toy)]
    rate = engine_rate(renderers, latents(11), batch=4)
    assert np.isfinite(rate)
    assert rate > 0
    sizes = [size for renderer in renderers for size in renderer.batches]
    assert sorted(sizes) == [3, 4, 4]
