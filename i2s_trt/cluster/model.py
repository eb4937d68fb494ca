"""A model on its way to a worker: from the worker's own store by digest, or from the driver where it is not there."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from i2s_trt.checkpoints.catalogue import ModelInfo, find_folder, is_name, read_info, stored_folders
from i2s_trt.checkpoints.encoders import load_encoder
from i2s_trt.checkpoints.store import load_generator, load_weights, model_info, save_model
from i2s_trt.errors import EnvironmentFault, ModelError
from i2s_trt.files import guard_os_errors, home, make_folder
from i2s_trt.models.generator import GeneratorWeights


@dataclass(frozen=True)
class ModelParcel:
    """A model, wherever it is.

    Attributes:
        name: as it was typed where the driver runs.
        info: what is known about it; its digest says which one it is.
        weights: the references to its bytes, and to its encoder if that is needed, in Ray's object store; within a
            tuple, so that they are fetched on demand.
        encoder: digest of the encoder that is needed; empty where none is.
    """

    name: str
    info: ModelInfo
    weights: tuple[Any, ...] = field(default=(), repr=False)
    encoder: str = ""


def pack_model(name: str, *, with_encoder: bool = False) -> ModelParcel:
    """Put a model into the object store of the cluster, with the encoder that embeddings with it start from.

    Raises:
        ModelError: there is no such model, or it has no encoder.
    """
    import ray
    import safetensors.torch

    weights = load_weights(name)
    packed = ModelParcel(name, model_info(name), (ray.put(safetensors.torch.save(dict(weights.tensors))),))
    if not with_encoder:
        return packed
    encoder = load_encoder(load_generator(name))
    return replace(packed, weights=(*packed.weights, ray.put(replace(encoder, render=None))), encoder=encoder.digest)


def unpack_model(parcel: ModelParcel) -> str:
    """A model on this machine: a name or a path for `load_generator`.

    It is the one of this digest in the store, with the encoder that is needed; where there is none it is fetched, and
    kept for the next time. It draws samples with the driver's truncation too, which a StyleGAN2's digest does not tell.

    Raises:
        ModelError: the store has another model of this name, or what was fetched is damaged.
    """
    wanted = parcel.info.digest
    for folder in _known(parcel):
        found = read_info(folder)
        if found.digest == wanted and found.spec == parcel.info.spec and _has_encoder(folder, parcel.encoder):
            return str(folder)
    other = find_folder(parcel.name) if is_name(parcel.name) else None
    if other and read_info(other).digest != wanted:
        raise ModelError(
            f"its model {parcel.name} is {read_info(other).digest[:12]}, and the driver's is {wanted[:12]}",
            "import the same file there, or under another name",
        )
    return str(_fetch(parcel))


def _has_encoder(folder: Path, digest: str) -> bool:
    """Whether embeddings with a model of this machine start from an encoder of that digest, if one is needed."""
    try:
        return not digest or load_encoder(load_generator(folder)).digest == digest
    except ModelError:
        return False


def _known(parcel: ModelParcel) -> Iterator[Path]:
    named = find_folder(parcel.name) if is_name(parcel.name) else None
    fetched = find_folder(_fetched(parcel))
    yield from filter(None, [named, fetched, *stored_folders()])


def _fetched(parcel: ModelParcel) -> Path:
    spec = parcel.info.spec
    truncation = f"-{spec.truncation_psi:g}-{spec.truncation_cutoff}" if spec.is_stylegan2 else ""
    encoder = f"-encoder-{parcel.encoder[:16]}" if parcel.encoder else ""
    return home() / "fetched" / f"{parcel.info.digest[:32]}{truncation}{encoder}"


def _fetch(parcel: ModelParcel) -> Path:
    """Bring a model into a folder of its own; of several workers on a machine one does, and the others wait."""
    import ray
    import safetensors.torch
    from filelock import FileLock

    folder = _fetched(parcel)
    make_folder(folder.parent)
    with guard_os_errors(folder), FileLock(folder.with_suffix(".lock")):
        if find_folder(folder):
            return folder
        weights = GeneratorWeights(parcel.info.spec, safetensors.torch.load(bytes(ray.get(parcel.weights[0]))))
        if weights.digest() != parcel.info.digest:
            raise EnvironmentFault("the model was damaged on its way", "run the same command again with --resume")
        save_model(folder, parcel.info, weights, ray.get(parcel.weights[1]) if parcel.encoder else None)
    return folder
