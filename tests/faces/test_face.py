"""Which of several faces is meant, and which finds are one face."""

import pytest

from i2s_trt.errors import ImageError
from i2s_trt.faces.face import Face, Which, choose_faces, largest_first, nearest
from i2s_trt.faces.landmarks import Landmarks


def face(x: float, size: float, score: float = 1.0) -> Face:
    return Face(Landmarks((x, 0), (x + size, 0), (x, size), (x + size, size)), score)


LARGE, MIDDLE, SMALL = face(0, 50), face(200, 30), face(400, 10)


def test_the_largest_first_and_of_doubles_the_surest() -> None:
    double = face(2, 51, 0.5)
    assert largest_first([SMALL, double, MIDDLE, LARGE]) == [LARGE, MIDDLE, SMALL]


@pytest.mark.parametrize(
    ("which", "expected"), [("largest", [LARGE]), ("all", [LARGE, MIDDLE, SMALL]), (1, [LARGE]), (3, [SMALL])]
)
def test_choosing(which: Which, expected: list[Face]) -> None:
    assert choose_faces([LARGE, MIDDLE, SMALL], which) == expected


@pytest.mark.parametrize(
    ("which", "words"), [("largest", "--landmarks"), ("all", "--no-align"), (1, "no face was found")]
)
def test_no_face_names_the_ways_out(which: Which, words: str) -> None:
    with pytest.raises(ImageError) as caught:
        choose_faces([], which)
    assert words in str(caught.value)


@pytest.mark.parametrize("which", [0, 4, -1])
def test_a_number_that_no_face_has(which: int) -> None:
    with pytest.raises(ImageError, match=f"no face {which}: 3 faces were found"):
        choose_faces([LARGE, MIDDLE, SMALL], which)
    with pytest.raises(ImageError, match="one face was found"):
        choose_faces([LARGE], 2)


def test_the_nearest_continues_a_face() -> None:
    assert nearest([LARGE, MIDDLE], face(205, 31)) == MIDDLE
    assert nearest([LARGE, MIDDLE], face(900, 30)) is None
