"""The model store: a folder a model, with `model.safetensors` and `model.json`."""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch

from i2s_trt.checkpoints.read import Checkpoint, read_checkpoint
from i2s_trt.errors import ModelError
from i2s_trt.files import guard_os_errors, home, make_folder, write_bytes
from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.spec import GeneratorSpec

DEMO = "demo"
_FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RANDOM = re.compile(r"random-(\d+)(?:-seed(\d+))?")
_RESOLUTIONS = (8, 16, 32, 64, 128, 256, 512, 1024)
_DEMO_CHANNELS, _DEMO_WIDTH = 96, 128


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


def import_model(
    path: Path, name: str, *, crop: tuple[int, int] | None = None, licence: str = "", overwrite: bool = False
) -> ModelInfo:
    """Read a checkpoint of any supported kind into the store.

    Raises:
        CheckpointError: the file is not a StyleGAN1 generator.
        ModelError: the name is taken or malformed.
        EnvironmentFault: the store cannot be written.
    """
    folder = _folder_for(name, overwrite)
    checkpoint = read_checkpoint(path, crop)
    Generator.from_weights(checkpoint.weights)  # a model that cannot be built is not stored
    info = _describe(checkpoint, name, licence)
    save_model(folder, info, checkpoint.weights)
    return info


def save_model(folder: Path, info: ModelInfo, weights: GeneratorWeights) -> None:
    """Write a model folder beside the place it belongs to, and move it there when it is whole.

    Raises:
        EnvironmentFault: the folder cannot be written; an older model of that name is as it was.
    """
    metadata = {"format": "i2s-trt", "digest": info.digest}
    document = {"format": _FORMAT, **asdict(info), "spec": info.spec.to_json()}
    staging = make_folder(folder.parent / f".{folder.name}.{os.getpid()}.new")
    try:
        write_bytes(staging / "model.safetensors", safetensors.torch.save(dict(weights.tensors), metadata))
        write_bytes(staging / "model.json", json.dumps(document, indent=2).encode())
        with guard_os_errors(folder):
            _replace_folder(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _replace_folder(new: Path, folder: Path) -> None:
    if not folder.exists():
        new.rename(folder)
        return
    old = new.with_suffix(".old")
    folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_generator(model: str | Path = DEMO) -> Generator:
    """A generator by name or path, frozen, in float32 on the CPU.

    Args:
        model: a name in the store, `demo`, `random-RESOLUTION[-seedN]`, a model folder, or a checkpoint file.

    Raises:
        ModelError: nothing of that name, or damaged weights.
        CheckpointError: the file is not a StyleGAN1 generator.
    """
    return Generator.from_weights(load_weights(model))


def load_weights(model: str | Path = DEMO) -> GeneratorWeights:
    """The canonical weights of a model; arguments and errors as for `load_generator`."""
    text = str(model)
    path = Path(model)
    if (path / "model.json").is_file():
        return _read_folder(path)
    if path.is_file():
        return read_checkpoint(path).weights
    if _NAME.fullmatch(text) and (models_folder() / text / "model.json").is_file():
        return _read_folder(models_folder() / text)
    if text == DEMO:
        return random_weights(standard_spec(64, _DEMO_CHANNELS, _DEMO_WIDTH), seed=0)
    if match := _RANDOM.fullmatch(text):
        return _random_model(int(match[1]), seed=int(match[2] or 0))
    raise _unknown(text)


def _random_model(resolution: int, seed: int) -> GeneratorWeights:
    if resolution not in _RESOLUTIONS:
        sizes = ", ".join(map(str, _RESOLUTIONS))
        raise ModelError(f"there is no random model of {resolution} pixels", f"choose a resolution of {sizes}")
    return random_weights(standard_spec(resolution), seed)


def model_info(model: str) -> ModelInfo:
    """What is known about a model; arguments and errors as for `load_generator`."""
    for folder in (Path(model), models_folder() / model):
        if (folder / "model.json").is_file():
            return _read_info(folder)
    if Path(model).is_file():
        return _describe(read_checkpoint(Path(model)), Path(model).stem, "")
    weights = load_weights(model)
    return ModelInfo(model, weights.spec, weights.digest(), "random weights, drawn from a seed", licence="CC0-1.0")


def list_models(damaged: Callable[[ModelError], None] = lambda _error: None) -> list[ModelInfo]:
    """The models in the store, by name; the built-in ones first. Damaged entries are reported and left out."""
    models = [model_info(DEMO)]
    for folder in _stored():
        try:
            models.append(_read_info(folder))
        except ModelError as error:
            damaged(error)
    return models


def remove_model(name: str) -> None:
    """Delete a model from the store. Raises ModelError for a name that is not in it."""
    if not _NAME.fullmatch(name) or not (models_folder() / name / "model.json").is_file():
        raise _unknown(name)
    with guard_os_errors(models_folder() / name):
        shutil.rmtree(models_folder() / name)


def _stored() -> list[Path]:
    """The folders of the store, by name; those of imports under way begin with a dot."""
    return sorted(path.parent for path in models_folder().glob("[!.]*/model.json"))


def _describe(checkpoint: Checkpoint, name: str, licence: str) -> ModelInfo:
    return ModelInfo(
        name=name,
        spec=checkpoint.weights.spec,
        digest=checkpoint.weights.digest(),
        source=checkpoint.file,
        source_sha256=checkpoint.sha256,
        kind=checkpoint.kind,
        notes=checkpoint.notes,
        licence=licence,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _folder_for(name: str, overwrite: bool) -> Path:
    if not _NAME.fullmatch(name) or name == DEMO or _RANDOM.fullmatch(name):
        raise ModelError(f"{name!r} cannot name a model", "use letters, digits, '.', '_' and '-', and no built-in name")
    folder = models_folder() / name
    if (folder / "model.json").exists() and not overwrite:
        raise ModelError(f"a model named {name} is already in the store", "choose another --name, or add --overwrite")
    return folder


def _read_folder(folder: Path) -> GeneratorWeights:
    info = _read_info(folder)
    path = folder / "model.safetensors"
    try:
        tensors = safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelError(f"{path} is missing or damaged ({error})", "import the model again") from error
    weights = GeneratorWeights(info.spec, tensors)
    if weights.digest() != info.digest:
        raise ModelError(f"{path} is not what model.json describes: the digests differ", "import the model again")
    return weights


def _read_info(folder: Path) -> ModelInfo:
    path = folder / "model.json"
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        if document.pop("format") == _FORMAT:
            document["notes"] = tuple(document["notes"])
            return ModelInfo(**document | {"spec": GeneratorSpec.from_json(document["spec"])})
    except (OSError, AttributeError, KeyError, ModelError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is damaged ({error})", "import the model again") from error
    raise ModelError(f"{path} was written by another version of i2s-trt", "import the model again")


def _unknown(name: str) -> ModelError:
    known = ", ".join([DEMO, *(folder.name for folder in _stored())])
    return ModelError(
        f"no model or file named {name}; known models: {known}",
        "i2s-trt models pull ffhq, or i2s-trt models import FILE --name NAME",
    )
