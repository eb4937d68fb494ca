"""Trains the embedded face model on shards of drawn portraits: at 32x32, then 64x64, then 128x128."""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.training.factors import COUNT
from i2s_trt.training.shards import read_shards
from i2s_trt.training.trainer import StageOptions, Trained, TrainEvent, begin, grow, smaller_spec, train_stage

SPEC = GeneratorSpec(
    resolution=128,
    z_dim=COUNT,
    w_dim=384,
    channels=(192, 192, 192, 128, 64, 32),
    mapping_widths=(384,) * 8,
)

RESOLUTIONS = (32, 64, 128)
PRESENTATIONS = (38_000, 12_000, 93_000)
STAGES = {
    32: StageOptions(32, rate_start=6e-3, rate_end=3e-3),
    64: StageOptions(64, rate_start=4e-3, rate_end=2e-3, head_start=100),
    128: StageOptions(128, rate_start=3e-3, rate_end=5e-5, head_start=200, batch=8),
}


def chunks(images: Tensor, size: int) -> list[Tensor]:
    """`images` in parts of at most `size`."""
    return [images[start : start + size] for start in range(0, len(images), size)]


def shrink_to(images: Tensor, size: int) -> Tensor:
    """uint8 [M, 3, R, R] to [M, 3, size, size] by means of whole pixels, a thousand at a time."""
    window = images.shape[-1] // size
    if window == 1:
        return images
    parts = [F.avg_pool2d(part.float(), window).round().to(torch.uint8) for part in chunks(images, 1000)]
    return torch.cat(parts)


def read_images(folder: Path) -> tuple[Tensor, Tensor]:
    """All shards of a folder: images [M, 3, R, R] uint8 and latents [M, 3, COUNT] float32."""
    shard = read_shards(sorted(folder.glob("shard-*.npz")))
    return torch.from_numpy(shard.images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(shard.latents)


def on_device(stage: StageOptions, device: str) -> StageOptions:
    """`stage` as it is taken on `device`: a GPU replays the step as it is, with nothing to compile first."""
    return stage if device == "cpu" else replace(stage, device=device, bfloat16=False, compiled=False)


class Logbook:
    """Writes the loss curve as CSV, and a checkpoint (`faces-RESOLUTION.pt` or `checkpoint`) every `every` events."""

    def __init__(self, folder: Path, every: int = 4, curve: str = "curve.csv", checkpoint: str = "") -> None:
        self.folder = folder
        self.curve = folder / curve
        self.checkpoint = checkpoint
        self.every = every
        self.events = 0
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, event: TrainEvent, model: Trained) -> None:
        """Note one event of training."""
        with self.curve.open("a", newline="") as file:
            row = (event.resolution, event.presentations, f"{event.seconds:.0f}", f"{event.loss:.5f}")
            csv.writer(file).writerow(row)
        self.events += 1
        if self.events % self.every == 0:
            save_checkpoint(self.folder / (self.checkpoint or f"faces-{event.resolution}.pt"), model)


def save_checkpoint(path: Path, model: Trained) -> None:
    """The state of training, to go on from."""
    temporary = path.with_suffix(".part")
    torch.save({"current": model.current.state_dict(), "average": model.average.state_dict()}, temporary)
    temporary.rename(path)


def load_checkpoint(path: Path, model: Trained) -> None:
    """Takes a saved state into `model`."""
    states = torch.load(path, weights_only=True, map_location="cpu")
    model.current.load_state_dict(states["current"])
    model.average.load_state_dict(states["average"])


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m i2s_trt.training.faces SHARDS OUT`: trains, leaves curve.csv and checkpoints in OUT."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("shards", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--presentations", type=int, nargs=3, default=PRESENTATIONS, help="at each resolution")
    parser.add_argument("--minutes", type=float, nargs=3, default=(math.inf,) * 3, help="limit of each resolution")
    parser.add_argument("--batch", type=int, nargs=3, default=tuple(STAGES[size].batch for size in RESOLUTIONS))
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N; on a GPU in float32, not compiled")
    parser.add_argument("--resume-from", type=int, choices=RESOLUTIONS[:2], help="a finished stage's checkpoint in OUT")
    options = parser.parse_args(argv)
    images, latents = read_images(options.shards)
    log, model, new = Logbook(options.out), begin(smaller_spec(SPEC, RESOLUTIONS[0]), options.seed), list[str]()
    for resolution, count, minutes, batch in zip(
        RESOLUTIONS, options.presentations, options.minutes, options.batch, strict=True
    ):
        spec = smaller_spec(SPEC, resolution)
        if resolution != RESOLUTIONS[0]:
            model, new = grow(model, spec, options.seed)
        checkpoint = options.out / f"faces-{resolution}.pt"
        if options.resume_from is not None and resolution <= options.resume_from:
            load_checkpoint(checkpoint, model)
            continue
        stage = replace(STAGES[resolution], presentations=count, seconds=60.0 * minutes, batch=batch, seed=options.seed)
        stage = on_device(stage, options.device)
        train_stage(model, shrink_to(images, resolution), latents, stage, new, log)
        save_checkpoint(checkpoint, model)


if __name__ == "__main__":
    main()
