"""The page in a real browser: it is laid out, nothing is missing, nothing runs over its edges."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.report.document import Block, DotPlot, LineChart
from benchmarks.report.html import to_html
from benchmarks.report.make import make_report
from benchmarks.report.source import Source
from tests.benchmarks.sample import results

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# written into the page by a script of this test's own, outside the page's policy
_MEASURE = """<script>addEventListener("load", () => {
  const wide = [...document.querySelectorAll("main *")].filter(
    e => e instanceof HTMLElement && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1
      && getComputedStyle(e).overflowX === "visible"
  ).map(e => e.tagName + "." + e.className);
  const outside = [...document.querySelectorAll("svg")].filter(svg => {
    const frame = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")].some(t => {
      const box = t.getBoundingClientRect();
      return box.right > frame.right + 12 || box.left < frame.left - 12;
    });
  }).map(svg => svg.querySelector("title").textContent);
  document.title = JSON.stringify({
    charts: document.querySelectorAll("svg").length, scroll: document.documentElement.scrollWidth, wide, outside,
    ground: getComputedStyle(document.body).backgroundColor,
  });
})</script></head>"""


SOURCES = [Source("laptop", results()), Source("server", results(300.0, "Example GPU, 1 GiB"), 1)]


def is_chart(block: Block) -> bool:
    return isinstance(block, DotPlot | LineChart)


def browser() -> str:
    """A browser's program; skips the test where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser is installed: looked for {', '.join(BROWSERS)}")
    return found


def shown(tmp_path: Path, width: int, *options: str) -> dict[str, object]:
    """The page as laid out at a width, in its own words."""
    page = re.sub(r"<meta http-equiv[^>]*>", "", to_html(make_report(SOURCES))).replace("</head>", _MEASURE)
    path = tmp_path / "report.html"
    path.write_text(page)
    done = subprocess.run(
        [browser(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         f"--window-size={width},900", *options, "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    title = re.search(r"<title>(\{.*?\})</title>", done.stdout)
    assert title is not None, done.stderr[-500:]
    return json.loads(title[1])  # type: ignore[no-any-return]


@pytest.mark.parametrize("width", [500, 1100])
def test_nothing_runs_over_its_edges(tmp_path: Path, width: int) -> None:
    found = shown(tmp_path, width)
    charts = [block for part in make_report(SOURCES).sections for block in part.blocks if is_chart(block)]
    assert found["charts"] == len(charts) > 10
    assert found["wide"] == []
    assert found["outside"] == []
    assert isinstance(found["scroll"], int)
    assert found["scroll"] <= width


def test_it_is_dark_where_people_want_it_dark(tmp_path: Path) -> None:
    assert shown(tmp_path, 900)["ground"] == "rgb(253, 252, 250)"
    dark = shown(tmp_path, 900, "--blink-settings=preferredColorScheme=0")
    assert dark["ground"] == "rgb(21, 23, 27)"
