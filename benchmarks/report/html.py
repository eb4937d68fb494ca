"""A document as one HTML page: style and pictures inside, nothing fetched from anywhere."""

from itertools import chain

from benchmarks.report.document import (
    Block,
    Cell,
    Document,
    Dot,
    DotPlot,
    LineChart,
    Measured,
    Paragraph,
    Part,
    Section,
    Table,
)
from benchmarks.report.dot_plot import draw_dot_plot
from benchmarks.report.line_chart import draw_line_chart
from benchmarks.report.numbers import Number, Text
from benchmarks.report.page import figure_markup, html_page, table_markup
from benchmarks.report.svg import Markup, join, number_markup, tag, text_markup


def to_html(document: Document) -> str:
    """The whole page."""
    links = (tag("li", tag("a", section.title, href=f"#{section.anchor}")) for section in document.sections)
    contents = tag("nav", tag("ul", *links), aria_label="Contents")
    header = tag("header", tag("h1", document.title), tag("p", document.summary, class_="summary"), contents)
    return html_page(document.title, header, [_section(section) for section in document.sections])


def _section(section: Section) -> Markup:
    return tag("section", tag("h2", section.title), *map(_block, section.blocks), id=section.anchor)


def _block(block: Block) -> Markup:
    match block:
        case Paragraph():
            role = "note" if block.kind == "warning" else None
            return tag("p", *map(_part, block.parts), class_=block.kind, role=role)
        case Table():
            return _table(block)
        case DotPlot():
            return _with_data(block.title, draw_dot_plot(block), dots_table(block))
        case LineChart():
            return _with_data(block.title, draw_line_chart(block), lines_table(block))


def _with_data(title: str, picture: Markup, table: Table) -> Markup:
    return figure_markup(title, picture, tag("details", tag("summary", "The numbers"), _table(table)))


def _table(table: Table) -> Markup:
    kinds = [_column_kind([row[i] for row in table.rows]) for i in range(len(table.heads))]
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    return table_markup(table.caption, [_part(head) for head in table.heads], rows, kinds)


def _column_kind(cells: list[Cell]) -> str | None:
    """Columns of words alone are set flush left."""
    return None if any(isinstance(cell, Number | Measured) for cell in cells) else "words"


def _cell(cell: Cell) -> Markup:
    match cell:
        case None:
            return tag("span", "–", class_="nothing")
        case Measured(number, spread):
            return join(number_markup(number), *([] if spread is None else [" ", _quartiles(*spread)]))
        case Number() | Text() | str():
            return _part(cell)


def _quartiles(low: Number, high: Number) -> Markup:
    ends = (number_markup(end, with_unit=False) for end in (low, high))
    return tag("small", next(ends), " – ", next(ends))


def _part(part: Part) -> Markup:
    match part:
        case Number():
            return number_markup(part)
        case Text():
            return text_markup(part)
        case _:
            return join(part)


def dots_table(plot: DotPlot) -> Table:
    """The numbers of a dot plot: a row a label, a column a series."""
    series = list(dict.fromkeys(dot.series for dot in plot.dots))
    found: dict[tuple[str, str], Dot] = {(dot.label, dot.series): dot for dot in plot.dots}
    rows = []
    for label in dict.fromkeys(dot.label for dot in plot.dots):
        dots = [found.get((label, name)) for name in series]
        rows.append((label, *(dot.measured if dot else None for dot in dots)))
    heads = [name or plot.axis for name in series]
    return Table(f"{plot.title}: medians and quartiles", ("", *heads), tuple(rows))


def lines_table(chart: LineChart) -> Table:
    """The numbers of a line chart: a row a place on the horizontal axis, a column a line."""
    if chart.table is not None:
        return chart.table
    columns = [{x.value: measured for x, measured in series.points} for series in chart.series]
    xs = {x.value: x for x, _ in chain.from_iterable(series.points for series in chart.series)}
    rows = tuple((xs[x], *(column.get(x) for column in columns)) for x in sorted(xs))
    heads = (chart.x_axis, *(series.label for series in chart.series))
    return Table(f"{chart.title}: medians and quartiles", heads, rows)
