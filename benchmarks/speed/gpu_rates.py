"""How fast a GPU works, by a file of results that was measured on one, for simulations of many of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.speed.results_file import read_results
from benchmarks.speed.schema import Results, Row
from i2s_trt.embedding.options import PAPER_STEPS

FILE = Path(__file__).parent.parent / "results/nvidia-h200.json"
_RENDERING, _STEPPING, _EMBEDDING = ("edit", "synthesis"), "step", "embed"


@dataclass(frozen=True)
class GpuRate:
    """What one GPU takes for a piece of work.

    Attributes:
        how: workers with such a GPU are simulated, in words.
        seconds: of the GPU.
        pictures: that the result counts for on its way: an embedding leaves its picture, and a strip of two.
        note: which figures of which file say so.
    """

    how: str
    seconds: float
    pictures: int
    note: str


def gpu_rates(model: str, file: Path = FILE) -> Iterator[GpuRate]:
    """Rendering a picture with a model, and embedding one, by the fastest row of each; nothing where there is none.

    Raises:
        I2sError: the file cannot be read.
    """
    results = _read(file)
    gpu = results.environment.gpu.partition(",")[0]
    rendered = {
        1 / row.figures["rate"].value: _source(file, suite, number, row, "rate")
        for suite in _RENDERING
        for number, row in _rows(results, suite, model, "rate")
    }
    embedded = {
        PAPER_STEPS
        / row.figures["rate"].value: f"{PAPER_STEPS} steps by {_source(file, _STEPPING, number, row, 'rate')}"
        for number, row in _rows(results, _STEPPING, model, "rate")
    } | {
        row.figures["time"].value: _source(file, _EMBEDDING, number, row, "time")
        for number, row in _rows(results, _EMBEDDING, model, "time")
    }
    if rendered:
        note = f"a picture takes {1e3 * min(rendered):.3g} ms of the GPU, by {rendered[min(rendered)]}"
        yield GpuRate(
            f"simulated, rendering with one {gpu} each", min(rendered), 1, f"{note}; encoding it is not counted"
        )
    if embedded:
        note = f"a photograph takes {min(embedded):.3g} s of the GPU, by {embedded[min(embedded)]}"
        yield GpuRate(f"simulated, embedding with one {gpu} each", min(embedded), 3, note)


@cache
def _read(file: Path) -> Results:
    return read_results(file)


def _rows(results: Results, suite: str, model: str, figure: str) -> Iterator[tuple[int, Row]]:
    """Rows of a model, with their numbers, that have a figure."""
    found = results.suites.get(suite)
    for number, row in enumerate(found.rows if found else ()):
        if row.case.model == model and figure in row.figures:
            yield number, row


def _source(file: Path, suite: str, number: int, row: Row, figure: str) -> str:
    case = row.case
    how = f"{case.variant} {case.precision}, batch {case.batch}"
    return f"{file.name}, suites.{suite}.rows[{number}].figures.{figure} ({how})"
