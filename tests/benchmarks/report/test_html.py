"""The page: self-contained, harmless, and every number on it is that of the JSON."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from html.parser import HTMLParser
from typing import Any

import pytest

from benchmarks.report.html import to_html
from benchmarks.report.literature import REPORTED
from benchmarks.report.make import make_report
from benchmarks.report.numbers import digits
from benchmarks.report.source import Source
from benchmarks.speed.schema import Results, Skip
from tests.benchmarks.sample import results, step_case, suite

GPU = "Example GPU, 139 GiB, compute capability 9.0"
ONE = [Source("laptop", results(), 0)]
TWO = [*ONE, Source("server", results(300.0, GPU), 1)]
PAPER = {"paper:steps": 5000.0, "paper:seconds": 420.0, "paper:step": 84.0}
OTHERS = {
    f"{one.origin}.{field}": float(value)
    for one in REPORTED
    for field, value in vars(one).items()
    if isinstance(value, int | float)
}
# said again here, so that a rule that is wrong in the program is wrong only there
RULES: dict[str, Callable[..., float]] = {
    "as it is": lambda value: value,
    "seconds of so many steps": lambda milliseconds, steps: milliseconds / 1000 * steps,
    "times": lambda a, b: a / b,
    "per image": lambda whole, batch: whole / batch,
    "gigabytes": lambda mebibytes: mebibytes * 1048576 / 1e9,
    "mean": lambda *values: sum(values) / len(values),
    "part": lambda part, whole: part / whole * 100,
}
VOID = {"meta", "br", "link", "img"}


class Page(HTMLParser):
    """Collects the numbers with their origins, and the words outside them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.numbers: list[tuple[dict[str, str], str]] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attributes}
        self.tags.append((name, found))
        if name not in VOID:
            self._open.append((name, found))
        if name in ("data", "tspan") and "data-from" in found:
            self.numbers.append((found, ""))

    def handle_endtag(self, name: str) -> None:
        assert self._open.pop()[0] == name

    def handle_data(self, data: str) -> None:
        names = [name for name, _ in self._open]
        inner = self._open[-1][1] if self._open else {}
        if "data-from" in inner and names[-1] in ("data", "tspan"):
            attributes, shown = self.numbers[-1]
            self.numbers[-1] = (attributes, shown + data)
        elif "style" not in names and inner.get("class") not in ("quoted", "tick"):
            self.words.append(data)


def at(documents: list[Any], origin: str) -> float:
    """The number at a place such as `0:suites.step.rows[3].figures.time.value`."""
    if origin in PAPER | OTHERS:
        return (PAPER | OTHERS)[origin]
    index, _, path = origin.partition(":")
    found = documents[int(index)]
    for part in re.findall(r"[^.\[\]]+", path):
        found = found[int(part)] if isinstance(found, list) else found[part]
    assert isinstance(found, int | float)
    return float(found)


def documents(sources: list[Source]) -> list[Any]:
    return [json.loads(json.dumps(asdict(source.results))) for source in sources]


@pytest.mark.parametrize("sources", [ONE, TWO], ids=["one file", "two files"])
def test_every_number_is_the_jsons(sources: list[Source]) -> None:
    page, found = Page(to_html(make_report(sources))), documents(sources)
    assert len(page.numbers) > 200
    for attributes, shown in page.numbers:
        values = [at(found, origin) for origin in attributes["data-from"].split()]
        expected = RULES[attributes["data-rule"]](*values)
        assert float(attributes.get("value") or attributes["data-value"]) == pytest.approx(expected, rel=1e-12)
        assert shown == digits(expected), attributes


@pytest.mark.parametrize("sources", [ONE, TWO], ids=["one file", "two files"])
def test_marks_in_charts_carry_the_jsons_values(sources: list[Source]) -> None:
    page, found = Page(to_html(make_report(sources))), documents(sources)
    marks = [attributes for name, attributes in page.tags if name == "g" and "data-from" in attributes]
    assert len(marks) > 50
    for attributes in marks:
        values = [at(found, origin) for origin in attributes["data-from"].split()]
        expected = RULES[attributes["data-rule"]](*values)
        assert float(attributes["data-value"]) == pytest.approx(expected, rel=1e-12)


def test_no_number_stands_on_the_page_without_its_origin() -> None:
    """What is left outside are names and words that are in the results, and a few words of the field."""
    page = Page(to_html(make_report(ONE)))
    known = " ".join(_strings(documents(ONE)))
    left = {word for text in page.words for word in re.findall(r"[\w.,+-]*\d[\w.,+-]*", text)}
    cases = {str(row.case.batch) for suite in ONE[0].results.suites.values() for row in suite.rows}
    allowed = {"p50", "p90", "p99", "V100", "Image2StyleGAN", "i2s-trt", "2026-11-22"} | cases
    hovered = {digits(float(a["data-value"])) for name, a in page.tags if name == "g" and "data-value" in a}
    strange = {word for word in left if word.rstrip(".,") not in allowed | hovered and word.rstrip(".,") not in known}
    assert not strange


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


def test_the_page_needs_nothing_beside_it() -> None:
    text = to_html(make_report(TWO))
    page = Page(text)
    assert not {"script", "img", "iframe", "object", "embed", "base", "form"} & {name for name, _ in page.tags}
    for name, attributes in page.tags:
        assert not any(key.startswith("on") for key in attributes)
        for key in ("src", "href", "action", "data", "style"):
            assert attributes.get(key, "#").startswith("#"), (name, attributes)
    style = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"url\(|@import|https?:", style)
    assert "default-src 'none'" in text


def test_links_lead_to_sections_that_are_there() -> None:
    page = Page(to_html(make_report(TWO)))
    anchors = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = {attributes["href"] for name, attributes in page.tags if name == "a"}
    assert links == {f"#{anchor}" for anchor in anchors}
    assert {"budget", "step", "embed", "quality", "synthesis", "edit", "scaling", "build", "machine"} == anchors


HOSTILE = "<script>alert(1)</script>\"'&</style><b>"


def test_names_in_the_results_cannot_become_markup() -> None:
    row = replace(results().suites["step"].rows[0], case=replace(step_case(HOSTILE, HOSTILE), model=HOSTILE))
    hostile = Results(
        replace(results().environment, cpu=HOSTILE, packages={HOSTILE: HOSTILE}),
        {"step": suite(rows=(row,), skipped=(Skip(HOSTILE, HOSTILE),), version=HOSTILE)},
    )
    text = to_html(make_report([Source(HOSTILE, hostile)]))
    page = Page(text)
    assert not {"script", "b"} & {name for name, _ in page.tags}
    assert text.count("</style>") == 1


def test_tables_have_captions_heads_and_scopes() -> None:
    page = Page(to_html(make_report(ONE)))
    names = [name for name, _ in page.tags]
    assert names.count("table") == names.count("caption") == names.count("thead") > 10
    heads = [attributes for name, attributes in page.tags if name == "th"]
    assert all(attributes["scope"] in ("row", "col") for attributes in heads)
    assert ("html", {"lang": "en"}) in page.tags
    assert names.count("h1") == 1
