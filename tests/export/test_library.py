"""The library of exported graphs: hits and misses, what is kept and what is not, and many exporters at once."""

import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from engines.onnxruntime.runtime import OnnxRuntimeRunner
from export.errors import ExportError
from export.keys import WITH_LOSS, ExportedGraph, find_graph
from export.library import export_graph
from export.registry import GRAPHS
from export.source import GraphSource
from export.verify import verify
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.errors import EnvironmentFault, UsageError
from tests.export.shared import made_from, slim


@pytest.fixture
def source() -> GraphSource:
    return slim(16, 8, 16)


def test_the_second_export_is_a_hit_and_damage_is_a_miss(source: GraphSource) -> None:
    assert export_graph(source, "mapping").exported
    hit = export_graph(source, "mapping")
    assert not hit.exported
    key = source.key("mapping", "fp32")
    data = bytearray(hit.path.read_bytes())
    data[len(data) // 2] ^= 1
    hit.path.write_bytes(data)
    assert find_graph(key) is None
    assert export_graph(source, "mapping").exported
    hit.json.write_text("{")
    assert find_graph(key) is None


def test_damaged_noise_is_a_miss(source: GraphSource) -> None:
    exported = export_graph(source, "preview")
    whole = exported.defaults.read_bytes()
    key = source.key("preview", "fp32")
    assert find_graph(key)
    exported.defaults.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert find_graph(key) is None
    exported.defaults.unlink()
    assert find_graph(key) is None
    exported.defaults.write_bytes(whole)
    assert find_graph(key)


def test_graphs_with_a_loss_depend_on_features_and_settings(source: GraphSource) -> None:
    other = made_from(source.generator, source.vgg, ObjectiveOptions(pixel_weight=2.0))
    for name in GRAPHS:
        same = source.key(name, "fp32") == other.key(name, "fp32")
        assert same == (name not in WITH_LOSS)


def test_a_graph_that_computes_something_else_is_not_kept(source: GraphSource, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = GRAPHS["mapping"](source, "fp32")
    lying = replace(graph, function=lambda z: source.generator.mapping(z) * 1.05)
    with pytest.raises(ExportError, match="w differs by") as caught:
        verify(onnx.load(export_graph(source, "mapping").path), graph, lying)
    assert caught.value.hint
    monkeypatch.setitem(GRAPHS, "mapping", lambda s, p: lying if p == "fp32" else replace(graph, precision="fp16"))
    with pytest.raises(ExportError):
        export_graph(made_from(source.generator, source.vgg), "mapping", "fp16")
    folder = source.key("mapping", "fp16").path.parent
    assert [path.name for path in folder.glob("mapping-fp16*")] == ["mapping-fp16.lock"]


def test_an_unknown_graph_is_refused(source: GraphSource) -> None:
    with pytest.raises(ExportError, match="no graph named pixels") as caught:
        export_graph(source, "pixels")
    assert "synthesis" in caught.value.hint


@pytest.mark.parametrize("objective", [ObjectiveOptions(style_weight=1.0), ObjectiveOptions(prior_weight=0.1)])
@pytest.mark.parametrize("graph", ["objective", "objective_gradient"])
def test_a_style_term_and_a_prior_are_refused(source: GraphSource, objective: ObjectiveOptions, graph: str) -> None:
    with pytest.raises(UsageError, match="no style term and no prior"):
        export_graph(made_from(source.generator, source.vgg, objective), graph)


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(EnvironmentFault, match="cannot load"):
        OnnxRuntimeRunner(ExportedGraph(tmp_path / "broken.onnx", {}, exported=False))


def _export(home: str, log: str) -> None:
    os.environ["I2S_TRT_HOME"] = home
    exported = export_graph(slim(16, 8, 16), "mapping")
    with Path(log).open("a") as stream:
        stream.write(f"{exported.exported} {exported.record['sha256']}\n")


def test_of_several_exporters_one_exports_and_all_find_it(own_home: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_export, args=(str(own_home), str(tmp_path / "log"))) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
    assert [worker.exitcode for worker in workers] == [0] * 3
    lines = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    assert sorted(made for made, _ in lines) == ["False", "False", "True"]
    assert len({digest for _, digest in lines}) == 1
