"""Rendering: every engine that runs here, by model and batch, in turn; throughput and percentiles of latency."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.speed.bench import Bench, Produced
from benchmarks.speed.compare import LEAST_ON_GPU, Terms, compare
from benchmarks.speed.contender import Contender
from benchmarks.speed.renderers import STREAMED, make_renderer
from benchmarks.speed.schema import Case
from benchmarks.speed.suites.models import resolutions, weight

_BATCHES = (1, 4, 8)
_ON_CPU = (
    ("torch", "fp32"), ("torch", "bf16"), ("torch compiled", "fp32"), ("torch compiled", "bf16"),
    ("onnxruntime", "fp32"),
)  # fmt: skip
_ON_GPU = (
    ("torch", "fp32"), ("torch", "fp16"), ("torch compiled", "fp16"), ("tensorrt", "fp16"), ("tensorrt-rtx", "fp16"),
)  # fmt: skip
_QUICK = (("torch", "fp32"), ("onnxruntime", "fp32"))
_STREAMING = ("tensorrt", "tensorrt-rtx")


def run(bench: Bench) -> Produced:
    """One picture at a time for every model, then batches, and a stream of batches through TensorRT."""
    models, missing = resolutions(bench, "rendering with")
    yield from missing
    terms = Terms(seconds=8.0 if bench.on_gpu else 15.0, most=200, against=("torch",), latency=True)
    batches = _BATCHES[:1] if bench.quick else _BATCHES
    contests = {(model, batch): weight(models[model], batch) for batch in batches for model in models}
    for (model, batch), part in bench.shared(contests, LEAST_ON_GPU if bench.on_gpu else 0.0):
        yield from compare(part, list(contenders(part, model, models[model], batch)), terms)
    if bench.on_gpu and not bench.quick:
        for model, resolution in models.items():
            yield from compare(bench, list(streams(bench, model, resolution)), terms)


def contenders(bench: Bench, model: str, resolution: int, batch: int) -> Iterator[Contender]:
    """All engines of a device."""
    for name, precision in _QUICK if bench.quick else _ON_GPU if bench.on_gpu else _ON_CPU:
        yield _contender(bench, Case(name, model, resolution, batch, precision))


def streams(bench: Bench, model: str, resolution: int) -> Iterator[Contender]:
    """TensorRT with many batches in one call: what it renders a second when copies overlap with computing."""
    batch = _BATCHES[-1]
    for name in _STREAMING:
        case = Case(f"{name} streamed", model, resolution, batch, "fp16")
        yield replace(_contender(bench, case), images=batch * STREAMED, notes=(f"{STREAMED} batches in one call",))


def _contender(bench: Bench, case: Case) -> Contender:
    arguments = (case.variant, case.precision, case.model, case.batch, bench.device)
    return Contender(case, make_renderer, arguments, bench.device, on_host=True)
