"""Trains the factor reader on drawn portraits, roughened so that it also reads generated ones."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from i2s_trt.training.faces import chunks
from i2s_trt.training.factor_reader import READ, FactorReader, shrink
from i2s_trt.training.factors import INDEX, uniform_from_latents, visible
from i2s_trt.training.shards import Shard, read_shards


@dataclass(frozen=True)
class ReaderOptions:
    """How the reader is trained."""

    presentations: int = 240_000
    batch: int = 64
    rate: float = 8e-4
    seed: int = 0
    report_every: int = 200


def targets(shard: Shard) -> Tensor:
    """What each portrait shows of the factors that are read, [N, len(READ)]."""
    uniform = uniform_from_latents(shard.latents)
    return torch.from_numpy(np.stack([visible(name, uniform[:, INDEX[name]]) for name in READ], axis=1))


def small_images(shard: Shard) -> Tensor:
    """The portraits as uint8 [N, 3, 64, 64]."""
    images = torch.from_numpy(shard.images).permute(0, 3, 1, 2)
    parts = [shrink(part.float() / 127.5 - 1.0) for part in chunks(images, 1000)]
    return torch.cat([((part + 1.0) * 127.5).round().to(torch.uint8) for part in parts])


def roughen(images: Tensor, random: torch.Generator) -> Tensor:
    """Blurs, adds noise and shifts by up to 2 pixels, each image in its own measure; [N, 3, 64, 64] in [-1, 1]."""
    count = len(images)
    padded = F.pad(images, (3, 3, 3, 3), mode="replicate")
    blurred = F.avg_pool2d(F.avg_pool2d(padded, 3, 1, 1), 3, 1, 1)
    strength = torch.rand(count, 1, 1, 1, generator=random)
    mixed = torch.lerp(padded, blurred, strength)
    down, right = (int(torch.randint(1, 6, (1,), generator=random)) for _ in range(2))
    shifted = mixed[:, :, down : down + images.shape[2], right : right + images.shape[3]]
    noise = torch.randn(images.shape, generator=random)
    return shifted + 0.10 * torch.rand(count, 1, 1, 1, generator=random) * noise


def train_reader(
    images: Tensor, truth: Tensor, options: ReaderOptions, on_loss: Callable[[int, float], None] | None = None
) -> FactorReader:
    """A reader trained on images [N, 3, 64, 64] uint8 and their factors [N, len(READ)]."""
    torch.manual_seed(options.seed)
    reader, random = FactorReader(), torch.Generator().manual_seed(options.seed)
    optimiser = torch.optim.Adam(reader.parameters(), options.rate)
    steps, total = max(1, options.presentations // options.batch), 0.0
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, options.rate / 100)
    scale = truth.std(dim=0).clamp(min=1e-3)
    for step in range(1, steps + 1):
        rows = torch.randint(0, len(images), (options.batch,), generator=random)
        batch = roughen(images[rows].float() / 127.5 - 1.0, random)
        loss = ((reader(batch) - truth[rows]) / scale).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        total += loss.item()
        if step % options.report_every == 0:
            if on_loss is not None:
                on_loss(step * options.batch, total / options.report_every)
            total = 0.0
    return reader.eval()


@torch.no_grad()
def determination(reader: FactorReader, images: Tensor, truth: Tensor) -> dict[str, float]:
    """R^2 of each factor on images [N, 3, 64, 64] uint8."""
    read = torch.cat([reader(part.float() / 127.5 - 1.0) for part in chunks(images, 500)])
    residual = (read - truth).square().mean(dim=0)
    return {name: float(1.0 - residual[i] / truth[:, i].var()) for i, name in enumerate(READ)}


def save_reader(path: Path, reader: FactorReader) -> None:
    """float16 weights as safetensors."""
    import safetensors.torch

    from i2s_trt.files import write_bytes

    halves = {k: v.half() if v.is_floating_point() else v for k, v in reader.state_dict().items()}
    write_bytes(path, safetensors.torch.save({k: v.contiguous() for k, v in halves.items()}))


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m i2s_trt.training.read_factors SHARDS OUT.safetensors`; the last shard is held out."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("shards", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--presentations", type=int, default=ReaderOptions.presentations)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    paths = sorted(options.shards.glob("shard-*.npz"))
    shards = [read_shards([path]) for path in paths]
    images, truth = [small_images(shard) for shard in shards], [targets(shard) for shard in shards]
    settings = ReaderOptions(presentations=options.presentations, seed=options.seed)
    reader = train_reader(
        torch.cat(images[:-1]),
        torch.cat(truth[:-1]),
        settings,
        lambda seen, loss: print(seen, f"{loss:.4f}", flush=True),
    )
    save_reader(options.out, reader)
    print(json.dumps(determination(reader, images[-1], truth[-1]), indent=2))


if __name__ == "__main__":
    main()
