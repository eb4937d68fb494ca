"""The report's section on quality against seconds."""

from dataclasses import replace

import pytest

from benchmarks.report.document import LineChart, Paragraph, Section, Table
from benchmarks.report.make import make_report
from benchmarks.report.markdown import to_markdown
from benchmarks.report.numbers import Number, Text
from benchmarks.report.sections.quality import a_second, quality_section, standing
from benchmarks.report.source import Source
from tests.benchmarks.sample import SMALL, results, suite

SOURCE = Source("laptop", results())


def said(source: Source) -> str:
    return "".join(part.words if isinstance(part, Text) else str(part) for part in a_second(source, SMALL))


def section_of(*sources: Source) -> Section:
    found = quality_section(sources)
    assert found is not None
    return found


def test_what_one_second_buys_is_the_best_picture_within_it() -> None:
    words = said(SOURCE)
    assert words.startswith("What one second buys on Example CPU 9000 with demo: fast is best, with an SSIM of 0.275")
    for piece in ("18.2 dB PSNR", "an identity of 0.05", "after 10 step and 0.6 s", "(means of astronaut, cat)"):
        assert piece in words
    assert "tuned is best" in said(Source("server", results(300.0)))


def test_where_a_second_buys_nothing_the_report_says_when_something_is_there() -> None:
    words = said(Source("slow", results(0.01)))
    assert (
        words == "A second buys nothing on Example CPU 9000: with demo the first picture, of fast, is there after 6 s."
    )


def test_places_are_means_over_the_pictures_that_have_them() -> None:
    first, *_, last = standing(SOURCE, SMALL, "fast")
    assert last.figures["ssim"].value == pytest.approx(0.3 + 100 / 400 - 0.05)
    assert (last.figures["identity"].value, len(last.figures["identity"].origins)) == (0.5, 1)
    assert [first.figures[name].unit for name in ("s", "psnr", "ssim")] == ["s", "dB", "1"]


def test_a_picture_that_was_stopped_early_ends_the_line() -> None:
    whole = results().suites["quality"]
    cut = replace(whole, curves=(replace(whole.curves[0], points=whole.curves[0].points[:1]), *whole.curves[1:]))
    source = Source("laptop", replace(results(), suites={"quality": cut}))
    assert [place.figures["step"].value for place in standing(source, SMALL, "fast")] == [1]


def test_one_chart_a_model_one_line_a_method_and_a_file() -> None:
    (chart,) = [block for block in section_of(SOURCE).blocks if isinstance(block, LineChart)]
    assert [series.label for series in chart.series] == ["fast", "tuned"]
    assert chart.logarithmic == (True, False)
    assert [x.value for x, _ in chart.series[0].points] == pytest.approx([0.06, 0.6, 6])
    (both,) = [block for block in section_of(SOURCE, Source("b", results(), 1)).blocks if isinstance(block, LineChart)]
    assert [series.label for series in both.series] == ["fast laptop", "tuned laptop", "fast b", "tuned b"]


def test_what_others_report_stands_apart() -> None:
    table = next(
        block
        for block in section_of(SOURCE).blocks
        if isinstance(block, Table) and block.caption.startswith("Elsewhere")
    )
    assert "Not to be compared" in table.caption
    named = {row[0].words: row for row in table.rows if isinstance(row[0], Text)}
    assert [cell.value for cell in named["PTI"] if isinstance(cell, Number)] == [59, 0.0082, 0.85]
    assert [cell.value for cell in named["e4e"] if isinstance(cell, Number)] == [0.042, 0.0472, 0.50]
    assert named["optimisation in W+"][2] is None


def test_readers_are_told_what_is_minimised_and_what_the_set_up_took() -> None:
    (about,) = [b for b in section_of(SOURCE).blocks if isinstance(b, Paragraph) and b.kind == "text"]
    assert "are what embedding and tuning minimise" in "".join(map(str, about.parts))
    text = to_markdown(make_report([SOURCE]))
    assert "| fast | demo | 14.2 s | invented |" in text
    assert "| fast | 10 steps | 0.6 s |" in text


def test_nothing_measured_brings_no_chart_and_no_promise() -> None:
    empty = Source("laptop", replace(results(), suites={"quality": suite()}))
    section = section_of(empty)
    assert not [block for block in section.blocks if isinstance(block, LineChart)]
    assert a_second(empty, SMALL) == ()
    assert quality_section([Source("laptop", replace(results(), suites={}))]) is None
