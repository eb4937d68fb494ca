"""The model store: a folder a model, with `model.safetensors` and `model.json`."""

import json
import os
import re
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import safetensors
import safetensors.torch

from i2s_trt.checkpoints.catalogue import (
    DEMO,
    DESCRIPTION,
    FORMAT,
    ModelInfo,
    find_folder,
    is_name,
    models_folder,
    read_info,
    unknown_model,
)
from i2s_trt.checkpoints.encoders import TrainedEncoder, bundled_encoder, own_encoder_path, save_encoder
from i2s_trt.checkpoints.faces import draws_faces
from i2s_trt.checkpoints.read import Checkpoint, Span, read_checkpoint
from i2s_trt.errors import ModelError
from i2s_trt.files import guard_os_errors, make_folder, write_bytes
from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.random_weights import random_weights, standard_spec, stylegan2_spec

_RANDOM = re.compile(r"random-(\d+)(-sg2)?(?:-seed(\d+))?")
_RESOLUTIONS = (8, 16, 32, 64, 128, 256, 512, 1024)
_STYLEGAN2_RESOLUTIONS = (4, *_RESOLUTIONS, 2048)


def import_model(
    path: Path,
    name: str,
    *,
    crop: Span = None,
    crop_columns: Span = None,
    licence: str = "",
    overwrite: bool = False,
) -> ModelInfo:
    """Read a checkpoint of any supported kind into the store, with the encoder that came with it.

    Raises:
        CheckpointError: the file is not a StyleGAN1 or StyleGAN2 generator.
        ModelError: the name is taken or malformed.
        EnvironmentFault: the store cannot be written.
    """
    folder = _folder_for(name, overwrite)
    checkpoint = read_checkpoint(path, crop, crop_columns)
    Generator.from_weights(checkpoint.weights)  # a model that cannot be built is not stored
    info = _describe(checkpoint, name, licence)
    save_model(folder, info, checkpoint.weights, bundled_encoder(checkpoint))
    return info


def save_model(folder: Path, info: ModelInfo, weights: GeneratorWeights, encoder: TrainedEncoder | None = None) -> None:
    """Write a model folder beside the place it belongs to, and move it there when it is whole.

    Args:
        folder: of the model.
        info, weights: what and how it is.
        encoder: that came with it.

    Raises:
        EnvironmentFault: the folder cannot be written; an older model of that name is as it was.
    """
    metadata = {"format": "i2s-trt", "digest": info.digest}
    document = {"format": FORMAT, **asdict(info), "spec": info.spec.to_json()}
    staging = make_folder(folder.parent / f".{folder.name}.{os.getpid()}.new")
    try:
        write_bytes(staging / "model.safetensors", safetensors.torch.save(dict(weights.tensors), metadata))
        if encoder is not None:
            save_encoder(own_encoder_path(staging), encoder)
        write_bytes(staging / DESCRIPTION, json.dumps(document, indent=2).encode())
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
        model: a name in the store, `demo`, `random-RESOLUTION[-sg2][-seedN]`, a model folder, or a checkpoint file.

    Raises:
        ModelError: nothing of that name, or damaged weights.
        CheckpointError: the file is not a StyleGAN1 or StyleGAN2 generator.
    """
    generator = Generator.from_weights(load_weights(model))
    generator.draws_faces = draws_faces(str(model))
    folder, path = find_folder(model), Path(model)
    generator.origin = folder or (path if path.is_file() else None)
    return generator


def load_weights(model: str | Path = DEMO) -> GeneratorWeights:
    """The canonical weights of a model; arguments and errors as for `load_generator`."""
    folder, path = find_folder(model), Path(model)
    if folder is not None:
        return _read_folder(folder)
    if path.is_file():
        return read_checkpoint(path).weights
    if match := _RANDOM.fullmatch(str(model)):
        return _random_model(int(match[1]), stylegan2=bool(match[2]), seed=int(match[3] or 0))
    raise unknown_model(str(model))


def _random_model(resolution: int, *, stylegan2: bool, seed: int) -> GeneratorWeights:
    known = _STYLEGAN2_RESOLUTIONS if stylegan2 else _RESOLUTIONS
    if resolution not in known:
        sizes = ", ".join(map(str, known))
        raise ModelError(f"there is no random model of {resolution} pixels", f"choose a resolution of {sizes}")
    return random_weights((stylegan2_spec if stylegan2 else standard_spec)(resolution), seed)


def identify(path: Path) -> ModelInfo:
    """What a checkpoint file holds. Raises CheckpointError for a file that is none, or another network's."""
    return _describe(read_checkpoint(path), path.stem, "")


def model_info(model: str) -> ModelInfo:
    """What is known about a model; arguments and errors as for `load_generator`."""
    folder = find_folder(model)
    if folder is not None:
        return read_info(folder)
    if Path(model).is_file():
        return identify(Path(model))
    weights = load_weights(model)
    return ModelInfo(model, weights.spec, weights.digest(), "random weights, drawn from a seed", licence="CC0-1.0")


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
    if not is_name(name) or name == DEMO or _RANDOM.fullmatch(name):
        raise ModelError(f"{name!r} cannot name a model", "use letters, digits, '.', '_' and '-', and no built-in name")
    folder = models_folder() / name
    if (folder / DESCRIPTION).exists() and not overwrite:
        raise ModelError(f"a model named {name} is already in the store", "choose another --name, or add --overwrite")
    return folder


def _read_folder(folder: Path) -> GeneratorWeights:
    info = read_info(folder)
    path = folder / "model.safetensors"
    try:
        tensors = safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelError(f"{path} is missing or damaged ({error})", "import the model again") from error
    weights = GeneratorWeights(info.spec, tensors)
    if weights.digest() != info.digest:
        raise ModelError(f"{path} is not what model.json describes: the digests differ", "import the model again")
    return weights
