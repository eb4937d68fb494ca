"""Shards: portraits rendered once and kept on disk, so that training does not wait for the renderer."""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from i2s_trt.training.factors import FloatArray, sample_latents, sample_pairs, uniform_from_latents
from i2s_trt.training.portraits.render import render_uniform


@dataclass(frozen=True)
class Shard:
    """Portraits [N, R, R, 3] uint8 RGB with the latents [N, 3, COUNT] that made them."""

    images: npt.NDArray[np.uint8]
    latents: FloatArray

    def __len__(self) -> int:
        return len(self.images)


def render_shard(seed: int, count: int, size: int, *, pairs: bool = False) -> Shard:
    """`count` portraits of the stream that `seed` begins; as `pairs`, each face twice with two expressions."""
    latents = sample_pairs(seed, count // 2) if pairs else sample_latents(seed, count)
    return Shard(render_uniform(uniform_from_latents(latents), size), latents)


def write_shard(path: Path, seed: int, count: int, size: int, pairs: bool = False) -> None:
    """Renders a shard into `path` (.npz, not compressed); an existing file of that name stays as it is."""
    if path.exists():
        return
    shard = render_shard(seed, count, size, pairs=pairs)
    temporary = path.with_suffix(".part.npz")
    np.savez(temporary, images=shard.images, latents=shard.latents)
    temporary.rename(path)


def read_shards(paths: Sequence[Path]) -> Shard:
    """Several shard files as one."""
    files = [np.load(path) for path in paths]
    images = np.concatenate([file["images"] for file in files])
    return Shard(images, np.concatenate([file["latents"] for file in files]))


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m i2s_trt.training.shards OUT --shards 10 --count 4000`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path, help="folder for shard-SEED.npz files")
    parser.add_argument("--shards", type=int, default=10)
    parser.add_argument("--count", type=int, default=4000, help="portraits a shard")
    parser.add_argument("--size", type=int, default=128, help="pixels a side")
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--pairs", action="store_true", help="each face twice, with two expressions")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    seeds = range(options.first_seed, options.first_seed + options.shards)
    jobs = [(options.out / f"shard-{seed}.npz", seed, options.count, options.size, options.pairs) for seed in seeds]
    with multiprocessing.Pool(options.workers) as pool:
        pool.starmap(write_shard, jobs, chunksize=1)


if __name__ == "__main__":
    main()
