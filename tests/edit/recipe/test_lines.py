"""On which line each key stands, for whatever TOML can be."""

import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.edit.recipe.lines import key_lines, line_of

Path = tuple[str | int, ...]
ODD = '''# a comment with [brackets] = "and quotes"
a = 1  # [not a table]

[x."y z"]
b.c = [ 1,   # ]
  "]", { d = "}", 'e#' = [3,
  4] } ]
text = """[[edit]]
name = \\"""no\\"""
"""
raw = \'\'\'
key = 1\'\'\'
when = 1979-05-27 07:32:00
[[edit]]
f = -1.5e3
[[edit]]
n = { from = -1.5, to = { deep = [ { er = 1 } ] } }
[[edit.steps]]
k = 'v'
[[edit.steps]]
k = "q\\"w"
[edit.sub]
z = inf
[[x.q]]
w=""
'''


def test_everything_that_toml_allows() -> None:
    lines = key_lines(ODD)
    document = tomllib.loads(ODD)
    expected: dict[Path, int] = {
        ("a",): 2, ("x", "y z"): 4, ("x", "y z", "b", "c"): 5, ("x", "y z", "b", "c", 1): 6,
        ("x", "y z", "b", "c", 2, "d"): 6, ("x", "y z", "b", "c", 2, "e#"): 6, ("x", "y z", "b", "c", 2, "e#", 1): 7,
        ("x", "y z", "text"): 8, ("x", "y z", "raw"): 11, ("x", "y z", "when"): 13, ("edit",): 14, ("edit", 0): 14,
        ("edit", 0, "f"): 15, ("edit", 1): 16, ("edit", 1, "n", "to", "deep", 0, "er"): 17, ("edit", 1, "steps", 0): 18,
        ("edit", 1, "steps", 0, "k"): 19, ("edit", 1, "steps", 1, "k"): 21, ("edit", 1, "sub", "z"): 23,
        ("x", "q", 0, "w"): 25,
    }  # fmt: skip
    assert {path: lines.get(path) for path in expected} == expected
    assert set(lines) == set(paths(document)) - {("x",)}


def test_the_nearest_known_place_is_told() -> None:
    lines, document = key_lines(ODD), tomllib.loads(ODD)
    assert line_of(lines, document, ("edit", 1, "steps", 1, "missing")) == 20
    assert line_of(lines, document, ("edit", 0, "f", "deeper")) == 15
    assert line_of(lines, document, ("edit", 7)) == 14
    assert line_of(lines, document, ("nothing",)) == 1
    assert line_of({}, {}, ()) == 1


def paths(node: Any, base: Path = ()) -> Iterator[Path]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*base, key)
        yield from paths(value, (*base, key))


keys = st.text("ab-_. #[\"'é\n", min_size=1, max_size=4)
scalars = st.one_of(st.integers(-99, 99), st.booleans(), st.text("ab\"'#[]{}=,\n\\", max_size=6))
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))
tables = st.dictionaries(keys, values, max_size=4)


@given(tables, st.lists(tables, max_size=3), st.sampled_from(["", "# note\n", "\n\n"]))
def test_the_lines_of_any_document(top: dict[str, Any], edits: list[dict[str, Any]], between: str) -> None:
    text = ""
    expected: dict[Path, int] = {}
    blocks: list[tuple[Path, str, dict[str, Any]]] = [((), "", top)]
    blocks += [(("edit", number), "[[edit]]\n", table) for number, table in enumerate(edits)]
    for base, header, table in blocks:
        expected |= {base: text.count("\n") + 1} if base else {}
        text += header
        for key, value in table.items():
            text += between
            expected[(*base, key)] = text.count("\n") + 1
            text += f"{quoted(key)} = {written(value)}\n"
    if "edit" in top:
        return
    document = tomllib.loads(text)
    lines = key_lines(text)
    assert {path: lines[path] for path in expected} == expected
    assert set(lines) == set(paths(document))


def written(value: Any) -> str:
    """A value as TOML; lists are spread over lines."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + "".join(f"\n  {written(item)}," for item in value) + "\n]"
    return quoted(value) if isinstance(value, str) else str(value).lower()


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
