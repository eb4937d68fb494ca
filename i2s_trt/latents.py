"""The latent file: an embedding with everything needed to use and to reproduce it."""

import hashlib
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, ZipInfo

import numpy as np

from i2s_trt.archives import opened_archive, read_entry
from i2s_trt.arrays import Array, WPlus
from i2s_trt.errors import CheckpointError, LatentError
from i2s_trt.files import write_bytes

if TYPE_CHECKING:
    import torch

    from i2s_trt.models.generator import Generator

_FORMAT = 1
LARGEST = 1e4  # of a value; those of StyleGAN's latents stay within some tens
_ARRAY_NAMES = ("w", "dlatents", "w_plus")  # in an .npz
_PLAIN_ARRAY = "save a plain float array: numpy.save('latent.npy', array.astype('float32'))"
PLAIN_TENSOR = "save the tensor alone: torch.save(latents.cpu(), file)"


@dataclass(frozen=True)
class Latent:
    """One point of W+.

    Attributes:
        w_plus: float32 [L, D]; [1, D] for a w read from a foreign file, until `for_model` repeats it.
        model_digest: of the model it belongs to; empty when the file does not say.
        image_digest: of the fitted picture it was made from; empty when unknown.
        distance: ||w* - w-bar|| over all of W+ (the paper's section 5.1), nan when unknown.
        losses: final value of each loss term, by name.
        curve: float32 [steps, terms], the terms in the order of `curve_terms`.
        options: the settings that made it, as JSON values.
        extra: anything else worth keeping: times, features used, and `alignment` (`photographs.record`), the way back
            into the photograph.
        status: `finished`, or why it is not: `interrupted`, `diverged`.
        noise: float32 [H, W], the maps of every convolution, where they were optimised along with it; else none.
    """

    w_plus: WPlus
    model_digest: str = ""
    image_digest: str = ""
    distance: float = float("nan")
    losses: Mapping[str, float] = field(default_factory=dict)
    curve: Array = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    curve_terms: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    status: str = "finished"
    noise: tuple[Array, ...] = ()

    def for_model(self, generator: "Generator", *, any_model: bool = False) -> WPlus:
        """w_plus [L, D] float32 for this generator, a single w repeated for every layer.

        Args:
            generator: the model that is to render the latent.
            any_model: accept a latent that was made with another model.

        Raises:
            LatentError: the shape does not fit, or the latent belongs to another model.
        """
        expected = (generator.num_layers, generator.w_dim)
        if self.w_plus.shape not in (expected, (1, expected[1])):
            raise LatentError(
                f"the latent has shape {list(self.w_plus.shape)}, the model takes {list(expected)}",
                "use the model that the latent was made with (--model)",
            )
        if self.model_digest and generator.digest and self.model_digest != generator.digest and not any_model:
            raise LatentError(
                f"the latent was made with another model ({self.model_digest[:12]}, not {generator.digest[:12]})",
                "name that model with --model, or add --any-model to render it all the same",
            )
        return np.ascontiguousarray(np.broadcast_to(self.w_plus, expected))


def save_latent(path: Path, latent: Latent) -> None:
    """Write a `.safetensors` latent file, atomically. Raises EnvironmentFault for a full disk."""
    from safetensors.numpy import save

    document = {
        "model_digest": latent.model_digest,
        "image_digest": latent.image_digest,
        "distance": _or_none(latent.distance),
        "losses": {term: _or_none(value) for term, value in latent.losses.items()},
        "curve_terms": list(latent.curve_terms),
        "options": dict(latent.options),
        "extra": dict(latent.extra),
        "status": latent.status,
    }
    arrays = {"w_plus": latent.w_plus, "curve": latent.curve}
    arrays |= {f"noise.{index}": map_ for index, map_ in enumerate(latent.noise)}
    # safetensors writes memory as it lies: one w repeated for every layer would come back in another order
    tensors = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
    metadata = {"format": "i2s-trt latent", "version": str(_FORMAT), "latent": json.dumps(document)}
    write_bytes(path, save(tensors, metadata))


def read_latent(path: Path) -> Latent:
    """The one latent in a file. Raises LatentError as `read_latents` does, or if there are several."""
    latents = read_latents(path)
    if len(latents) != 1:
        raise LatentError(f"{path} holds {len(latents)} latents where one is needed", "save one of them in a file")
    return latents[0]


def read_latents(path: Path) -> list[Latent]:
    """All latents in a file of any known format.

    Our own `.safetensors`; `.npy` of shape [L, D], [N, L, D], [1, D] or [D] (stylegan-encoder); `.npz` with `w` or
    `dlatents` (StyleGAN2 projectors); `.pt` holding a tensor (e4e) or `{file: {latent: ...}}` (rosinality).

    Raises:
        LatentError: missing, damaged, not a latent, or a file that would have to be executed.
    """
    readers = {".safetensors": _read_own, ".npy": _read_npy, ".npz": _read_npz, ".pt": _read_torch, ".pth": _read_torch}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise LatentError(f"{path} is not a latent file", f"latents end in {', '.join(readers)}")
    with reading(path, "" if reader is _read_npz else PLAIN_TENSOR):
        return reader(path)


@contextmanager
def reading(path: Path, hint: str = "") -> Iterator[None]:
    """Whatever goes wrong with a file of latents, as a LatentError; `hint` is for those that were made to harm."""
    try:
        yield
    except LatentError:
        raise
    except CheckpointError as error:
        raise LatentError(f"{path}: {error.args[0]}", hint or error.hint) from error
    except IsADirectoryError as error:
        raise LatentError(f"{path} is a folder, not a latent file", "name the files in it") from error
    except OSError as error:
        raise LatentError(f"{path} cannot be read: {error.strerror or error}", "check the name") from error
    except Exception as error:  # a damaged file can raise anything
        raise LatentError(
            f"{path} is damaged ({' '.join(str(error).split())[:200]})", "make the latent again"
        ) from error


