"""The step rehearsed on the meta device: what a CUDA graph can capture asks for no value and touches no other device.

Tensors there have no values, and asking for one raises. A tensor of the CPU that slips in with one element would not,
so every operation is watched as well. The first step is not: what it makes, features of the targets for one, is there
before anything is captured.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from i2s_trt.embedding.embed import EmbedProblem
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.start.spaces import variable_shape
from i2s_trt.embedding.steps import schedule
from i2s_trt.embedding.steps.lbfgs import QuasiNewtonState
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16
from i2s_trt.video.problem import FrameProblem

META = torch.device("meta")
STYLED = ObjectiveOptions(style_weight=1.0, prior_weight=0.1)
DEEP = ObjectiveOptions(
    after_relu=False, perceptual_size=48, resize="bilinear", input_scale="normalized", prior_weight=0.1
)


class OnMetaAlone(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses operations that see or make a tensor elsewhere."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for one in tree_leaves((args, kwargs, out)):
            if isinstance(one, Tensor) and one.device != META:
                raise RuntimeError(f"{func} met a tensor on {one.device}")
        return out


@pytest.fixture(scope="module")
def fine() -> Generator:
    """A generator with layers above 32 pixels, where 16 bits begin."""
    return Generator.from_weights(random_weights(standard_spec(64, 16, 24), seed=3)).to(META)


@pytest.fixture(scope="module")
def features(vgg: Vgg16) -> Vgg16:
    return copy.deepcopy(vgg).to(META)


@pytest.fixture(autouse=True)
def known_curvature(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is measured before a run, and needs values."""

    def identity(generator: Generator, *_: Any) -> Tensor:
        return torch.eye(generator.w_dim, device=META).expand(generator.num_layers, -1, -1)

    monkeypatch.setattr(schedule, "model_curvature", identity)
    monkeypatch.setattr(schedule, "reach", lambda *_: 1.0)


def rehearse(problem: EmbedProblem) -> None:
    options = problem.options
    kind = QuasiNewtonState if options.schedule == "fast" else EmbedState
    shape = variable_shape(problem.generator, options.space)
    step = problem.stepper(kind.start(torch.zeros(len(problem.pictures), *shape, device=META), options))
    step()
    with OnMetaAlone():
        assert step().device == META


@pytest.mark.parametrize("rule", ["paper", "fast"])
@pytest.mark.parametrize(
    "way",
    [
        {"method": "plain", "space": "w+", "plateau_steps": 3},
        {"method": "plain", "space": "w", "noise": 7},
        {"method": "plain", "space": "z", "precision": "tf32"},
        {"method": "fused", "space": "w+", "noise": 7},
        {"method": "fused", "space": "w"},
        {"method": "fused", "space": "z", "plateau_steps": 3},
        {"method": "fused", "space": "w+", "precision": "bf16", "objective": STYLED},
        {"method": "fused", "space": "z", "precision": "bf16", "objective": STYLED},
        {"method": "fused", "space": "w+", "precision": "fp16", "objective": DEEP},
    ],
)
def test_a_step_stays_on_its_device(fine: Generator, features: Vgg16, way: dict[str, Any], rule: Any) -> None:
    options = EmbedOptions(steps=9, schedule=rule, **way)
    rehearse(EmbedProblem(Embedder(fine, options, features), [np.zeros((64, 64, 3), np.uint8)] * 2))


@pytest.mark.parametrize("space", ["w+", "w"])
def test_so_does_a_step_of_a_clip(fine: Generator, features: Vgg16, space: Any) -> None:
    before = np.zeros((fine.num_layers, fine.w_dim), np.float32)
    options = EmbedOptions(steps=9, init="latent", space=space)
    rehearse(FrameProblem(Embedder(fine, options, features), np.zeros((64, 64, 3), np.uint8), before, strength=1.0))


class _Stray(torch.autograd.Function):
    """Brings a tensor of the CPU in on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0] * torch.tensor(2.0)


def way_back(x: Tensor) -> Tensor:
    with torch.enable_grad():
        leaf = x.detach().requires_grad_(True)
        return torch.autograd.grad(_Stray.apply(leaf).sum(), leaf)[0]  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "slip",
    [
        lambda x: x * x.sum().item(),
        lambda x: x if bool(x.sum() > 0) else -x,
        lambda x: x * torch.tensor(2.0),
        lambda x: x + torch.ones(()),
        lambda x: x[torch.tensor([0])],
        lambda x: x.cpu().to(META),
        way_back,
    ],
)
def test_the_rehearsal_finds_what_it_looks_for(slip: Callable[[Tensor], Tensor]) -> None:
    with OnMetaAlone(), pytest.raises((RuntimeError, NotImplementedError), match=r"meta|cpu"):
        slip(torch.zeros(3, device=META))
