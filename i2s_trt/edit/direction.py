"""Directions of W and W+ from files: InterFaceGAN's boundaries, stylegan-encoder's directions, GANSpace's components,
our own differences."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2s_trt.arrays import WPlus
from i2s_trt.edit.components import (
    component_of,
    components_of_torch,
    is_ganspace,
    read_component,
    read_row,
    split_number,
)
from i2s_trt.edit.operations import direction_length
from i2s_trt.edit.space import LatentSpace
from i2s_trt.errors import LatentError
from i2s_trt.files import write_bytes
from i2s_trt.latents import Latent, read_latents


@dataclass(frozen=True)
class Direction:
    """A vector that is added to latents.

    Attributes:
        vector: float32 [L, D], or [1, D] for the same in every layer.
        name: of its file.
        digest: of the model that it was made for; empty when the file does not say.
    """

    vector: WPlus
    name: str = ""
    digest: str = ""

    @property
    def norm(self) -> float:
        """L2 norm of the vector as it is stored: 1 for InterFaceGAN's boundaries, 3.998 for stylegan-encoder's."""
        return float(np.linalg.norm(self.vector.astype(np.float64)))

    def for_space(self, space: LatentSpace, *, any_model: bool = False) -> WPlus:
        """float32 [L, D]. Raises LatentError when the shape or the model does not fit."""
        return space.admit(Latent(self.vector, self.digest), any_model=any_model)

    def describe(self) -> str:
        """Name, shape and norm."""
        rows, width = self.vector.shape
        return f"{self.name} [{rows}, {width}], norm {self.norm:.3f}"


def read_direction(path: Path) -> Direction:
    """A direction from `.npy` of shape [D], [1, D] or [L, D], or from any file that holds one latent.

    `FILE:N` is the vector of number N, from 0, of a file that holds several: a stack, GANSpace's components (its own
    file or e4e's), which are as long as one standard deviation, or rosinality's factors, of length 1.

    Raises:
        LatentError: missing, damaged, several vectors, one without length, or a file that would have to be executed.
    """
    file, number = split_number(path)
    latent = _read_vector(file, number)
    if not direction_length(latent.w_plus):
        raise LatentError(f"{path} holds zeros, or as good as zeros: that is no direction", "make the direction again")
    return Direction(latent.w_plus, path.name, latent.model_digest)


def _read_vector(file: Path, number: int | None) -> Latent:
    if is_ganspace(file):
        return Latent(read_component(file, number))
    if (found := components_of_torch(file)) is not None:
        return Latent(component_of(found, file, number))
    latents = read_latents(file) if number is None else []
    return latents[0] if len(latents) == 1 else Latent(read_row(file, number))


def save_direction(path: Path, vector: WPlus) -> None:
    """Write a direction [L, D] as `.npy`, atomically. Raises EnvironmentFault for a full disk."""
    buffer = io.BytesIO()
    np.save(buffer, vector.astype(np.float32), allow_pickle=False)
    write_bytes(path, buffer.getvalue())
