"""A document as Markdown: the words and the tables, with the charts' numbers in tables of their own."""

import re

from benchmarks.report.document import Block, Cell, Document, DotPlot, LineChart, Measured, Paragraph, Part, Table
from benchmarks.report.html import dots_table, lines_table
from benchmarks.report.numbers import Number, Text, digits
from benchmarks.report.svg import unit_words


def to_markdown(document: Document) -> str:
    """The whole text."""
    parts = [f"# {document.title}", document.summary]
    for section in document.sections:
        parts += [f"## {section.title}", *(_block(block) for block in section.blocks)]
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block:
        case Paragraph():
            words = "".join(map(_part, block.parts))
            return f"> {words}" if block.kind == "warning" else words
        case Table():
            return _table(block)
        case DotPlot():
            return _table(dots_table(block))
        case LineChart():
            return _table(lines_table(block))


def _table(table: Table) -> str:
    lines = [_row([_part(head) for head in table.heads]), _row(["---"] * len(table.heads))]
    lines += [_row([_cell(cell) for cell in row]) for row in table.rows]
    return f"{table.caption}\n\n" + "\n".join(lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return "–"
        case Measured(number, spread):
            ends = "" if spread is None else f" ({' – '.join(digits(end.value) for end in spread)})"
            return f"{_part(number)}{ends}"
        case Number() | Text() | str():
            return _part(cell)


def _part(part: Part) -> str:
    match part:
        case Number():
            return f"{digits(part.value)} {unit_words(part.unit)}".strip()
        case Text():
            return _escape(part.words)
        case _:
            return _escape(part)


def _escape(words: str) -> str:
    """Words that Markdown would take for its own, and line breaks, made harmless."""
    return re.sub(r"([\\`*_|<>\[\]#])", r"\\\1", " ".join(words.split()) if "\n" in words else words)
