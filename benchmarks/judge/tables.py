"""A judgement as Markdown tables, and their place on the page."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.judge.judgement import Distances, Judgement, Nearer, Row, Smiles
from i2s_trt.errors import UsageError
from i2s_trt.files import write_bytes

_BEGIN, _END = "<!-- begin of what benchmarks.judge writes -->", "<!-- end -->"
_NOTHING = ""
_ROW_HEADS = (
    "picture", "face found", "to the photograph", "similarity", "people nearer", "drawn nearer",
    "to the photograph, fixed cut-out", "to the embedded", "to the other end", "happy", "happy, fixed cut-out",
    "log-odds of happy", "likeliest",
)  # fmt: skip
_DISTANCE_HEADS = ("pictures", "pairs", "distance", "from – to", "below 0.6", "fixed cut-out", "below 0.6")
_SMILE_HEADS = ("pictures", "number", "face found", "happy", "from – to")


def to_markdown(judgement: Judgement) -> str:
    """All tables in Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in judgement.versions.items())
    about = f"Model {judgement.model_digest[:12]}, {judgement.steps} steps of embedding; {versions}."
    same, different = ([item for item in judgement.distances if item.same is kind] for kind in (True, False))
    parts = [
        about,
        "Distances between descriptors, and probabilities:",
        _table(_ROW_HEADS, map(_row, judgement.rows)),
        "Controls, pictures of one person:",
        _table(_DISTANCE_HEADS, map(_distances, same)),
        "Controls, pictures of different people:",
        _table(_DISTANCE_HEADS, map(_distances, different)),
        "Controls, smiles:",
        _table(_SMILE_HEADS, map(_smiles, judgement.smiles)),
    ]
    return "\n\n".join(parts) + "\n"


def refresh_page(path: Path, tables: str) -> None:
    """Put the tables in place of those on a page.

    Raises:
        UsageError: there is no such page, or no place for them.
        EnvironmentFault: it cannot be written.
    """
    text = path.read_text() if path.is_file() else ""
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise UsageError(f"{path} has no place for the tables", f"put two lines there: {_BEGIN} and {_END}")
    write_bytes(path, f"{before}{begin}\n\n{tables}\n{end}{after}".encode())


def _row(row: Row) -> list[str]:
    return [
        row.name, _found(row.score), _number(row.to_photograph), _number(row.similarity), _nearer(row.nearer_people),
        _nearer(row.nearer_drawn), _number(row.to_photograph_fixed), _number(row.to_embedded), _number(row.to_other),
        _number(row.happy), _number(row.happy_fixed), f"{row.smile:+.1f}", row.likeliest,
    ]  # fmt: skip


def _distances(item: Distances) -> list[str]:
    span = _NOTHING if item.pairs == 1 else f"{_number(item.low)} – {_number(item.high)}"
    shares = f"{item.near:.0%}", f"{item.near_fixed:.0%}"
    return [item.name, str(item.pairs), _number(item.middle), span, shares[0], _number(item.middle_fixed), shares[1]]


def _smiles(item: Smiles) -> list[str]:
    span = f"{_number(item.low)} – {_number(item.high)}"
    return [item.name, str(item.pictures), f"{item.detected:.0%}", _number(item.middle), span]


def _nearer(nearer: Nearer | None) -> str:
    return _NOTHING if nearer is None else f"{nearer.count} of {nearer.among}"


def _found(score: float) -> str:
    return f"{score:.2f}" if score else "no"


def _number(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.2f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
