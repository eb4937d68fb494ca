"""One evaluation of the embedding's objective: losses and their gradient at a variable."""

import warnings
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from i2s_trt.arithmetic import arithmetic
from i2s_trt.embedding.loss.objective import PIXEL_RANGE, Objective
from i2s_trt.embedding.loss.precision import activation_dtype, loss_scale
from i2s_trt.embedding.loss.prior import Prior
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.start.noise import OptimisedNoise, structure
from i2s_trt.embedding.start.spaces import to_w_plus
from i2s_trt.fused.choice import choose_epilogue, choose_plain_epilogue, needs_a_compiler
from i2s_trt.fused.epilogue import Epilogue
from i2s_trt.fused.mean_square import fused_mean_square, mean_square
from i2s_trt.fused.synthesis import FrozenSynthesis, freeze_synthesis
from i2s_trt.fused.vgg import FrozenVgg
from i2s_trt.memory import memory_ran_out
from i2s_trt.models.generator import Generator
from i2s_trt.models.synthesis import Synthesis
from i2s_trt.models.vgg import Vgg16

Announce = Callable[[str], None]
warn: Announce = partial(warnings.warn, category=RuntimeWarning, stacklevel=2)


class Gradient:
    """Evaluates objectives of a generator's pictures by the method and in the precision of the options.

    Args:
        generator: on the device to use.
        vgg: the feature network, on the same device.
        options: `space`, `method`, `precision` and `objective` count.
        announce: called once if compiling fails and plainer functions take over.
        epilogue: the implementation of the layers' epilogue; the one that suits the device when left out.

    Attributes:
        options: as given.
        prior: what latents are charged beside their pictures; None if nothing.
        noise: how noise maps lie in the variable; None unless they are optimised.
    """

    def __init__(
        self,
        generator: Generator,
        vgg: Vgg16,
        options: EmbedOptions,
        announce: Announce = warn,
        epilogue: Epilogue | None = None,
    ) -> None:
        self._generator, self.options, self._announce = generator, options, announce
        weight = options.objective.prior_weight
        self.prior = Prior(generator, weight) if weight else None
        self._synthesis: Synthesis | FrozenSynthesis = generator.synthesis
        self._vgg, self._losses = vgg, self._compare
        self._untried = False
        self.noise: OptimisedNoise | None = None
        if options.optimises_noise:  # by the plain network: the frozen ones take noise for a constant
            pixel_range = PIXEL_RANGE[options.objective.input_scale]
            self.noise = OptimisedNoise(generator, options.space, pixel_range)
        elif options.method != "plain":
            compiled = options.method == "compiled"
            epilogue = epilogue or choose_epilogue(generator.mean_w.device, compiled)
            self._untried = needs_a_compiler(epilogue, compiled)
            self._synthesis = self._freeze(epilogue)
            self._vgg = FrozenVgg(vgg, activation_dtype(options.precision))
            self._losses = torch.compile(self._compare) if compiled else self._compare

    def objective(self, targets: Tensor, style_targets: Tensor | None = None) -> Objective:
        """The objective for targets [N, 3, H, W] in [-1, 1], its features computed as the pictures' will be."""
        if self._synthesis is not self._generator.synthesis:
            targets = targets.to(memory_format=torch.channels_last)
        with arithmetic(self.options.precision):
            square = fused_mean_square if self.options.method == "fused" else mean_square
            return Objective(targets, self._vgg, self.options.objective, style_targets, square)

    def renew(self, objective: Objective, targets: Tensor, style_targets: Tensor) -> None:
        """Give an objective of this gradient other targets, in the tensors that it has."""
        with arithmetic(self.options.precision):
            objective.renew(targets, style_targets)

    def __call__(
        self, variable: Tensor, objective: Objective, noise: Sequence[Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Evaluate.

        Args:
            variable: [N, ...] float32, points of the space.
            objective: of these N images.
            noise: L maps [1 or N, 1, H, W]; the model's own when left out.

        Returns:
            Loss terms [N, T] and the gradient [N, ...] of the totals, float32.
        """
        try:
            evaluated = self._evaluate(variable, objective, noise)
        except Exception as error:  # compilers fail in many ways
            if not self._untried or memory_ran_out(error):
                raise
            self._do_without(error)
            evaluated = self._evaluate(variable, objective, noise)
        self._untried = False
        return evaluated

    def _evaluate(
        self, variable: Tensor, objective: Objective, noise: Sequence[Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        with arithmetic(self.options.precision), torch.enable_grad():
            variable = variable.detach().requires_grad_(True)
            latent, noise = (variable, noise) if self.noise is None else self.noise.split(variable)
            w_plus = to_w_plus(self._generator, latent, self.options.space, self.options.label)
            losses = self._losses(w_plus, objective, noise)
            return losses.detach(), self._differentiate(losses[:, 0], variable)

    def _do_without(self, error: Exception) -> None:
        reason = " ".join(str(error).split())[:200]
        self._announce(f"the step could not be compiled ({reason}): it runs in PyTorch's own functions, slower")
        self._synthesis, self._losses = (
            self._freeze(choose_plain_epilogue(self._generator.mean_w.device)),
            self._compare,
        )

    def _freeze(self, epilogue: Epilogue) -> FrozenSynthesis:
        return freeze_synthesis(self._generator.synthesis, activation_dtype(self.options.precision), epilogue)

    def _compare(self, w_plus: Tensor, objective: Objective, noise: Sequence[Tensor] | None) -> Tensor:
        return self.losses(self._generator.crop(self._synthesis(w_plus, noise)), w_plus, objective, noise)

    def losses(
        self, images: Tensor, w_plus: Tensor, objective: Objective, noise: Sequence[Tensor] | None = None
    ) -> Tensor:
        """All loss terms [N, T], the total first, of pictures [N, 3, H, W] of latents [N, L, D] and noise maps."""
        losses: Tensor = objective(images)
        losses = losses if self.prior is None else self.prior.added(losses, w_plus)
        if self.noise is None or noise is None:
            return losses
        seen = structure(noise)
        total = losses[:, 0] + self.noise.weight * seen
        return torch.cat([total.unsqueeze(1), losses[:, 1:], seen.unsqueeze(1)], dim=1)

    def _differentiate(self, totals: Tensor, variable: Tensor) -> Tensor:
        if self.options.precision != "fp16":
            (gradient,) = torch.autograd.grad(totals.sum(), variable)
            return gradient
        height, width = self._generator.spec.picture_size
        scale = loss_scale(totals, height * width)
        (gradient,) = torch.autograd.grad((totals * scale).sum(), variable)
        return gradient / scale.view(-1, *(1,) * (gradient.ndim - 1))
