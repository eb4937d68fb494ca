"""The curvature of the loss around a model's latents, layer by layer: what lets a few steps do the work of thousands.

The loss is a sum of squares, |r(w)|^2, so its Hessian is nearly 2 J^T J with J = dr/dw (Gauss-Newton). What does not
depend on the picture, the mean of J^T J over many latents, can be measured once for a model: for random v of unit
variance, J^T v is one backward pass, and the mean of (J^T v)(J^T v)^T is J^T J.
"""

import hashlib
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor

from i2s_trt import __version__
from i2s_trt.arithmetic import arithmetic
from i2s_trt.embedding.loss.bundled_curvature import bundled_curvature, is_bundled
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.loss.prior import Prior
from i2s_trt.embedding.options import ObjectiveOptions, Space
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.files import home, make_folder, write_bytes
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16

POINTS, PROBES = 16, 16  # latents, and random vectors for each
SPREADS = (0.0, 1.0, 2.0, 3.0)  # how far from the samples, in their deviation: photographs lie far outside
DAMPING = 0.5  # in parts of the mean curvature: moves along flat directions, which leave the training cloud, stay small
_DAMPING_BESIDE_PRIOR = 0.1  # which does the same, and better
_SHRINKAGE = 0.5
_SMALL_STYLE = 1e-2  # singular values of a style layer below this part of the middle one tell nothing


def metric(curvature: Tensor, space: Space, prior: Prior | None = None) -> Tensor | None:
    """The inverse curvature in a space, one block a row of its variable.

    Args:
        curvature: [L, D, D] float32, of `measured_curvature`.
        space: w+ has a block a layer; w one for all; z none, for the mapping network lies between.
        prior: of the loss; its curvature is known exactly.

    Returns:
        [L, D, D] or [1, D, D] float32, or None for Z.
    """
    if space == "z":
        return None
    share = DAMPING
    if prior is not None:
        curvature, share = curvature + prior.weight * prior.precision, _DAMPING_BESIDE_PRIOR
    root = torch.linalg.cholesky(damped(curvature if space == "w+" else curvature.sum(0, keepdim=True), share))
    return torch.cholesky_inverse(root).float()


def damped(curvature: Tensor, share: float = DAMPING) -> Tensor:
    """The curvature [L, D, D] in double precision with a floor under it, so that it is positive definite.

    Args:
        curvature: [L, D, D].
        share: of the mean curvature, that is the floor.
    """
    blocks = curvature.double()
    mean = blocks.diagonal(dim1=1, dim2=2).mean()
    identity = torch.eye(blocks.shape[-1], dtype=blocks.dtype, device=blocks.device)
    return blocks + share * mean * identity


def model_curvature(generator: Generator, vgg: Vgg16, options: ObjectiveOptions) -> Tensor:
    """The curvature [L, D, D] float32 of a model under an objective: bundled with it, or measured once and kept.

    Raises:
        UsageError: the objective has no sum of squares to measure.
    """
    bundled = bundled_curvature(curvature_key(generator, vgg, options))
    if bundled is not None:
        return bundled.to(generator.mean_w.device)
    path = curvature_path(generator, vgg, options)
    shape = (generator.num_layers, generator.w_dim, generator.w_dim)
    with suppress(OSError, safetensors.SafetensorError, KeyError):
        found = safetensors.torch.load_file(path)["curvature"].float()
        if found.shape == shape and found.isfinite().all():
            return found.to(generator.mean_w.device)
    curvature = measured_curvature(generator, vgg, options)
    with suppress(EnvironmentFault, UsageError):  # it is only a copy: what cannot be kept is measured again
        make_folder(path.parent)
        write_bytes(path, save({"curvature": curvature.cpu().contiguous()}))
    return curvature


def is_known(generator: Generator, vgg: Vgg16, options: ObjectiveOptions) -> bool:
    """Whether the curvature of a model under an objective need not be measured."""
    return is_bundled(curvature_key(generator, vgg, options)) or curvature_path(generator, vgg, options).is_file()


def curvature_path(generator: Generator, vgg: Vgg16, options: ObjectiveOptions) -> Path:
    """Where the curvature of a model under an objective is kept, by this version of the program."""
    key = f"{curvature_key(generator, vgg, options)} {__version__}"
    return home() / "curvature" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.safetensors"


def curvature_key(generator: Generator, vgg: Vgg16, options: ObjectiveOptions) -> str:
    """The sha256 of all that a curvature depends on."""
    weights = MappingProxyType(dict(options.layer_weights))  # whatever kind of mapping: equal ones share a key
    pictures = replace(options, prior_weight=0.0, layer_weights=weights)
    parts = (generator.digest, vgg.source.digest, pictures, POINTS, PROBES, SPREADS, _SHRINKAGE)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def passes_to_measure() -> int:
    """Backward passes that measuring a model's curvature takes."""
    return POINTS * PROBES


