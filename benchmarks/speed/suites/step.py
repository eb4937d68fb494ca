"""The embedding step: every variant by model and batch, with the memory that each takes."""

from collections.abc import Sequence

from benchmarks.speed.bench import Bench, Produced
from benchmarks.speed.beside import beside_another
from benchmarks.speed.compare import LEAST_ON_GPU, Terms, compare
from benchmarks.speed.contender import Contender
from benchmarks.speed.step_variants import BASELINE, PLAIN, StepVariant, make_step, variants_for
from benchmarks.speed.suites.models import resolutions, weight

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
    bench: Bench, model: str, resolution: int, batch: int, variants: Sequence[StepVariant] | None = None
) -> list[Contender]:
    """All variants of a device, or those that are given."""
    return [
        Contender(
            variant.case(model, resolution, batch), make_step, (variant, model, batch, bench.device), bench.device,
            notes=variant.notes(),
        )
        for variant in variants or variants_for(bench, batch)
    ]  # fmt: skip
