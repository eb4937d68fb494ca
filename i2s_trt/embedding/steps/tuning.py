"""One step of a tuning, on tensors that stay where they are: a GPU replays it as CUDA graphs instead of launching it.

There are two, since VGG takes most of a step's time: one looks at features and at another latent, as every few steps
do, and one sees pixels alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import torch
from torch import Tensor

from i2s_trt.embedding.loss.gradient import Announce
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.options import ObjectiveOptions, TuneOptions
from i2s_trt.embedding.steps.captured import stepper
from i2s_trt.models.vgg import Vgg16

Render = Callable[[Tensor, Mapping[str, Tensor]], Tensor]
Place = tuple[Tensor, Objective]  # a latent [1, L, D], and Eq. 1 with what it shall draw


@dataclass(frozen=True)
class Changing:
    """What a tuning changes of a model, by name: `weights`, and `noise` maps."""

    weights: Mapping[str, Tensor]
    noise: Mapping[str, Tensor]

    def copy(self) -> "Changing":
        """The same values in leaves of their own, to be differentiated."""

        def leaves(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return {name: tensor.detach().clone().requires_grad_() for name, tensor in tensors.items()}

        return Changing(leaves(self.weights), leaves(self.noise))

    @torch.no_grad()
    def take(self, other: "Changing") -> None:
        """Have the values of others, at the addresses that these have."""
        for own, found in ((self.weights, other.weights), (self.noise, other.noise)):
            for name, tensor in own.items():
                tensor.copy_(found[name])

    @property
    def all(self) -> dict[str, Tensor]:
        """Both."""
        return {**self.weights, **self.noise}


class TuningStep:
    """Steps of Adam on a model's weights and noise maps around a pivot, for one picture after the other.

    Args:
        render: draws w_plus [1, L, D] with changed tensors, [1, 3, H, W].
        start: the model's own tensors; they are not changed.
        pivot, target: [1, L, D] and [1, 3, H, W] in [-1, 1], of the first picture; both are copied.
        anchors: other latents, and what they shall go on to draw; none where `locality` is 0.
        vgg: feature network.
        objective: Eq. 1 as a tuning has it.
        options: of the tuning.
        announce: called with why a step cannot be captured.

    Attributes:
        now: the tensors as they are.
    """

    def __init__(
        self,
        render: Render,
        start: Changing,
        pivot: Tensor,
        target: Tensor,
        anchors: Sequence[Place],
        vgg: Vgg16,
        objective: ObjectiveOptions,
        options: TuneOptions,
        announce: Announce,
    ) -> None:
        self._render, self._start, self._options = render, start, options
        self._pivot, target = pivot.clone(), target.clone()
        self._anchors = anchors
        self._whole = Objective(target, vgg, objective)
        self._pixels = self._whole
        if options.pixel_weight:
            self._pixels = Objective(target, vgg, replace(objective, layer_weights={}))
        self._far = self._copied(anchors[0]) if anchors else None
        self.now = start.copy()
        self._features = 0.0
        on_gpu = pivot.device.type == "cuda"
        groups = [{"params": list(tensors.values())} for tensors in (self.now.weights, self.now.noise)]
        self._adam = torch.optim.Adam([group for group in groups if group["params"]], capturable=on_gpu)
        if on_gpu:  # where a graph reads them
            for group in self._adam.param_groups:
                group["lr"] = torch.zeros((), device=pivot.device)
        self._steps = {
            looks: stepper(partial(self._work, looks), pivot.device, None, "", announce) for looks in (True, False)
        }

    def begin(self, pivot: Tensor, target: Tensor) -> None:
        """Start anew, from the model's own tensors, with another picture."""
        self.now.take(self._start)
        for kept in chain.from_iterable(state.values() for state in self._adam.state.values()):
            kept.zero_()
        self._pivot.copy_(pivot)
        for objective in (self._whole, self._pixels):
            objective.renew(target, target)

    def __call__(self, number: int, share: float) -> float:
        """Take one step.

        Args:
            number: of the step, from 0.
            share: of the rates at their highest.

        Returns:
            Eq. 1 before it, its features' part being that of the last look.
        """
        options = self._options
        looks = number % options.interval == 0
        for group, rate in zip(self._adam.param_groups, (options.rate, options.noise_rate), strict=False):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate * share)
            else:
                group["lr"] = rate * share
        if looks and self._far:
            self._turn_to(self._anchors[number // options.interval % len(self._anchors)])
        total, first = self._steps[looks]()[0, :2].tolist()
        if looks or not options.pixel_weight:
            self._features = total - options.pixel_weight * first
        return self._features + options.pixel_weight * float(first)

    def _work(self, looks: bool) -> Tensor:
        """One step, in place; the loss terms [1, T] before it."""
        objective = self._whole if looks else self._pixels
        weights, noise = list(self.now.weights.values()), list(self.now.noise.values())
        terms: Tensor = objective(self._render(self._pivot, self.now.all))
        gradients = list(torch.autograd.grad(terms[0, 0], [*weights, *noise], allow_unused=True))
        if looks and self._far:
            latent, staying = self._far
            # one latent at a time, at the weight of all the steps until the next
            strayed = staying(self._render(latent, self.now.weights))[0, 0]
            strayed = strayed * (self._options.locality * self._options.interval)
            for index, own in enumerate(torch.autograd.grad(strayed, weights, allow_unused=True)):
                before = gradients[index]
                gradients[index] = own if before is None else before if own is None else before + own
        for leaf, gradient in zip([*weights, *noise], gradients, strict=True):
            leaf.grad = gradient
        self._adam.step()
        return terms.detach()

    def _turn_to(self, anchor: Place) -> None:
        """Have the place of the looking step be this one, at the addresses that it has."""
        if self._far:
            self._far[0].copy_(anchor[0])
            self._far[1].take(anchor[1])

    def _copied(self, anchor: Place) -> Place:
        latent, objective = anchor
        return latent.clone(), Objective(objective.targets.clone(), objective.vgg, objective.options)
