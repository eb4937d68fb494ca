"""Number formats: what they switch, that they put it back, how one is chosen, and that the curves agree."""

import threading
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cosine_similarity
from torch.utils._python_dispatch import TorchDispatchMode

from i2s_trt.arithmetic import Precision, arithmetic
from i2s_trt.arrays import Array
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.embedding.embed import EmbedProblem, embed, optimise
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.loss import curvature
from i2s_trt.embedding.loss.gradient import Gradient
from i2s_trt.embedding.loss.precision import activation_dtype, loss_scale
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.run import measure
from i2s_trt.embedding.steps import schedule
from i2s_trt.embedding.steps.adam import advance
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path, example_picture
from i2s_trt.images.fit import fit_picture, to_target
from i2s_trt.latents import read_latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16, imagenet_vgg16, random_vgg16
from i2s_trt.studio.starters import EMBEDDED

# shallow features: the deep ones cost most of the time and nothing of the generator depends on them
SHALLOW = ObjectiveOptions(layer_weights={"conv1_1": 1.0, "conv1_2": 1.0})


def flags() -> tuple[str, str]:
    backends: Any = torch.backends
    return backends.cudnn.conv.fp32_precision, backends.cuda.matmul.fp32_precision


@pytest.mark.parametrize(("precision", "convolutions"), [("fp32", "ieee"), ("tf32", "tf32"), ("bf16", "tf32")])
def test_float32_products_of_a_gpu_are_exact_only_in_fp32_and_only_meanwhile(precision: Any, convolutions: str) -> None:
    before = flags()
    with arithmetic(precision):
        assert flags() == (convolutions, "ieee")
    assert flags() == before
    with pytest.raises(KeyError), arithmetic(precision):
        raise KeyError
    assert flags() == before


