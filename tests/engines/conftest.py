"""What the tests of engines share: the home of exported graphs, a small generator, and a runner on fake hardware."""

from pathlib import Path

import pytest

from engines.tensorrt.cache import Entry
from export.keys import ExportedGraph
from export.library import export_graph
from i2s_trt.models.generator import Generator
from tests.engines.tensorrt.runtime_bench import RTX, Bench, build
from tests.export.shared import shared_home, slim

__all__ = ["shared_home"]


@pytest.fixture(scope="session")
def generator() -> Generator:
    """16x16 pixels, eight channels."""
    return slim(16, 8, 16).generator


@pytest.fixture
def exported(shared_home: Path) -> ExportedGraph:
    """Its synthesis graph."""
    return export_graph(slim(16, 8, 16), "synthesis")


@pytest.fixture
def entry(exported: ExportedGraph) -> Entry:
    """A real plan of it, by TensorRT-RTX."""
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")
    return build(exported, RTX, ("sm89",))


@pytest.fixture
def bench(entry: Entry, exported: ExportedGraph, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Its runner, on fake hardware."""
    return Bench(entry, exported, monkeypatch)
