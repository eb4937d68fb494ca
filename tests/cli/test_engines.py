"""`i2s-trt engines` and the graphs that ONNX Runtime runs as they are."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.cli.support import invoke

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install 'i2s-trt[cpu]'")


@pytest.fixture
def graphs(small: Path, own_home: Path, _module_folder: Path) -> list[Path]:
    """Two graphs, made by the command once and copied for every test."""
    if not (_module_folder / "graphs").exists():
        made = invoke("build-engines", "-m", small, "--graphs", "mapping,preview")
        assert made.exit_code == 0, made.output
        shutil.copytree(own_home / "graphs", _module_folder / "graphs")
    else:
        shutil.copytree(_module_folder / "graphs", own_home / "graphs")
    return sorted((own_home / "graphs").glob("*/*.onnx"))


def listed() -> list[dict[str, Any]]:
    return [json.loads(line) for line in invoke("engines", "list", "--json").stdout.splitlines()]


def test_what_was_made_for_onnx_runtime_is_listed(graphs: list[Path]) -> None:
    shown = " ".join(invoke("engines", "list").stdout.split())
    assert "0 engines in" in shown
    assert "2 graphs in" in shown
    assert all(word in shown for word in ("mapping", "preview", "fp32", "onnxruntime"))
    events = listed()
    assert [(event["event"], event["usable"], Path(event["path"])) for event in events] == [
        ("graph", True, path) for path in graphs
    ]
    assert [event["key"]["name"] for event in events] == ["mapping", "preview"]


def test_graphs_that_would_not_be_loaded_say_why_and_are_pruned(graphs: list[Path]) -> None:
    mapping, preview = graphs
    mapping.write_bytes(mapping.read_bytes()[:-1])
    record = json.loads(preview.with_suffix(".json").read_text())
    record["key"]["onnxruntime"] = "0.1"
    preview.with_suffix(".json").write_text(json.dumps(record))
    reasons = [event["reason"] for event in listed()]
    assert "sha256 differs" in reasons[0]
    assert "other versions" in reasons[1]
    assert "unusable" in invoke("engines", "list").stdout
    assert "removed 0 engines, 2 graphs," in invoke("engines", "prune").stdout
    assert listed() == []
    assert [path for path in mapping.parent.iterdir() if path.suffix != ".lock"] == []


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(".onnx", "is missing"), (".json", "did not finish"), (".defaults.safetensors", "is missing")],
)
def test_files_that_are_gone(damage: str, reason: str, graphs: list[Path]) -> None:
    graphs[1].with_suffix(damage).unlink()
    whole, damaged = listed()
    assert (whole["usable"], damaged["usable"]) == (True, False)
    assert reason in damaged["reason"]


def test_usable_graphs_stay_unless_all_shall_go(graphs: list[Path]) -> None:
    assert "removed 0 engines, 0 graphs," in invoke("engines", "prune").stdout
    assert all(path.exists() for path in graphs)
    with FileLock(graphs[0].with_suffix(".lock")):
        done = invoke("engines", "prune", "--all")
    assert "removed 0 engines, 1 graph," in done.stdout
    assert f"{graphs[0].name} is being exported: left alone" in done.stderr
    assert [path.exists() for path in graphs] == [True, False]
