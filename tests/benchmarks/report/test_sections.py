"""What the report says: the budget first, doubts where there are any, nothing invented where nothing was measured."""

from dataclasses import replace

import pytest

from benchmarks.report.document import Document, DotPlot, LineChart, Measured, Paragraph, Section, Table
from benchmarks.report.make import make_report
from benchmarks.report.markdown import to_markdown
from benchmarks.report.numbers import Number, Text
from benchmarks.report.sections.budget import account
from benchmarks.report.source import Source
from benchmarks.speed.schema import Results, Skip
from tests.benchmarks.sample import LARGE, SMALL, results, suite

SOURCE = Source("laptop", results())


def section(document: Document, anchor: str) -> Section:
    return next(section for section in document.sections if section.anchor == anchor)


def words(paragraph: Paragraph) -> str:
    return "".join(part.words if isinstance(part, Text) else str(part) for part in paragraph.parts)


def with_step(**changes: object) -> Source:
    changed = {**results().suites, "step": replace(results().suites["step"], **changes)}  # type: ignore[arg-type]
    return Source("laptop", replace(results(), suites=changed))


def test_it_opens_with_the_budget() -> None:
    first = make_report([SOURCE]).sections[0]
    assert first.anchor == "budget"
    lead = first.blocks[0]
    assert isinstance(lead, Paragraph)
    for piece in ("Example CPU 9000", "513 ms", "84 ms", "5,000 steps", "2,566 s", "420 s", "4.31 s", "240 ms"):
        assert piece in words(lead)


def test_the_budget_takes_the_fastest_step_of_one_image_and_its_own_floor() -> None:
    budget = account(SOURCE, LARGE)
    assert budget is not None
    assert (budget.best.case.variant, budget.best.case.precision, budget.best.case.batch) == ("compiled", "bf16", 1)
    assert budget.floor is not None
    assert (budget.floor.case.precision, budget.floor.case.model) == ("bf16", LARGE)
    assert budget.whole.value == pytest.approx(513.2 * 5)
    assert budget.gain.value == pytest.approx(84 / 513.2)
    assert budget.distance is not None
    assert budget.distance.value == pytest.approx(513.2 / budget.floor.number("time").value)
    assert budget.fast is not None
    assert budget.fast.case.model == SMALL


def test_neither_baseline_nor_engine_gradient_is_ever_called_ours() -> None:
    rows = [r for r in results().suites["step"].rows if r.case.variant in ("baseline", "engine gradient")]
    assert account(with_step(rows=tuple(rows)), LARGE) is None


def test_without_a_large_model_the_largest_there_is_stands_in() -> None:
    small = tuple(row for row in results().suites["step"].rows if row.case.model == SMALL)
    lead = make_report([with_step(rows=small)]).sections[0].blocks[0]
    assert isinstance(lead, Paragraph)
    assert "128 pixels" in words(lead)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"load": 1.4}, "1.40 CPU cores"), ({"quick": True}, "a trial run"), ({"status": "interrupted"}, "interrupted"),
     ({"status": "out of time"}, "out of time")],
)  # fmt: skip
def test_doubts_are_told_in_the_budget_and_in_the_section(change: dict[str, object], said: str) -> None:
    document = make_report([with_step(**change)])
    for anchor in ("budget", "step"):
        told = [block for block in section(document, anchor).blocks if isinstance(block, Paragraph)]
        assert any(said in words(block) for block in told if block.kind == "warning")


def test_quiet_and_complete_suites_bring_no_warning() -> None:
    document = make_report([SOURCE])
    blocks = [block for part in document.sections for block in part.blocks if isinstance(block, Paragraph)]
    assert not [block for block in blocks if block.kind == "warning"]


def test_what_was_not_measured_is_listed_with_its_reason() -> None:
    document = make_report([with_step(skipped=(Skip("captured", "needs a GPU"),))])
    tables = [block for block in section(document, "step").blocks if isinstance(block, Table)]
    (missing,) = [table for table in tables if table.caption == "Not measured"]
    assert [cell.words for cell in missing.rows[0] if isinstance(cell, Text)] == ["captured", "needs a GPU"]


def test_suites_that_were_not_run_have_no_section() -> None:
    only = Source("laptop", Results(results().environment, {"build": results().suites["build"]}))
    assert [part.anchor for part in make_report([only]).sections] == ["budget", "build", "machine"]
    nothing = Source("laptop", Results(results().environment))
    assert [part.anchor for part in make_report([nothing]).sections] == ["budget", "machine"]
    lead = make_report([nothing]).sections[0].blocks[0]
    assert isinstance(lead, Paragraph)
    assert words(lead).startswith("No step of a single image was measured.")


def test_empty_suites_bring_no_empty_charts() -> None:
    suites = {name: suite() for name in results().suites}
    for part in make_report([Source("laptop", Results(results().environment, suites))]).sections:
        for block in part.blocks:
            assert not isinstance(block, DotPlot | LineChart)


def test_files_stand_side_by_side() -> None:
    document = make_report([SOURCE, Source("server", results(300.0, "Example GPU, 1 GiB"), 1)])
    table = next(block for block in section(document, "budget").blocks if isinstance(block, Table))
    assert [str(head) for head in table.heads[2:]] == ["laptop", "server"]
    step = next(row for row in table.rows if row[0] == "a step")
    times = [cell.number.value for cell in step if isinstance(cell, Measured)]
    assert times == pytest.approx([513.2, 513.2 / 300])
    plots = [block for block in section(document, "step").blocks if isinstance(block, DotPlot)]
    assert all({dot.series for dot in plot.dots} == {"laptop", "server"} for plot in plots)


def test_memory_is_told_in_gigabytes() -> None:
    tables = [block for block in section(make_report([SOURCE]), "step").blocks if isinstance(block, Table)]
    (table,) = [table for table in tables if "memory" in table.caption]
    numbers = [cell for cell in table.rows[0] if isinstance(cell, Number) and cell.unit == "GB"]
    assert [number.value for number in numbers] == pytest.approx([2480.5 * 2**20 / 1e9] * 2)


def test_markdown_says_the_same() -> None:
    text = to_markdown(make_report([SOURCE]))
    for piece in ("# Image2StyleGAN", "## The budget", "| a step | 84 ms | 513 ms (503 – 534) |", "92.6 %", "8.01 ×"):
        assert piece in text
    assert "<" not in text.replace("\\<", "")


def test_markdown_tables_stay_tables_whatever_the_names() -> None:
    source = with_step(skipped=(Skip("a | b\n\n# c", "`d` <e> [f](g)"),))
    text = to_markdown(make_report([source]))
    row = next(line for line in text.splitlines() if line.startswith("| a \\|"))
    assert row == r"| a \| b \# c | \`d\` \<e\> \[f\](g) |"
