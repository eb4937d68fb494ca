"""The page."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.paper.outcome import Outcome
from benchmarks.paper.report.about import About
from benchmarks.paper.report.blocks import badge, checks_table, counted, findings_table, summary_table
from benchmarks.paper.report.charts import curves_markup, heat_map_markup
from benchmarks.paper.report.media import media_markup
from benchmarks.paper.study import Study
from benchmarks.report.page import html_page
from benchmarks.report.svg import Markup, join, tag
from i2s_trt.files import write_bytes

PAGE = "report.html"
_TITLE = "Image2StyleGAN: the paper's claims, measured"
_STYLE = ("benchmarks.paper.report", "paper.css")


def write_page(folder: Path, about: About, outcomes: Sequence[tuple[Study, Outcome]]) -> Path:
    """Write the report on outcomes whose pictures lie in the folder's subfolders.

    Raises:
        EnvironmentFault: the disk is full or the folder cannot be written.
    """
    path = folder / PAGE
    write_bytes(path, page(folder, about, outcomes).encode())
    return path


def page(folder: Path, about: About, outcomes: Sequence[tuple[Study, Outcome]]) -> str:
    """The whole page as HTML."""
    header = tag(
        "header", tag("h1", _TITLE), tag("p", f"{counted(outcomes)}.", class_="lead"), _facts(about),
        summary_table(outcomes),
    )  # fmt: skip
    sections = [_section(folder / study.name, study, outcome) for study, outcome in outcomes]
    return html_page(_TITLE, header, sections, _STYLE, media=True)


def _facts(about: About) -> Markup:
    return tag("dl", *(join(tag("dt", name), tag("dd", fact)) for name, fact in about.facts.items()), class_="facts")


def _section(folder: Path, study: Study, outcome: Outcome) -> Markup:
    findings, name = outcome.findings, study.name
    return tag(
        "section",
        tag("h2", study.title, " ", tag("small", ", ".join(study.shows))),
        tag("blockquote", tag("p", study.claim)),
        tag("p", badge(outcome.verdict), " ", outcome.reason, class_="judgement"),
        *([checks_table(name, findings.checks)] if findings.checks else []),
        *(findings_table(table, f"{name}.tables[{i}]") for i, table in enumerate(findings.tables)),
        *(curves_markup(curves, f"{name}.curves[{i}]") for i, curves in enumerate(findings.curves)),
        *(heat_map_markup(heat) for heat in findings.heat_maps),
        *(media_markup(folder, item) for item in findings.media),
        *(tag("p", note, class_="note") for note in findings.notes),
        id=name,
    )
