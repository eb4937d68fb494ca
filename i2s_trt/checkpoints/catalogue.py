"""What models there are: the built-in one, and those of the store. Reads descriptions only, never weights."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2s_trt.errors import ModelError
from i2s_trt.files import home
from i2s_trt.models.spec import GeneratorSpec

DEMO = "demo"
FORMAT = 1
DESCRIPTION = "model.json"
_BUNDLED = Path(__file__).parent.parent / "weights" / DEMO
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class ModelInfo:
    """What `model.json` says about a model.

    Attributes:
        name: in the store.
        spec: architecture.
        digest: of spec and weights (`GeneratorWeights.digest`).
        source: file name or description of where the weights come from.
        source_sha256: of that file; empty when there is none.
        kind: family of the source file.
        notes: what the source lacked and how it was filled.
        licence: text, if known.
        created: ISO 8601 time of import, UTC.
    """

    name: str
    spec: GeneratorSpec
    digest: str
    source: str
    source_sha256: str = ""
    kind: str = "i2s-trt"
    notes: tuple[str, ...] = ()
    licence: str = ""
    created: str = ""


def models_folder() -> Path:
    """Where imported models live."""
    return home() / "models"


def find_folder(model: str | Path) -> Path | None:
    """The folder of a model by path or name; None when it has none."""
    candidates = [Path(model)]
    if is_name(str(model)):
        candidates.append(models_folder() / model)
    if str(model) == DEMO:
        candidates.append(_BUNDLED)
    return next((folder for folder in candidates if (folder / DESCRIPTION).is_file()), None)


def is_name(text: str) -> bool:
    """Whether a text can name a model in the store."""
    return bool(_NAME.fullmatch(text))


def read_info(folder: Path) -> ModelInfo:
    """The description of a model folder. Raises ModelError when it is missing, damaged or of another version."""
    path = folder / DESCRIPTION
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        if document.pop("format") == FORMAT:
            document["notes"] = tuple(document["notes"])
            return ModelInfo(**document | {"spec": GeneratorSpec.from_json(document["spec"])})
    except (OSError, AttributeError, KeyError, ModelError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is damaged ({error})", "import the model again") from error
    raise ModelError(f"{path} was written by another version of i2s-trt", "import the model again")


def list_models(damaged: Callable[[ModelError], None] = lambda _error: None) -> list[ModelInfo]:
    """The models in the store, by name; the built-in one first. Damaged entries are reported and left out."""
    models = [read_info(_BUNDLED)]
    for folder in stored_folders():
        try:
            models.append(read_info(folder))
        except ModelError as error:
            damaged(error)
    return models


def stored_folders() -> list[Path]:
    """The folders of the store, by name; those of imports under way begin with a dot."""
    return sorted(path.parent for path in models_folder().glob(f"[!.]*/{DESCRIPTION}"))


def unknown_model(name: str) -> ModelError:
    """The error for a name that stands for nothing; lists what there is."""
    known = ", ".join([DEMO, *(folder.name for folder in stored_folders())])
    return ModelError(
        f"no model or file named {name}; known models: {known}",
        "i2s-trt models pull ffhq, or i2s-trt models import FILE --name NAME",
    )
