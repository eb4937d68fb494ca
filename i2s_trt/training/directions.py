"""Directions of W that change one factor, and how well an edit along them matches a drawn one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from i2s_trt.models.generator import Generator
from i2s_trt.training.factors import COUNT, INDEX, FloatArray, sample_latents, uniform_from_latents
from i2s_trt.training.portraits.render import render_uniform


@dataclass(frozen=True)
class FactorDirections:
    """Least-squares directions [COUNT, D]: adding one row to w raises that factor's uniform variable by 1."""

    rows: Tensor

    def __getitem__(self, name: str) -> Tensor:
        return self.rows[INDEX[name]]


@torch.no_grad()
def factor_directions(generator: Generator, seed: int = 0, count: int = 8000) -> FactorDirections:
    """Regresses w on the factors over `count` latents."""
    latents = sample_latents(seed, count, mixing=0.0)
    uniform = torch.from_numpy(uniform_from_latents(latents))
    w = generator.mapping(torch.from_numpy(latents[:, 0]))
    design = torch.cat([uniform, torch.ones(count, 1)], dim=1)
    return FactorDirections(torch.linalg.lstsq(design, w).solution[:COUNT])


@torch.no_grad()
def edit_correlation(
    generator: Generator, directions: FactorDirections, name: str, latents: FloatArray
) -> tuple[float, float]:
    """Moves factor `name` from -1 to 1 in W and in the renderer, and compares the two difference images.

    Args:
        generator: the face model.
        directions: of that model.
        name: the factor.
        latents: faces [N, 3, COUNT] to edit, their three rows equal.

    Returns:
        Mean over faces of the correlation, and of the ratio of the differences' sizes (generated to drawn).
    """
    uniform = uniform_from_latents(latents)
    scores = [_compare(generator, directions, name, latents[i], uniform[i]) for i in range(len(latents))]
    kept = np.array([score for score in scores if score is not None])
    return (float(kept[:, 0].mean()), float(kept[:, 1].mean())) if len(kept) else (float("nan"), float("nan"))


def _compare(
    generator: Generator, directions: FactorDirections, name: str, latent: FloatArray, uniform: FloatArray
) -> tuple[float, float] | None:
    index, ends = INDEX[name], (-1.0, 1.0)
    rows = np.repeat(uniform[None], 2, axis=0)
    rows[:, index] = ends
    drawn = render_uniform(rows, generator.resolution).astype(np.float32) / 127.5 - 1.0
    truth = torch.from_numpy(drawn[1] - drawn[0]).permute(2, 0, 1).flatten()
    if truth.norm() < 1.0:  # invisible on this face: brows under bangs, hair colour of the bald
        return None
    w = generator.mapping(torch.from_numpy(latent[:1]))
    steps = torch.tensor(ends).unsqueeze(1) - float(uniform[index])
    edited = generator.synthesis(generator.broadcast(w + steps * directions[name])).clamp(-1.0, 1.0)
    change = (edited[1] - edited[0]).flatten()
    correlation = torch.corrcoef(torch.stack([change, truth]))[0, 1]
    return float(correlation), float(change.norm() / truth.norm())


def edit_table(
    generator: Generator, names: Sequence[str], seed: int = 0, faces: int = 16
) -> dict[str, dict[str, float]]:
    """Correlation and size ratio of edits for each factor, over `faces` unseen faces."""
    directions = factor_directions(generator, seed)
    latents = sample_latents(seed + 1, faces, mixing=0.0)
    table = {}
    for name in names:
        correlation, ratio = edit_correlation(generator, directions, name, latents)
        table[name] = {"correlation": round(correlation, 4), "size_ratio": round(ratio, 4)}
    return table
