"""The shell of a page: style inside, no script, nothing fetched from anywhere."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from benchmarks.report.svg import Markup, tag

_STYLE = ("benchmarks.report", "page.css")
# should a name in the results try to bring a script, a picture or a connection, the browser refuses
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_PICTURES = "; img-src data:; media-src data:"


def html_page(
    title: str, header: Markup, sections: Sequence[Markup], style: tuple[str, str] | None = None, *, media: bool = False
) -> str:
    """A whole page as HTML.

    Args:
        title: of the window.
        header: what stands before the sections.
        sections: the page's parts.
        style: package and name of a style sheet that is added to the common one.
        media: whether pictures and videos may be within the page.
    """
    policy = _POLICY + (_PICTURES if media else "")
    head = tag(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        tag("title", title),
        tag("style", Markup("".join(_read(sheet) for sheet in (_STYLE, style) if sheet))),
    )
    return f'<!doctype html>\n<html lang="en">\n{head}\n{tag("body", header, tag("main", *sections))}\n</html>\n'


def table_markup(
    caption: str, heads: Sequence[object], rows: Sequence[Sequence[object]], kinds: Sequence[str | None]
) -> Markup:
    """A table that scrolls by itself where the page is narrow.

    Args:
        caption: above it.
        heads: of the columns.
        rows: the first cell of each is its head.
        kinds: a class for each column, such as `words`; None for numbers.
    """
    head = tag("tr", *(tag("th", one, scope="col", class_=kind) for one, kind in zip(heads, kinds, strict=True)))
    body = (
        tag("tr", tag("th", row[0], scope="row", class_=kinds[0]),
            *(tag("td", cell, class_=kind) for cell, kind in zip(row[1:], kinds[1:], strict=True)))
        for row in rows
    )  # fmt: skip
    whole = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body))
    return tag("div", whole, class_="wide", tabindex="0", role="region", aria_label=caption)


def figure_markup(caption: str, *children: object, kind: str | None = None) -> Markup:
    """A captioned figure."""
    return tag("figure", tag("figcaption", caption), *children, class_=kind)


@cache
def _read(sheet: tuple[str, str]) -> str:
    package, name = sheet
    return (files(package) / name).read_text()
