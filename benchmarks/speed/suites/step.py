"""The embedding step: every way of computing it, by model and batch, with the memory that each takes."""

from collections.abc import Sequence

from benchmarks.speed.bench import Bench, Produced
from benchmarks.speed.beside import beside_another
from benchmarks.speed.compare import LEAST_ON_GPU, Terms, compare
from benchmarks.speed.contender import Contender
from benchmarks.speed.suites.models import resolutions, weight
from benchmarks.speed.ways import BASELINE, PLAIN, Way, make_step, ways_for

_BATCHES = (1, 4, 8)


def run(bench: Bench) -> Produced:
    """Batch of one for every model first, then the larger batches; last, on a CPU, a step beside another process's."""
    models, missing = resolutions(bench, "steps of")
    yield from missing
    batches = _BATCHES[:1] if bench.quick else _BATCHES
    contests = {(model, batch): weight(models[model], batch) for batch in batches for model in models}
    terms = Terms(seconds=8.0 if bench.on_gpu else 20.0, against=(BASELINE, PLAIN))
    for (model, batch), part in bench.shared(contests, LEAST_ON_GPU if bench.on_gpu else 0.0):
        yield from compare(part, contenders(part, model, models[model], batch), terms)
    if not bench.on_gpu:
        for model, resolution in models.items():
            yield from beside_another(bench, model, resolution)


def contenders(
    bench: Bench, model: str, resolution: int, batch: int, ways: Sequence[Way] | None = None
) -> list[Contender]:
    """All ways of a device, or those that are given."""
    return [
        Contender(
            way.case(model, resolution, batch), make_step, (way, model, batch, bench.device), bench.device,
            notes=way.notes(),
        )
        for way in ways or ways_for(bench, batch)
    ]  # fmt: skip
