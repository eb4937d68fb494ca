"""What a report consists of, before it becomes HTML or Markdown."""

from dataclasses import dataclass

from benchmarks.report.numbers import Number, Text

Part = str | Number | Text


@dataclass(frozen=True)
class Measured:
    """A number with its quartiles."""

    number: Number
    spread: tuple[Number, Number] | None = None


Cell = Part | Measured | None


@dataclass(frozen=True)
class Paragraph:
    """Words and numbers; `kind` is `text`, `lead` or `warning`."""

    parts: tuple[Part, ...]
    kind: str = "text"


@dataclass(frozen=True)
class Table:
    """A caption, column heads and rows; the first cell of a row is its head."""

    caption: str
    heads: tuple[Part, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Dot:
    """A mark of a dot plot: where it stands, and in which series and row.

    `reference` marks what was not measured here or is computed, not a contender: it is drawn hollow.
    """

    label: str
    series: str
    measured: Measured
    reference: bool = False


@dataclass(frozen=True)
class DotPlot:
    """One row a label, one mark a series, along one axis."""

    title: str
    description: str
    axis: str
    dots: tuple[Dot, ...]
    logarithmic: bool = True


@dataclass(frozen=True)
class Series:
    """A line of a chart."""

    label: str
    points: tuple[tuple[Number, Measured], ...]


@dataclass(frozen=True)
class LineChart:
    """Lines over two axes."""

    title: str
    description: str
    x_axis: str
    y_axis: str
    series: tuple[Series, ...]
    logarithmic: tuple[bool, bool] = (True, True)
    table: Table | None = None


Block = Paragraph | Table | DotPlot | LineChart


@dataclass(frozen=True)
class Section:
    """A titled part of the report; `anchor` is its id."""

    title: str
    anchor: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """The report."""

    title: str
    summary: str
    sections: tuple[Section, ...]
