"""A workshop for tests that renders: latents say themselves what is to happen to them."""

import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.cluster.render import RenderSettings, RenderWorkshop
from i2s_trt.cluster.tasks import Bench, Hello
from i2s_trt.errors import EnvironmentFault, I2sError
from i2s_trt.synthesizer import TorchSynthesizer

POISON, DEADLY, HUGE, FAULTY, STUCK = 1000.0, 2000.0, 3000.0, 4000.0, 5000.0  # of a latent's first number


class Poisonous(TorchSynthesizer):
    """Renders; some latents are an error, of their own or of the machine, some end the process, and so on."""

    def __call__(self, w_plus: WPlus) -> Pixels:
        first = w_plus[:, 0, 0]
        if (first == DEADLY).any():
            os._exit(9)
        if (first == POISON).any():
            raise I2sError("this latent is poisoned", "leave it out")
        if (first == FAULTY).any():
            raise EnvironmentFault("the GPU is gone", "look for it")
        if (first == STUCK).any():
            time.sleep(1000)
        if (first == HUGE).any() and len(w_plus) > 2:
            raise MemoryError
        time.sleep(0.01)
        return super().__call__(np.asarray(w_plus))


def open_poisonous(settings: Mapping[str, Any], model: str, bench: Bench) -> RenderWorkshop:
    from i2s_trt.checkpoints.store import load_generator

    wanted = RenderSettings(**settings)
    return RenderWorkshop([Poisonous(load_generator(model))], wanted, bench, Hello("cpu", "torch in fp32", 4, 2))
