"""image -> VGG features, and Eq. 1 against given target features."""

from collections.abc import Mapping

import torch
from torch import Tensor

from export.graph import EXAMPLE_BATCH, Graph, picture_like
from export.keys import Precision
from export.precision import DTYPES, features_in
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.errors import UsageError
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.models.vgg import Vgg16


def features_graph(vgg: Vgg16, spec: GeneratorSpec, options: ObjectiveOptions, precision: Precision = "fp32") -> Graph:
    """`images` [N, 3, H, W] in [-1, 1] -> the features of Eq. 2, float32, one output a layer."""
    height, width = spec.picture_size
    objective = objective_in(vgg, spec, options, precision)

    def function(images: Tensor) -> tuple[Tensor, ...]:
        features = objective.layer_features(images.to(DTYPES[precision]))
        return tuple(features[name].float() for name in objective.layers)

    return Graph(
        name="features",
        precision=precision,
        function=function,
        examples={"images": picture_like(EXAMPLE_BATCH, 3, height, width)},
        batched=frozenset({"images"}),
        outputs=objective.layers,
        model_digest=vgg.source.digest,
    )


def objective_graph(vgg: Vgg16, spec: GeneratorSpec, options: ObjectiveOptions, precision: Precision = "fp32") -> Graph:
    """`images`, `target` [N, 3, H, W] and the target's features -> `losses` [N, T] (Eq. 1, the total first)."""
    objective = objective_in(vgg, spec, options, precision)
    examples = target_inputs(vgg, spec, options)

    def function(images: Tensor, target: Tensor, *features: Tensor) -> Tensor:
        return losses_against(objective, images.to(DTYPES[precision]), target, features)

    return Graph(
        name="objective",
        precision=precision,
        function=function,
        examples={"images": picture_like(*examples["target"].shape).flip(0), **examples},
        batched=frozenset({"images", *examples}),
        outputs=("losses",),
        model_digest=vgg.source.digest,
    )


def objective_in(vgg: Vgg16, spec: GeneratorSpec, options: ObjectiveOptions, precision: Precision) -> Objective:
    """An objective whose feature network computes in `precision`; its own targets are placeholders.

    Raises:
        UsageError: the settings have a style term, whose target no graph takes, or a prior, which knows the model.
    """
    if options.style_weight or options.prior_weight:
        raise UsageError("graphs have no style term and no prior", "export with a weight of 0 for both")
    blank = torch.zeros(1, 3, *spec.picture_size)
    objective = Objective(blank, vgg, options)
    objective.vgg = features_in(vgg, precision)  # type: ignore[assignment]  # a copy of the same class
    return objective


def target_inputs(vgg: Vgg16, spec: GeneratorSpec, options: ObjectiveOptions) -> Mapping[str, Tensor]:
    """Example targets [N, 3, H, W] and their features, by input name."""
    target = picture_like(EXAMPLE_BATCH, 3, *spec.picture_size)
    objective = Objective(target, vgg, options)
    return {"target": target, **{f"target_{name}": objective.features[name] for name in objective.layers}}


def losses_against(objective: Objective, images: Tensor, target: Tensor, features: tuple[Tensor, ...]) -> Tensor:
    """The loss terms with targets that are inputs of the graph."""
    objective.targets = target
    objective.features = dict(zip(objective.layers, features, strict=True))
    return objective(images)  # type: ignore[no-any-return]
