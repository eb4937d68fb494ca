"""Synthesizers by engine name: everything that can render a latent here."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from engines.built import WANTED, Wanted, find_built, gpu_number, has_graph, in_words
from engines.cuda.gpu import driver_fault
from engines.cuda.open import open_device
from engines.graph_synthesizer import GraphSynthesizer, Runner
from engines.onnxruntime.providers import PROVIDERS, Provider, provider_faults
from engines.onnxruntime.runtime import OnnxRuntimeRunner
from engines.tensorrt.module import BACKENDS, load_tensorrt
from export.keys import Precision
from export.library import export_graph
from export.precision import generator_in
from export.source import GraphSource
from i2s_trt.arrays import Array, WPlus
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.machine import package_version
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import imagenet_vgg16
from i2s_trt.synthesizer import TorchSynthesizer

Engine = Literal["auto", "torch", "onnxruntime", "tensorrt", "tensorrt-rtx"]
ENGINES: tuple[Engine, ...] = ("auto", "torch", "onnxruntime", "tensorrt", "tensorrt-rtx")


@dataclass(frozen=True)
class Choice:
    """A synthesizer, and what it is.

    Attributes:
        engine: its name.
        reason: why that one.
        precision: in which it renders; `auto` where no engine is built yet.
    """

    synthesizer: TorchSynthesizer | GraphSynthesizer
    engine: str
    reason: str
    precision: Wanted


def onnx_runtime_synthesizer(
    generator: Generator, precision: Precision = "fp32", provider: Provider = "cpu", *, exports: bool = True
) -> GraphSynthesizer:
    """Renders in ONNX Runtime, on the generator's GPU if on any; a graph is exported when it is first needed.

    With `exports` false PyTorch draws with deltas until their graph is there.

    Raises:
        EnvironmentFault: when it renders: ONNX Runtime or its provider is missing.
    """
    source = GraphSource(lambda: generator, imagenet_vgg16, model_digest=generator.digest)
    gpu = gpu_number(generator)

    def runner(name: str) -> Runner:
        return OnnxRuntimeRunner(export_graph(source, name, precision), provider, gpu=gpu)

    return GraphSynthesizer(generator, runner, lambda: exports or has_graph(generator, "tuned", precision))


def tensorrt_synthesizer(generator: Generator, backend: str, precision: Wanted = "auto") -> GraphSynthesizer:
    """Renders through built engines on the generator's GPU, the first one for a generator on the CPU.

    `auto` takes an engine in 16 bits where there is one, any other precision only an engine in that.

    Batches larger than an engine's are cut into parts that it takes; a part smaller than it takes is filled up with
    copies of its last latent, whose pictures are dropped.

    Raises:
        EnvironmentFault: the backend's package or a GPU is missing. When it renders: there is no engine of that graph.
    """
    load_tensorrt(backend)
    if fault := driver_fault(gpu_number(generator)):
        raise EnvironmentFault(
            f"{backend} engines run on NVIDIA GPUs: {fault}", "take --engine onnxruntime, which runs anywhere"
        )

    def draws_tuned() -> bool:
        with suppress(EnvironmentFault):
            return bool(find_built(generator, backend, "tuned", precision))
        return False

    return GraphSynthesizer(generator, lambda name: _engine_runner(generator, backend, name, precision), draws_tuned)


def _engine_runner(generator: Generator, backend: str, name: str, precision: Wanted) -> Runner:
    from engines.tensorrt.runtime import TensorrtRunner

    exported, entry = find_built(generator, backend, name, precision)
    runner = TensorrtRunner(entry, exported.defaults, backend, open_device(gpu_number(generator)))
    profile = entry.record["key"]["profile"]

    def run(inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        latents = inputs["w_plus"]
        results = list(runner.run_many({**inputs, "w_plus": part} for part in _parts(latents, profile)))
        return {output: np.concatenate([part[output] for part in results])[: len(latents)] for output in runner.outputs}

    return run


def _parts(latents: WPlus, profile: Mapping[str, int]) -> Iterator[WPlus]:
    """Latents in batches of the profile's sizes; the last may end with copies of its last row."""
    for start in range(0, len(latents), profile["largest"]):
        part = latents[start : start + profile["largest"]]
        missing = max(0, profile["smallest"] - len(part))
        yield np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) if missing else part


