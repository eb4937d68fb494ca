"""Figures of what the judge said: the demo's pictures against their photographs, and controls."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from benchmarks.judge.gallery import Case
from benchmarks.judge.verdicts import THRESHOLD, Reading, Verdict, similarity
from benchmarks.speed.schema import Checked

_DIGITS = 4
_FACES = {"astronaut": "astronaut", "portrait": "portrait", "solemn": "pair", "smiling": "pair"}  # whose they are
_PHOTOGRAPHED = ("astronaut",)
Pair = tuple[str, str]


@dataclass(frozen=True)
class Nearer(Checked):
    """Strangers who are nearer than the photograph.

    Attributes:
        count: how many.
        among: of how many.
    """

    count: int
    among: int


@dataclass(frozen=True)
class Row(Checked):
    """One of the demo's pictures; distances are between descriptors.

    Attributes:
        name: what is on the picture.
        score: of the detector, 0 where no face was found; then all figures are of the fixed cut-out.
        to_photograph: distance to the photograph's; None for photographs.
        similarity: of that; 0.5 at the threshold.
        nearer_people, nearer_drawn: other people whose pictures are nearer, photographed and drawn ones; of faces.
        to_photograph_fixed: the same for both pictures' fixed cut-outs.
        to_embedded: distance to the embedded picture's, of edits.
        to_other: distance to the photograph's at a morph's other end.
        happy: probability of a smile.
        happy_fixed: the same for the fixed cut-out.
        smile: logarithm of the odds of a smile.
        likeliest: the expression with the highest probability.
    """

    name: str
    score: float
    to_photograph: float | None
    similarity: float | None
    nearer_people: Nearer | None
    nearer_drawn: Nearer | None
    to_photograph_fixed: float | None
    to_embedded: float | None
    to_other: float | None
    happy: float
    happy_fixed: float
    smile: float
    likeliest: str


@dataclass(frozen=True)
class Distances(Checked):
    """Distances between pictures of which it is known whether they show one person.

    Attributes:
        name: what is compared.
        same: whether it is one person.
        pairs: how many.
        middle, low, high: median and extremes.
        near: share of the pairs below the threshold.
        middle_fixed, near_fixed: the same for fixed cut-outs.
    """

    name: str
    same: bool
    pairs: int
    middle: float
    low: float
    high: float
    near: float
    middle_fixed: float
    near_fixed: float


@dataclass(frozen=True)
class Smiles(Checked):
    """Probability of a smile in pictures of a kind.

    Attributes:
        name: the kind.
        pictures: how many.
        detected: share in which a face was found.
        middle, low, high: of the probability.
    """

    name: str
    pictures: int
    detected: float
    middle: float
    low: float
    high: float


@dataclass(frozen=True)
class Judgement(Checked):
    """A run of the judge.

    Attributes:
        versions: of the judge's parts.
        model_digest: of the generator.
        steps: of the demo's embedding.
        rows: the demo's pictures.
        distances: controls of identity.
        smiles: controls of expression.
    """

    versions: Mapping[str, str]
    model_digest: str
    steps: int
    rows: tuple[Row, ...]
    distances: tuple[Distances, ...]
    smiles: tuple[Smiles, ...]
    schema: int = 1


def row(case: Case, verdicts: Mapping[str, Verdict]) -> Row:
    """Figures of one case."""
    verdict, photograph = verdicts[case.name], verdicts[case.photograph]
    is_edit = case.name != case.photograph
    distance = _distance(verdict, photograph) if is_edit else None
    return Row(
        case.name,
        round(verdict.score, _DIGITS),
        distance,
        None if distance is None else round(similarity(distance), _DIGITS),
        _nearer(case, verdicts, drawn=False),
        _nearer(case, verdicts, drawn=True),
        _distance(verdict.fixed, photograph.fixed) if is_edit else None,
        _distance(verdict, verdicts[case.embedded]) if case.embedded else None,
        _distance(verdict, verdicts[case.other]) if case.other else None,
        round(verdict.happy, _DIGITS),
        round(verdict.fixed.happy, _DIGITS),
        round(verdict.smile, _DIGITS),
        verdict.likeliest,
    )


def strangers(photograph: str, names: Iterable[str], *, drawn: bool) -> list[str]:
    """The pictures among the names that show other people than the demo's photograph: drawn ones, or photographed."""
    known = [name for name in names if name.startswith("drawn/" if drawn else "person/")]
    others = [name for name, who in _FACES.items() if who != _FACES[photograph]]
    return known + [name for name in others if (name in _PHOTOGRAPHED) is not drawn]


