"""The demo in few steps: every file is written, also when it is stopped, and its page shows what its commands make."""

import shlex
import shutil
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import i2s_trt.demo.page as page_module
from i2s_trt.arrays import Pixels
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.deltas import TunedLatent, delta_of
from i2s_trt.demo.run import OPTIONS, DemoResult, expression_ramps, run_demo
from i2s_trt.embedding.options import TuneOptions
from i2s_trt.images.decode import decode
from i2s_trt.latents import read_latent
from tests.conftest import Run

PICTURES = ("astronaut", "cat", "coffee", "portrait", "solemn", "smiling")


@dataclass(frozen=True)
class Made:
    """The demo in few steps, and what it said of its progress."""

    folder: Path
    result: DemoResult
    seen: list[int]
    tuning: list[tuple[str, int]]


@pytest.fixture(scope="module", autouse=True)
def _short_animations() -> Iterator[None]:
    """Five frames say as much about the page as its 25."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_module, "FRAMES", 5)
        yield


@pytest.fixture(scope="module")
def demo(_short_animations: None, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder, seen, tuning = tmp_path_factory.mktemp("demo"), list[int](), list[tuple[str, int]]()
    result = run_demo(
        folder, lambda progress: seen.append(progress.of), replace(OPTIONS, steps=4), TuneOptions(3),
        lambda name, step: tuning.append((name, step)),
    )  # fmt: skip
    return Made(folder, result, seen, tuning)


@pytest.fixture(scope="module")
def made(demo: Made) -> Path:
    return demo.folder


def test_six_pictures_are_embedded_and_laid_out_on_one_sheet(demo: Made) -> None:
    assert not demo.result.interrupted
    assert demo.seen == [4] * 4
    assert demo.tuning == [(name, step) for name in ("astronaut", "cat", "coffee") for step in (1, 2, 3)]
    assert tuple(demo.result.embeddings) == PICTURES
    for name in PICTURES:
        latent = read_latent(demo.folder / f"{name}.safetensors")
        assert (latent.status, latent.extra["source"]) == ("finished", name)
        assert latent.options["schedule"] == "fast"
        assert latent.curve_terms[-1] == "prior"
        assert latent.losses["total"] < latent.curve[0, 0]
    sheet = decode(demo.result.sheet)
    assert sheet.shape[0] > sheet.shape[1] > 6 * 128
    assert np.unique(sheet.reshape(-1, 3), axis=0).shape[0] > 10_000


def test_a_stopped_demo_writes_what_it_has(tmp_path: Path) -> None:
    result = run_demo(tmp_path, lambda _: True, OPTIONS)
    assert result.interrupted
    assert result.sheet.is_file()
    assert {read_latent(tmp_path / f"{name}.safetensors").status for name in PICTURES} == {"interrupted"}
    assert all(len(embedding.latent.curve) == 1 for embedding in result.embeddings.values())
    assert result.tuned == {}


def test_a_demo_stopped_while_tuning_keeps_what_is_tuned(tmp_path: Path) -> None:
    options, tune = replace(OPTIONS, steps=2), TuneOptions(2)
    result = run_demo(tmp_path, lambda _: None, options, tune, lambda name, step: (name, step) == ("cat", 1))
    assert result.interrupted
    assert set(result.tuned) == {"astronaut"}
    assert [path.name for path in tmp_path.glob("*.delta.safetensors")] == ["astronaut.delta.safetensors"]
    assert result.sheet.is_file()


class _Page(HTMLParser):
    """What a browser would find."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.code: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        self._inside = tag == "code"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.code.append(data)
            self._inside = False

    def all(self, tag: str, name: str = "") -> list[dict[str, str]]:
        """Elements of a kind, and of a class."""
        return [attrs for kind, attrs in self.found if kind == tag and name in attrs.get("class", "")]


def pixels_in(address: str) -> Pixels:
    """The picture that an address holds."""
    head, data = address.split(",", 1)
    assert head == "data:image/jpeg;base64"
    return np.asarray(Image.open(BytesIO(b64decode(data))))


def apart(first: Pixels, second: Pixels) -> float:
    """Mean difference of two pictures, in steps of 255."""
    return float(np.abs(first.astype(float) - second.astype(float)).mean())


@pytest.fixture(scope="module")
def page(made: Path) -> _Page:
    return _Page((made / "index.html").read_text())


