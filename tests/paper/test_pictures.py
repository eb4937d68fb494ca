"""The bundled pictures, the user's folders, and dealing."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.paper.pictures.cars import draw_car
from benchmarks.paper.pictures.collection import FACES, Collection, bundled_collection, read_collection
from benchmarks.paper.pictures.paintings import draw_painting
from benchmarks.paper.pictures.people import EXPRESSIONS, drawn_expression
from benchmarks.paper.pictures.textures import draw_marble, draw_weave
from i2s_trt.errors import ImageError
from i2s_trt.images.compose import write_png
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import standard_spec


@pytest.fixture(scope="module")
def bundled() -> Collection:
    return bundled_collection(standard_spec(32))


def save(path: Path, value: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, np.full((20, 30, 3), value, np.uint8))


def test_the_bundled_set_is_five_times_five(bundled: Collection) -> None:
    assert bundled.labels == [FACES, "photographs", "cars", "paintings", "textures"]
    assert [len(bundled.of(label)) for label in bundled.labels] == [5] * 5
    assert all(p.pixels.shape == (32, 32, 3) and p.pixels.dtype == np.uint8 for p in bundled.pictures)
    different = {picture.pixels.tobytes() for picture in bundled.pictures}
    assert len(different) == 25
    assert [picture.label for picture in bundled.firsts()] == bundled.labels


def test_sources_have_several_expressions(bundled: Collection) -> None:
    assert len(bundled.sources) == 2
    for source in bundled.sources:
        assert source.expressions == ["smile", "surprise"]
        assert len({pixels.tobytes() for pixels in source.pixels.values()}) == 3


@pytest.mark.parametrize("draw", [draw_car, draw_painting, draw_marble, draw_weave])
def test_drawing_is_the_same_for_a_seed_and_another_for_another(draw: type) -> None:
    assert np.array_equal(draw(1, 48), draw(1, 48))
    assert not np.array_equal(draw(1, 48), draw(2, 48))
    assert draw(3, 48).std() > 10


def test_an_expression_changes_the_mouth_and_leaves_the_background() -> None:
    calm, smiling = (drawn_expression(5121, name, 64).astype(int) for name in ("neutral", "smile"))
    assert list(EXPRESSIONS) == ["neutral", "smile", "surprise"]
    change = np.abs(calm - smiling).sum(axis=2)
    assert change[40:50, 20:44].mean() > 20
    assert change[:10].max() <= 3


def test_dealing_keeps_the_pictures_and_mixes_the_classes(bundled: Collection) -> None:
    dealt = bundled.dealt()
    assert dealt.labels == bundled.labels
    assert [len(dealt.of(label)) for label in dealt.labels] == [5] * 5
    assert {p.pixels.tobytes() for p in dealt.pictures} == {p.pixels.tobytes() for p in bundled.pictures}
    before = {picture.name: picture.label for picture in bundled.pictures}
    for label in dealt.labels:
        assert {before[picture.name] for picture in dealt.of(label)} == set(bundled.labels)
    assert dealt.digest() != bundled.digest()


def test_a_folder_of_classes(tmp_path: Path, toy: Generator) -> None:
    for i in range(7):
        save(tmp_path / "cars" / f"{i}.png", 10 * i)
    save(tmp_path / "People" / "ann.png")
    save(tmp_path / "expressions" / "bob" / "smile.png", 20)
    save(tmp_path / "expressions" / "bob" / "neutral.png", 10)
    (tmp_path / "empty").mkdir()
    found = read_collection(tmp_path, toy.spec)
    assert found.labels == [FACES, "cars"]
    assert [picture.name for picture in found.of("cars")] == list("01234")
    (bob,) = found.sources
    assert (bob.name, list(bob.pixels)) == ("bob", ["neutral", "smile"])
    assert all(picture.pixels.shape == (16, 16, 3) for picture in found.pictures)


def test_a_flat_folder_is_one_class(tmp_path: Path, toy: Generator) -> None:
    save(tmp_path / "mine" / "a.png")
    assert read_collection(tmp_path / "mine", toy.spec).labels == ["mine"]


@pytest.mark.parametrize("case", ["missing", "empty", "broken", "expressionless"])
def test_what_cannot_be_read_is_explained(case: str, tmp_path: Path, toy: Generator) -> None:
    folder = tmp_path / case
    if case != "missing":
        folder.mkdir()
    if case == "broken":
        (folder / "a.png").write_bytes(b"not a picture")
    if case == "expressionless":
        save(folder / "faces" / "a.png")
        save(folder / "expressions" / "bob" / "smile.png")
    with pytest.raises(ImageError) as caught:
        read_collection(folder, toy.spec)
    assert caught.value.hint
    assert case == "broken" or case in str(caught.value)
