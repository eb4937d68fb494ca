"""The studio: from a slider to its picture in the client, through the real server, with one client and with many."""

import asyncio
import itertools
from collections.abc import Iterator

from benchmarks.speed.bench import Bench, Produced, skipping
from benchmarks.speed.clock import latency_figures
from benchmarks.speed.load import OtherLoad
from benchmarks.speed.schema import Case, Figure, Progress, Row, Skip
from benchmarks.speed.studio_client import Drag, drag
from benchmarks.speed.studio_server import StudioServer, studio_server
from benchmarks.speed.suites.models import resolutions

_CLIENTS, _QUICK_CLIENTS = (1, 4, 16), (1, 2)
_SECONDS, _QUICK_SECONDS = 12.0, 2.0
_WARM_UP = 1.0  # seconds
DRAGGED, PACED, PACE = "dragged without a pause", "5 positions a second", 0.2
_LARGEST = 256  # pixels a side of models that a CPU renders while a slider moves


def run(bench: Bench) -> Produced:
    """Every small model, with clients that move on as soon as they have a picture, and with such as take their time."""
    models, missing = resolutions(bench, "the studio with")
    yield from missing
    small = [model for model, resolution in models.items() if bench.on_gpu or resolution <= _LARGEST]
    for model in small:
        skipped: list[Skip] = []
        with skipping(f"the studio with {model}", skipped), studio_server(model, bench.device) as server:
            yield from _measure(bench, model, models[model], server)
        yield from skipped


def _measure(bench: Bench, model: str, resolution: int, server: StudioServer) -> Iterator[Row | Progress]:
    clients = _QUICK_CLIENTS if bench.quick else _CLIENTS
    contests = list(itertools.product(((DRAGGED, 0.0), (PACED, PACE)), clients))
    asyncio.run(drag(server.address, Drag(1, 0.0, _WARM_UP)))
    for done, ((variant, pause), count) in enumerate(contests):
        yield Progress(f"{count} clients, {variant}", done, len(contests))
        if bench.left() < _SECONDS:
            return
        load, before = OtherLoad(), server.spent()
        seconds = _QUICK_SECONDS if bench.quick else _SECONDS
        samples = asyncio.run(drag(server.address, Drag(count, pause, seconds)))
        spent = server.spent() - before
        figures = latency_figures(samples) | {
            "p95": Figure(sorted(samples)[int(0.95 * (len(samples) - 1))], "ms", len(samples)),
            "rate": Figure(len(samples) / seconds, "image/s", len(samples)),
            "server_cpu": Figure(100 * spent / seconds, "%"),
            "peak_memory": Figure(server.peak_memory(), "MiB"),
        }
        others = max(0.0, round(load.cores() - spent / seconds, 3))  # the server is no child that has ended
        notes = (f"{count} clients", "from sending an edit to having its JPEG, over the WebSocket", server.engine)
        yield Row(Case(f"studio, {variant}", model, resolution, count), figures, others, notes)