class Convolutions(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down what a GPU would multiply in, for each convolution, there and back."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: list[tuple[torch.dtype, str]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if "convolution" in str(func):
            self.seen.append((args[0].dtype, flags()[0]))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("method", ["plain", "fused"])
@pytest.mark.parametrize(("precision", "convolutions"), [("fp32", "ieee"), ("tf32", "tf32")])
def test_a_run_multiplies_as_asked_to_its_last_picture(
    toy: Generator, vgg: Vgg16, method: Any, precision: Any, convolutions: str
) -> None:
    options = EmbedOptions(steps=2, precision=precision, method=method, objective=SHALLOW)
    before = flags()
    with arithmetic("tf32" if precision == "fp32" else "fp32"), Convolutions() as run:
        embed(toy, [np.zeros((16, 16, 3), np.uint8)], options, vgg=vgg)
    assert set(run.seen) == {(torch.float32, convolutions)}
    assert flags() == before


def test_the_curvature_is_exact_for_runs_in_every_precision(
    toy: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curvature, "POINTS", 2)
    monkeypatch.setattr(curvature, "PROBES", 2)
    with arithmetic("tf32"), Convolutions() as run:
        curvature.measured_curvature(toy, vgg, SHALLOW)
    assert set(run.seen) == {(torch.float32, "ieee")}


def test_what_16_bits_leave_in_float32_multiplies_in_tf32(toy: Generator, vgg: Vgg16) -> None:
    options = EmbedOptions(precision="bf16", objective=ObjectiveOptions(layer_weights={}))  # no layer above 32 pixels
    problem = EmbedProblem(Embedder(toy, options, vgg), [np.zeros((16, 16, 3), np.uint8)])
    with arithmetic("fp32"), Convolutions() as run:
        problem.stepper(problem.start())()
    assert set(run.seen) == {(torch.float32, "tf32")}


def test_threads_that_overlap_are_exact_as_soon_as_one_has_to_be() -> None:
    before = flags()
    inside, leave = threading.Barrier(2), threading.Event()

    def exact() -> None:
        with arithmetic("fp32"):
            inside.wait(30)
            leave.wait(30)

    thread = threading.Thread(target=exact, daemon=True)
    try:
        with arithmetic("tf32"):
            thread.start()
            inside.wait(30)
            assert flags() == ("ieee", "ieee")
            with arithmetic("bf16"):
                assert flags() == ("ieee", "ieee")
        assert flags() == ("ieee", "ieee")  # the first to come has gone, the exact one has not
    finally:
        leave.set()
        thread.join(30)
    assert flags() == before


def test_formats() -> None:
    wanted = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    assert {name: activation_dtype(name) for name in wanted} == wanted  # type: ignore[arg-type]


@given(loss=st.floats(1e-6, 1e7), pixels=st.sampled_from([64, 4096, 2**20]))
def test_the_scale_of_fp16_is_a_power_of_two_that_leaves_room_above_the_gradient(loss: float, pixels: int) -> None:
    scale = float(loss_scale(torch.tensor([loss]), pixels)[0])
    assert np.log2(scale) == int(np.log2(scale))
    assert 2**-30 <= scale <= 2**30
    lifted = scale * np.sqrt(loss) / pixels
    assert 2**-15 < lifted < 2**-13 or scale == 2**30


def curve(method: Any, precision: Any, steps: int, rate: float, vgg: Vgg16) -> Array:
    """Total losses of one photograph in a generator that reaches 64 pixels."""
    generator = Generator.from_weights(random_weights(standard_spec(64, 16, 24), seed=3))
    picture = fit_picture(decode(example_path("astronaut")), generator.spec, "crop")
    options = EmbedOptions(steps=steps, learning_rate=rate, method=method, precision=precision, objective=SHALLOW)
    problem = EmbedProblem(Embedder(generator, options, vgg), [picture])
    state = problem.start()
    optimise(problem, state)
    return state.history[0, :, 0].numpy()


# At the paper's rate of 0.01 no two runs stay together for long: a start moved by 1e-6 is 3 % away after 500 plain
# steps (0.3 % after 100). At a twentieth of it what is compared is the method and not the weather.
_SLOW = 0.0005


@cache
def slow_curve(steps: int) -> Array:
    return curve("plain", "fp32", steps, _SLOW, random_vgg16())


@pytest.mark.parametrize("steps", [100, pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_curves_stay_within_1_per_cent(precision: Any, steps: int, vgg: Vgg16) -> None:
    wanted, ours = slow_curve(steps), curve("fused", precision, steps, _SLOW, vgg)
    assert wanted[-1] < (0.8 if steps == 500 else 0.95) * wanted[0]
    np.testing.assert_allclose(ours, wanted, rtol=0.01)


@pytest.mark.parametrize(("precision", "steps"), [("fp32", 100), ("bf16", 60)])
def test_at_the_papers_rate_they_do_for_as_long_as_that_can_be_told(precision: Any, steps: int, vgg: Vgg16) -> None:
    wanted, ours = curve("plain", "fp32", steps, 0.01, vgg), curve("fused", precision, steps, 0.01, vgg)
    np.testing.assert_allclose(ours, wanted, rtol=0.01)


def test_fp16_follows_too(vgg: Vgg16) -> None:
    ours = curve("fused", "fp16", 30, _SLOW, vgg)  # few: CPUs have no fast fp16
    np.testing.assert_allclose(ours, slow_curve(100)[:30], rtol=0.01)


STYLE_ALONE = ObjectiveOptions(pixel_weight=0, layer_weights={}, style_weight=1)


@pytest.mark.parametrize(("objective", "alike"), [(ObjectiveOptions(), 0.998), (STYLE_ALONE, 0.99)])
def test_trained_features_do_not_overflow_it_where_a_face_is_embedded(
    objective: ObjectiveOptions, alike: float
) -> None:
    """Their gradients are thousands of times as large as pictures', and largest where layers normalise small maps."""
    generator, vgg = load_generator(), imagenet_vgg16()
    picture, style = (fit_picture(example_picture(name), generator.spec) for name in ("astronaut", "coffee"))
    w_plus = torch.from_numpy(read_latent(EMBEDDED / "astronaut.safetensors").w_plus).unsqueeze(0)

    def gradient(precision: Precision) -> Tensor:
        of = Gradient(generator, vgg, EmbedOptions(precision=precision, objective=objective))
        targets = of.objective(to_target(picture).unsqueeze(0), to_target(style).unsqueeze(0))
        return of(w_plus, targets)[1].flatten()

    exact, found = gradient("fp32"), gradient("fp16")
    assert found.isfinite().all()
    assert cosine_similarity(exact, found, dim=0) > alike


def test_auto_takes_the_faster_one_only_where_it_is_worth_it(
    toy: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = EmbedOptions(steps=500)
    for worth, precision in ((0.0, "bf16"), (1e9, "fp32")):
        monkeypatch.setattr(measure, "_WORTH_IT", worth)
        choice = measure.choose_precision(toy, vgg, options)
        assert choice.precision == precision
        assert set(choice.seconds) == {"fp32", "bf16"}
        assert all(seconds > 0 for seconds in choice.seconds.values())
    assert measure.choose_precision(toy, vgg, replace(options, steps=5)) == measure.Choice(
        "fp32", {}, "too few steps to measure"
    )


@pytest.mark.parametrize("changes", [{}, {"space": "z"}, {"noise": "resampled"}, {"init": "encoder"}])
def test_auto_times_whole_steps(
    toy: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    taken: list[str] = []

    def counted(state: EmbedState, *rest: Any) -> None:
        taken.append(rest[-1].precision)
        advance(state, *rest)

    monkeypatch.setattr(schedule, "advance", counted)
    measure.choose_precision(toy, vgg, EmbedOptions(steps=500, plateau_steps=1, objective=SHALLOW, **changes))
    assert taken == ["fp32"] * 4 + ["bf16"] * 4


class _Replayed(EmbedProblem):
    """Costs what a step on a GPU does: dear until it is recorded, then little. Reads from a clock of its own."""

    clock = 0.0

    def stepper(self, state: EmbedState, capture: bool | None = None) -> Any:
        taken: list[None] = []

        def step() -> torch.Tensor:
            taken.append(None)
            dear, cheap = {"fp32": (1.0, 0.5), "bf16": (5.0, 0.25)}[self.options.precision]
            _Replayed.clock += dear if len(taken) <= 4 else cheap
            return torch.zeros(1, 1)

        return step


def test_auto_times_what_is_replayed_and_not_what_comes_before(
    toy: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "EmbedProblem", _Replayed)
    monkeypatch.setattr(measure, "_ROUND", {"cpu": measure._ROUND["cuda"]})
    monkeypatch.setattr("time.perf_counter", lambda: _Replayed.clock)
    choice = measure.choose_precision(toy, vgg, EmbedOptions(steps=500))
    assert choice == measure.Choice("bf16", {"fp32": 0.5, "bf16": 0.25})


def test_auto_leaves_the_fast_schedule_exact(toy: Generator, vgg: Vgg16, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_WORTH_IT", 0.0)
    choice = measure.choose_precision(toy, vgg, EmbedOptions(steps=400, schedule="fast"))
    assert (choice.precision, choice.seconds) == ("fp32", {})
    assert "higher loss" in choice.unmeasured
