"""One whole evaluation of the embedding's objective with its gradient: w+ -> losses and dL/dw+, without PyTorch."""

import torch
from torch import Tensor

from export.graph import EXAMPLE_BATCH, Graph, gaussian
from export.graphs.features import losses_against, objective_in, target_inputs
from export.graphs.synthesis import noise_inputs
from export.keys import Precision
from export.precision import DTYPES, generator_in
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

_NO_LOSS = 1e-6


def objective_gradient_graph(
    generator: Generator, vgg: Vgg16, options: ObjectiveOptions, precision: Precision = "fp32"
) -> Graph:
    """`w_plus`, `target` [N, 3, H, W], its features and the noise maps -> `losses` [N, T] and `gradient` [N, L, D].

    The gradient is that of the sum of the totals, so each row is its own image's. In fp16 it is computed of totals
    divided by their roots: a gradient over all pixels, with respect to a style, is soon beyond 65504 otherwise.
    """
    reduced = generator_in(generator, precision)
    objective = objective_in(vgg, generator.spec, options, precision)
    targets, noise = target_inputs(vgg, generator.spec, options), noise_inputs(generator)
    layers = len(objective.layers)

    def losses(w_plus: Tensor, target: Tensor, *rest: Tensor) -> Tensor:
        images = reduced.crop(reduced.synthesis(w_plus, rest[layers:]))
        return losses_against(objective, images.to(DTYPES[precision]), target, rest[:layers])

    narrow = precision == "fp16"

    def roots(terms: Tensor) -> Tensor:
        return terms[:, 0].detach().clamp(min=_NO_LOSS).sqrt()

    def function(w_plus: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor]:
        def total(latents: Tensor) -> tuple[Tensor, Tensor]:
            terms = losses(latents, *rest)
            return (terms[:, 0] / roots(terms) if narrow else terms[:, 0]).sum(), terms

        gradient, terms = torch.func.grad(total, has_aux=True)(w_plus)
        return terms, gradient * roots(terms)[:, None, None] if narrow else gradient

    w_plus = gaussian(EXAMPLE_BATCH, generator.num_layers, generator.w_dim)
    examples = {"w_plus": w_plus, **targets, **noise}
    return Graph(
        name="objective_gradient",
        precision=precision,
        function=function,
        examples=examples,
        batched=frozenset({"w_plus", *targets}),
        outputs=("losses", "gradient"),
        model_digest=generator.digest,
        defaults=noise,
        differentiates=True,
    )
