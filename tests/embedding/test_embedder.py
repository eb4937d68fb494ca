"""What lives as long as a model is made once, and changes no result."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt.arrays import Pixels
from i2s_trt.embedding.embed import Embedding, EmbedProblem, optimise
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.loss.gradient import Gradient
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.run.job import EmbedJob
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.errors import UsageError
from i2s_trt.images.compose import write_png
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from i2s_trt.video.problem import FrameProblem

QUICK = EmbedOptions(steps=12, objective=ObjectiveOptions(prior_weight=0.1))
KINDS: dict[str, EmbedOptions] = {
    "paper": QUICK,
    "fast": replace(QUICK, schedule="fast"),
    "style": replace(QUICK, objective=replace(QUICK.objective, style_weight=0.5)),
    "plain": replace(QUICK, method="plain"),
}


def picture(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def embedded(embedder: Embedder, pictures: list[Pixels]) -> list[Embedding]:
    styles = [image[::-1].copy() for image in pictures] if embedder.options.objective.style_weight else None
    problem = EmbedProblem(embedder, pictures, styles)
    state = problem.start()
    return problem.finish(state, optimise(problem, state))


def framed(embedder: Embedder, number: int) -> Embedding:
    before = embedder.generator.mean_w_plus.cpu().numpy() + 0.1 * number
    problem = FrameProblem(embedder, picture(number), before.astype(np.float32), strength=10.0 * number)
    state = problem.start()
    (embedding,) = problem.finish(state, optimise(problem, state))
    return embedding


def check_same(one: Embedding, other: Embedding) -> None:
    np.testing.assert_array_equal(one.latent.curve, other.latent.curve)
    np.testing.assert_array_equal(one.latent.w_plus, other.latent.w_plus)
    assert one.latent.options == other.latent.options
    assert one.latent.status == other.latent.status == "finished"


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_one_after_the_other_are_the_same_as_each_alone(kind: str, toy: Generator, vgg: Vgg16) -> None:
    shared = Embedder(toy, KINDS[kind], vgg)
    for seed in (1, 2, 1):
        (ours,), (alone,) = (embedded(one, [picture(seed)]) for one in (shared, Embedder(toy, KINDS[kind], vgg)))
        check_same(ours, alone)


def test_frames_share_all_but_the_frame_before(toy: Generator, vgg: Vgg16) -> None:
    options = replace(QUICK, init="latent")
    shared = Embedder(toy, options, vgg)
    frames = [framed(shared, number) for number in (0, 1, 2)]
    for number, frame in enumerate(frames):
        check_same(frame, framed(Embedder(toy, options, vgg), number))
    digests = {frame.latent.options["init_digest"] for frame in frames}
    assert len(digests) == 3
    assert shared.options.init_digest == ""


def test_a_start_from_a_latent_keeps_what_was_made(toy: Generator, vgg: Vgg16) -> None:
    shared = Embedder(toy, QUICK, vgg)
    other = shared.starting_at("abc")
    assert (other.gradient, other.rule, other.captured) == (shared.gradient, shared.rule, shared.captured)
    assert (other.options.init, other.options.init_digest) == ("latent", "abc")


def test_an_objective_without_curvature_is_refused_before_any_picture(toy: Generator, vgg: Vgg16) -> None:
    objective = ObjectiveOptions(pixel_weight=0.0, layer_weights={}, style_weight=1.0)
    with pytest.raises(UsageError, match="nothing to measure"):
        Embedder(toy, EmbedOptions(schedule="fast", objective=objective), vgg)


def test_a_folder_of_pictures_makes_it_once(
    toy: Generator, vgg: Vgg16, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[EmbedOptions] = []

    class Counted(Gradient):
        def __init__(self, generator: Generator, vgg: Vgg16, options: EmbedOptions, *rest: Any) -> None:
            made.append(options)
            super().__init__(generator, vgg, options, *rest)

    monkeypatch.setattr("i2s_trt.embedding.embedder.Gradient", Counted)
    paths = [tmp_path / f"{seed}.png" for seed in range(3)]
    for seed, path in enumerate(paths):
        write_png(path, picture(seed))
    job = EmbedJob(toy, vgg, QUICK, JobOptions(resume=True), tmp_path / "out")
    assert made == []
    assert [result.status for result in job.run(paths)] == ["finished"] * 3
    assert made == [QUICK]
    assert [result.status for result in job.run(paths)] == ["skipped"] * 3


@pytest.fixture
def on_gpu(toy: Generator, vgg: Vgg16) -> Iterator[tuple[Generator, Vgg16]]:
    """Where sums are always made in the same order; otherwise two runs of one step differ in the last digit."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    torch.use_deterministic_algorithms(True, warn_only=True)
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        yield toy.to("cuda"), vgg.to("cuda")
    torch.use_deterministic_algorithms(False)
    toy.cpu(), vgg.cpu()


@pytest.mark.gpu
@pytest.mark.usefixtures("rough_curvature")
@pytest.mark.parametrize("kind", KINDS)
def test_a_captured_step_serves_every_picture(kind: str, on_gpu: tuple[Generator, Vgg16]) -> None:
    generator, vgg = on_gpu
    shared = Embedder(generator, KINDS[kind], vgg)
    for seed in (1, 2, 3):
        pictures = [picture(seed), picture(seed + 10)]
        for ours, alone in zip(
            embedded(shared, pictures), embedded(Embedder(generator, KINDS[kind], vgg), pictures), strict=True
        ):
            check_same(ours, alone)
    assert len(shared.captured) == 1


@pytest.mark.gpu
def test_a_captured_step_serves_every_frame(on_gpu: tuple[Generator, Vgg16]) -> None:
    generator, vgg = on_gpu
    options = replace(QUICK, init="latent")
    shared = Embedder(generator, options, vgg)
    for number in (0, 1, 2):
        check_same(framed(shared, number), framed(Embedder(generator, options, vgg), number))
    assert len(shared.captured) == 1
