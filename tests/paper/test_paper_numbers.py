"""The rules that judge us, applied to the paper's own numbers: its claims hold there, and fall when shuffled."""

import pytest

from benchmarks.paper.numbers import CONVERGED_AFTER, FACE_STANDARD, STANDARD, TABLE_1, TABLE_2, TABLE_3, Figures
from benchmarks.paper.studies import figure10, table1, table2, table3
from benchmarks.paper.verdict import FAILS, HOLDS, judge

_DEFECTS = {name: figures for name, figures in TABLE_3.items() if name != STANDARD}


def test_table_1() -> None:
    assert judge(table1.checks(FACE_STANDARD, TABLE_1)) == HOLDS


def test_table_1_with_a_transformed_face_taken_for_the_standard_one() -> None:
    worst = TABLE_1["translated right"]
    rest = {name: figures for name, figures in TABLE_1.items() if name != "translated right"}
    assert judge(table1.checks(worst, {**rest, "translated right": FACE_STANDARD})) == FAILS


def test_table_2() -> None:
    assert judge(table2.checks(TABLE_2)) == HOLDS


@pytest.mark.parametrize("other", ["cats", "dogs", "paintings", "cars"])
def test_table_2_with_faces_exchanged(other: str) -> None:
    assert judge(table2.checks({**TABLE_2, "faces": TABLE_2[other], other: TABLE_2["faces"]})) == FAILS


def test_table_2_with_the_starting_points_exchanged() -> None:
    turned = {label: {"mean": row["random"], "random": row["mean"]} for label, row in TABLE_2.items()}
    assert judge(table2.checks(turned)) == FAILS


def test_table_3() -> None:
    assert judge(table3.distance_checks(TABLE_3[STANDARD], _DEFECTS)) == HOLDS


@pytest.mark.parametrize("defect", list(_DEFECTS))
def test_table_3_with_the_whole_face_exchanged(defect: str) -> None:
    exchanged = {**_DEFECTS, defect: TABLE_3[STANDARD]}
    assert judge(table3.distance_checks(TABLE_3[defect], exchanged)) == FAILS


def test_figure_10() -> None:
    assert judge(figure10.checks(CONVERGED_AFTER)) == HOLDS


@pytest.mark.parametrize(("first", "second"), [("faces", "cats"), ("paintings", "cars"), ("faces", "paintings")])
def test_figure_10_with_classes_exchanged(first: str, second: str) -> None:
    exchanged = {**CONVERGED_AFTER, first: CONVERGED_AFTER[second], second: CONVERGED_AFTER[first]}
    assert judge(figure10.checks(exchanged)) == FAILS


def test_the_numbers_are_the_papers() -> None:
    """A few, read again from its text."""
    assert TABLE_1["zoomed out"] == Figures(0.225, 38.04)
    assert TABLE_2["paintings"]["random"] == Figures(3.451, 105.29)
    assert TABLE_3["no eyes, no mouth"] == Figures(0.233, 39.62)
    assert [len(TABLE_1), len(TABLE_2), len(TABLE_3)] == [6, 5, 6]
