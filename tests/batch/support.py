"""A small batch: three operations on the latents of a 16x16 model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from i2s_trt.arrays import WPlus
from i2s_trt.batch.jobs import BatchLatent, collect_latents
from i2s_trt.edit.recipe.load import Variant, load_recipe
from i2s_trt.edit.sources import LatentSource
from i2s_trt.edit.space import LatentSpace

LAYERS, WIDTH = 6, 24
MODEL = "a" * 64
RECIPE = """
[[edit]]
name = "plain"
operation = "identity"

[[edit]]
name = "mean"
operation = "truncation"
psi = { from = 0.8, to = 0.2, steps = 3 }

[[edit]]
name = "style"
operation = "crossover"
style = "style.npy"
"""


def source() -> LatentSource:
    mean = np.random.default_rng(0).normal(size=WIDTH).astype(np.float32)
    return LatentSource(LatentSpace(LAYERS, WIDTH, MODEL, mean))


def latents(count: int, seed: int = 1) -> WPlus:
    return np.random.default_rng(seed).normal(size=(count, LAYERS, WIDTH)).astype(np.float32)


def prepare(folder: Path, count: int, extra: str = "") -> tuple[list[BatchLatent], list[Variant]]:
    """Writes a recipe and `count` latents, in three files and in one for the others; gives what `collected` gives."""
    folder.mkdir(parents=True, exist_ok=True)
    values = latents(count)
    np.save(folder / "style.npy", latents(1, seed=2)[0])
    (folder / "recipe.toml").write_text(RECIPE + extra)
    for index, value in enumerate(values[:3]):
        np.save(folder / f"face{index}.npy", value)
    if count > 3:
        np.save(folder / "many.npy", values[3:])
    return collected(folder)


def collected(folder: Path) -> tuple[list[BatchLatent], list[Variant]]:
    """The latents and variants of a folder that `prepare` filled."""
    files = [*sorted(folder.glob("face*.npy")), *folder.glob("many.npy")]
    return collect_latents(files, [], source()), load_recipe(folder / "recipe.toml", source())


def pictures(folder: Path) -> dict[str, bytes]:
    """Every output by name."""
    suffixes = (".png", ".jpg", ".webp")
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in suffixes}


def leftovers(folder: Path) -> Sequence[str]:
    """What is neither an output nor the batch's record."""
    known = {"journal.ndjson", "manifest.json", *pictures(folder)}
    return sorted(path.name for path in folder.iterdir() if path.name not in known)
