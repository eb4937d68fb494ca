"""Synthesizers of built engines: which engine is taken, on which GPU, and in which batches it runs."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import engines.synthesizers as module
from engines.built import find_built
from engines.synthesizers import choose_synthesizer, tensorrt_synthesizer
from engines.tensorrt.builder import Plan
from engines.tensorrt.cache import EngineKey, Entry, build_once
from engines.tensorrt.module import load_tensorrt
from export.keys import ExportedGraph, GraphKey, Precision
from i2s_trt.errors import EnvironmentFault
from i2s_trt.models.generator import Generator
from i2s_trt.synthesizer import TorchSynthesizer
from tests.engines.tensorrt.runtime_bench import PROFILE, RTX, Bench, latents

pytestmark = pytest.mark.usefixtures("shared_home")


@pytest.fixture
def rtx_card(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with an RTX 4090, as far as anybody asks."""
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")
    monkeypatch.setattr(module, "driver_fault", lambda *_: "")
    monkeypatch.setattr("engines.tensorrt.cache.describe_gpu", lambda *_: "RTX 4090")
    monkeypatch.setattr("engines.tensorrt.cache.gpu_target", lambda *_: "sm89")
    return monkeypatch


def on_gpu(generator: Generator, number: int = 0) -> Any:
    """What is asked of a generator on a GPU."""
    return SimpleNamespace(
        mean_w=SimpleNamespace(device=torch.device("cuda", number)), digest=generator.digest, resolution=16,
        num_layers=6, w_dim=16, synthesis=None,
    )  # fmt: skip


def test_an_engine_that_is_not_built_is_explained(toy: Generator, rtx_card: pytest.MonkeyPatch) -> None:
    render = choose_synthesizer(RTX, toy).synthesizer
    with pytest.raises(EnvironmentFault, match=f"no {RTX} engine renders preview for this model: not built") as caught:
        render.preview(latents(toy, 1))
    assert f"build-engines --backend {RTX}" in caught.value.hint


def test_on_a_gpu_auto_takes_a_built_engine(entry: Entry, generator: Generator, rtx_card: pytest.MonkeyPatch) -> None:
    model = on_gpu(generator)
    choice = choose_synthesizer("auto", model)
    assert (choice.engine, choice.reason) == (RTX, "an fp32 engine of this model is there")
    model.digest = "0" * 64
    choice = choose_synthesizer("auto", model)
    assert (choice.engine, "build-engines" in choice.reason) == ("torch", True)


def test_an_engine_is_looked_for_and_run_on_the_generators_gpu(
    bench: Bench, generator: Generator, rtx_card: pytest.MonkeyPatch
) -> None:
    """The second GPU is the one that the engine is for; the first is of an older generation."""
    opened: list[int] = []

    def open_device(number: int) -> Any:
        opened.append(number)
        return bench.device

    rtx_card.setattr("engines.tensorrt.cache.describe_gpu", lambda number: ("RTX 3090", "RTX 4090")[number])
    rtx_card.setattr("engines.tensorrt.cache.gpu_target", lambda number: ("sm86", "sm89")[number])
    rtx_card.setattr(module, "open_device", open_device)
    assert choose_synthesizer("auto", on_gpu(generator, 0)).engine == "torch"
    with pytest.raises(EnvironmentFault, match="those built are for another version or GPU"):
        tensorrt_synthesizer(on_gpu(generator, 0), RTX)(latents(generator, 1))
    choice = choose_synthesizer("auto", on_gpu(generator, 1))
    assert choice.engine == RTX
    choice.synthesizer(latents(generator, 1))
    assert opened == [1]


@pytest.fixture
def built_in(rtx_card: pytest.MonkeyPatch) -> Callable[..., None]:
    """Engines of any model, in these precisions."""

    def build(*precisions: Precision) -> None:
        version = str(load_tensorrt(RTX).__version__)
        for precision in precisions:
            key = EngineKey("synthesis", precision, precision, RTX, version, PROFILE, ("sm89",))
            build_once(key, lambda: Plan(b"a plan", (), (), 1, 0.1, 0.1))

    def exported(key: GraphKey) -> ExportedGraph:
        record = {"sha256": key.precision, "key": {"precision": key.precision}}
        return ExportedGraph(Path("nowhere.onnx"), record, exported=False)

    rtx_card.setattr("engines.built.find_graph", exported)
    return build


