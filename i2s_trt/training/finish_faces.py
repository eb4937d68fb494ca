"""Finishes a trained face generator on pairs of portraits: one face, two expressions; pixels first, then features."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from i2s_trt.checkpoints.store import load_weights
from i2s_trt.training.export_faces import take_over
from i2s_trt.training.faces import SPEC, Logbook, load_checkpoint, on_device, read_images, save_checkpoint
from i2s_trt.training.trainer import StageOptions, begin, train_stage

PRESENTATIONS = 200_000
CHECKPOINT = "faces-finished.pt"
FINISH = StageOptions(
    128, rate_start=2e-3, rate_end=3e-5, batch=8, eyes_weight=6.0, mouth_weight=12.0, pair_weight=1.0,
    features_from=0.4,
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m i2s_trt.training.finish_faces PAIRS RUN`: goes on from RUN/faces-128.pt to RUN/faces-finished.pt."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("pairs", type=Path, help="shards drawn with --pairs")
    parser.add_argument("run", type=Path)
    parser.add_argument("--from-model", help="go on from a model that ships, or is like it")
    parser.add_argument("--feature-weight", type=float, default=0.0, help="of the loss on VGG-16's features")
    parser.add_argument(
        "--features-from", type=float, default=FINISH.features_from, help="share of the stage before it"
    )
    parser.add_argument("--rate", type=float, default=FINISH.rate_start, help="Adam's first learning rate")
    parser.add_argument("--mouth-weight", type=float, default=FINISH.mouth_weight, help="of the mouth's pixels")
    parser.add_argument("--pair-weight", type=float, default=FINISH.pair_weight, help="of an expression's difference")
    parser.add_argument("--feature-window", type=int, default=FINISH.feature_window, help="pixels a side")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--presentations", type=int, default=PRESENTATIONS)
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--batch", type=int, default=FINISH.batch)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N; on a GPU in float32, not compiled")
    parser.add_argument("--float32", action="store_true", help="faster where the CPU has no bfloat16 of its own")
    options = parser.parse_args(argv)
    images, latents = read_images(options.pairs)
    model = begin(SPEC, options.seed)
    if options.from_model:
        take_over(model, load_weights(options.from_model))
    else:
        load_checkpoint(options.run / "faces-128.pt", model)
    stage = replace(
        FINISH, presentations=options.presentations, seconds=60.0 * options.minutes, seed=options.seed,
        batch=options.batch, bfloat16=not options.float32, feature_weight=options.feature_weight,
        features_from=options.features_from, feature_window=options.feature_window, rate_start=options.rate,
        mouth_weight=options.mouth_weight, pair_weight=options.pair_weight,
    )  # fmt: skip
    log = Logbook(options.run, curve="finish.csv", checkpoint=CHECKPOINT)
    train_stage(model, images, latents, on_device(stage, options.device), on_event=log)
    save_checkpoint(options.run / CHECKPOINT, model)


if __name__ == "__main__":
    main()
