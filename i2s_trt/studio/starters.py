"""What lies on a new shelf, so that there is something to edit: samples of the model, of the built-in one also
photographs that were embedded (`keep_starters`) and one person at rest and smiling."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from i2s_trt.arrays import WPlus
from i2s_trt.checkpoints.catalogue import DEMO
from i2s_trt.latents import Latent, read_latent
from i2s_trt.models.generator import Generator
from i2s_trt.photographs.record import alignment_of
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.photographs import Photographs
from i2s_trt.studio.shelf import Shelf
from i2s_trt.training.factors import COUNT, INDEX, WORN, sample_latents

EMBEDDED = Path(__file__).parent / "starters"  # NAME.safetensors, and NAME.jpg with the whole photograph
_SEEDS = {"ann": 8, "bob": 21}
_PERSON_SEED = 29
_EXPRESSIONS = {"calm": {"smile": -0.4, "mouth_open": -1.3}, "glad": {"smile": 1.6, "mouth_open": 0.8}}
_WORN_OFF = -1.5  # standard deviations: nothing of it shows


def fill(shelf: Shelf, photographs: Photographs, model: StudioModel) -> list[str]:
    """Lay something on an empty shelf. Gives the names.

    Raises:
        EnvironmentFault: the folder cannot be written.
    """
    if shelf.names():
        return []
    generator = model.generator
    embedded = _embedded(shelf, photographs, model)
    samples = {name: w_plus_from_seed(generator, seed) for name, seed in _SEEDS.items()}
    if model.name == DEMO and generator.spec.z_dim == COUNT:
        samples |= {name: _drawn(generator, shown) for name, shown in _EXPRESSIONS.items()}
    mean = generator.mean_w_plus.cpu().numpy()
    for name, w_plus in samples.items():
        latent = Latent(w_plus, model_digest=generator.digest, distance=float(np.linalg.norm(w_plus - mean)))
        shelf.put(name, replace(latent, options={"operation": "sample"}))
    return [*embedded, *samples]


def _embedded(shelf: Shelf, photographs: Photographs, model: StudioModel) -> list[str]:
    """Lay the photographs on the shelf that were embedded in this very model."""
    found = {path.stem: read_latent(path) for path in sorted(EMBEDDED.glob("*.safetensors"))}
    found = {name: latent for name, latent in found.items() if latent.model_digest == model.generator.digest}
    for name, latent in found.items():
        identifier = photographs.copy(EMBEDDED / f"{name}.jpg")
        alignment = alignment_of(latent.extra)
        target = photographs.prepare(identifier, None if alignment is None else alignment.quad.tolist()).pixels
        shelf.put(name, latent, target)
    return list(found)


@torch.no_grad()
def _drawn(generator: Generator, shown: dict[str, float]) -> WPlus:
    """w_plus [L, D] of a drawn person whose factors are known: the built-in model's z are theirs."""
    z = sample_latents(_PERSON_SEED, 1, mixing=0.0)[0, 0].copy()
    for name, value in {**dict.fromkeys(WORN, _WORN_OFF), **shown}.items():
        z[INDEX[name]] = value
    w = generator.mapping(torch.from_numpy(z)[None].to(generator.mean_w.device), None)
    return generator.truncate(w, 0.8, generator.num_layers)[0].cpu().numpy()
