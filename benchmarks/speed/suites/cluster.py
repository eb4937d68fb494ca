"""Workers of a cluster on this machine: their rate, what each part of the way costs, and where many would lead."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.speed.bench import Bench, Produced, skipping
from benchmarks.speed.cluster_costs import (
    WRITERS,
    Costs,
    measure_disk,
    measure_folder,
    measure_sending,
)
from benchmarks.speed.cluster_rows import GIVEN_BACK, SHARED, gpu_rows, measured_row, simulated_rows
from benchmarks.speed.load import OtherLoad
from benchmarks.speed.pipelines import RECIPE, VARIANTS
from benchmarks.speed.schema import Case, Figure, Progress, Row, Skip
from benchmarks.speed.suites.models import resolutions

if TYPE_CHECKING:
    from i2s_trt.batch.options import BatchProgress
    from i2s_trt.cluster.events import ClusterEvent

WORKERS, QUICK_WORKERS = (1, 2, 4), (1, 2)
_PIXELS = 256 * 128**2  # pictures for each worker: 256 of 128x128, fewer of larger ones
_SENT, _PLACED = 4096, 256
_CARRIED = 64 * 2**20  # bytes that are sent back
_FASTEST = 1e11  # bytes a second; no network is
_STORE = "the network's rate is what Ray's object store moves within one machine; a real network is slower: --network"


def run(bench: Bench) -> Produced:
    """Every model by 1, 2 and 4 workers; then the simulation from what one of them takes."""
    models, missing = resolutions(bench, "a cluster's work with")
    yield from missing
    for model, resolution in reversed(models.items()):
        skipped: list[Skip] = []
        with skipping(f"a cluster with {model}", skipped):
            yield from _model(bench, model, resolution)
        yield from skipped


def _model(bench: Bench, model: str, resolution: int) -> Produced:
    counts = QUICK_WORKERS if bench.quick else WORKERS
    one = 0.0
    for done, workers in enumerate(counts):
        if bench.left() <= 0:
            yield Skip(f"{workers} workers with {model}", "no time was left")
            continue
        yield Progress(f"{workers} workers", done, len(counts) + 1)
        load = OtherLoad()
        rate, size = _rate(bench, model, resolution, workers)
        one = one or rate
        yield measured_row(workers, rate, one, model, resolution, load.cores())
    if one:
        yield Progress("sending and committing", len(counts), len(counts) + 1)
        yield from _simulation(bench, model, resolution, 1 / one, size)


def _rate(bench: Bench, model: str, resolution: int, workers: int) -> tuple[float, int]:
    """Pictures a second from when all workers are ready, and the bytes of one."""
    from dataclasses import asdict

    from engines.cluster import OPENER
    from i2s_trt.batch.jobs import collect_latents
    from i2s_trt.batch.options import BatchOptions, Rendering
    from i2s_trt.batch.runner import run_crew
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.cluster.crew import ClusterCrew
    from i2s_trt.cluster.join import joined
    from i2s_trt.cluster.model import pack_model
    from i2s_trt.cluster.options import WorkerPlan, cluster_options
    from i2s_trt.cluster.render import RenderSettings
    from i2s_trt.edit.recipe.load import load_recipe
    from i2s_trt.edit.sources import LatentSource

    pictures = workers * max(16, round(_PIXELS / resolution**2 / (4 if bench.quick else 1)))
    source = LatentSource.of(load_generator(model))
    latents = collect_latents([], range(1, pictures // VARIANTS + 1), source)
    ready, points = [], []

    def listen(event: "ClusterEvent") -> None:
        if event.kind == "worker":
            ready.append(time.perf_counter())

    def report(progress: "BatchProgress") -> None:
        points.append((time.perf_counter(), progress.done))

    plan = WorkerPlan(OPENER, asdict(RenderSettings("torch", device=bench.device)))
    with tempfile.TemporaryDirectory() as folder, joined(cluster_options(f"local:{workers}"), bench.device) as found:
        recipe, outputs = Path(folder) / "recipe.toml", Path(folder) / "out"
        recipe.write_text(RECIPE)
        crew = ClusterCrew(found, plan, pack_model(model), listen)
        run_crew(latents, load_recipe(recipe, source), crew, outputs, BatchOptions(), Rendering(model), report)
        size = round(sum(path.stat().st_size for path in outputs.glob("*.png")) / pictures)
    before = max((done for at, done in points if at <= max(ready)), default=0)
    return (points[-1][1] - before) / (points[-1][0] - max(ready)), size


def _simulation(bench: Bench, model: str, resolution: int, worker: float, size: int) -> Iterator[Row]:
    """What the parts cost, and the rate of up to 64 workers that would be as fast as the one that was measured."""
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.cluster.join import joined
    from i2s_trt.cluster.options import cluster_options

    generator = load_generator(model)
    shape, count = (generator.num_layers, generator.w_dim), 256 if bench.quick else _SENT
    with joined(cluster_options("local:2"), "cpu"):
        send = measure_sending(count, shape)
        carried = measure_sending(min(count, max(64, _CARRIED // size)), shape, size)
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        place, commit = measure_folder(Path(folder) / "out", _PLACED, size)
        disk = measure_disk(Path(folder) / "disk", _PLACED, size)
    write = disk * WRITERS  # of one of the driver's threads, which write at once
    network = size / bench.network if bench.network else max(carried - send, size / _FASTEST)
    parts = Row(
        Case("a picture, by its parts", model, resolution),
        {name: Figure(seconds * 1e3, "ms") for name, seconds in (
            ("worker", worker), ("send", send), ("disk", disk), ("network", network), ("place", place),
            ("write", write), ("commit", commit),
        )} | {
            "size": Figure(size, "byte"),
            "disk rate": Figure(size / disk / 1e9, "GB/s"),
            "network rate": Figure(size / network / 1e9, "GB/s"),
        },
        notes=() if bench.network else (_STORE,),
    )  # fmt: skip
    yield parts
    yield from simulated_rows(Costs(worker, send, place, commit, disk=disk), SHARED, model, resolution)
    yield from simulated_rows(Costs(worker, send, write, commit, network=network), GIVEN_BACK, model, resolution)
    yield from gpu_rows(parts)
