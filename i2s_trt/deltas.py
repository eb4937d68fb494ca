"""What one picture changes in a model: differences of some of its tensors, in a file beside the picture's latent."""

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from i2s_trt.arrays import Array, WPlus
from i2s_trt.errors import LatentError
from i2s_trt.files import guard_os_errors, write_bytes
from i2s_trt.latents import latent_digest

if TYPE_CHECKING:
    from i2s_trt.models.generator import Generator

SUFFIX = ".delta.safetensors"
_FORMAT, _VERSION = "i2s-trt delta", "1"
_SCALE, _STEPS = ".scale", 127
_AGAIN = "tune the picture again (i2s-trt embed --tune), or delete the file to render with the model as it is"


@dataclass(frozen=True)
class Delta:
    """Differences from a model's tensors.

    Attributes:
        model_digest: of the model that they belong to.
        latent_digest: of the w_plus that they were made around; empty for a mixture of several.
        tensors: float32, by the name in the generator's state, such as `synthesis.layers.8.weight`.
        record: what made it, as JSON values.
    """

    model_digest: str
    latent_digest: str
    tensors: Mapping[str, Array]
    record: Mapping[str, Any] = field(default_factory=dict)

    def digest(self) -> str:
        """sha256 of the tensors: the same for the same change."""
        state = hashlib.sha256()
        for name, array in sorted(self.tensors.items()):
            state.update(f"{name} {array.shape}".encode())
            state.update(np.ascontiguousarray(array, np.float32).tobytes())
        return state.hexdigest()


class TunedLatent(NamedTuple):
    """A latent w_plus float32 [L, D], and what it changes in the model; None for nothing."""

    w_plus: WPlus
    delta: Delta | None = None


def delta_path(latent: Path) -> Path:
    """Where the delta of a latent file lies: `ann.delta.safetensors` beside `ann.safetensors`."""
    return latent.with_name(latent.stem + SUFFIX)


def is_delta(path: Path) -> bool:
    """Whether a file's name is a delta's."""
    return path.name.lower().endswith(SUFFIX)


def remove_delta(latent: Path) -> None:
    """Remove the delta of a latent file that is written anew without one. Raises EnvironmentFault."""
    path = delta_path(latent)
    with guard_os_errors(path):
        path.unlink(missing_ok=True)


def save_delta(path: Path, delta: Delta) -> None:
    """Write a delta's file, atomically: 8 bits a number. Raises EnvironmentFault for a full disk."""
    from safetensors.numpy import save

    document = {
        "model_digest": delta.model_digest, "latent_digest": delta.latent_digest, "record": dict(delta.record)
    }  # fmt: skip
    steps, scales = zip(*map(_in_steps, delta.tensors.values()), strict=True) if delta.tensors else ((), ())
    tensors = dict(zip(delta.tensors, steps, strict=True))
    tensors |= {name + _SCALE: scale for name, scale in zip(delta.tensors, scales, strict=True)}
    write_bytes(path, save(tensors, {"format": _FORMAT, "version": _VERSION, "delta": json.dumps(document)}))


def read_delta(path: Path) -> Delta:
    """The delta in a file. Raises LatentError: missing, damaged, or something else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dictionary
        if metadata.get("format") != _FORMAT:
            raise LatentError(f"{path} is a safetensors file, but no delta", "name a file that embed --tune wrote")
        if metadata.get("version") != _VERSION:
            raise LatentError(f"{path} was written by another version of i2s-trt", _AGAIN)
        document = json.loads(metadata["delta"])
        whole = {
            name: steps.astype(np.float32) * _along(tensors[name + _SCALE], steps)
            for name, steps in tensors.items()
            if not name.endswith(_SCALE)
        }
        found = Delta(str(document["model_digest"]), str(document["latent_digest"]), whole, dict(document["record"]))
    except OSError as error:
        raise LatentError(f"{path} cannot be read: {error.strerror or error}", "check the name") from error
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise LatentError(f"{path} is damaged ({' '.join(str(error).split())[:200]})", _AGAIN) from error
    for name, array in whole.items():
        if not np.isfinite(array).all():
            raise LatentError(f"{path} is damaged ({name} holds values that are not finite)", _AGAIN)
    return found


def rounded(array: Array) -> Array:
    """Differences as a file holds them, float32; rounding them again changes nothing."""
    steps, scale = _in_steps(array)
    return steps.astype(np.float32) * _along(scale, steps)


def kept(delta: Delta, w_plus: WPlus) -> Delta:
    """A delta as the file beside a latent [L, D] will give it."""
    tensors = {name: rounded(array) for name, array in delta.tensors.items()}
    return replace(delta, latent_digest=latent_digest(w_plus), tensors=tensors)


def _in_steps(array: Array) -> tuple[Array, Array]:
    """int8 steps, and their size for each of the first axis's rows, float32."""
    rows = np.asarray(array, np.float32)
    largest = np.abs(rows).max(axis=tuple(range(1, rows.ndim))) if rows.size else np.zeros(len(rows), np.float32)
    scale = (np.where(largest > 0, largest, 1.0) / _STEPS).astype(np.float32)
    return np.rint(rows / _along(scale, rows)).astype(np.int8), scale


