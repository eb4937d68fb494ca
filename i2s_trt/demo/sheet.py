"""The contact sheet: everything on one picture, six cells a row."""

from collections.abc import Mapping, Sequence

import numpy as np

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.demo.ramp import Ramp
from i2s_trt.edit.operations import crossover, expression_transfer, morph
from i2s_trt.embedding.embed import Embedding
from i2s_trt.images.compose import sheet
from i2s_trt.models.generator import Generator
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import Synthesizer, TorchSynthesizer

_CONTENTS, _STYLES = ("astronaut", "portrait", "solemn"), ("cat", "coffee", "portrait")
_COLUMNS = 6
_CELL_HEIGHT = 144
_SAMPLE_SEEDS = range(1, 1 + _COLUMNS)
FROM_LAYER = 10  # of styles: colours; earlier ones carry shapes of a photograph along, and give ghosts


def contact_sheet(generator: Generator, embeddings: Mapping[str, Embedding], ramps: Mapping[str, Ramp]) -> Pixels:
    """Draw it, uint8 [H, W, 3], of the pictures that `demo_pictures` names, and of the ramps of their expressions."""
    render = TorchSynthesizer(generator)
    latents = {name: embedding.latent.w_plus for name, embedding in embeddings.items()}
    rows: dict[str, Sequence[Pixels | None]] = {
        "picture": [embedding.target for embedding in embeddings.values()],
        "embedded": [embedding.picture for embedding in embeddings.values()],
        "morph": _morphs(render, latents["astronaut"], latents["portrait"]),
        "morph to the cat": _morphs(render, latents["astronaut"], latents["cat"]),
        "expression, drawn": _expressions(render, latents, "portrait", ramps["portrait"]),
        "expression, photo": _expressions(render, latents, "astronaut", ramps["astronaut"]),
        "style of ...": [None, *(embeddings[name].picture for name in _STYLES)],
        **{f"... on {name}": _mix_styles(render, latents, name, embeddings[name].picture) for name in _CONTENTS},
        "samples": list(render(np.stack([w_plus_from_seed(generator, seed) for seed in _SAMPLE_SEEDS]))),
    }
    return sheet(list(rows.values()), row_labels=list(rows), cell_height=_CELL_HEIGHT)


def _morphs(render: Synthesizer, first: WPlus, second: WPlus) -> list[Pixels]:
    weights = np.linspace(1.0, 0.0, _COLUMNS)
    return list(render(np.stack([morph(first, second, weight) for weight in weights])))


def _expressions(render: Synthesizer, latents: Mapping[str, WPlus], target: str, ramp: Ramp) -> list[Pixels]:
    ends = latents["solemn"], latents["smiling"]
    strengths = ramp.strengths(_COLUMNS)
    strengths[np.abs(strengths).argmin()] = 0.0  # the face as it is
    return list(render(np.stack([expression_transfer(latents[target], *ends, strength) for strength in strengths])))


def _mix_styles(render: Synthesizer, latents: Mapping[str, WPlus], content: str, picture: Pixels) -> list[Pixels]:
    mixed = [crossover(latents[content], latents[style], range(FROM_LAYER, len(latents[content]))) for style in _STYLES]
    return [picture, *render(np.stack(mixed))]
