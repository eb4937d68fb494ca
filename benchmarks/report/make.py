"""Puts a report together from files of results."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.report.document import Document
from benchmarks.report.sections.budget import budget_section
from benchmarks.report.sections.build import build_section
from benchmarks.report.sections.cluster import cluster_section
from benchmarks.report.sections.edit import edit_section
from benchmarks.report.sections.embed import embed_section
from benchmarks.report.sections.kernels import kernels_section
from benchmarks.report.sections.machine import machine_section
from benchmarks.report.sections.quality import quality_section
from benchmarks.report.sections.scaling import scaling_section
from benchmarks.report.sections.step import step_section
from benchmarks.report.sections.synthesis import synthesis_section
from benchmarks.report.source import Source
from benchmarks.speed.results_file import read_results
from benchmarks.speed.schema import Results
from i2s_trt.errors import UsageError

_SECTIONS = (
    budget_section, step_section, embed_section, quality_section, synthesis_section, edit_section, scaling_section,
    build_section, cluster_section, kernels_section, machine_section,
)  # fmt: skip


def read_sources(paths: Sequence[Path]) -> list[Source]:
    """Files of results, named after themselves; equal names get their folder's in front.

    Raises:
        UsageError: none are named, or one is not there.
        ResultsError: one does not hold results.
    """
    if not paths:
        raise UsageError("no results to report on", "name files that i2s-trt bench wrote")
    stems = [path.stem for path in paths]
    names = [f"{p.resolve().parent.name}/{p.stem}" if stems.count(p.stem) > 1 else p.stem for p in paths]
    return [Source(name, read_results(path), i) for i, (name, path) in enumerate(zip(names, paths, strict=True))]


def make_report(sources: Sequence[Source]) -> Document:
    """The report on some files of results, side by side."""
    sections = (section(sources) for section in _SECTIONS)
    return Document(
        title="Image2StyleGAN against its seven minutes",
        summary=_summary([source.results for source in sources]),
        sections=tuple(section for section in sections if section is not None),
    )


def _summary(results: Sequence[Results]) -> str:
    days = sorted(suite.started[:10] for result in results for suite in result.suites.values())
    when = (
        "" if not days else f"Measured on {days[0]}." if days[0] == days[-1] else f"Measured {days[0]} to {days[-1]}."
    )
    return f"Speed and memory of i2s-trt. {when}".strip()
