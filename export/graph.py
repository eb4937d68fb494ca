"""What is exported: a function on tensors with named inputs and outputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from export.keys import Precision

# Tracing takes equal sizes for the same size, so the example's batch must equal no channel count and no side.
EXAMPLE_BATCH = 5


@dataclass(frozen=True)
class Graph:
    """One forward graph, ready to be traced.

    Attributes:
        name: as on the command line.
        precision: of weights and activations; inputs and outputs stay float32 or uint8.
        function: takes the inputs in order; gives one tensor, or a tuple. It is what verification takes for true.
        examples: the inputs by name, batched ones with EXAMPLE_BATCH rows.
        batched: names of the inputs whose first dimension is the batch; the others are constants of the model.
        outputs: names of the outputs.
        model_digest: of the generator, or of the feature network.
        defaults: values for the inputs that are not batched: the stored noise.
        differentiates: whether the function takes a gradient, which has to be traced to forward operations first.
    """

    name: str
    precision: Precision
    function: Callable[..., Tensor | tuple[Tensor, ...]]
    examples: Mapping[str, Tensor]
    batched: frozenset[str]
    outputs: tuple[str, ...]
    model_digest: str
    defaults: Mapping[str, Tensor] = field(default_factory=dict)
    differentiates: bool = False


def gaussian(*shape: int) -> Tensor:
    """Standard normal numbers, the same ones at every export."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def picture_like(*shape: int) -> Tensor:
    """Numbers uniform in [-1, 1], the same ones at every export."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
