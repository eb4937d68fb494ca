"""The architectures: which synthesis network a spec asks for, and how it takes its stored weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from i2s_trt.models import stylegan1, stylegan2
from i2s_trt.models.spec import Architecture, GeneratorSpec
from i2s_trt.models.synthesis import Synthesis


@dataclass(frozen=True)
class _Family:
    """One architecture.

    Attributes:
        network: builds its synthesis network, without weights.
        run_time_tensors: stored tensors, by canonical name, to those of the module.
    """

    network: Callable[[GeneratorSpec], Synthesis]
    run_time_tensors: Callable[[GeneratorSpec, Mapping[str, Tensor]], dict[str, Tensor]]


_FAMILIES: dict[Architecture, _Family] = {
    "stylegan1": _Family(stylegan1.StyleGan1Synthesis, stylegan1.run_time_tensors),
    "stylegan2": _Family(stylegan2.StyleGan2Synthesis, stylegan2.run_time_tensors),
}


def build_synthesis(spec: GeneratorSpec) -> Synthesis:
    """The synthesis network of an architecture, without weights."""
    return _FAMILIES[spec.architecture].network(spec)


def run_time_tensors(spec: GeneratorSpec, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Stored tensors, by canonical name, as the generator's modules take them, in float32."""
    return _FAMILIES[spec.architecture].run_time_tensors(spec, stored)
