"""One of several vectors in a file, as `FILE:N`: a row of a stack, or one of the components of a model's latents.

Those are GANSpace's as it writes them or as e4e has them, and the eigenvectors of rosinality's factorisation.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile, ZipInfo, is_zipfile

import numpy as np

from i2s_trt.archives import opened_archive
from i2s_trt.arrays import Array, WPlus
from i2s_trt.errors import LatentError
from i2s_trt.latents import PLAIN_TENSOR, archive_arrays, read_array, read_latents, reading, refuse_absurd

if TYPE_CHECKING:
    from torch import Tensor

_NUMBERED = re.compile(r"(?P<file>.+\.(?:npy|npz|pt|pth)):(?P<number>\d{1,6})", re.IGNORECASE | re.DOTALL)
_LATENT, _ACTIVATION = ("lat_comp", "lat_stdev"), ("act_comp", "act_stdev")
_REPEAT = "compute the components again"
_ANALYSE = "let GANSpace analyse the model again, with --use_w"


def split_number(path: Path) -> tuple[Path, int | None]:
    """`FILE:N` -> the file and N; any other name alone."""
    found = _NUMBERED.fullmatch(str(path))
    return (path, None) if found is None else (Path(found["file"]), int(found["number"]))


def is_ganspace(path: Path) -> bool:
    """Whether a file is one of GANSpace's. Raises LatentError for one that was made to harm."""
    if not is_zipfile(path):
        return False
    with reading(path), opened_archive(path) as archive:
        return set(_LATENT) <= set(archive_arrays(archive))


def read_component(path: Path, number: int | None) -> WPlus:
    """A component float32 [L, D] or [1, D] of a file of GANSpace's, as long as one standard deviation along it.

    Where the layer that was analysed gives W itself (`style`, `g_mapping`), components are the layer's; else they are
    those of the latents, which lie in W if GANSpace was run with `--use_w`. Source: GANSpace (Haerkoenen et al. 2020),
    section 3: u = w + V x, and the format of its `decomposition.py`.

    Raises:
        LatentError: no number, one that is too large, or a file that is damaged or not as GANSpace writes it.
    """
    with reading(path), opened_archive(path) as archive:
        entries = archive_arrays(archive)
        components, deviations = _arrays(archive, entries, _LATENT, path)
        _checked_number(path, number, len(components), "components")
        if all(name in entries for name in _ACTIVATION):
            shape = _shape(archive, entries[_ACTIVATION[0]])
            if 2 <= len(shape) <= 3 and shape[-1] == components.shape[-1]:
                components, deviations = _arrays(archive, entries, _ACTIVATION, path)
    return component_of((components, deviations), path, number)


def components_of_torch(path: Path) -> tuple[Array, Array] | None:
    """Components [N, ..., D] and the length of each [N], in a `.pt` file of e4e's or rosinality's; None in another.

    e4e keeps GANSpace's `{comp [N, 1, D], mean, std [N]}`; rosinality `{eigvec [D, N]}`, whose columns have length 1.

    Raises:
        LatentError: missing, damaged, or tensors of these names that are no components.
    """
    if path.suffix.lower() not in (".pt", ".pth"):
        return None
    import torch

    from i2s_trt.checkpoints.torch_file import read_torch_file

    with reading(path, PLAIN_TENSOR):
        tree = read_torch_file(path)
    tensors = {name: tree[name] for name in ("comp", "std", "eigvec") if isinstance(tree, dict) and name in tree}
    if not {"comp", "std"} <= tensors.keys() and "eigvec" not in tensors:
        return None
    if not all(isinstance(one, torch.Tensor) and _is_plain(one) for one in tensors.values()):
        raise LatentError(f"{path} holds no numbers under the names {', '.join(tensors)}", _REPEAT)
    arrays = {name: one.detach().float().numpy() for name, one in tensors.items()}
    components = arrays["comp"] if "eigvec" not in arrays else arrays["eigvec"].T
    lengths = arrays["std"].reshape(-1) if "eigvec" not in arrays else np.ones(len(components), np.float32)
    if components.ndim not in (2, 3) or not components.size or lengths.shape != components.shape[:1]:
        found = ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items())
        raise LatentError(f"{path} holds {found}, which are no components of latents", _REPEAT)
    return components, lengths


def _is_plain(tensor: "Tensor") -> bool:
    """Whether a tensor is an array of numbers, each of which the file holds."""
    dense = str(tensor.layout) == "torch.strided" and tensor.is_floating_point() and not tensor.is_quantized
    return dense and tensor.nbytes <= tensor.untyped_storage().nbytes()


def component_of(found: tuple[Array, Array], path: Path, number: int | None) -> WPlus:
    """A component float32 [L, D] or [1, D] times its length.

    Raises:
        LatentError: no number, one that is too large, or values that no latent has.
    """
    components, lengths = found
    chosen = _checked_number(path, number, len(components), "components")
    vector = np.float64(lengths[chosen]) * components[chosen].astype(np.float64)
    row: WPlus = vector.reshape(-1, components.shape[-1]).astype(np.float32)
    refuse_absurd(row, f"{path}:{number} holds", _REPEAT)
    return row


def read_row(path: Path, number: int | None) -> WPlus:
    """A latent of several in a file [N, L, D], or a row of one that is alone [N, D]: float32 [L, D] or [1, D].

    Raises:
        LatentError: as `read_latents` does, no number, or one that is too large.
    """
    found = read_latents(path)
    rows = [latent.w_plus for latent in found] if len(found) > 1 else list(found[0].w_plus[:, None])
    return rows[_checked_number(path, number, len(rows), "vectors")]


def _arrays(archive: ZipFile, entries: dict[str, ZipInfo], names: tuple[str, str], path: Path) -> tuple[Array, Array]:
    """Components [N, ..., D] and their standard deviations [N]. Raises LatentError for what is none."""
    components, deviations = (read_array(archive, entries[name], path) for name in names)
    numbers = components.dtype.kind == deviations.dtype.kind == "f"
    if not numbers or components.ndim not in (2, 3) or not components.size or deviations.shape != components.shape[:1]:
        what = f"{names[0]} {list(components.shape)} and {names[1]} {list(deviations.shape)}"
        raise LatentError(f"{path} holds {what}, which are no components of latents", _ANALYSE)
    return components, deviations


def _shape(archive: ZipFile, entry: ZipInfo) -> tuple[int, ...]:
    """An array's shape, of which nothing more is inflated."""
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return tuple(read(stream)[0])


def _checked_number(path: Path, number: int | None, count: int, what: str) -> int:
    if number is None or number >= count:
        said = f"holds {count} {what}" + ("" if number is None else f", and none of number {number}")
        raise LatentError(f"{path} {said}", f"name one of them: {path.name}:0 to {path.name}:{count - 1}")
    return number
