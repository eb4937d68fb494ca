"""Brings networks to the precision of a graph; what must stay float32 stays."""

import copy

import torch
from torch import nn

from export.keys import Precision
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def generator_in(generator: Generator, precision: Precision) -> Generator:
    """A copy whose convolutions compute in `precision`.

    The mapping, the styles and the statistics of the instance norm stay float32: they cost nothing, and an epsilon of
    1e-8 underflows in float16.
    """
    if precision == "fp32":
        return generator
    reduced = copy.deepcopy(generator)
    reduced.synthesis.to_precision(DTYPES[precision])
    return reduced


def features_in(vgg: Vgg16, precision: Precision) -> nn.Module:
    """A copy of the feature network in `precision`."""
    return vgg if precision == "fp32" else copy.deepcopy(vgg).to(DTYPES[precision])