def _along(scale: Array, like: Array) -> Array:
    """[C] shaped to broadcast over [C, ...]."""
    return scale.reshape(-1, *(1,) * (like.ndim - 1))


def delta_of(latent: Path, w_plus: WPlus, model_digest: str) -> Delta | None:
    """The delta that lies beside a latent file; None where there is none.

    Raises:
        LatentError: it is damaged, or of another latent or model.
    """
    path = delta_path(latent)
    if is_delta(latent) or not _is_there(path):
        return None
    found = read_delta(path)
    if found.model_digest != model_digest:
        raise LatentError(
            f"{path} was made for another model ({found.model_digest[:12]}, not {model_digest[:12]})", _AGAIN
        )
    if found.latent_digest != latent_digest(w_plus):
        raise LatentError(f"{path} was made around another latent than {latent.name}", _AGAIN)
    return found


def noise_delta(noise: Sequence[Array], stored: Sequence[Array], model_digest: str) -> Delta | None:
    """Noise maps [H, W] of a latent as what they change in the model, one a convolution; None for none.

    Raises:
        LatentError: they do not have the sizes of the model's own, `stored`.
    """
    if not noise:
        return None
    if [map_.shape for map_ in noise] != [own.shape for own in stored]:
        raise LatentError(
            f"the latent has {len(noise)} noise maps that do not fit the model's {len(stored)}",
            "use the model that the latent was made with (--model)",
        )
    changes = (map_[None, None] - own[None, None] for map_, own in zip(noise, stored, strict=True))
    return Delta(model_digest, "", {noise_name(index): change for index, change in enumerate(changes)})


def noise_name(index: int) -> str:
    """The noise of a convolution by its name in the generator's state."""
    return f"synthesis.layers.{index}.noise"


def _is_there(path: Path) -> bool:
    with suppress(OSError):  # the name may be too long for a file
        return path.is_file()
    return False


def mixed(parts: Sequence[tuple[Delta | None, float]]) -> Delta | None:
    """The weighted sum of deltas of one model, float32, where None changes nothing; None if nothing is left.

    A morph between two tuned latents goes through models as it goes through W+, in a straight line.
    """
    kept = [(delta, weight) for delta, weight in parts if delta is not None and weight]
    if not kept:
        return None
    if len(kept) == 1 and kept[0][1] == 1:
        return kept[0][0]
    tensors: dict[str, Array] = {}
    for delta, weight in kept:
        for name, array in delta.tensors.items():
            tensors[name] = tensors.get(name, 0) + np.float32(weight) * array.astype(np.float32)
    return Delta(kept[0][0].model_digest, "", tensors)


def check_delta(delta: Delta, generator: "Generator") -> None:
    """Raise LatentError unless each of a delta's tensors is one of the model's, in shape too."""
    state = generator.state_dict()
    for name, array in delta.tensors.items():
        if name not in state or tuple(state[name].shape) != array.shape:
            raise LatentError(f"the delta's {name} {list(array.shape)} is no tensor of this model", _AGAIN)


def changed(generator: "Generator", delta: Delta) -> "Generator":
    """A generator with a delta's differences added; the given one stays as it is, and shares what does not change.

    Raises:
        LatentError: a tensor is none of this model's, or has another shape.
    """
    import torch

    check_delta(delta, generator)
    other = copy.copy(generator)
    other._modules = dict(generator._modules)
    other.synthesis = copy.deepcopy(generator.synthesis)
    with torch.no_grad():
        own = other.state_dict()
        for name, array in delta.tensors.items():
            own[name].add_(torch.from_numpy(array.astype(np.float32)).to(own[name]))
            energy = name.removesuffix("weight") + "energy"  # a StyleGAN2's, of the weights
            if name.endswith(".weight") and energy in own:
                own[energy].copy_(own[name].float().square().sum(dim=(2, 3)))
    return other
