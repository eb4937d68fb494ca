"""How step, rendering and memory grow with the resolution and with the batch, on networks of random weights."""

from dataclasses import replace

from benchmarks.speed.bench import Bench, Produced
from benchmarks.speed.compare import Terms, compare
from benchmarks.speed.contender import Contender
from benchmarks.speed.renderers import make_renderer
from benchmarks.speed.schema import Case, Progress
from benchmarks.speed.step_variants import FASTEST_ON_GPU, SAFEST, StepVariant, make_step

_RESOLUTIONS = (64, 128, 256, 512, 1024)
_BATCHES = (2, 4, 8, 16, 32)
_BATCHED_AT = {"cpu": 128, "cuda": 1024}
_QUICK_RESOLUTIONS, _QUICK_BATCHES = (16, 32), (2,)
_TERMS = Terms(seconds=4.0, least=3)


def run(bench: Bench) -> Produced:
    """Resolutions at a batch of one, then batches at one resolution."""
    variant = FASTEST_ON_GPU if bench.on_gpu else SAFEST
    resolutions = _QUICK_RESOLUTIONS if bench.quick else _RESOLUTIONS
    batched_at = resolutions[-1] if bench.quick else _BATCHED_AT["cuda" if bench.on_gpu else "cpu"]
    batches = _QUICK_BATCHES if bench.quick else _BATCHES
    sizes = [(side, 1) for side in resolutions] + [(batched_at, batch) for batch in batches]
    for done, (side, batch) in enumerate(sizes):
        yield Progress(f"{side} pixels, batch of {batch}", done, len(sizes))
        for contender in (step(bench, variant, side, batch), synthesis(bench, variant.precision, side, batch)):
            found = compare(bench, [contender], _TERMS)
            yield from (item for item in found if not isinstance(item, Progress))


def step(bench: Bench, variant: StepVariant, side: int, batch: int) -> Contender:
    """A step."""
    model = f"random-{side}"
    case = replace(variant.case(model, side, batch), variant="step")
    return Contender(case, make_step, (variant, model, batch, bench.device), bench.device, notes=(variant.name,))


def synthesis(bench: Bench, precision: str, side: int, batch: int) -> Contender:
    """Rendering to 8-bit pictures in host memory."""
    model = f"random-{side}"
    case = Case("synthesis", model, side, batch, precision)
    arguments = ("torch", precision, model, batch, bench.device)
    return Contender(case, make_renderer, arguments, bench.device, on_host=True, notes=("torch",))
