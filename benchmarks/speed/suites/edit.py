"""The editing pipeline from latents to files, and the same engine alone, in turn."""

from collections.abc import Callable, Iterator

from benchmarks.speed.bench import Bench, Produced
from benchmarks.speed.clock import Work
from benchmarks.speed.compare import LEAST_ON_GPU, Terms, compare
from benchmarks.speed.contender import Contender
from benchmarks.speed.pipelines import ALONE, PIPELINE, make_alone, make_pipeline
from benchmarks.speed.schema import Case
from benchmarks.speed.suites.models import resolutions

_BATCH = {"cpu": 4, "cuda": 8}
_PIXELS = 256 * 128**2  # pictures a call: 256 of 128x128, fewer of larger ones, two batches at least
_ENGINES = {"cpu": ("onnxruntime", "torch"), "cuda": ("tensorrt", "torch")}
_QUICK_ENGINES = {"cpu": ("onnxruntime",), "cuda": ("torch",)}
_KINDS: dict[str, Callable[..., Work]] = {ALONE: make_alone, PIPELINE: make_pipeline}


def run(bench: Bench) -> Produced:
    """Small models first: at 1024x1024 on a CPU rendering is nearly everything, and takes long."""
    models, missing = resolutions(bench, "editing with")
    yield from missing
    kind = "cuda" if bench.on_gpu else "cpu"
    engines = (_QUICK_ENGINES if bench.quick else _ENGINES)[kind]
    contests = {(model, engine): 1 + models[model] / 1024 for model in reversed(models) for engine in engines}
    terms = Terms(seconds=8.0 if bench.on_gpu else 20.0, least=3, most=20)
    for (model, engine), part in bench.shared(contests, LEAST_ON_GPU if bench.on_gpu else 0.0):
        yield from compare(part, list(contenders(part, engine, model, models[model])), terms)


def contenders(bench: Bench, engine: str, model: str, resolution: int) -> Iterator[Contender]:
    """Pipeline and engine."""
    batch = 2 if bench.quick else _BATCH["cuda" if bench.on_gpu else "cpu"]
    pictures = 2 * batch if bench.quick else max(2 * batch, round(_PIXELS / resolution**2))
    for kind, make in _KINDS.items():
        case = Case(f"{engine}, {kind}", model, resolution, batch)
        arguments = (model, engine, batch, pictures, bench.device)
        note = f"{pictures} pictures a call"
        yield Contender(case, make, arguments, bench.device, images=pictures, on_host=True, notes=(note,))
