"""Recipes: TOML files that list named edits, each with sweeps of its parameters."""

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from i2s_trt.arrays import WPlus
from i2s_trt.edit.recipe.lines import key_lines, line_of
from i2s_trt.edit.recipe.operations import Change, Step, unchanged
from i2s_trt.edit.recipe.steps import Fault, Place, RecipeFaults, expand
from i2s_trt.edit.sources import LatentSource
from i2s_trt.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9_]{1,40}")
_SHOWN = 5
_HINT = "docs/editing.md describes every key of a recipe"


@dataclass(frozen=True)
class Variant:
    """One edit with one value for each of its parameters: what makes one output of a latent.

    Attributes:
        name: of the edit, with a number when there are several variants; without hyphens.
        edit: its name in the recipe.
        label: what distinguishes it from the edit's other variants, for people.
        parameters: operation and values, as JSON values.
        digest: of the parameters and of the latents and directions that they name.
        apply: w_plus [L, D] -> w_plus [L, D].
        change: what a latent changes in the model -> what the edited one does.
    """

    name: str
    edit: str
    label: str
    parameters: Mapping[str, Any]
    digest: str
    apply: Callable[[WPlus], WPlus] = field(repr=False, compare=False)
    change: Change = field(default=unchanged, repr=False, compare=False)


def load_recipe(path: Path, source: LatentSource) -> list[Variant]:
    """Every variant of every edit in a recipe, in its order.

    Args:
        path: of the TOML file; files that it names are looked for beside it.
        source: finds latents and directions.

    Raises:
        UsageError: unreadable, not TOML, or a key or value that makes no sense: with file, line and key.
    """
    text = _read(path)
    try:
        document = tomllib.loads(text + "\n")
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}", _HINT) from error
    faults: list[Fault] = []
    variants = list(_variants(document, source.beside(path), faults))
    if faults:
        raise UsageError(_list_faults(path, key_lines(text), document, faults), _HINT)
    return variants


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode().replace("\r\n", "\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", "name a recipe file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a text file", "name a recipe in TOML, in UTF-8") from error


def _variants(document: dict[str, Any], source: LatentSource, faults: list[Fault]) -> Iterator[Variant]:
    faults += [Fault((key,), "unknown key; a recipe holds [[edit]] tables") for key in document if key != "edit"]
    tables = document.get("edit")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        faults.append(Fault(("edit",), "a recipe needs at least one [[edit]] table"))
        return
    taken: set[str] = set()
    for index, table in enumerate(tables):
        try:
            name = _name(table, ("edit", index), taken)
            keys = {key: value for key, value in table.items() if key != "name"}
            yield from _name_steps(name, expand(keys, ("edit", index), source))
        except RecipeFaults as found:
            faults += found.faults


def _name(table: dict[str, Any], place: Place, taken: set[str]) -> str:
    """The edit's name, different from the others' even where file systems ignore case."""
    name = table.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RecipeFaults(Fault((*place, "name"), "an edit needs a name of letters, digits and _"))
    if name.casefold() in taken:
        raise RecipeFaults(Fault((*place, "name"), f"another edit is called {name}"))
    taken.add(name.casefold())
    return name


def _name_steps(name: str, steps: Sequence[Step]) -> Iterator[Variant]:
    digits = len(str(len(steps) - 1))
    for number, step in enumerate(steps):
        numbered = name if len(steps) == 1 else f"{name}_{number:0{digits}d}"
        label = " ".join([name, *map(_short, step.swept.values())])
        yield Variant(numbered, name, label, step.parameters, _digest(step), step.apply, step.change)


def _short(value: str | float) -> str:
    return Path(value).stem if isinstance(value, str) else f"{value:.3g}"


def _digest(step: Step) -> str:
    state = hashlib.sha256(json.dumps(step.parameters, sort_keys=True).encode())
    for array in step.arrays:
        state.update(array.tobytes())
    state.update("".join(step.deltas).encode())
    return state.hexdigest()


def _list_faults(path: Path, lines: dict[Place, int], document: dict[str, Any], faults: Sequence[Fault]) -> str:
    listed = [
        f"{path}:{line_of(lines, document, fault.place)}: {'.'.join(_keys(fault.place))}: {fault.message}"
        for fault in faults[:_SHOWN]
    ]
    return "\n".join([*listed, f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else listed)


def _keys(place: Place) -> list[str]:
    return [part for part in place if isinstance(part, str)]