def controls(verdicts: Mapping[str, Verdict]) -> tuple[list[Distances], list[Smiles]]:
    """Figures of `control_pictures` and the astronaut; what there are no pictures of is left out."""
    kinds: dict[str, dict[str, str]] = {}
    for name in verdicts:
        kind, _, who = name.partition("/")
        kinds.setdefault(kind, {})[who] = name
    compared = (
        (name, same, [pair for pair in pairs if set(pair) <= set(verdicts)])
        for name, same, pairs in _comparisons(kinds)
    )
    distances = [_distances(name, same, pairs, verdicts) for name, same, pairs in compared if pairs]
    shown = {
        "drawn faces, solemn": "drawn",
        "the same, smiling": "drawn smiling",
        "samples of the model": "sample",
        "photographs of other people": "person",
    }
    smiles = [_smiles(name, [verdicts[key] for key in kinds[kind].values()]) for name, kind in shown.items()
              if kind in kinds]  # fmt: skip
    return distances, smiles


def _nearer(case: Case, verdicts: Mapping[str, Verdict], *, drawn: bool) -> Nearer | None:
    if case.name == case.photograph or case.photograph not in _FACES:
        return None
    verdict, others = verdicts[case.name], strangers(case.photograph, verdicts, drawn=drawn)
    own = verdict.distance(verdicts[case.photograph])
    return Nearer(sum(verdict.distance(verdicts[name]) < own for name in others), len(others))


def _comparisons(kinds: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, bool, list[Pair]]]:
    """What is compared, whether it is one person, and the pairs."""
    drawn, samples, people = (list(kinds.get(kind, {}).values()) for kind in ("drawn", "sample", "person"))
    groups: dict[str, list[str]] = {}
    for who, name in kinds.get("person", {}).items():
        groups.setdefault(who.partition("/")[0], []).append(name)
    yield "the astronaut and her mirror image", True, [("astronaut", "astronaut/mirrored")]
    yield "the astronaut, through 64 pixels", True, [("astronaut", "astronaut/small")]
    yield "the astronaut, 180 pixels and 128", True, [("astronaut", "astronaut/large")]
    yield "other people and their mirror images", True, _same(kinds, "person", "person mirrored")
    yield "other people, through 64 pixels", True, _same(kinds, "person", "person small")
    yield "drawn faces and their mirror images", True, _same(kinds, "drawn", "drawn mirrored")
    yield "drawn faces, solemn and smiling", True, _same(kinds, "drawn", "drawn smiling")
    yield "two people on one photograph", False, [pair for group in groups.values() for pair in combinations(group, 2)]
    yield "the astronaut and other people", False, [("astronaut", name) for name in people]
    yield "the astronaut and drawn faces", False, [("astronaut", name) for name in drawn]
    yield "the astronaut and samples", False, [("astronaut", name) for name in samples]
    yield "two drawn faces", False, list(combinations(drawn, 2))
    yield "two samples", False, list(combinations(samples, 2))


def _same(kinds: Mapping[str, Mapping[str, str]], first: str, second: str) -> list[Pair]:
    others = kinds.get(second, {})
    return [(name, others[who]) for who, name in kinds.get(first, {}).items() if who in others]


def _distances(name: str, same: bool, pairs: Sequence[Pair], verdicts: Mapping[str, Verdict]) -> Distances:
    found = [_distance(verdicts[first], verdicts[second]) for first, second in pairs]
    fixed = [_distance(verdicts[first].fixed, verdicts[second].fixed) for first, second in pairs]
    return Distances(
        name, same, len(pairs), round(median(found), _DIGITS), min(found), max(found), _near(found),
        round(median(fixed), _DIGITS), _near(fixed),
    )  # fmt: skip


def _smiles(name: str, verdicts: Sequence[Verdict]) -> Smiles:
    happy = [round(verdict.happy, _DIGITS) for verdict in verdicts]
    detected = sum(verdict.detected for verdict in verdicts) / len(verdicts)
    return Smiles(name, len(happy), round(detected, _DIGITS), round(median(happy), _DIGITS), min(happy), max(happy))


def _distance(first: Reading, second: Reading) -> float:
    return round(first.distance(second), _DIGITS)


def _near(distances: Sequence[float]) -> float:
    return round(sum(distance < THRESHOLD for distance in distances) / len(distances), _DIGITS)
