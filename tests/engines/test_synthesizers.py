"""Synthesizers by name: all render alike, and `auto` chooses by what is there."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

import engines.synthesizers as module
from engines.cuda.gpu import driver_fault
from engines.graph_synthesizer import GraphSynthesizer
from engines.onnxruntime.providers import provider_faults
from engines.synthesizers import (
    ENGINES,
    choose_synthesizer,
    onnx_runtime_synthesizer,
)
from export.library import export_graph
from i2s_trt.deltas import Delta, changed, noise_delta
from i2s_trt.embedding.options import TuneOptions
from i2s_trt.embedding.tune import tunable
from i2s_trt.errors import EnvironmentFault, LatentError, UsageError
from i2s_trt.machine import package_version
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec, stylegan2_spec
from i2s_trt.synthesizer import Synthesizer, TorchSynthesizer
from tests.engines.tensorrt.runtime_bench import RTX, latents
from tests.export.shared import slim

pytestmark = pytest.mark.usefixtures("shared_home")


def test_onnx_runtime_renders_what_pytorch_does() -> None:
    generator = slim(64).generator
    reference: Synthesizer = TorchSynthesizer(generator)
    other: Synthesizer = onnx_runtime_synthesizer(generator)
    w_plus = latents(generator, 3)
    assert (other.resolution, other.num_layers, other.w_dim) == (64, 10, 20)
    expected, actual = reference(w_plus), other(w_plus)
    assert (actual.shape, actual.dtype) == ((3, 48, 64, 3), np.uint8)
    assert np.abs(actual.astype(int) - expected).max() <= 1
    np.testing.assert_allclose(other.images(w_plus), reference.images(w_plus), atol=1e-3)
    for empty in (other(w_plus[:0]), other.preview(w_plus[:0])):
        assert empty.shape == (0, 48, 64, 3)


def test_previews_are_small() -> None:
    generator = slim(512, 4).generator
    w_plus = latents(generator, 2)
    expected, actual = TorchSynthesizer(generator).preview(w_plus), onnx_runtime_synthesizer(generator).preview(w_plus)
    assert actual.shape == expected.shape == (2, 256, 256, 3)
    assert np.abs(actual.astype(int) - expected).max() <= 1


def test_a_picture_does_not_depend_on_its_neighbours() -> None:
    render = onnx_runtime_synthesizer(slim(64).generator)
    w_plus = latents(slim(64).generator, 5)
    together = render.images(w_plus)
    for row in range(5):
        np.testing.assert_array_equal(render.images(w_plus[row : row + 1])[0], together[row])


def test_auto_takes_pytorch_until_a_graph_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Generator.from_weights(random_weights(standard_spec(8, 8, 16), seed=11))  # no other test exports it
    before = choose_synthesizer("auto", own)
    assert (before.engine, "onnxruntime" in before.reason) == ("torch", True)
    made = choose_synthesizer("onnxruntime", own)
    picture = made.synthesizer(latents(own, 1))
    after = choose_synthesizer("auto", own)
    assert after.engine == "onnxruntime"
    np.testing.assert_array_equal(after.synthesizer(latents(own, 1)), picture)
    monkeypatch.setattr(module, "package_version", lambda _name: "")
    without = choose_synthesizer("auto", own)
    assert (without.engine, "pip install 'i2s-trt[cpu]'" in without.reason) == ("torch", True)


@pytest.mark.parametrize(("engine", "precision"), [("torch", "bf16"), ("torch", "fp16"), ("onnxruntime", "fp16")])
def test_a_precision_that_is_asked_for_is_the_one_that_runs(engine: str, precision: str) -> None:
    model = slim(64).generator
    choice = choose_synthesizer(engine, model, precision=precision)
    assert (choice.engine, choice.precision) == (engine, precision)
    w_plus = latents(model, 1)
    exact = choose_synthesizer("torch", model)
    assert exact.precision == "fp32"
    expected, images = exact.synthesizer.images(w_plus), choice.synthesizer.images(w_plus)
    error = np.sqrt(np.square(images - expected).mean() / np.square(expected).mean())
    assert 1e-5 < error < (0.1 if precision == "bf16" else 0.01)


def test_bf16_on_a_cpu_is_pytorchs(toy: Generator) -> None:
    choice = choose_synthesizer("auto", toy, precision="bf16")
    assert (choice.engine, choice.precision) == ("torch", "bf16")
    with pytest.raises(UsageError, match="no bf16 on a CPU") as caught:
        choose_synthesizer("onnxruntime", toy, precision="bf16")
    assert "--engine torch" in caught.value.hint
    with pytest.raises(UsageError, match="no precision named int4") as caught:
        choose_synthesizer("torch", toy, precision="int4")
    assert "auto, fp32, bf16, fp16" in caught.value.hint


@pytest.mark.parametrize(
    ("engine", "provider", "message"),
    [
        ("warp", "auto", "no engine named warp"),
        ("onnxruntime", "npu", "no provider named npu"),
        ("torch", "cuda", "--provider cuda is one of ONNX Runtime's"),
    ],
)
def test_unknown_engines_and_providers_are_refused(engine: str, provider: str, message: str, toy: Generator) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        choose_synthesizer(engine, toy, provider)
    assert caught.value.hint
    if engine == "warp":
        assert all(engine in caught.value.hint for engine in ENGINES)


def test_a_provider_that_is_missing_is_explained(toy: Generator) -> None:
    if not provider_faults()["cuda"]:
        pytest.skip("this machine has it")
    with pytest.raises(EnvironmentFault, match="cannot use its cuda provider") as caught:
        choose_synthesizer("onnxruntime", toy, "cuda")
    assert "--device cpu" in caught.value.hint


def test_without_onnx_runtime_nobody_is_sent_to_the_cpu_that_they_asked_for(
    toy: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as where it is not installed
    with pytest.raises(EnvironmentFault, match=r"pip install 'i2s-trt\[cpu\]'") as caught:
        choose_synthesizer("onnxruntime", toy)
    assert caught.value.hint == "take --engine torch"


def test_a_missing_package_names_the_pip_line(toy: Generator) -> None:
    if package_version("tensorrt"):
        pytest.skip("TensorRT is installed")
    with pytest.raises(EnvironmentFault, match="tensorrt is not installed") as caught:
        choose_synthesizer("tensorrt", toy)
    assert "pip install 'i2s-trt[gpu]'" in caught.value.hint


def test_a_missing_gpu_is_explained(toy: Generator) -> None:
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")
    if not driver_fault():
        pytest.skip("this machine has a GPU")
    with pytest.raises(EnvironmentFault, match="tensorrt-rtx engines run on NVIDIA GPUs: there is no CUDA") as caught:
        choose_synthesizer(RTX, toy)
    assert "--engine onnxruntime" in caught.value.hint


def test_a_runner_is_made_when_its_graph_is_first_needed(toy: Generator) -> None:
    made: list[str] = []

    def runner(name: str) -> Any:
        made.append(name)
        return lambda inputs: {"out": inputs["w_plus"][:, 0, :3]}

    render = GraphSynthesizer(toy, runner)
    w_plus = latents(toy, 2)
    for _ in range(2):
        render(w_plus)
        render.images(w_plus)
    assert made == ["synthesis", "images"]


def test_threads_share_one_runner(toy: Generator) -> None:
    made: list[str] = []

    def runner(name: str) -> Any:
        made.append(name)
        time.sleep(0.05)  # long enough for the others to come
        return lambda inputs: {"out": inputs["w_plus"][:, 0, :3]}

    render = GraphSynthesizer(toy, runner)
    w_plus = latents(toy, 1)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: render(w_plus), range(4)))
    assert made == ["synthesis"]
    for result in results:
        np.testing.assert_array_equal(result, w_plus[:, 0, :3])


def test_the_graph_that_renders_is_the_exported_one() -> None:
    exported = export_graph(slim(64), "synthesis")
    stamp = exported.path.stat().st_mtime_ns
    onnx_runtime_synthesizer(slim(64).generator)(latents(slim(64).generator, 1))
    assert exported.path.stat().st_mtime_ns == stamp


@pytest.mark.parametrize("engine", ["torch", "onnxruntime"])
def test_noise_maps_of_a_latent_go_through_every_engine(engine: str, toy: Generator) -> None:
    random = np.random.default_rng(0)
    maps = [random.standard_normal(map_.shape[-2:], dtype=np.float32) for map_ in toy.synthesis.stored_noise()]
    chosen = choose_synthesizer(engine, toy).synthesizer
    w_plus = toy.mean_w_plus.numpy()[None].repeat(2, axis=0)
    with torch.no_grad():
        tensors = [torch.from_numpy(map_)[None, None] for map_ in maps]
        wanted = toy.synthesis(torch.from_numpy(w_plus), tensors).numpy()
    own = noise_delta(maps, [map_[0, 0].numpy() for map_ in toy.synthesis.stored_noise()], toy.digest)
    np.testing.assert_allclose(chosen.tuned(own).images(w_plus), wanted, atol=1e-3)
    assert np.abs(chosen.images(w_plus) - wanted).max() > 0.01, "the model's own noise is untouched"


def change(model: Generator, *names: str) -> Delta:
    """A delta of some tensors of a model."""
    state, random = model.state_dict(), np.random.default_rng(0)
    tensors = {name: 0.1 * random.standard_normal(tuple(state[name].shape), dtype=np.float32) for name in names}
    return Delta(model.digest, "", tensors)


def tunable_names(model: Generator) -> list[str]:
    return [f"synthesis.{name}" for name in tunable(model, TuneOptions().coarsest)]


@pytest.mark.parametrize("architecture", ["stylegan1", "stylegan2"])
def test_a_graph_draws_with_one_delta_after_the_other(architecture: str, toy: Generator) -> None:
    other = Generator.from_weights(random_weights(stylegan2_spec(16, 12, 16), seed=3))
    model = toy if architecture == "stylegan1" else other
    render, w_plus = onnx_runtime_synthesizer(model), latents(model, 2)
    whole, part = change(model, *tunable_names(model)), change(model, tunable_names(model)[-1])
    plain = render(w_plus)
    for delta in (whole, part, whole):
        tuned = render.tuned(delta)
        assert isinstance(tuned, GraphSynthesizer)
        expected = TorchSynthesizer(changed(model, delta))(w_plus)
        assert np.abs(tuned(w_plus).astype(int) - expected).max() <= 1
        assert np.abs(plain.astype(int) - expected).max() > 3
        np.testing.assert_allclose(tuned.images(w_plus), TorchSynthesizer(changed(model, delta)).images(w_plus))
    np.testing.assert_array_equal(render.tuned(None)(w_plus), plain)
    np.testing.assert_array_equal(render.tuned(whole).tuned(None)(w_plus), plain)


def test_pytorch_draws_what_no_graph_takes() -> None:
    model = slim(64).generator
    render, w_plus = onnx_runtime_synthesizer(model), latents(model, 1)
    delta = change(model, "synthesis.const")
    np.testing.assert_array_equal(render.tuned(delta)(w_plus), TorchSynthesizer(changed(model, delta))(w_plus))
    with pytest.raises(LatentError, match="is no tensor of this model"):
        render.tuned(Delta(model.digest, "", {"synthesis.const": np.zeros((1, 2, 3), np.float32)}))


def test_auto_exports_nothing_for_a_delta() -> None:
    own = Generator.from_weights(random_weights(standard_spec(8, 8, 16), seed=9))  # no other test exports it
    choose_synthesizer("onnxruntime", own).synthesizer(latents(own, 1))
    delta = change(own, *tunable_names(own))
    assert isinstance(choose_synthesizer("auto", own).synthesizer.tuned(delta), TorchSynthesizer)
    asked = choose_synthesizer("onnxruntime", own).synthesizer.tuned(delta)
    picture = asked(latents(own, 1))
    after = choose_synthesizer("auto", own).synthesizer.tuned(delta)
    assert isinstance(after, GraphSynthesizer), "the graph is there now"
    np.testing.assert_array_equal(after(latents(own, 1)), picture)


def test_pytorch_keeps_the_last_changed_network(toy: Generator) -> None:
    render, (first, second) = TorchSynthesizer(toy), (change(toy, name) for name in tunable_names(toy)[-2:])
    assert render.tuned(first) is render.tuned(first)
    assert render.tuned(second) is not render.tuned(first)
    assert render.tuned(None) is render
