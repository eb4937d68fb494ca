"""Curvatures that programs under test need not measure: that takes longer than the few steps they are to take."""

from functools import cache

import pytest
from safetensors.torch import save_file
from torch import Tensor

from i2s_trt.embedding.loss import curvature
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import imagenet_vgg16


def keep_rough_curvature(generator: Generator) -> None:
    """Put one of few probes into the test's home, where the whole one for the default loss is looked for."""
    path = curvature.curvature_path(generator, imagenet_vgg16(), ObjectiveOptions())
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"curvature": _measured(generator)}, path)


def probe_little(patch: pytest.MonkeyPatch) -> None:
    """Few probes, wherever a curvature is measured."""
    patch.setattr(curvature, "POINTS", 1)
    patch.setattr(curvature, "PROBES", 4)


@cache
def _measured(generator: Generator) -> Tensor:
    with pytest.MonkeyPatch.context() as patch:
        probe_little(patch)
        return curvature.measured_curvature(generator, imagenet_vgg16(), ObjectiveOptions()).contiguous()
