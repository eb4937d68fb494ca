"""Rows about workers of a cluster: as they were measured, and simulated for many, also with GPUs that were measured."""

from collections.abc import Iterator

from benchmarks.speed.cluster_costs import Costs, saturation, simulate
from benchmarks.speed.gpu_rates import GpuRate, gpu_rates
from benchmarks.speed.schema import Case, Figure, Row

SIMULATED = (1, 2, 4, 8, 16, 32, 64)
SHARED, GIVEN_BACK = "simulated", "simulated with --outputs driver"
_MOST = 4096
_PARTS = ("send", "place", "commit", "disk")


def measured_row(workers: int, rate: float, one: float, model: str, resolution: int, load: float) -> Row:
    """Workers that make `rate` pictures a second where one makes `one`."""
    return Row(Case(_count(workers), model, resolution), _figures(workers, rate, rate / one), load)


def simulated_rows(costs: Costs, how: str, model: str, resolution: int, note: str = "") -> Iterator[Row]:
    """Up to 64 workers that would be as fast as one, and what still more would wait for."""
    end = saturation(costs, _MOST)
    limit = simulate(costs, end, 64 * end).limit if end else ""
    ends = f"{end} workers would wait for {limit}" if end else f"{_MOST} workers would not wait for anything else"
    for workers in SIMULATED:
        found = simulate(costs, workers, 64 * workers)
        figures = _figures(workers, found.rate, found.rate * costs.worker)
        figures |= {f"busy {stage}": Figure(100 * part, "%") for stage, part in found.busy.items()}
        yield Row(
            Case(f"{_count(workers)}, {how}", model, resolution), figures, notes=tuple(filter(None, (ends, note)))
        )


def gpu_rows(parts: Row) -> Iterator[Row]:
    """The same where each worker has a GPU that was measured elsewhere, and all else costs what it does here.

    Args:
        parts: what a picture costs, by its parts.
    """
    for rate in gpu_rates(parts.case.model):
        costs = _with_gpu(parts, rate)
        yield from simulated_rows(costs, rate.how, parts.case.model, parts.case.resolution, rate.note)


def _with_gpu(parts: Row, rate: GpuRate) -> Costs:
    seconds = {part: parts.figures[part].value / 1e3 for part in _PARTS}
    return Costs(
        rate.seconds, seconds["send"], rate.pictures * seconds["place"], seconds["commit"],
        disk=rate.pictures * seconds["disk"],
    )  # fmt: skip


def _figures(workers: int, rate: float, speed_up: float) -> dict[str, Figure]:
    return {
        "workers": Figure(workers, "worker"),
        "rate": Figure(rate, "image/s"),
        "speed-up": Figure(speed_up, "x"),
        "efficiency": Figure(100 * speed_up / workers, "%"),
    }


def _count(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"
