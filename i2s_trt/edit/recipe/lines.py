"""The line of each key in a TOML text, which the standard library's reader does not give."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
_TOKEN = re.compile(
    r"""(?P<newline>\n)|(?P<blank>[ \t\r]+|\#[^\n]*)
    |(?P<string>\"\"\"(?:\\.|[^\\])*?\"{3,5}|'''.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    |(?P<sign>[\[\]{}=,.])|(?P<bare>[^\s\[\]{}=,.\#"']+)""",
    re.DOTALL | re.VERBOSE,
)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def key_lines(text: str) -> dict[Path, int]:
    """The line, from 1, of every key, table and array element of a TOML text that `tomllib` accepts.

    A path is made of keys and of indices into arrays: `("edit", 0, "strength")`.
    """
    return _Scanner(text).scan()


def line_of(lines: dict[Path, int], document: Any, path: Path) -> int:
    """The line of the deepest part of a path that the document has; 1 for the document itself."""
    known: Path = ()
    for part in path:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):  # a key that is missing
            break
        known = (*known, part)
    return next((lines[known[:size]] for size in range(len(known), 0, -1) if known[:size] in lines), 1)


class _Scanner:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._elements: dict[Path, int] = {}  # of arrays of tables

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._at < len(self._tokens):
            if self._skip("\n"):
                continue
            table = self._header() if self._next() == "[" else self._pair(table)
        return self._lines

    def _header(self) -> Path:
        line = self._take().line
        is_array = self._skip("[")
        *parents, name = self._keys()
        while self._skip("]"):
            pass
        table = (*self._resolve((), parents), name)
        if is_array:
            self._lines.setdefault(table, line)
            self._elements[table] = self._elements.get(table, -1) + 1
            table = (*table, self._elements[table])
        self._lines[table] = line
        return table

    def _resolve(self, base: Path, keys: list[str]) -> Path:
        """The path of a table; arrays of tables stand for their latest element."""
        for key in keys:
            base = (*base, key)
            if base in self._elements:
                base = (*base, self._elements[base])
        return base

    def _pair(self, table: Path) -> Path:
        """`key = value`; gives back the table."""
        line = self._tokens[self._at].line
        path = table
        for key in self._keys():
            path = (*path, key)
            self._lines.setdefault(path, line)
        self._skip("=")
        self._value(path)
        return table

    def _value(self, path: Path) -> None:
        if self._skip("["):
            for index in self._items("]"):
                self._lines[(*path, index)] = self._tokens[self._at].line
                self._value((*path, index))
        elif self._skip("{"):
            for _ in self._items("}"):
                self._pair(path)
        else:
            while self._next() not in ("\n", ",", "]", "}", ""):
                self._at += 1

    def _items(self, end: str) -> Iterator[int]:
        """Counts the items of an array or inline table; the caller reads each."""
        index = 0
        while True:
            while self._skip("\n") or self._skip(","):
                pass
            if self._skip(end) or not self._next():
                return
            yield index
            index += 1

    def _keys(self) -> list[str]:
        """`a."b".c`"""
        keys = [_skip_plain(self._take())]
        while self._skip("."):
            keys.append(_skip_plain(self._take()))
        return keys

    def _next(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _take(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _skip(self, text: str) -> bool:
        found = self._next() == text
        self._at += found
        return found


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "blank":
            yield _Token(kind, match[0], line)
        line += match[0].count("\n")


def _skip_plain(token: _Token) -> str:
    if token.kind != "string":
        return token.text
    import tomllib

    return next(iter(tomllib.loads(f"{token.text} = 0")))  # a quoted key, with its escapes