def fitting_latents(path: Path, generator: "Generator", *, any_model: bool = False) -> list[WPlus]:
    """All latents of a file as w_plus [L, D] for this generator.

    Raises:
        LatentError: as `read_latents` and `Latent.for_model` do, with the file's name.
    """
    return fit_latents(read_latents(path), path, generator, any_model=any_model)


def fit_latents(
    latents: Sequence[Latent], path: Path, generator: "Generator", *, any_model: bool = False
) -> list[WPlus]:
    """Latents of a file as w_plus [L, D] for this generator. Raises LatentError with the file's name."""
    try:
        return [latent.for_model(generator, any_model=any_model) for latent in latents]
    except LatentError as error:
        raise LatentError(f"{path}: {error.args[0]}", error.hint) from error


def latent_digest(w_plus: WPlus) -> str:
    """sha256 of the values of w_plus [L, D], as float32."""
    return hashlib.sha256(np.ascontiguousarray(w_plus, np.float32).tobytes()).hexdigest()


def _read_own(path: Path) -> list[Latent]:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dictionary
    if metadata.get("format") != "i2s-trt latent" or "w_plus" not in tensors:
        raise LatentError(f"{path} is a safetensors file, but not a latent", "name a file that i2s-trt embed wrote")
    if metadata.get("version") != str(_FORMAT):
        raise LatentError(
            f"{path} was written by another version of i2s-trt (format {metadata.get('version')})",
            "use that version, or make the latent again",
        )
    document = json.loads(metadata["latent"])
    latent = _check(tensors["w_plus"], path)[0]
    document["curve_terms"] = tuple(document["curve_terms"])
    document["distance"] = _or_nan(document["distance"])
    document["losses"] = {term: _or_nan(value) for term, value in document["losses"].items()}
    noise = tuple(tensors[f"noise.{index}"] for index in range(sum(name.startswith("noise.") for name in tensors)))
    return [replace(latent, curve=tensors["curve"], noise=noise, **document)]


def _read_npy(path: Path) -> list[Latent]:
    with _no_objects(path):
        array = np.load(path, allow_pickle=False)
    return _check(array, path)


def _read_npz(path: Path) -> list[Latent]:
    with opened_archive(path) as archive:
        arrays = archive_arrays(archive)
        name = next((name for name in _ARRAY_NAMES if name in arrays), None)
        if name is None:
            raise LatentError(f"{path} has no array named w or dlatents, only {', '.join(arrays)}", _PLAIN_ARRAY)
        return _check(read_array(archive, arrays[name], path), path)


def archive_arrays(archive: ZipFile) -> dict[str, ZipInfo]:
    """The arrays of an `.npz` by name."""
    return {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}


def read_array(archive: ZipFile, entry: ZipInfo, path: Path) -> Array:
    """An array of an `.npz`. Raises LatentError for one that would have to be executed, and as NumPy does."""
    data = read_entry(archive, entry)
    with _no_objects(path):
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))


@contextmanager
def _no_objects(path: Path) -> Iterator[None]:
    """NumPy's refusal to unpickle, in our words."""
    try:
        yield
    except ValueError as error:
        if "pickle" not in str(error):
            raise
        raise LatentError(f"{path} holds pickled objects: reading it could run code", _PLAIN_ARRAY) from error


def _read_torch(path: Path) -> list[Latent]:
    import torch

    from i2s_trt.checkpoints.torch_file import read_torch_file

    tree = read_torch_file(path)
    entries = [tree] if isinstance(tree, torch.Tensor) else []
    if isinstance(tree, dict):
        entries = [entry["latent"] for entry in tree.values() if isinstance(entry, dict) and "latent" in entry]
    if not entries:
        raise LatentError(f"{path} holds no latents", PLAIN_TENSOR)
    return [latent for entry in entries for latent in _check(_array(entry), path)]


def _array(tensor: "torch.Tensor") -> Array:
    """The tensor as a NumPy array; bfloat16, which NumPy lacks, as float32."""
    return (tensor.detach().float() if tensor.is_floating_point() else tensor.detach()).numpy()


def _check(array: Array, path: Path) -> list[Latent]:
    if array.dtype.kind != "f" or not 1 <= array.ndim <= 3 or 0 in array.shape:
        raise LatentError(f"{path} holds {array.dtype} {list(array.shape)}, not latents [N, L, D]", _PLAIN_ARRAY)
    with np.errstate(over="ignore"):
        stack = array.reshape((1,) * (3 - array.ndim) + array.shape).astype(np.float32)
    refuse_absurd(stack, f"{path} holds", "make the latent again")
    return [Latent(np.ascontiguousarray(w_plus)) for w_plus in stack]


def refuse_absurd(w_plus: WPlus, what: str, hint: str) -> None:
    """Refuse values [..., D] that no latent has, from which a network draws but white; `what` begins the message.

    Raises:
        LatentError: a value is not finite, or beyond `LARGEST` in magnitude.
    """
    if not np.isfinite(w_plus).all():
        raise LatentError(f"{what} values that are not finite", hint)
    largest = float(np.abs(w_plus).max(initial=0.0))
    if largest > LARGEST:
        raise LatentError(f"{what} values of up to {largest:.2g}, where latents stay below {LARGEST:g}", hint)


def _or_none(value: float) -> float | None:
    """JSON has no nan."""
    return value if math.isfinite(value) else None


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
