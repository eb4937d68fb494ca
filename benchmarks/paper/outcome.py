"""What a study finds, and the file that keeps it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.paper.verdict import UNTESTABLE, Check, Verdict, judge, reason_of
from i2s_trt.files import write_bytes

FORMAT = 1
FILE = "result.json"
Cell = str | float | None
Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A caption, heads, and rows whose first cell names them. Columns of the paper's numbers begin with `paper`."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Curves:
    """Lines over two axes: y values at `xs`, by name."""

    caption: str
    x_axis: str
    y_axis: str
    xs: tuple[float, ...]
    lines: Mapping[str, Sequence[float]]
    logarithmic: bool = False


@dataclass(frozen=True)
class HeatMap:
    """A square matrix; `groups` gives each row's class."""

    caption: str
    groups: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    unit: str = ""


@dataclass(frozen=True)
class Media:
    """A PNG or MP4 file beside the result."""

    file: str
    caption: str


@dataclass(frozen=True)
class Findings:
    """What a study measured.

    Attributes:
        checks: the claim rests on them; empty only when `untestable` says why there are none.
        tables, curves, heat_maps, media: to look at, in this order.
        notes: what a reader must know to judge the figures.
        untestable: why the claim cannot be tested here; empty when it can.
    """

    checks: tuple[Check, ...] = ()
    tables: tuple[Table, ...] = ()
    curves: tuple[Curves, ...] = ()
    heat_maps: tuple[HeatMap, ...] = ()
    media: tuple[Media, ...] = ()
    notes: tuple[str, ...] = ()
    untestable: str = ""


@dataclass(frozen=True)
class Outcome:
    """Findings of a study under a key: the digest of everything that they depend on."""

    name: str
    key: str
    findings: Findings
    seconds: float = field(default=0.0, compare=False)

    @property
    def verdict(self) -> Verdict:
        """The verdict on the claim."""
        return UNTESTABLE if self.findings.untestable else judge(self.findings.checks)

    @property
    def reason(self) -> str:
        """The reason for the verdict, in words."""
        return self.findings.untestable or reason_of(self.findings.checks)


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Keep an outcome in its folder, where its pictures are already. Raises EnvironmentFault for a full disk."""
    document = {"format": FORMAT, "verdict": outcome.verdict, "reason": outcome.reason, **asdict(outcome)}
    write_bytes(folder / FILE, json.dumps(plain(document), indent=1).encode())


def read_outcome(folder: Path, key: str) -> Outcome | None:
    """The outcome that was kept under this key, if it is whole."""
    try:
        document = json.loads((folder / FILE).read_text())
        if document["format"] != FORMAT or document["key"] != key:
            return None
        findings = _findings(document["findings"])
        complete = all((folder / item.file).is_file() for item in findings.media)
        return Outcome(document["name"], key, findings, document["seconds"]) if complete else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _findings(document: dict[str, Any]) -> Findings:
    return Findings(
        checks=tuple(_check(item) for item in document["checks"]),
        tables=tuple(Table(t["caption"], tuple(t["heads"]), _rows(t["rows"])) for t in document["tables"]),
        curves=tuple(Curves(**{**item, "xs": tuple(item["xs"])}) for item in document["curves"]),
        heat_maps=tuple(
            HeatMap(item["caption"], tuple(item["groups"]), _rows(item["values"]), item["unit"])
            for item in document["heat_maps"]
        ),
        media=tuple(Media(**item) for item in document["media"]),
        notes=tuple(document["notes"]),
        untestable=document["untestable"],
    )


def _rows(rows: Sequence[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(row) for row in rows)


def _check(item: dict[str, Any]) -> Check:
    numbers = {name: math.nan if item[name] is None else item[name] for name in ("measured", "bound")}
    return Check(**{**item, **numbers})


def plain(value: Any) -> Any:
    """JSON has neither nan nor infinity."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
