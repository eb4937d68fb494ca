"""w+ -> picture, as 8-bit pixels for people and as floats for metrics."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call

from export.graph import EXAMPLE_BATCH, Graph, gaussian
from export.keys import Precision
from export.precision import generator_in
from i2s_trt.embedding.options import TuneOptions
from i2s_trt.embedding.tune import energies, tunable
from i2s_trt.models.generator import Generator
from i2s_trt.synthesizer import PREVIEW_SIZE

_SMALL = 0.01  # of a change that a graph is checked with


def synthesis_graph(generator: Generator, precision: Precision = "fp32") -> Graph:
    """`w_plus` [N, L, D] and the noise maps -> `pixels` uint8 [N, H, W, 3].

    TensorRT takes uint8 only as the very last operation, so the transposition comes before the cast.
    """
    reduced = generator_in(generator, precision)

    def function(w_plus: Tensor, *noise: Tensor) -> Tensor:
        return to_pixels(reduced.crop(reduced.synthesis(w_plus, noise)))

    return _graph("synthesis", precision, function, generator, ("pixels",))


def images_graph(generator: Generator, precision: Precision = "fp32") -> Graph:
    """`w_plus` [N, L, D] and the noise maps -> `images` float32 [N, 3, H, W], nominally in [-1, 1]."""
    reduced = generator_in(generator, precision)

    def function(w_plus: Tensor, *noise: Tensor) -> Tensor:
        return reduced.crop(reduced.synthesis(w_plus, noise)).float()

    return _graph("images", precision, function, generator, ("images",))


def preview_graph(generator: Generator, precision: Precision = "fp32") -> Graph:
    """`w_plus` [N, L, D] and the noise maps -> `pixels` uint8, at most 256 pixels a side, averaged over areas."""
    reduced = generator_in(generator, precision)
    factor = max(1, max(generator.spec.picture_size) // PREVIEW_SIZE)

    def function(w_plus: Tensor, *noise: Tensor) -> Tensor:
        images = reduced.crop(reduced.synthesis(w_plus, noise)).float()
        return to_pixels(images if factor == 1 else F.avg_pool2d(images, factor))

    return _graph("preview", precision, function, generator, ("pixels",))


def tuned_graph(generator: Generator, precision: Precision = "fp32") -> Graph:
    """`w_plus`, the noise maps and a delta's tensors -> `pixels` as `synthesis` gives them, of the changed model.

    The tensors are inputs under the names that a delta has them by, and zeros by default: one engine draws every
    photograph that a model was tuned to, and going from one to the next copies a few megabytes.
    """
    reduced = generator_in(generator, precision)
    start = dict(reduced.synthesis.named_parameters())
    names = tunable(generator, TuneOptions().coarsest)
    count = len(generator.synthesis.stored_noise())

    def function(w_plus: Tensor, *rest: Tensor) -> Tensor:
        changes = dict(zip(names, rest[count:], strict=True))
        weights = {name: start[name] + change.to(start[name].dtype) for name, change in changes.items()}
        tensors = {**weights, **energies(reduced, weights)}
        image: Tensor = functional_call(reduced.synthesis, tensors, (w_plus, rest[:count]))
        return to_pixels(reduced.crop(image))

    plain = _graph("tuned", precision, function, generator, ("pixels",))
    inputs = {f"synthesis.{name}": start[name].float() for name in names}
    return replace(
        plain,
        examples={**plain.examples, **{name: _SMALL * gaussian(*own.shape) for name, own in inputs.items()}},
        defaults={**plain.defaults, **{name: torch.zeros_like(own) for name, own in inputs.items()}},
    )


def to_pixels(images: Tensor) -> Tensor:
    """[N, 3, H, W] -> uint8 [N, H, W, 3], the original's conversion."""
    scaled = (images.float() * 127.5 + 128).clamp(0, 255)
    return scaled.permute(0, 2, 3, 1).to(torch.uint8)


def noise_inputs(generator: Generator) -> Mapping[str, Tensor]:
    """The stored noise maps by input name. As inputs they are not folded with their weights into the plan."""
    return {f"noise_{i}": noise.float() for i, noise in enumerate(generator.synthesis.stored_noise())}


def _graph(
    name: str, precision: Precision, function: Callable[..., Tensor], generator: Generator, outputs: tuple[str, ...]
) -> Graph:
    noise = noise_inputs(generator)
    w_plus = gaussian(EXAMPLE_BATCH, generator.num_layers, generator.w_dim)
    return Graph(
        name=name,
        precision=precision,
        function=function,
        examples={"w_plus": w_plus, **noise},
        batched=frozenset({"w_plus"}),
        outputs=outputs,
        model_digest=generator.digest,
        defaults=noise,
    )
