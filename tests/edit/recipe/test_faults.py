"""What is wrong with a recipe is told with file, line and key, all of it at once."""

from pathlib import Path

import numpy as np
import pytest

from i2s_trt.edit.recipe.load import load_recipe
from i2s_trt.errors import UsageError
from tests.edit.recipe.test_load import LAYERS, SOURCE, WIDTH

_MANY = '{ operation = "truncation", psi = [' + "1," * 400 + "] }"
_NAMED = '[[edit]]\nname = "it"\n'
_EXPRESSION = _NAMED + 'operation = "expression"\nneutral = "seed:1"\nexpression = "seed:2"\n'


@pytest.mark.parametrize(
    ("text", "line", "words"), [
        ("", 1, "edit: a recipe needs at least one [[edit]] table"),
        ("edit = 3", 1, "edit: a recipe needs at least one"),
        ("edit = []", 1, "edit: a recipe needs at least one"),
        ("edit = [1]", 1, "edit: a recipe needs at least one"),
        ('title = "x"\n' + _NAMED + 'operation = "identity"', 1, "title: unknown key"),
        ('\n\n[[edit]]\noperation = "identity"', 3, "edit.name: an edit needs a name"),
        ('[[edit]]\n\nname = "a-b"\noperation = "identity"', 3, "edit.name: an edit needs a name of letters"),
        ('[[edit]]\nname = 3\noperation = "identity"', 2, "edit.name: an edit needs a name"),
        (_NAMED + 'operation = "identity"\n\n[[edit]]\nname = "IT"\noperation = "identity"', 6,
         "another edit is called"),
        (_NAMED, 1, "edit.operation: write one of identity, morph"),
        (_NAMED + 'operation = "warp"', 3, "edit.operation: write one of"),
        (_NAMED + "operation = [1]", 3, "edit.operation: write one of"),
        (_NAMED + 'operation = "identity"\nstrength = 1', 4, "edit.strength: unknown key; no keys can be given"),
        (_NAMED + 'operation = "morph"', 1, "edit.with: this key is missing"),
        (_NAMED + 'operation = "morph"\nwith = "seed:1"\nsecond = 2', 5, "unknown key; with, weight can be given"),
        (_NAMED + 'operation = "morph"\nwith = []', 4, "edit.with: write the name of a file in quotes"),
        (_NAMED + 'operation = "morph"\nwith = 7', 4, "edit.with: write the name of a file in quotes"),
        (_EXPRESSION + "strength = 'big'", 6, "edit.strength: write a number, a list of numbers"),
        (_EXPRESSION + "strength = [1, true]", 6, "edit.strength: write a number, a list"),
        (_EXPRESSION + "strength = []", 6, "edit.strength: write a number, a list"),
        (_EXPRESSION + "strength = inf", 6, "edit.strength: write a number, a list"),
        (_EXPRESSION + "strength = nan", 6, "edit.strength: write a number, a list"),
        (_EXPRESSION + "strength = { from = 1, to = 2 }", 6, "edit.strength: a range needs"),
        (_EXPRESSION + "strength = { from = 1, to = 2, steps = 1 }", 6, "edit.strength: a range needs"),
        (_EXPRESSION + "strength = { from = 1, to = 2, steps = 2.5 }", 6, "edit.strength: a range needs"),
        (_EXPRESSION + "strength = { from = 1, to = 2, steps = 3, by = 1 }", 6, "edit.strength: a range needs"),
        (_EXPRESSION + 'strength = { from = "a", to = 2, steps = 3 }', 6, "edit.strength: a range needs"),
        (_EXPRESSION + "strength = { from = 1, to = 2, steps = 99999 }", 6, "edit.strength: a range needs"),
        (_EXPRESSION + "strength = { from = 1, to = 2, steps = 1000000000 }", 6,
         "edit.strength: a range needs 2 to 10000 steps, not 1000000000"),
        (_EXPRESSION + "strength = { from = 1, to = 2, steps = 1 }", 6, "a range needs 2 to 10000 steps, not 1"),
        (_EXPRESSION + f"strength = [{'1,' * 10001}]", 6, "edit.strength: 10001 values are more than 10000"),
        (_EXPRESSION + "strength = { from = 1, to = 2, steps = 9999 }\nthreshold = { from = 1, to = 2, steps = 9999 }",
         1, "edit: 99980001 combinations are more than 100000"),
        (_EXPRESSION + "normalize = 3", 6, "edit.normalize: Input should be a valid boolean"),
        (_EXPRESSION.replace("seed:2", "none.npy"), 5, "edit.expression: "),
        (_NAMED + 'operation = "crossover"\nstyle = ["seed:1",\n"short.npy"]', 4, "shape [4, 5]"),
        (_NAMED + 'operation = "crossover"\nstyle = "seed:1"\nlayers = "9-x"', 5, "edit.layers: write layers as"),
        (_NAMED + 'operation = "crossover"\nstyle = "seed:1"\nlayers = [1.5]', 5, "edit.layers: write layers as"),
        (_NAMED + 'operation = "crossover"\nstyle = "seed:1"\nlayers = "6"', 1, "edit: there is no layer 6; layers go"),
        (_NAMED + 'operation = "direction"\nfile = "zeros.npy"', 4, "edit.file: "),
        (_NAMED + 'operation = "direction"\nfile = "seed:1"', 4, "edit.file: "),
        (_NAMED + 'operation = "truncation"\ncutoff = -1', 4, "edit.cutoff: "),
        (_NAMED + 'operation = "chain"', 1, "edit.steps: a chain needs [[edit.steps]] tables"),
        (_NAMED + 'operation = "chain"\nsteps = [1]', 4, "edit.steps: a chain needs"),
        (_NAMED + 'operation = "chain"\nsteps = []\nstrength = 1', 5, "edit.strength: unknown key; a chain has steps"),
        (_NAMED + 'operation = "chain"\n[[edit.steps]]\noperation = "morph"\n', 4,
         "edit.steps.with: this key is missing"),
        (_NAMED + 'operation = "chain"\n[[edit.steps]]\noperation = "identity"\n[[edit.steps]]\nname = "x"\n', 6,
         "edit.steps.operation: write one of"),
        (_NAMED + f'operation = "chain"\nsteps = [{_MANY}, {_MANY}]', 4, "160000 combinations"),
    ],
    ids=lambda value: str(value)[-40:].replace("\n", " "),
)  # fmt: skip
def test_each_fault_is_told_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    np.save(tmp_path / "short.npy", np.ones((4, WIDTH), np.float32))
    np.save(tmp_path / "zeros.npy", np.zeros((LAYERS, WIDTH), np.float32))
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_recipe(path, SOURCE)
    message = caught.value.args[0]
    assert message.startswith(f"{path}:{line}: "), message
    assert words in message
    assert "docs/editing.md" in caught.value.hint
    assert "\n" not in message


def test_all_faults_are_told_at_once_but_not_too_many(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("\n".join(f'[[edit]]\nname = "e{n}"\noperation = "morph"\nweight = "x"\n' for n in range(4)))
    with pytest.raises(UsageError) as caught:
        load_recipe(path, SOURCE)
    told = caught.value.args[0].splitlines()
    assert [text.removeprefix(str(path)).split(" ")[0] for text in told[:5]] == [":1:", ":4:", ":6:", ":9:", ":11:"]
    assert told[5:] == ["and 3 more"]


@pytest.mark.parametrize(
    ("data", "words"), [
        (b"[[edit\n", "is not TOML"), (b"\xff\xfe", "not a text file"), (b'[[edit]]\nname = "a"\nname = "b"', "line 3"),
        (None, "cannot be read"),
    ],
)  # fmt: skip
def test_files_that_are_no_recipes(tmp_path: Path, data: bytes | None, words: str) -> None:
    path = tmp_path / "recipe.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UsageError, match=words):
        load_recipe(path, SOURCE)
    with pytest.raises(UsageError, match="cannot be read"):
        load_recipe(tmp_path, SOURCE)
