"""The paper's edits on latents with their records: what `from i2s_trt import morph` gives."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from i2s_trt.arrays import WPlus
from i2s_trt.edit import operations
from i2s_trt.edit.operations import EXPRESSION_THRESHOLD
from i2s_trt.edit.space import LatentSpace, common_space
from i2s_trt.latents import Latent

if TYPE_CHECKING:
    from i2s_trt.models.generator import Generator


def morph(first: Latent, second: Latent, weight: float = 0.5) -> Latent:
    """w = lambda w1 + (1 - lambda) w2 (section 4.1); a weight of 1 is the first latent, 0 the second, exactly.

    Raises:
        LatentError: the latents belong to different models, or have different shapes.
    """
    w1, w2 = _admit(first, second)
    return _record_edit(operations.morph(w1, w2, weight), (first, second), operation="morph", weight=weight)


def style_transfer(
    content: Latent, style: Latent, layers: Sequence[int] | None = None, *, generator: "Generator | None" = None
) -> Latent:
    """The content's latent with the style's in some layers, those of the style when left out (section 4.2).

    Args:
        content, style: of one model.
        layers: 0 is the coarsest.
        generator: the model, which says where style begins: in a StyleGAN2 a row earlier than in the middle, at the
            same resolution. Without it the upper half is taken.

    Raises:
        LatentError: the latents belong to different models, or have different shapes.
        UsageError: a layer does not exist.
    """
    space = common_space((content, style)) if generator is None else LatentSpace.of(generator)
    w1, w2 = (space.admit(latent) for latent in (content, style))
    chosen = list(space.style_layers if layers is None else layers)
    return _record_edit(operations.crossover(w1, w2, chosen), (content, style), operation="crossover", layers=chosen)


def expression_transfer(
    target: Latent,
    neutral: Latent,
    expression: Latent,
    strength: float = 1.0,
    threshold: float = EXPRESSION_THRESHOLD,
    *,
    normalize: bool = False,
) -> Latent:
    """w = w1 + lambda (w3 - w2) (section 4.3), without the rows of the difference shorter than `threshold`.

    Args:
        target: w1, the face that is changed.
        neutral: w2, a face at rest.
        expression: w3, the same face with an expression.
        strength: lambda; negative gives the opposite.
        threshold: L2 norm below which a layer's difference is dropped.
        normalize: whether the difference is scaled to unit length first, so that the strength is a length in W+.

    Raises:
        LatentError: the latents belong to different models, or have different shapes.
    """
    sources = (target, neutral, expression)
    settings: dict[str, Any] = {"strength": strength, "threshold": threshold, "normalize": normalize}
    w1, w2, w3 = _admit(*sources)
    w_plus = operations.expression_transfer(w1, w2, w3, **settings)
    return _record_edit(w_plus, sources, operation="expression", **settings)


def _admit(*latents: Latent) -> list[WPlus]:
    space = common_space(latents)
    return [space.admit(latent) for latent in latents]


def _record_edit(w_plus: WPlus, sources: Sequence[Latent], **options: Any) -> Latent:
    digest = next((latent.model_digest for latent in sources if latent.model_digest), "")
    images = [latent.image_digest for latent in sources]
    return Latent(w_plus, model_digest=digest, options=options, extra={"made_from_images": images})
