"""The judge's answers are read strictly."""

import json

import pytest

from benchmarks.judge.verdicts import THRESHOLD, JudgeError, read_answer, similarity
from tests.benchmarks.judge.made_up import answer, reading, verdict


def test_an_answer_is_read_whole() -> None:
    given = read_answer(json.dumps(answer(cat=verdict(1.0, 0.25), coffee=verdict(0.0, detected=False))))
    assert given.versions == {"node": "20"}
    assert given.verdicts["cat"] == verdict(1.0, 0.25)
    assert given.verdicts["coffee"].box is None
    assert given.verdicts["cat"].distance(given.verdicts["coffee"]) == 1.0


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("", "the answer"),
        ('{"versions": {}}', "verdicts"),
        (json.dumps(answer(cat=verdict(0.0))).replace("0.9", '"0.9"'), "verdicts.cat.score"),
        (json.dumps(answer(cat=verdict(0.0))).replace('"happy"', '"glad"'), "of another kind"),
        (json.dumps(answer(cat=verdict(7.0))).replace("7.0, ", ""), "of another kind"),
    ],
)
def test_what_is_no_answer_is_refused(broken: str, said: str) -> None:
    with pytest.raises(JudgeError, match=said) as caught:
        read_answer(broken)
    assert "install" in caught.value.hint


def test_similarity_is_a_half_at_the_threshold() -> None:
    assert [similarity(distance) for distance in (0.0, THRESHOLD, 2 * THRESHOLD, 9.0)] == [1.0, 0.5, 0.0, 0.0]


def test_the_odds_of_a_smile_tell_sure_smiles_apart() -> None:
    assert reading(0.0, 0.5).smile == pytest.approx(0.0, abs=1e-9)
    assert reading(0.0, 1 - 1e-6).smile > reading(0.0, 1 - 1e-3).smile > 0 > reading(0.0, 0.1).smile
    assert reading(0.0, 1.0).smile < 30
    assert (reading(0.0, 0.9).likeliest, reading(0.0, 0.0).likeliest) == ("happy", "neutral")
