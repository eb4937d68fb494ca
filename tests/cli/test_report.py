"""`i2s-trt report`."""

from pathlib import Path

import pytest

from benchmarks.speed.results_file import write_results
from tests.benchmarks.sample import results
from tests.cli.support import I2s, invoke, refused, says

RESULTS = Path(__file__).parent.parent.parent / "benchmarks" / "results"


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """A file of results."""
    write_results(tmp_path / "laptop.json", results())
    return tmp_path / "laptop.json"


def test_a_page_and_a_text_are_written(measured: Path, tmp_path: Path) -> None:
    assert invoke("report", measured, "-o", tmp_path / "r.html").exit_code == 0
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    assert invoke("report", measured, "-o", tmp_path / "r.md").exit_code == 0
    assert (tmp_path / "r.md").read_text().startswith("# Image2StyleGAN")
    assert invoke("report", measured, "--format", "markdown", "-o", tmp_path / "r.txt").exit_code == 0
    assert (tmp_path / "r.txt").read_text() == (tmp_path / "r.md").read_text()


def test_the_same_results_make_the_same_page(measured: Path, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        invoke("report", measured, "-o", tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_without_a_name_it_is_called_report(i2s: I2s, measured: Path, tmp_path: Path) -> None:
    run = i2s("report", measured, "--json")
    (event,) = run.events
    assert (run.code, event["path"], event["format"]) == (0, "report.html", "html")
    assert event["sections"][0] == "budget"
    assert (tmp_path / "report.html").exists()
    assert i2s("report", measured, "--format", "markdown").out == "report:   report.md\n"


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    paths = []
    for folder, gpu in (("laptop", ""), ("server", "Example GPU, 1 GiB")):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "results.json")
        write_results(paths[-1], results(300.0 if gpu else 1.0, gpu))
    assert invoke("report", *paths, "-o", tmp_path / "r.md").exit_code == 0
    assert "| laptop/results | server/results |" in (tmp_path / "r.md").read_text()


def test_mistakes_are_explained(i2s: I2s, measured: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"schema": 7}')
    refused(invoke("report", measured, "--format", "pdf"), 2, "--format 'pdf'", "html, markdown")
    refused(invoke("report", tmp_path / "none.json"), 2, "there is no file")
    refused(invoke("report", measured, "-o", measured), 2, "would overwrite the results")
    refused(invoke("report", measured, "-o", tmp_path / "missing" / "r.html"), 3, "missing")
    says(i2s("report", "broken.json"), 2, "broken.json does not hold benchmark results", "schema 7 belongs")
    says(i2s("report"), 2, "error: ", "--help")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.json", "laptop.json"]


def test_the_results_that_are_kept_make_a_report(tmp_path: Path) -> None:
    kept = sorted(path for path in RESULTS.glob("*.json") if path.name != "schema.json")
    if not kept:
        pytest.skip("no machine's results are kept yet")
    assert invoke("report", *kept, "-o", tmp_path / "r.html").exit_code == 0
    assert (tmp_path / "r.html").stat().st_size > 10_000
