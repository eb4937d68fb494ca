"""The contact sheet: everything on one picture, six cells a row."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.deltas import TunedLatent, mixed
from i2s_trt.demo.ramp import Ramp
from i2s_trt.edit.operations import crossover, expression_transfer, morph
from i2s_trt.edit.render import render_tuned
from i2s_trt.embedding.embed import Embedding
from i2s_trt.embedding.tune import Tuned
from i2s_trt.images.compose import sheet
from i2s_trt.models.generator import Generator
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import TorchSynthesizer

_CONTENTS, _STYLES = ("astronaut", "portrait", "solemn"), ("cat", "coffee", "portrait")
_TUNED, _CAT = "tuned to the picture", "morph to the cat: it\n“fails on non-face\nimages” (section 4.1)"
_COLUMNS = 6
_CELL_HEIGHT = 144
_SAMPLE_SEEDS = range(1, 1 + _COLUMNS)
FROM_LAYER = 11  # of styles: colours; earlier ones bring shapes of a photograph along: ghosts, at 10 a patched face


def contact_sheet(
    generator: Generator, embeddings: Mapping[str, Embedding], tuned: Mapping[str, Tuned], ramps: Mapping[str, Ramp]
) -> Pixels:
    """Draw it, uint8 [H, W, 3], of the pictures that `demo_pictures` names, and of the ramps of their expressions."""
    latents = {name: tuned_latent(embedding, tuned.get(name)) for name, embedding in embeddings.items()}
    pictures = {name: tuned[name].picture if name in tuned else item.picture for name, item in embeddings.items()}
    render = partial(render_edits, generator)
    rows: dict[str, Sequence[Pixels | None]] = {
        "picture": [embedding.target for embedding in embeddings.values()],
        "embedded in W+": [embedding.picture for embedding in embeddings.values()],
        _TUNED: [tuned[name].picture if name in tuned else None for name in embeddings],
        "morph": render(morphs(latents["astronaut"], latents["portrait"], _COLUMNS)),
        _CAT: render(morphs(latents["astronaut"], latents["cat"], _COLUMNS)),
        "expression, drawn": render(_expressions(latents, "portrait", ramps["portrait"])),
        "expression, photo": render(_expressions(latents, "astronaut", ramps["astronaut"])),
        "colours of ...": [None, *(pictures[name] for name in _STYLES)],
        **{f"... on {name}": [pictures[name], *render(_mixed_styles(latents, name))] for name in _CONTENTS},
        "samples": list(
            TorchSynthesizer(generator)(np.stack([w_plus_from_seed(generator, seed) for seed in _SAMPLE_SEEDS]))
        ),
    }
    if not tuned:
        del rows[_TUNED]
    return sheet(list(rows.values()), row_labels=list(rows), cell_height=_CELL_HEIGHT)


def tuned_latent(embedding: Embedding, tuned: Tuned | None) -> TunedLatent:
    """An embedding's latent with what was changed in the model around it."""
    return TunedLatent(embedding.latent.w_plus, None if tuned is None else tuned.delta)


def render_edits(generator: Generator, latents: Iterable[TunedLatent]) -> list[Pixels]:
    """Pictures uint8 [H, W, 3]."""
    return list(render_tuned(TorchSynthesizer(generator), latents))


def morphs(first: TunedLatent, second: TunedLatent, count: int) -> list[TunedLatent]:
    """So many on the way from one to the other."""
    return [morph_at(first, second, weight) for weight in np.linspace(1.0, 0.0, count).tolist()]


def morph_at(first: TunedLatent, second: TunedLatent, weight: float) -> TunedLatent:
    """What lies between two, with so much of the first, in W+ and in what they change in the model."""
    delta = mixed([(first.delta, weight), (second.delta, 1 - weight)])
    return TunedLatent(morph(first.w_plus, second.w_plus, weight), delta)


def turned(
    latents: Mapping[str, TunedLatent], target: str, strengths: Iterable[float], layers: range | None = None
) -> list[TunedLatent]:
    """The drawn person's smile on a face, at each strength, in some of its layers."""
    face, ends = latents[target], (latents["solemn"].w_plus, latents["smiling"].w_plus)
    return [
        TunedLatent(expression_transfer(face.w_plus, *ends, strength, layers=layers), face.delta)
        for strength in strengths
    ]


def restyled(content: TunedLatent, style: TunedLatent, first: int) -> TunedLatent:
    """A latent with another's rows from `first` on."""
    return TunedLatent(crossover(content.w_plus, style.w_plus, range(first, len(content.w_plus))), content.delta)


def _expressions(latents: Mapping[str, TunedLatent], target: str, ramp: Ramp) -> list[TunedLatent]:
    strengths = ramp.strengths(_COLUMNS)
    strengths[np.abs(strengths).argmin()] = 0.0  # the face as it is
    return turned(latents, target, strengths.tolist(), ramp.layers)


def _mixed_styles(latents: Mapping[str, TunedLatent], content: str) -> list[TunedLatent]:
    return [restyled(latents[content], latents[style], FROM_LAYER) for style in _STYLES]
