"""Tuning in a job on files: what lies there after it, after a stop, and after other settings."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2s_trt.deltas import changed, delta_of, delta_path
from i2s_trt.edit.sources import LatentSource
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions, TuneOptions
from i2s_trt.embedding.run.job import EmbedJob, JobEvent, JobResult
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.images.decode import decode
from i2s_trt.latents import read_latent, save_latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from i2s_trt.synthesizer import TorchSynthesizer

OPTIONS = EmbedOptions(steps=4, learning_rate=0.05, objective=ObjectiveOptions(layer_weights={}))
TUNE = TuneOptions(steps=5)
Runner = Callable[..., JobResult]


@pytest.fixture
def events() -> list[JobEvent]:
    return []


@pytest.fixture
def run(toy: Generator, vgg: Vgg16, tmp_path: Path, astronaut: Path, events: list[JobEvent]) -> Runner:
    def run_job(tune: TuneOptions = TUNE, stop: Callable[[], bool] = lambda: False, **job: Any) -> JobResult:
        settings = JobOptions(tune=tune, **job)
        (result,) = EmbedJob(toy, vgg, OPTIONS, settings, tmp_path / "out", events.append, stop).run([astronaut])
        return result

    return run_job


def kinds(events: list[JobEvent]) -> list[str]:
    return list(dict.fromkeys(event.kind for event in events))


def test_a_delta_lies_beside_the_latent_and_the_picture_is_its(
    run: Runner, toy: Generator, tmp_path: Path, events: list[JobEvent]
) -> None:
    assert run().status == "finished"
    latent = tmp_path / "out/astronaut.safetensors"
    w_plus = read_latent(latent).w_plus
    delta = delta_of(latent, w_plus, toy.digest)
    assert delta is not None
    drawn = TorchSynthesizer(changed(toy, delta))(w_plus[None])[0]
    assert np.abs(drawn.astype(int) - decode(tmp_path / "out/astronaut.png")).max() <= 1
    assert kinds(events) == ["start", "progress", "done", "tuning", "tuned"]
    figures = events[-1].data
    assert (figures["steps"], figures["error"] < figures["error_before"]) == (5, True)


def test_resuming_keeps_what_is_tuned_and_tunes_what_is_not(
    run: Runner, tmp_path: Path, events: list[JobEvent]
) -> None:
    assert run(TuneOptions()).status == "finished"
    latent = (tmp_path / "out/astronaut.safetensors").read_bytes()
    assert run(resume=True).status == "finished"
    assert kinds(events)[-2:] == ["tuning", "tuned"]
    assert (tmp_path / "out/astronaut.safetensors").read_bytes() == latent, "not embedded again"
    made = delta_path(tmp_path / "out/astronaut.safetensors").read_bytes()
    assert run(resume=True).status == "skipped"
    assert run(TuneOptions(), resume=True).status == "skipped"
    assert delta_path(tmp_path / "out/astronaut.safetensors").read_bytes() == made
    assert run(TuneOptions(steps=6), resume=True).status == "finished"
    assert delta_path(tmp_path / "out/astronaut.safetensors").read_bytes() != made


def test_a_stop_leaves_the_latent_and_no_delta(run: Runner, tmp_path: Path, events: list[JobEvent]) -> None:
    assert run(stop=lambda: kinds(events)[-1:] == ["tuning"]).status == "interrupted"
    latent = tmp_path / "out/astronaut.safetensors"
    assert read_latent(latent).status == "finished"
    assert not delta_path(latent).exists()
    assert run(resume=True).status == "finished"
    assert delta_path(latent).exists()


def test_a_latent_with_noise_maps_is_tuned_with_them(run: Runner, toy: Generator, tmp_path: Path) -> None:
    assert run(TuneOptions()).status == "finished"
    path, random = tmp_path / "out/astronaut.safetensors", np.random.default_rng(0)
    maps = tuple(random.standard_normal(m.shape[-2:], dtype=np.float32) for m in toy.synthesis.stored_noise())
    save_latent(path, replace(read_latent(path), noise=maps))
    assert run(resume=True).status == "finished"
    both = LatentSource.of(toy).delta_of(path)
    drawn = TorchSynthesizer(toy).tuned(both)(read_latent(path).w_plus[None])[0]
    assert np.abs(drawn.astype(int) - decode(tmp_path / "out/astronaut.png")).max() <= 1


def test_embedding_anew_takes_the_old_delta_away(run: Runner, tmp_path: Path) -> None:
    run()
    assert delta_path(tmp_path / "out/astronaut.safetensors").exists()
    run(TuneOptions())
    assert not delta_path(tmp_path / "out/astronaut.safetensors").exists()


def test_a_damaged_delta_is_made_again(run: Runner, toy: Generator, tmp_path: Path) -> None:
    run()
    latent = tmp_path / "out/astronaut.safetensors"
    delta_path(latent).write_bytes(b"nothing")
    assert run(resume=True).status == "finished"
    assert delta_of(latent, read_latent(latent).w_plus, toy.digest) is not None