def test_the_page_needs_nothing_else(page: _Page) -> None:
    addresses = [attrs[name] for _, attrs in page.found for name in ("src", "href") if name in attrs]
    assert addresses
    assert all(address.startswith("data:") for address in addresses)
    (policy,) = (attrs["content"] for attrs in page.all("meta") if "http-equiv" in attrs)
    assert policy.startswith("default-src 'none'")


def test_every_picture_stands_beside_its_embedding(page: _Page, made: Path) -> None:
    assert len(page.all("figure", "wipe")) == len(PICTURES)
    shown = [pixels_in(attrs["src"]) for attrs in page.all("img")]
    for index, name in enumerate(PICTURES):
        assert apart(shown[2 * index], decode(made / "pictures" / f"{name}.png")) < 3
        assert apart(shown[2 * index + 1], decode(made / f"{name}.png")) < 3
    assert apart(shown[-1], decode(made / "contact-sheet.png")) < 3


def test_everything_on_it_can_be_named_and_reached(page: _Page) -> None:
    named = [*page.all("input"), *page.all("button"), *page.all("div", "frame")]
    assert len(named) == len(PICTURES) + 3 * len(page.all("figure", "animation"))
    assert len({attrs["aria-label"] for attrs in named}) == len(named)
    assert all(attrs["alt"] for attrs in page.all("img"))


def test_what_fails_is_shown_with_the_papers_words(made: Path) -> None:
    text = (made / "index.html").read_text()
    for words in (
        "only the embedding of faces is semantically meaningful",
        "contours of human faces in the intermediate images",
        "the low level features (e.g. colors and textures)",
    ):
        assert words in " ".join(text.split())


def test_the_ramps_are_those_that_the_reader_chose(page: _Page, made: Path) -> None:
    generator = load_generator()
    files = {name: made / f"{name}.safetensors" for name in PICTURES}
    found = {name: read_latent(file).w_plus for name, file in files.items()}
    latents = {n: TunedLatent(w_plus, delta_of(files[n], w_plus, generator.digest)) for n, w_plus in found.items()}
    assert {name for name, latent in latents.items() if latent.delta} == {"astronaut", "cat", "coffee"}
    ramps = expression_ramps(generator, latents)
    assert set(ramps) == {"portrait", "astronaut"}
    for name, ramp in ramps.items():
        assert any(f"{name}.safetensors" in line and f"{ramp.weakest}:{ramp.strongest}:" in line for line in page.code)


def test_its_commands_make_what_it_shows(page: _Page, made: Path, tmp_path: Path, i2s: Callable[..., Run]) -> None:
    for file in [*made.glob("*.safetensors"), made / "pictures"]:
        (tmp_path / file.name).symlink_to(file)
    animations = [attrs["style"] for attrs in page.all("div", "frame")]
    embeds, *edits = [code.strip() for code in page.code if "i2s-trt" in code][:7]
    assert len(edits) == len(animations) == 6
    for command, style in zip(edits, animations, strict=True):
        whole = pixels_in(style.removeprefix("background-image: url(").removesuffix(")"))
        frames = np.split(whole, whole.shape[1] // whole.shape[0], axis=1)
        rounds = [command]
        if command.startswith("for layer in $(seq 11 -1 0); do "):
            once = command.split("do ", 1)[1].removesuffix("; done")
            rounds, frames = [once.replace("$layer", layer) for layer in ("11", "4")], [frames[1], frames[8]]
        for number, line in enumerate(rounds):
            run = i2s(*shlex.split(line)[1:-1], f"frames/{number}")
            assert run.code == 0, run.err
        rendered = [decode(path) for path in sorted((tmp_path / "frames").rglob("*.png"))]
        assert len(rendered) == len(frames)
        assert max(map(apart, rendered, frames)) < 4, command
        shutil.rmtree(tmp_path / "frames")
    photographs, drawn = map(shlex.split, embeds.splitlines())
    assert photographs[2:5] == [f"pictures/{name}.png" for name in ("astronaut", "cat", "coffee")]
    assert "--tune" in photographs
    assert "--tune" not in drawn
    assert drawn[2:6] == ["pictures/portrait.png", "pictures/solemn.png", "pictures/smiling.png", "--no-align"]
    run = i2s("embed", "pictures/solemn.png", *drawn[5:])
    assert run.code == 0, run.err
    again, before = read_latent(tmp_path / "again" / "solemn.safetensors"), read_latent(made / "solemn.safetensors")
    assert {**again.options, "batch": 0} == {**before.options, "batch": 0}
