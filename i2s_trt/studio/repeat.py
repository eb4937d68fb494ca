"""An edit as a recipe and a command line, which make the same picture from the shelf's files, bit for bit."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from i2s_trt.studio.edits import Editor, base_name
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.protocol import Edit, RandomBase, RepeatAnswer

RECIPE = "edit.toml"


def repeat(edit: Edit, editor: Editor, model: StudioModel) -> RepeatAnswer:
    """Recipe and command; the recipe belongs into the shelf's folder as `edit.toml`. Raises as `Editor.w_plus` does."""
    return RepeatAnswer(recipe=recipe_of(edit, editor), command=command_of(edit, editor, model))


def recipe_of(edit: Edit, editor: Editor) -> str:
    """The recipe in TOML, with one edit named `edit`. Raises as `Editor.w_plus` does."""
    editor.w_plus(edit)  # what cannot be made is no recipe
    steps = [operation.keys for operation in editor.operations(edit)]
    lines = ["# made by i2s-trt studio; file names are seen from the folder of its shelf", "[[edit]]", 'name = "edit"']
    if not steps:
        return "\n".join([*lines, 'operation = "identity"', ""])
    lines.append('operation = "chain"')
    for keys in steps:
        lines += ["[[edit.steps]]", *_lines(keys)]
    return "\n".join([*lines, ""])


def command_of(edit: Edit, editor: Editor, model: StudioModel) -> str:
    """The command, to be run in the shelf's folder; it writes `edited/BASE-edit.png`. Raises as `Editor.tuned` does."""
    base = edit.base
    source = ["--seeds", str(base.seed)] if isinstance(base, RandomBase) else [f"{base_name(edit)}.safetensors"]
    settings = ["--model", model.name, "--engine", model.engine_of(editor.tuned(edit)), "--device", model.device]
    precision = [] if model.precision == "auto" else ["--precision", model.precision]
    return shlex.join(["i2s-trt", "edit", RECIPE, *source, "-o", "edited", *settings, *precision])


def _lines(keys: Mapping[str, Any]) -> list[str]:
    """`key = value`; strings, numbers and lists of integers look in TOML as they do in JSON."""
    return [f"{key} = {json.dumps(float(value) if isinstance(value, float) else value)}" for key, value in keys.items()]
