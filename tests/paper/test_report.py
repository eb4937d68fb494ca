"""The page: whole in itself, well-formed, escaped, with the paper's numbers beside ours."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from benchmarks.paper.album import Album
from benchmarks.paper.outcome import Curves, Findings, HeatMap, Outcome, Table
from benchmarks.paper.report.about import About, describe_run, write_results
from benchmarks.paper.report.media import media_markup
from benchmarks.paper.report.page import page, write_page
from benchmarks.paper.study import Study
from benchmarks.paper.verdict import Check
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from tests.paper.known import known_lab

VOID = {"meta", "img", "br", "link", "input"}
ABOUT = About("demo", {"model": "demo <b>", "pictures": "5 faces"}, {"model": "abc"})
PICTURE = np.arange(32 * 32 * 3, dtype=np.uint32).reshape(32, 32, 3).astype(np.uint8)


def a_study(name: str, claim: str = "Cars & <faces> differ.") -> Study:
    return Study(name, f"Title of {name}", ("Table 9",), claim, lambda _lab: (), lambda _lab, _album: Findings())


@pytest.fixture
def outcomes(tmp_path: Path) -> list[tuple[Study, Outcome]]:
    album = Album(tmp_path / "good")
    media = (album.sheet("one", "One <picture>", [[PICTURE, None]]), album.video("walk", "A walk", [PICTURE] * 3))
    good = Findings(
        (Check("ours", 1.25, "<", 3.5, "theirs"),),
        (Table("losses", ("", "paper: loss (10⁵)", "loss (10⁵)"), (("faces", 0.309, 0.0421), ("cars", None, 2.0))),),
        (Curves("curve", "step", "loss", tuple(range(40)), {"faces": [40.0 - i for i in range(40)]}),),
        (HeatMap("heat", ("faces", "faces", "cars"), ((0.0, 1.0, 2.0), (1.0, 0.0, 2.0), (2.0, 2.0, 0.0))),),
        media,
        ("a note",),
    )  # fmt: skip
    bad = Findings((Check("x", float("nan"), ">", 0.5),))
    return [
        (a_study("good"), Outcome("good", "k", good, 1.0)),
        (a_study("bad"), Outcome("bad", "k", bad, 1.0)),
        (a_study("open"), Outcome("open", "k", Findings(untestable="no <cars>"), 1.0)),
    ]


class Reader(HTMLParser):
    """Holds the page's tags to their nesting and collects what it refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.sources += [value for name in ("src", "href") if (value := found.get(name)) and not value.startswith("#")]
        self.links |= {value[1:] for value in [found.get("href")] if value and value.startswith("#")}
        self.ids |= {value for value in [found.get("id")] if value}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_whole_in_itself(tmp_path: Path, outcomes: list[tuple[Study, Outcome]]) -> None:
    text = page(tmp_path, ABOUT, outcomes)
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert reader.links == {"good", "bad", "open"} <= reader.ids
    kinds = [source.split(";")[0] for source in reader.sources]
    assert kinds == ["data:image/jpeg", "data:video/mp4"]
    assert "http" not in re.sub(r"http-equiv", "", text)
    assert "default-src 'none'" in text


def test_pictures_and_videos_are_within_the_page(tmp_path: Path, outcomes: list[tuple[Study, Outcome]]) -> None:
    text = page(tmp_path, ABOUT, outcomes)
    picture, video = (base64.b64decode(part) for part in re.findall(r"base64,([^\"]+)", text))
    assert picture.startswith(b"\xff\xd8")
    assert video == (tmp_path / "good" / "walk.mp4").read_bytes()


def test_pictures_of_noise_are_shown_too(tmp_path: Path) -> None:
    """As a model with random weights draws them: as JPEG they are longer than a byte a pixel."""
    noise = np.random.default_rng(0).integers(0, 256, (160, 160, 3), np.uint8)
    sheet = Album(tmp_path).sheet("noise", "Noise", [[noise] * 3] * 3)
    assert "data:image/jpeg;base64," in str(media_markup(tmp_path, sheet))


def test_words_are_escaped(tmp_path: Path, outcomes: list[tuple[Study, Outcome]]) -> None:
    text = page(tmp_path, ABOUT, outcomes)
    for word in ("<faces>", "demo <b>", "no <cars>", "One <picture>"):
        assert word not in text
    assert "Cars &amp; &lt;faces&gt; differ." in text


def test_verdicts_are_counted_and_told_in_words(tmp_path: Path, outcomes: list[tuple[Study, Outcome]]) -> None:
    text = page(tmp_path, ABOUT, outcomes)
    assert "3 claims of the paper: 1 do not hold, 1 hold, 1 cannot be tested with this model." in text
    for verdict in ("✓ holds", "✗ does not hold", "– not testable with this model"):
        assert text.count(verdict) == 2
    assert "not a number" in text


def test_the_papers_numbers_stand_beside_ours(tmp_path: Path, outcomes: list[tuple[Study, Outcome]]) -> None:
    text = page(tmp_path, ABOUT, outcomes)
    row = re.search(r"<th scope=\"row\"[^>]*>faces</th>(.*?)</tr>", text)
    assert row
    paper, ours = re.findall(r"<td([^>]*)>.*?value=\"([^\"]+)\"", row[1])
    assert paper == (' class="from-paper"', "0.309")
    assert ours == ("", "0.0421")
    assert 'data-from="good.tables[0].rows[0][2]"' in text


def test_results_are_kept_as_json(tmp_path: Path, outcomes: list[tuple[Study, Outcome]]) -> None:
    write_results(tmp_path, ABOUT, outcomes)
    document = json.loads((tmp_path / "results.json").read_text())
    assert [study["verdict"] for study in document["studies"]] == [
        "holds", "does not hold", "not testable with this model",
    ]  # fmt: skip
    assert document["studies"][0]["findings"]["tables"][0]["rows"][0] == ["faces", 0.309, 0.0421]
    assert document["studies"][1]["findings"]["checks"][0]["measured"] is None
    assert document["facts"] == ABOUT.facts


def test_no_outcomes_make_a_page_too(tmp_path: Path) -> None:
    path = write_page(tmp_path, ABOUT, [])
    assert "no claims yet" in path.read_text()


def test_the_head_says_what_was_run(toy: Generator, vgg: Vgg16) -> None:
    about = describe_run(known_lab(toy, vgg), "toy")
    assert "toy, a StyleGAN1, 16x16, W+ of 6 x 24" in about.facts["model"]
    assert about.facts["pictures"].startswith("5 faces, 5 cars, 5 paintings")
    assert "40 steps of Adam at rate 0.01" in about.facts["embedding"]
    assert about.facts["features"].startswith("random features")