def measured_curvature(generator: Generator, vgg: Vgg16, options: ObjectiveOptions) -> Tensor:
    """Mean J^T J of the objective's residuals [L, D, D] float32, without the entries between layers.

    Products are exact, for one measurement serves runs in every precision.

    Raises:
        UsageError: neither pixels nor features are compared.
    """
    if not (options.pixel_weight or any(options.layer_weights.values())):
        raise UsageError(
            "the fast schedule has nothing to measure: the style loss alone is switched on",
            "take --schedule paper, or add a --pixel-weight or --layers",
        )
    with arithmetic("fp32"):
        gradients = torch.stack(list(_probes(generator, vgg, options)))
    styles = generator.synthesis.style_weights()
    blocks = [_estimate(gradients[:, i].double(), style) for i, style in enumerate(styles)]
    return torch.stack(blocks).float().to(generator.mean_w.device)


def _probes(generator: Generator, vgg: Vgg16, options: ObjectiveOptions) -> Iterator[Tensor]:
    """J^T v [L, D] on the CPU for random v, at latents around the generator's samples."""
    device = generator.mean_w.device
    random = torch.Generator().manual_seed(0)
    blank = torch.zeros(1, 3, *generator.spec.picture_size, device=device)
    objective = Objective(blank, vgg, options)
    draw = partial(torch.randn, generator=random)
    for point in latents_around(generator, POINTS, SPREADS, random):
        w_plus = point.unsqueeze(0).to(device).requires_grad_(True)
        with torch.enable_grad():
            residuals = _residuals(generator(w_plus), objective)
        for _ in range(PROBES):
            vectors = [draw(r.shape).to(device) for r in residuals]
            (gradient,) = torch.autograd.grad(residuals, w_plus, vectors, retain_graph=True)
            yield gradient[0].cpu()


@torch.no_grad()
def latents_around(generator: Generator, count: int, spreads: tuple[float, ...], random: torch.Generator) -> Tensor:
    """Latents [count, L, D] on the CPU: samples, some mixed from layer to layer, with noise of `spreads` deviations."""
    layers = generator.num_layers
    z = torch.randn(count * layers, generator.z_dim, generator=random)
    rows = generator.broadcast(generator.mapping(z.to(generator.mean_w.device))).cpu()
    mixed = rows.view(count, layers, layers, -1).diagonal(dim1=1, dim2=2).permute(0, 2, 1)  # [count, L, D]
    whole = rows.view(count, layers, layers, -1)[:, 0]  # [count, L, D]
    share = torch.tensor([0.0, 0.5, 1.0])[torch.arange(count) % 3].view(-1, 1, 1)
    deviation = (rows - generator.mean_w.cpu()).square().mean().sqrt()
    noise = torch.randn(count, layers, generator.w_dim, generator=random) * deviation
    scale = torch.tensor(spreads)[torch.arange(count) % len(spreads)].view(-1, 1, 1)
    return torch.lerp(whole, mixed, share) + scale * noise


def _residuals(images: Tensor, objective: Objective) -> list[Tensor]:
    """What Eq. 1 compares, scaled so that the loss is the sum of squares of the differences."""
    options, features = objective.options, objective.layer_features(images)
    weighted = [(features[name], options.layer_weights[name]) for name in objective.layers]
    if options.pixel_weight:
        weighted.append((images * objective.pixel_scale, options.pixel_weight))
    return [values.float() * math.sqrt(weight / values[0].numel()) for values, weight in weighted]


def _estimate(gradients: Tensor, style: Tensor) -> Tensor:
    """The covariance [D, D] of gradients [K, D] about zero, drawn towards what the style layer alone implies.

    A style A w + b acts through its channels, nearly independent of one another: A^T diag(d) A is the covariance if
    they are. Few samples tell d well and the rest badly, hence the mixture.
    """
    count = len(gradients)
    a = style.detach().double().cpu()  # [C, D]
    u, singular, v = torch.linalg.svd(a, full_matrices=False)
    floor = (_SMALL_STYLE * singular.median()) ** 2
    through = gradients @ (v.T * (singular / (singular.square() + floor))) @ u.T  # of the channels
    structured: Tensor = a.T @ (through.square().mean(0).unsqueeze(1) * a)
    rank = min(a.shape)
    share = _SHRINKAGE * rank / (rank + count)
    return share * structured + (1 - share) * (gradients.T @ gradients) / count
