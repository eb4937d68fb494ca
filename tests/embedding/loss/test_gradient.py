"""Losses and gradient by every method and in every precision."""

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from i2s_trt.embedding.loss.gradient import Gradient
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.start.spaces import variable_shape
from i2s_trt.embedding.steps.adam import advance
from i2s_trt.embedding.steps.pieces import Batch
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.errors import UsageError
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16
from tests.fused.maps import distance

PLAIN = EmbedOptions(method="plain")


@pytest.fixture(scope="module")
def fine() -> Generator:
    """A generator with layers above 32 pixels, where 16 bits begin."""
    return Generator.from_weights(random_weights(standard_spec(64, 16, 24), seed=3))


def evaluate(generator: Generator, vgg: Vgg16, options: EmbedOptions, images: int = 1) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(5)
    variable = 0.3 * torch.randn(images, *variable_shape(generator, options.space), generator=random)
    targets = torch.rand(images, 3, *generator.spec.picture_size, generator=random) * 2 - 1
    gradient = Gradient(generator, vgg, options)
    return gradient(variable, gradient.objective(targets))


@pytest.mark.parametrize("space", ["w+", "w", "z"])
@pytest.mark.parametrize(
    "objective",
    [
        ObjectiveOptions(),
        ObjectiveOptions(layer_weights={}),
        ObjectiveOptions(after_relu=False, perceptual_size=32, input_scale="normalized"),
        ObjectiveOptions(style_weight=1.0, resize="bilinear", perceptual_size=48),
    ],
)
def test_fused_is_plain_up_to_rounding(fine: Generator, vgg: Vgg16, space: Any, objective: ObjectiveOptions) -> None:
    plain = replace(PLAIN, space=space, objective=objective)
    wanted, ours = (evaluate(fine, vgg, o) for o in (plain, replace(plain, method="fused")))
    torch.testing.assert_close(ours[0], wanted[0], rtol=1e-4, atol=1e-5)
    assert distance(ours[1], wanted[1]) < 2e-3


@pytest.mark.parametrize(
    ("precision", "loss", "gradient"), [("tf32", 1e-4, 2e-3), ("bf16", 0.01, 0.1), ("fp16", 0.002, 0.03)]
)
def test_every_precision_is_near(fine: Generator, vgg: Vgg16, precision: Any, loss: float, gradient: float) -> None:
    wanted, ours = evaluate(fine, vgg, PLAIN), evaluate(fine, vgg, EmbedOptions(precision=precision))
    torch.testing.assert_close(ours[0], wanted[0], rtol=loss, atol=1e-3)
    assert distance(ours[1], wanted[1]) < gradient
    assert {t.dtype for t in ours} == {torch.float32}


@pytest.mark.parametrize("scale", ["mean-255", "unit"])
def test_small_gradients_survive_fp16(fine: Generator, vgg: Vgg16, scale: Any) -> None:
    """Unscaled, those of `unit` would vanish: a mean over 4096 pixels of differences below 1."""
    objective = ObjectiveOptions(input_scale=scale)
    wanted = evaluate(fine, vgg, replace(PLAIN, objective=objective))[1]
    ours = evaluate(fine, vgg, EmbedOptions(precision="fp16", objective=objective))[1]
    assert distance(ours, wanted) < 0.03


def test_twice_gives_identical_numbers(fine: Generator, vgg: Vgg16) -> None:
    for precision in ("fp32", "bf16"):
        options = EmbedOptions(precision=precision)
        first, second = (evaluate(fine, vgg, options) for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="bf16"):
        EmbedOptions(method="plain", precision="bf16")
    with pytest.raises(UsageError, match="precisions are fp32, tf32, bf16, fp16"):
        EmbedOptions(precision="int8")  # type: ignore[arg-type]


# A program of its own: the compiler remembers for the life of a process what it found.
_NO_COMPILER = """
import json, torch
from dataclasses import replace
from i2s_trt.embedding.loss.gradient import Gradient
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import random_vgg16

generator, vgg = Generator.from_weights(random_weights(standard_spec(8, 8, 16), seed=0)), random_vgg16()
options = EmbedOptions(objective=ObjectiveOptions(layer_weights={}))
said = []
results = []
for method in ("compiled", "fused"):
    gradient = Gradient(generator, vgg, replace(options, method=method), said.append)
    objective = gradient.objective(torch.zeros(1, 3, 8, 8))
    results += [gradient(generator.mean_w_plus.unsqueeze(0) + 0.1, objective)[1] for _ in range(2)]
print(json.dumps({"said": said, "same": all(torch.equal(results[0], other) for other in results)}))
"""


def test_without_a_compiler_it_goes_on_and_says_so_once(tmp_path: Path) -> None:
    environment = {
        "CXX": "no-such-compiler", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path), "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _NO_COMPILER], check=False, capture_output=True, text=True, timeout=300,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["same"]
    assert len(result["said"]) == 1
    assert "the step could not be compiled" in result["said"][0]


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler on this machine")
def test_compiled_is_plain_up_to_rounding(vgg: Vgg16) -> None:
    generator = Generator.from_weights(random_weights(standard_spec(8, 8, 16), seed=0))
    plain = replace(PLAIN, objective=ObjectiveOptions(layer_weights={}))
    said: list[str] = []
    wanted = evaluate(generator, vgg, plain)
    variable = 0.3 * torch.randn(1, 4, 16, generator=torch.Generator().manual_seed(5))
    gradient = Gradient(generator, vgg, replace(plain, method="compiled"), said.append)
    random = torch.Generator().manual_seed(5)
    torch.randn(1, 4, 16, generator=random)
    ours = gradient(variable, gradient.objective(torch.rand(1, 3, 8, 8, generator=random) * 2 - 1))
    assert said == []
    torch.testing.assert_close(ours[0], wanted[0], rtol=1e-4, atol=1e-5)
    assert distance(ours[1], wanted[1]) < 2e-3


@pytest.mark.parametrize(("method", "precision"), [("plain", "fp32"), ("fused", "bf16"), ("fused", "fp16")])
@pytest.mark.parametrize("space", ["w+", "z"])
def test_a_step_asks_the_device_for_no_value(
    fine: Generator, vgg: Vgg16, method: Any, precision: Any, space: Any
) -> None:
    """On the meta device, where tensors have no values and asking for one raises: what a CUDA graph can capture."""
    options = EmbedOptions(method=method, precision=precision, space=space, plateau_steps=3)
    generator, features = copy.deepcopy(fine).to("meta"), copy.deepcopy(vgg).to("meta")
    state = EmbedState.start(torch.zeros(2, *variable_shape(fine, space), device="meta"), options)
    targets = torch.zeros(2, 3, 64, 64, device="meta")
    batch = Batch(Gradient(generator, features, options), targets, targets, no_noise, 2, no_announcement)
    for _ in range(2):
        advance(state, *batch(state), options)
    with pytest.raises(RuntimeError, match="meta"):
        state.steps_left(10)


def no_noise(*_: object) -> None:
    """The model's own."""


no_announcement: Callable[[str], None] = no_noise