def choose_synthesizer(engine: str, generator: Generator, provider: str = "auto", precision: str = "auto") -> Choice:
    """The synthesizer of an engine; `auto` takes the fastest that is here.

    Args:
        engine: one of ENGINES.
        generator: on the device to use.
        provider: of ONNX Runtime: `cpu`, `cuda`, `tensorrt`, or `auto` for the one of the generator's device.
        precision: one of WANTED; `auto` takes fp32, and of built engines the one with the smallest numbers.

    Raises:
        UsageError: no such engine, provider or precision, or one that does not run on the generator's device.
        EnvironmentFault: its package or its GPU is missing.
    """
    check_names(engine, provider, precision)
    wanted = cast(Wanted, precision)
    asked = engine != "auto"
    engine, reason = (engine, "as asked for") if asked else _choose_fastest(generator, wanted)
    if engine in BACKENDS:
        render = tensorrt_synthesizer(generator, engine, wanted)
        return Choice(render, engine, reason, _find_precision(generator, engine, wanted))
    runs: Precision = "fp32" if wanted == "auto" else wanted
    if engine == "torch":
        return Choice(TorchSynthesizer(generator_in(generator, runs)), engine, reason, runs)
    return Choice(_open_onnx_runtime(generator, provider, runs, exports=asked), engine, reason, runs)


def check_names(engine: str, provider: str, precision: str) -> None:
    """Refuse what `choose_synthesizer` does not know. Raises UsageError."""
    if engine not in ENGINES:
        raise UsageError(f"no engine named {engine}", f"there are {', '.join(ENGINES)}")
    if provider != "auto" and provider not in PROVIDERS:
        raise UsageError(f"no provider named {provider}", f"there are auto, {', '.join(PROVIDERS)}")
    if provider != "auto" and engine != "onnxruntime":
        raise UsageError(f"--provider {provider} is one of ONNX Runtime's", "add --engine onnxruntime")
    if precision not in WANTED:
        raise UsageError(f"no precision named {precision}", f"there are {', '.join(WANTED)}")


def _find_precision(generator: Generator, backend: str, wanted: Wanted) -> Wanted:
    """Precision of the engine that pictures are rendered with; as wanted while there is none."""
    with suppress(EnvironmentFault):
        exported, _ = find_built(generator, backend, "synthesis", wanted)
        return cast(Precision, exported.record["key"]["precision"])
    return wanted


def _open_onnx_runtime(generator: Generator, provider: str, precision: Precision, *, exports: bool) -> GraphSynthesizer:
    chosen: Provider = "cuda" if generator.mean_w.device.type == "cuda" else "cpu"
    if provider != "auto":
        chosen = cast(Provider, provider)
    if fault := provider_faults()[chosen]:
        hint = "take --engine torch" if chosen == "cpu" else "add --device cpu, or take --engine torch"
        raise EnvironmentFault(f"ONNX Runtime cannot use its {chosen} provider: {fault}", hint)
    if precision == "bf16" and chosen == "cpu":
        raise UsageError("ONNX Runtime computes no bf16 on a CPU", "take --precision fp32, or --engine torch")
    return onnx_runtime_synthesizer(generator, precision, chosen, exports=exports)


def _choose_fastest(generator: Generator, wanted: Wanted) -> tuple[Engine, str]:
    """The fastest that is ready.

    On a CPU ONNX Runtime takes two thirds of PyTorch's time at 128 pixels and as long at 1024 (docs/engines.md), but
    exporting takes longer than a few pictures. On a GPU, an engine that somebody built for it.
    """
    if generator.mean_w.device.type != "cpu":
        return _choose_on_gpu(generator, wanted)
    if wanted == "bf16":
        return "torch", "ONNX Runtime computes no bf16 on a CPU"
    if not package_version("onnxruntime"):
        return "torch", "ONNX Runtime is not installed: pip install 'i2s-trt[cpu]'"
    if not has_graph(generator, "synthesis", "fp32" if wanted == "auto" else wanted):
        return "torch", "nothing to wait for; --engine onnxruntime exports a graph once and is faster after that"
    return "onnxruntime", "its graph of this model is there"


def _choose_on_gpu(generator: Generator, wanted: Wanted) -> tuple[Engine, str]:
    for backend in BACKENDS:
        try:
            exported, _ = find_built(generator, backend, "synthesis", wanted)
        except EnvironmentFault:
            continue
        return backend, f"an {exported.record['key']['precision']} engine of this model is there"
    return "torch", f"no engine of this model is built{in_words(wanted)}: see i2s-trt build-engines"
