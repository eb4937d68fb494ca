"""Embeddings and edits of small models as they are today, to be compared after a change that shall change nothing.

    python -m tests.golden FILE             writes FILE, or compares today's results with it bit for bit
    python -m tests.golden FILE --steps 3   the same with few steps, as tests/data/golden.npz was made

Two machines, or two versions of PyTorch, agree only up to rounding: tests/test_golden.py compares with a tolerance.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from i2s_trt.arrays import Array
from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.edit.latent_edits import expression_transfer, morph, style_transfer
from i2s_trt.embedding.embed import Embedding, embed
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.latents import Latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import imagenet_vgg16, random_vgg16

DATA = Path(__file__).parent / "data"
STEPS = 20
Results = dict[str, Array]
_BASE = EmbedOptions(learning_rate=0.05)
_PRIOR = ObjectiveOptions(prior_weight=3.0)
_STYLE = ObjectiveOptions(style_weight=0.1)
_FAST = EmbedOptions(schedule="fast")


@dataclass(frozen=True)
class Case:
    """A run: the options of the embedding, the model and features, and how many pictures at once."""

    options: EmbedOptions
    model: str = "toy"
    features: str = "random"
    pictures: int = 1
    styled: bool = False


CASES = {
    "paper": Case(_BASE),
    "plain": Case(replace(_BASE, method="plain")),
    "batch": Case(_BASE, pictures=2),
    "resampled": Case(replace(_BASE, noise="resampled", seed=7)),
    "other-noise": Case(replace(_BASE, noise=5)),
    "prior": Case(replace(_BASE, objective=_PRIOR), features="imagenet"),
    "style": Case(replace(_BASE, objective=_STYLE), styled=True),
    "w": Case(replace(_BASE, space="w")),
    "z": Case(replace(_BASE, space="z", init="random")),
    "fast": Case(_FAST, features="imagenet"),
    "fast-prior-batch": Case(replace(_FAST, objective=_PRIOR), features="imagenet", pictures=2),
    "fast-w": Case(replace(_FAST, space="w"), features="imagenet"),
    "tiny": Case(_BASE, model="tiny", features="imagenet"),
    "tiny-plain": Case(replace(_BASE, method="plain"), model="tiny"),
    "stylegan2": Case(_BASE, model="two", features="imagenet"),
    "stylegan2-fast-prior": Case(replace(_FAST, objective=_PRIOR), model="two", features="imagenet"),
}
_ROUGH = {
    "bf16": Case(replace(_BASE, precision="bf16")),
    "fp16": Case(replace(_BASE, precision="fp16")),
}


def golden(steps: int, *, rough: bool) -> Results:
    """Latents, losses and rendered pictures, by the name of the case and of the value.

    Args:
        steps: of each embedding.
        rough: whether to run in 16 bits as well, which other processors round otherwise.
    """
    models = {
        "toy": Generator.from_weights(random_weights(standard_spec(16, 16, 24), seed=3)),
        "tiny": Generator.from_weights(read_checkpoint(DATA / "tiny32.pkl").weights),
        "two": Generator.from_weights(read_checkpoint(DATA / "tiny64.pkl").weights),
    }
    features = {"random": random_vgg16(), "imagenet": imagenet_vgg16()}
    results: Results = {}
    for name, case in (CASES | (_ROUGH if rough else {})).items():
        generator = models[case.model]
        embeddings = embed(
            generator,
            _pictures(generator, case.pictures),
            replace(case.options, steps=steps),
            vgg=features[case.features],
            style_pictures=_pictures(generator, case.pictures, seed=2) if case.styled else None,
        )
        results |= _values(name, embeddings)
    return results | _edits(models["toy"])


def _pictures(generator: Generator, count: int, seed: int = 0) -> list[Array]:
    """Coarse chequers, of the model's size."""
    random = np.random.default_rng(seed)
    cells = np.ones((generator.spec.resolution // 4, generator.spec.resolution // 4, 1))
    return [np.kron(random.integers(0, 255, (4, 4, 3)), cells).astype(np.uint8) for _ in range(count)]


def _values(name: str, embeddings: list[Embedding]) -> Results:
    return {
        f"{name}/{part}": np.stack(values)
        for part, values in {
            "w_plus": [one.latent.w_plus for one in embeddings],
            "curve": [one.latent.curve for one in embeddings],
            "losses": [np.array(list(one.latent.losses.values())) for one in embeddings],
            "distance": [np.array(one.latent.distance) for one in embeddings],
            "picture": [one.picture for one in embeddings],
        }.items()
    }


def _edits(generator: Generator) -> Results:
    random = np.random.default_rng(1)
    shape = (generator.num_layers, generator.w_dim)
    first, second, third = (Latent(random.standard_normal(shape, dtype=np.float32)) for _ in range(3))
    edits: dict[str, Callable[[], Latent]] = {
        "morph": partial(morph, first, second, 0.3),
        "crossover": partial(style_transfer, first, second),
        "expression": partial(expression_transfer, first, second, third, 0.8, 2.0),
    }
    results: Results = {}
    for name, edit in edits.items():
        w_plus = edit().w_plus
        with torch.no_grad():
            picture = generator(torch.from_numpy(w_plus)[None])
        results |= {f"{name}/w_plus": w_plus, f"{name}/picture": picture.numpy()}
    return results


def differences(wanted: Results, ours: Results) -> list[str]:
    """What is missing, new or not the same bit for bit; one line each."""
    lines = [f"{name}: only in one of the two" for name in sorted(wanted.keys() ^ ours.keys())]
    for name in sorted(wanted.keys() & ours.keys()):
        old, new = wanted[name], ours[name]
        if (old.dtype, old.shape) != (new.dtype, new.shape):
            lines.append(f"{name}: {new.dtype} {new.shape} instead of {old.dtype} {old.shape}")
        elif old.tobytes() != new.tobytes():
            lines.append(f"{name}: differs by up to {np.abs(old.astype(float) - new.astype(float)).max():.3g}")
    return lines


def main() -> None:
    """Write or compare; exits with 1 when something differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--steps", type=int, help=f"of each embedding, without 16 bits; {STEPS} and with them if left out"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as home:
        os.environ["I2S_TRT_HOME"] = home
        ours = golden(arguments.steps or STEPS, rough=arguments.steps is None)
    if not arguments.file.exists():
        np.savez_compressed(arguments.file, allow_pickle=False, **ours)
        print(f"{arguments.file} is written: {len(ours)} arrays, {arguments.file.stat().st_size} bytes")
        return
    with np.load(arguments.file) as archive:
        found = differences({name: archive[name] for name in archive.files}, ours)
    print("\n".join(found) if found else f"{len(ours)} arrays are identical")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
