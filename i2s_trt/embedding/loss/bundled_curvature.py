"""The built-in model's curvatures, which come with it: measuring one takes as long as an embedding.

Each is kept as C = F^T F + c 1 in every layer: the eigenvectors that matter beside the floor that a metric has under it
(`damped`), and the mean of the other eigenvalues. A sum of squares stays one, however its numbers are rounded. A sha256
is kept beside each: a damaged one would only embed worse, and nobody would notice.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor

from i2s_trt.files import write_bytes

FILE = Path(__file__).parents[2] / "weights" / "demo" / "curvature.safetensors"
_LEAST = 0.05  # of the mean curvature: smaller eigenvalues are half the lowest floor


def is_bundled(key: str, path: Path = FILE) -> bool:
    """Whether the file holds the curvature with this key."""
    with suppress(OSError, safetensors.SafetensorError), safetensors.safe_open(path, framework="pt") as file:
        return f"{key}.factor" in file.keys()  # noqa: SIM118, a file is no dictionary
    return False


def bundled_curvature(key: str, path: Path = FILE) -> Tensor | None:
    """The curvature [L, D, D] float32 with this key; None where the file does not hold it, or cannot be read."""
    with suppress(OSError, safetensors.SafetensorError, RuntimeError), safetensors.safe_open(path, "pt") as file:
        factor, ranks, rest = parts = [file.get_tensor(f"{key}.{name}") for name in ("factor", "ranks", "rest")]
        if (file.metadata() or {}).get(key) != _digest(parts):
            return None
        factors = torch.split(factor.float(), ranks.tolist())
        return torch.stack(
            [some.T @ some + c * torch.eye(some.shape[1]) for some, c in zip(factors, rest, strict=True)]
        )
    return None


def write_bundled(curvatures: Mapping[str, Tensor], path: Path = FILE) -> None:
    """Write curvatures [L, D, D] by their keys, with float16 factors.

    Raises:
        EnvironmentFault: the file cannot be written.
    """
    tensors, digests = dict[str, Tensor](), dict[str, str]()
    for key, curvature in curvatures.items():
        least = _LEAST * curvature.double().diagonal(dim1=1, dim2=2).mean()
        parts = [_parts(block, least) for block in curvature.double()]
        tensors[f"{key}.factor"] = torch.cat([factor for factor, _ in parts]).half()
        tensors[f"{key}.ranks"] = torch.tensor([len(factor) for factor, _ in parts])
        tensors[f"{key}.rest"] = torch.stack([rest for _, rest in parts]).float()
        digests[key] = _digest([tensors[f"{key}.{name}"] for name in ("factor", "ranks", "rest")])
    write_bytes(path, save(tensors, digests))


def _digest(tensors: Sequence[Tensor]) -> str:
    state = hashlib.sha256()
    for tensor in tensors:
        state.update(tensor.contiguous().numpy().tobytes())
    return state.hexdigest()


def _parts(block: Tensor, least: Tensor) -> tuple[Tensor, Tensor]:
    """F [K, D] and c of a block [D, D]."""
    values, vectors = torch.linalg.eigh(block)
    values, matters = values.clamp(min=0), values > least
    rest = values[~matters].sum() / max(1, int((~matters).sum()))
    return (values[matters] - rest).sqrt().unsqueeze(1) * vectors.T[matters], rest