@pytest.mark.usefixtures("own_home")
def test_the_engine_in_the_precision_that_is_asked_for_is_taken(
    generator: Generator, built_in: Callable[..., None], own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("I2S_TRT_HOME", str(own_home))
    model = on_gpu(generator)
    built_in("fp32", "bf16")
    for asked, taken in (("auto", "bf16"), ("fp32", "fp32"), ("bf16", "bf16")):
        assert find_built(model, RTX, "synthesis", asked)[1].record["key"]["precision"] == taken  # type: ignore[arg-type]
        for engine in (RTX, "auto"):
            choice = choose_synthesizer(engine, model, precision=asked)
            assert (choice.engine, choice.precision) == (RTX, taken)
    choice = choose_synthesizer(RTX, model, precision="fp16")
    assert choice.precision == "fp16"
    with pytest.raises(EnvironmentFault, match=f"no {RTX} engine renders synthesis in fp16 for this model") as caught:
        choice.synthesizer(latents(generator, 1))
    assert "--precision fp16, with" in caught.value.hint
    built_in("fp16")
    assert choose_synthesizer("auto", model).precision == "fp16"


def test_without_an_engine_in_that_precision_auto_is_pytorch_in_it(
    entry: Entry, generator: Generator, rtx_card: pytest.MonkeyPatch
) -> None:
    assert entry.record["key"]["precision"] == "fp32"
    asked: list[str] = []

    def generator_in(_model: Any, precision: str) -> Generator:
        asked.append(precision)
        return generator

    rtx_card.setattr(module, "generator_in", generator_in)
    choice = choose_synthesizer("auto", on_gpu(generator), precision="fp16")
    assert (choice.engine, choice.precision, asked) == ("torch", "fp16", ["fp16"])
    assert "built in fp16" in choice.reason


@pytest.mark.parametrize(
    ("smallest", "count", "expected"),
    [(1, 10, [4, 4, 2]), (3, 9, [4, 4, 3]), (4, 10, [4, 4, 4]), (4, 8, [4, 4]), (2, 1, [2])],
)
def test_batches_are_cut_and_filled_up_to_what_an_engine_takes(
    smallest: int, count: int, expected: list[int], entry: Entry, generator: Generator, rtx_card: pytest.MonkeyPatch
) -> None:
    """The plan takes four at the most; what runs it is stood in for by PyTorch."""
    sizes: list[int] = []
    reference = TorchSynthesizer(generator)

    class Runner:
        outputs = ("pixels",)

        def __init__(self, found: Entry, *_rest: object) -> None:
            assert found.folder == entry.folder
            found.record["key"]["profile"]["smallest"] = smallest

        def run_many(self, batches: Iterable[dict[str, Any]]) -> Any:
            for batch in batches:
                sizes.append(len(batch["w_plus"]))
                yield {"pixels": reference(batch["w_plus"])}

    rtx_card.setattr("engines.tensorrt.runtime.TensorrtRunner", Runner)
    rtx_card.setattr(module, "open_device", lambda _number: None)
    render = tensorrt_synthesizer(generator, RTX)
    w_plus = latents(generator, count)
    np.testing.assert_array_equal(render(w_plus), reference(w_plus))
    assert sizes == expected
    assert render(w_plus[:0]).shape == (0, 16, 16, 3)


def test_a_plan_is_hashed_once_before_its_first_picture(
    bench: Bench, generator: Generator, rtx_card: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    sha256, file_digest = hashlib.sha256, hashlib.file_digest

    def counting(data: bytes = b"", **options: Any) -> Any:
        hashed.extend(["bytes"] * (data == plan))
        return sha256(data, **options)

    def counting_file(stream: Any, *rest: Any) -> Any:
        hashed.extend(["file"] * (Path(stream.name) == bench.entry.plan))
        return file_digest(stream, *rest)

    plan = bench.entry.plan.read_bytes()
    rtx_card.setattr(hashlib, "sha256", counting)
    rtx_card.setattr(hashlib, "file_digest", counting_file)
    rtx_card.setattr(module, "open_device", lambda _number: bench.device)
    choice = choose_synthesizer("auto", on_gpu(generator))
    assert choice.engine == RTX
    assert choice.synthesizer(latents(generator, 2)).shape == (2, 16, 16, 3)
    assert hashed == ["bytes"]
    assert bench.plans == [plan]  # and what was hashed is what was loaded
