"""Measures the embedded face model against its bars: edits, embeddings, expression transfer. Writes JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.embedding.embed import embed
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.images.fit import to_target
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import imagenet_vgg16
from i2s_trt.training.directions import edit_table
from i2s_trt.training.factor_reader import FactorReader, load_factor_reader
from i2s_trt.training.gallery import write_gallery
from i2s_trt.training.study import (
    Study,
    photographs,
    pixel_options,
    psnr,
    reconstruction_psnr,
    run_study,
    transfer,
)

EDITS = ("smile", "mouth_open", "eye_open", "gaze", "glasses", "beard", "yaw", "age", "hair_length", "skin_tone")
STRENGTHS = (0.0, 0.5, 1.0, 1.5)
MOUTH = (slice(0.60, 0.84), slice(0.28, 0.72))  # of an aligned face, as shares of its height and width
# Fewer and smaller steps end nearer to the training cloud, where a direction still does what it does there.
GENTLE_STEPS, GENTLE_RATE = 500, 0.004
IDENTITY = ("yaw", "face_width", "glasses", "beard", "skin_tone", "hair_darkness", "hair_length")


def mouth_share(change: Tensor) -> float:
    """How much of a difference image's energy [3, R, R] lies in the mouth's box."""
    size = change.shape[-1]
    rows, columns = (slice(round(part.start * size), round(part.stop * size)) for part in MOUTH)
    return float(change[:, rows, columns].square().sum() / change.square().sum())


@torch.no_grad()
def transfer_scores(generator: Generator, reader: FactorReader, target: Tensor, study: Study) -> dict[str, Any]:
    """What the reader sees as the expression grows on `target` [L, D], and where the picture changes."""
    neutral, expression = study.latent("neutral"), study.latent("expression")
    images = generator.synthesis(torch.stack([transfer(target, neutral, expression, s) for s in STRENGTHS]))
    reading = reader.read(images)
    return {
        "strengths": STRENGTHS,
        "read": {
            name: [round(float(value), 3) for value in reading[name]] for name in ("smile", "mouth_open", *IDENTITY)
        },
        "mouth_share": round(mouth_share(images[2] - images[0]), 3),
    }


def photograph_figures(generator: Generator, steps: int) -> dict[str, dict[str, float]]:
    """The photographs embedded with the paper's loss by the fast schedule: L, PSNR, and how far features are off.

    Features are off by |F(G(w)) - F(I)| / |F(I)|, by layer of Eq. 2.
    """
    vgg, pictures = imagenet_vgg16(), photographs(generator.resolution)
    options = EmbedOptions(steps=steps, schedule="fast")
    figures = {}
    for name, picture in pictures.items():
        (embedding,) = embed(generator, [picture], options, vgg=vgg)
        target, found = to_target(picture)[None], to_target(embedding.picture)[None]
        wanted, seen = (Objective(target, vgg, options.objective).layer_features(image) for image in (target, found))
        off = {layer: float((seen[layer] - wanted[layer]).norm() / wanted[layer].norm()) for layer in wanted}
        figures[name] = {
            "loss": round(embedding.latent.losses["total"]),
            "psnr": round(float(psnr(found, target)), 2),
            **{layer: round(value, 3) for layer, value in off.items()},
        }
    return figures


def evaluate(generator: Generator, reader: FactorReader, study: Study, gentle: Study, seed: int) -> dict[str, Any]:
    """Every figure of the model card: PSNR from `study`, expression transfer from the `gentle` one."""
    difference = gentle.latent("expression") - gentle.latent("neutral")
    targets = ("astronaut", *gentle.renders[:2])
    return {
        "seed": seed,
        "edits": edit_table(generator, EDITS, seed),
        "embedding_psnr": reconstruction_psnr(generator, study),
        "gentle_psnr": reconstruction_psnr(generator, gentle),
        "row_norms": [round(float(norm), 2) for norm in difference.norm(dim=1)],
        "mouth_area": round((MOUTH[0].stop - MOUTH[0].start) * (MOUTH[1].stop - MOUTH[1].start), 3),
        "transfer": {name: transfer_scores(generator, reader, gentle.latent(name), gentle) for name in targets},
    }


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m i2s_trt.training.evaluate [--model demo] [-o figures.json] [--pictures FOLDER]`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--seed", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--renders", type=int, default=4)
    parser.add_argument("--gentle-steps", type=int, default=GENTLE_STEPS, help="of the embeddings that get edited")
    parser.add_argument("--gentle-rate", type=float, default=GENTLE_RATE)
    parser.add_argument("--fast-steps", type=int, default=200, help="of the photographs with the paper's loss")
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--pictures", type=Path, help="also write the model card's pictures into this folder")
    options = parser.parse_args(argv)
    generator = load_generator(options.model)
    study = run_study(generator, options.seed, options.renders, pixel_options(options.steps, options.rate))
    gentle = run_study(
        generator, options.seed, options.renders, pixel_options(options.gentle_steps, options.gentle_rate)
    )
    figures = evaluate(generator, load_factor_reader(), study, gentle, options.seed)
    figures["photographs"] = photograph_figures(generator, options.fast_steps)
    names = ("steps", "rate", "gentle_steps", "gentle_rate", "fast_steps")
    settings = {name: getattr(options, name) for name in names}
    text = json.dumps({**settings, **figures}, indent=2)
    if options.out is not None:
        options.out.write_text(text + "\n")
    if options.pictures is not None:
        write_gallery(generator, study, gentle, options.pictures, options.seed)
    print(text)


if __name__ == "__main__":
    main()
