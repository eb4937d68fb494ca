"""The machine's roofline: how fast it copies and multiplies, and what a step must cost at least at those rates."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import TYPE_CHECKING

from benchmarks.speed.bench import Bench, Produced, skipping
from benchmarks.speed.clock import Work, clock_for, median_figure, timed
from benchmarks.speed.load import OtherLoad
from benchmarks.speed.roofline import Rates, step_work, synthesis_work
from benchmarks.speed.roofline import Work as Cost
from benchmarks.speed.schema import Case, Figure, Progress, Row, Skip, Unit

if TYPE_CHECKING:
    import torch

_COPY_MIB = {"cpu": 256, "cuda": 2048}
_SIDE = {"cpu": 2048, "cuda": 8192}
_MAPS = {"cpu": (1, 256, 128), "cuda": (16, 512, 128)}  # images, channels, side
_QUICK_SIDE, _QUICK_MIB, _QUICK_MAPS = 512, 32, (1, 64, 64)
_WARM_UP, _CALLS, _QUICK_CALLS, _SECONDS = 3, 50, 5, 3.0
BYTES = {"fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2}


def run(bench: Bench) -> Produced:
    """Copy bandwidth, arithmetic rates by precision, and for every model the floors of synthesis and step.

    Products and convolutions go through different libraries, either of which can be the slower; the floors take the
    faster rate, or they would be none.
    """
    precisions = ("fp32", "tf32", "fp16", "bf16") if bench.on_gpu else ("fp32", "bf16")
    measures = (matrix_rate, convolution_rate)
    total = 1 + len(measures) * len(precisions) + len(bench.models)
    yield Progress("copy bandwidth", 0, total)
    bandwidth = copy_bandwidth(bench)
    yield bandwidth
    rates: dict[str, Figure] = {}
    for done, (precision, measure) in enumerate(product(precisions, measures), start=1):
        yield Progress(f"arithmetic in {precision}", done, total)
        row = measure(bench, precision)
        rates[precision] = max(rates.get(precision, row.figures["rate"]), row.figures["rate"], key=lambda f: f.value)
        yield row
    for done, model in enumerate(bench.models, start=total - len(bench.models)):
        yield Progress(f"floors of {model}", done, total)
        skipped: list[Skip] = []
        with skipping(f"floors of {model}", skipped):
            yield from floors(model, bandwidth.figures["rate"], rates)
        yield from skipped


def copy_bandwidth(bench: Bench) -> Row:
    """Bytes read and written a second while a large array is copied."""
    import torch

    device = bench.torch_device()
    mib = _QUICK_MIB if bench.quick else _COPY_MIB[device.type]
    source = torch.empty(mib * 2**20, dtype=torch.uint8, device=device).fill_(1)
    target = torch.empty_like(source)
    moved = 2 * source.numel() / 1e9
    case = Case("copy", "-", 1)
    return _rate(bench, case, lambda: target.copy_(source), moved, "GB/s", f"an array of {mib} MiB")


def matrix_rate(bench: Bench, precision: str) -> Row:
    """Operations a second in a product of two large square matrices."""
    import torch

    device = bench.torch_device()
    side = _QUICK_SIDE if bench.quick else _SIDE[device.type]
    a, b = (torch.randn(side, side, device=device).to(_dtype(precision)) for _ in range(2))
    out = torch.empty_like(a)
    operations = 2 * side**3 / 1e9
    case = Case("product", "-", 1, precision=precision)
    with _tf32(precision == "tf32"):
        return _rate(bench, case, lambda: torch.mm(a, b, out=out), operations, "GFLOP/s", f"{side} x {side} numbers")


def convolution_rate(bench: Bench, precision: str) -> Row:
    """Operations a second in a convolution by 3 x 3, such as the networks are made of."""
    import torch

    device = bench.torch_device()
    images, channels, side = _QUICK_MAPS if bench.quick else _MAPS[device.type]
    shapes = (images, channels, side, side), (channels, channels, 3, 3)
    x, weight = (
        torch.randn(shape, device=device).to(dtype=_dtype(precision), memory_format=torch.channels_last)
        for shape in shapes
    )
    operations = 2 * 9 * images * (channels * side) ** 2 / 1e9
    case, note = Case("convolution", "-", 1, precision=precision), f"{images} x {channels} maps of {side} x {side}"
    with _tf32(precision == "tf32"), torch.no_grad():
        return _rate(bench, case, lambda: torch.nn.functional.conv2d(x, weight, padding=1), operations, "GFLOP/s", note)


def _dtype(precision: str) -> "torch.dtype":
    import torch

    return {"fp16": torch.float16, "bf16": torch.bfloat16}.get(precision, torch.float32)


def _rate(bench: Bench, case: Case, work: Work, amount: float, unit: Unit, note: str) -> Row:
    """How much of something a call does in a second."""
    clock, load = clock_for(bench.device), OtherLoad()
    timed(work, clock, _WARM_UP, 0.0)
    samples = timed(work, clock, _QUICK_CALLS if bench.quick else _CALLS, _SECONDS)
    return Row(case, {"rate": median_figure([amount / (ms / 1e3) for ms in samples], unit)}, load.cores(), (note,))


def floors(model: str, bandwidth: Figure, rates: dict[str, Figure]) -> Iterator[Row]:
    """Least times of a picture and of a step at the measured rates. Raises ModelError for an unknown model."""
    from i2s_trt.checkpoints.store import load_weights

    spec = load_weights(model).spec
    for variant, work in (("synthesis floor", synthesis_work(spec)), ("step floor", step_work(spec))):
        for precision, rate in rates.items():
            case = Case(variant, model, spec.resolution, precision=precision)
            yield Row(case, _floor_figures(work, Rates(rate.value, bandwidth.value), BYTES[precision]))


def _floor_figures(work: Cost, rates: Rates, size: int) -> dict[str, Figure]:
    return {
        "time": Figure(work.floor(rates, size), "ms"),
        "work": Figure(work.gigaflops, "GFLOP"),
        "traffic": Figure(work.gigabytes(size), "GB"),
    }


@contextmanager
def _tf32(allowed: bool) -> Iterator[None]:
    """Whether float32 products and convolutions may round their factors to 19 bits."""
    import torch

    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]
