"""The curvature of the built-in model, which comes with it: measuring it takes as long as an embedding.

It is kept as a factor F with F^T F the curvature, from the eigenvectors that matter beside the floor that a metric has
under it (`damped`): a sum of squares stays one, however its numbers are rounded.
"""

from contextlib import suppress
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from i2s_trt.files import write_bytes

FILE = Path(__file__).parents[2] / "weights" / "demo" / "curvature.safetensors"
_LEAST = 0.01  # of the mean curvature: smaller eigenvalues are a tenth of the lowest floor


def is_bundled(key: str, path: Path = FILE) -> bool:
    """Whether the file holds the curvature with this key."""
    with suppress(OSError, safetensors.SafetensorError), safetensors.safe_open(path, framework="pt") as file:
        return (file.metadata() or {}).get("key") == key
    return False


def bundled_curvature(key: str, path: Path = FILE) -> Tensor | None:
    """The curvature [L, D, D] float32 with this key; None where the file holds another, or cannot be read."""
    if not is_bundled(key, path):
        return None
    with suppress(OSError, safetensors.SafetensorError, KeyError, RuntimeError):
        tensors = load_file(path)
        factors = torch.split(tensors["factor"].float(), tensors["ranks"].tolist())
        return torch.stack([factor.T @ factor for factor in factors])
    return None


def write_bundled(curvature: Tensor, key: str, path: Path = FILE) -> None:
    """Write a curvature [L, D, D] as float16 factors.

    Raises:
        EnvironmentFault: the file cannot be written.
    """
    blocks = curvature.double()
    least = _LEAST * blocks.diagonal(dim1=1, dim2=2).mean()
    values, vectors = torch.linalg.eigh(blocks)
    factors = [
        (some_values.sqrt() * some_vectors).T[some_values > least]
        for some_values, some_vectors in zip(values.clamp(min=0), vectors, strict=True)
    ]
    ranks = torch.tensor([len(factor) for factor in factors])
    write_bytes(path, save({"factor": torch.cat(factors).half(), "ranks": ranks}, {"key": key}))
