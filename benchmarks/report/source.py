"""A file of results as the report reads it: rows by suite and case, every number with its place in the JSON."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.report.document import Measured
from benchmarks.report.numbers import Number, Text
from benchmarks.speed.schema import Case, Curve, Figure, Ratio, Results, Row, Skip, Suite


@dataclass(frozen=True)
class Entry:
    """A row, and where it is."""

    row: Row
    place: str

    @property
    def case(self) -> Case:
        """Case of the row."""
        return self.row.case

    def has(self, figure: str) -> bool:
        """Whether the row holds it."""
        return figure in self.row.figures

    def number(self, figure: str) -> Number:
        """A figure of the row."""
        return _number(self.row.figures[figure], f"{self.place}.figures.{figure}")

    def measured(self, figure: str) -> Measured:
        """A figure of the row with its quartiles."""
        place = f"{self.place}.figures.{figure}"
        return Measured(self.number(figure), _spread(self.row.figures[figure], place))

    def batch(self) -> Number:
        """The case's batch size."""
        return Number(self.case.batch, "", (f"{self.place}.case.batch",))

    def resolution(self) -> Number:
        """The case's pixels a side."""
        return Number(self.case.resolution, "", (f"{self.place}.case.resolution",))

    def text(self, field: str) -> Text:
        """`variant`, `model` or `precision`."""
        return Text(str(getattr(self.case, field)), f"{self.place}.case.{field}")


@dataclass(frozen=True)
class RatioEntry:
    """A ratio, and where it is."""

    ratio: Ratio
    place: str

    def batch(self) -> Number:
        """Images computed together."""
        return Number(self.ratio.faster.batch, "", (f"{self.place}.faster.batch",))

    def measured(self) -> Measured:
        """How many times faster, with quartiles."""
        place = f"{self.place}.figure"
        return Measured(_number(self.ratio.figure, place), _spread(self.ratio.figure, place))


@dataclass(frozen=True)
class CurveEntry:
    """A curve, and where it is."""

    curve: Curve
    place: str

    def column(self, name: str) -> list[Number]:
        """The numbers of a column."""
        column = self.curve.columns.index(name)
        origins = (f"{self.place}.points[{i}][{column}]" for i in range(len(self.curve.points)))
        return [
            Number(point[column], name, (origin,)) for point, origin in zip(self.curve.points, origins, strict=True)
        ]

    def points(self, x: str, y: str) -> Iterator[tuple[Number, Number]]:
        """The points of two columns."""
        return zip(self.column(x), self.column(y), strict=True)


@dataclass(frozen=True)
class Source:
    """One file of results in a report.

    Attributes:
        name: how the report calls it.
        index: among the files, from 0.
    """

    name: str
    results: Results
    index: int = 0

    @property
    def environment(self) -> str:
        """Place of the environment."""
        return f"{self.index}:environment"

    def suite(self, name: str) -> Suite | None:
        """A suite; None when it was not run."""
        return self.results.suites.get(name)

    def place(self, suite: str) -> str:
        """Place of a suite in the file."""
        return f"{self.index}:suites.{suite}"

    def skipped(self, suite: str) -> tuple[Skip, ...]:
        """What a suite left out."""
        found = self.suite(suite)
        return found.skipped if found else ()

    def entries(self, suite: str, figure: str = "", wanted: Callable[[Case], bool] = lambda _case: True) -> list[Entry]:
        """The rows of a suite that have a figure, and whose case is wanted."""
        found = self.suite(suite)
        rows = enumerate(found.rows) if found else ()
        place = f"{self.place(suite)}.rows"
        return [
            Entry(row, f"{place}[{i}]") for i, row in rows if wanted(row.case) and (not figure or figure in row.figures)
        ]

    def ratios(self, suite: str) -> list[RatioEntry]:
        """The ratios of a suite."""
        found = self.suite(suite)
        return [RatioEntry(r, f"{self.place(suite)}.ratios[{i}]") for i, r in enumerate(found.ratios if found else ())]

    def curves(self, suite: str) -> list[CurveEntry]:
        """The curves of a suite."""
        found = self.suite(suite)
        return [CurveEntry(c, f"{self.place(suite)}.curves[{i}]") for i, c in enumerate(found.curves if found else ())]


def _number(figure: Figure, place: str) -> Number:
    return Number(figure.value, figure.unit, (f"{place}.value",))


def _spread(figure: Figure, place: str) -> tuple[Number, Number] | None:
    if figure.low is None or figure.high is None:
        return None
    return Number(figure.low, figure.unit, (f"{place}.low",)), Number(figure.high, figure.unit, (f"{place}.high",))
