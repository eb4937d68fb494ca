"""The main job, end to end, on what ships with the program: embed, morph, transfer styles and expressions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.edit.operations import crossover, expression_transfer, morph
from i2s_trt.embedding.loop import Embedding, EmbedProgress, embed
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.outputs import Outputs
from i2s_trt.files import make_folder
from i2s_trt.images.compose import sheet, write_png
from i2s_trt.images.examples import example_picture
from i2s_trt.images.fit import fit_picture
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import random_vgg16
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import Synthesizer, TorchSynthesizer
from i2s_trt.training.factors import Factors, factors_from_uniform, sample_latents, uniform_from_latents
from i2s_trt.training.portraits import render_portrait

Pixels = np.ndarray[Any, Any]
Report = Callable[[EmbedProgress], bool | None]

STEPS = 200
PHOTOGRAPHS = ("astronaut", "cat", "coffee")
CONTENTS, STYLES = ("astronaut", "portrait", "solemn"), ("cat", "coffee", "portrait")
# VGG looks at 64 pixels: a demonstration's worth. The prior keeps latents where edits do what they do to samples
# (docs/fast-schedule.md).
OPTIONS = EmbedOptions(steps=STEPS, schedule="fast", objective=ObjectiveOptions(perceptual_size=64, prior_weight=0.06))
_COLUMNS = 6
_CELL_HEIGHT = 144
_PORTRAIT_SEED, _PERSON_SEED = 11, 29
_STRENGTHS = (-0.6, -0.3, 0.0, 0.3, 0.6, 1.0)
_SAMPLE_SEEDS = range(1, 1 + _COLUMNS)


@dataclass(frozen=True)
class DemoResult:
    """What the demo made.

    Attributes:
        embeddings: by picture.
        sheet: the contact sheet.
        features: which feature network the loss used.
        interrupted: the report stopped it; what there is has been written.
    """

    embeddings: dict[str, Embedding]
    sheet: Path
    features: str
    interrupted: bool


def run_demo(folder: Path, report: Report, options: EmbedOptions = OPTIONS) -> DemoResult:
    """Embed three photographs and three drawn faces, edit them, and lay everything out on one sheet.

    Args:
        folder: for the results.
        report: called after each step; a true answer stops the embedding.
        options: of the embedding.

    Raises:
        EnvironmentFault: scikit-image is missing, or the folder cannot be written.
    """
    make_folder(folder)
    generator, vgg = load_generator(), random_vgg16()
    pictures = demo_pictures(generator)
    found = embed(generator, list(pictures.values()), options, vgg=vgg, callback=report)
    embeddings = dict(zip(pictures, found, strict=True))
    for name, embedding in embeddings.items():
        latent = replace(embedding.latent, extra={**embedding.latent.extra, "source": name})
        Outputs(folder, name).write(replace(embedding, latent=latent))
    path = folder / "contact-sheet.png"
    write_png(path, contact_sheet(generator, embeddings))
    interrupted = any(item.latent.status == "interrupted" for item in found)
    return DemoResult(embeddings, path, vgg.source.name, interrupted)


def demo_pictures(generator: Generator) -> dict[str, Pixels]:
    """The pictures of the demo by name, uint8 of the model's size: photographs, and drawn faces.

    `solemn` and `smiling` are one drawn person with two expressions, `portrait` is another.
    """
    pictures = {name: fit_picture(example_picture(name), generator.spec) for name in PHOTOGRAPHS}
    person = replace(drawn_person(_PERSON_SEED), glasses=0.0, beard=0.0, moustache=0.0)
    faces = {
        "portrait": drawn_person(_PORTRAIT_SEED),
        "solemn": replace(person, smile=-0.3, mouth_open=0.0),
        "smiling": replace(person, smile=0.9, mouth_open=0.6),
    }
    return pictures | {name: render_portrait(face, generator.resolution) for name, face in faces.items()}


def drawn_person(seed: int) -> Factors:
    """The factors of a drawn face."""
    return factors_from_uniform(uniform_from_latents(sample_latents(seed, 1, mixing=0.0))[0])


def contact_sheet(generator: Generator, embeddings: dict[str, Embedding]) -> Pixels:
    """Everything on one picture, six cells a row."""
    render = TorchSynthesizer(generator)
    latents = {name: embedding.latent.w_plus for name, embedding in embeddings.items()}
    rows: dict[str, Sequence[Pixels | None]] = {
        "picture": [embedding.target for embedding in embeddings.values()],
        "embedded": [embedding.picture for embedding in embeddings.values()],
        "morph": _morphs(render, latents["astronaut"], latents["portrait"]),
        "morph to the cat": _morphs(render, latents["astronaut"], latents["cat"]),
        "expression, drawn": _expressions(render, latents, "portrait"),
        "expression, photo": _expressions(render, latents, "astronaut"),
        "style of ...": [None, *(embeddings[name].picture for name in STYLES)],
        **{f"... on {name}": _styled(render, latents, name, embeddings[name].picture) for name in CONTENTS},
        "samples": list(render(np.stack([w_plus_from_seed(generator, seed) for seed in _SAMPLE_SEEDS]))),
    }
    return sheet(list(rows.values()), row_labels=list(rows), cell_height=_CELL_HEIGHT)


def _morphs(render: Synthesizer, first: Pixels, second: Pixels) -> list[Pixels]:
    weights = np.linspace(1.0, 0.0, _COLUMNS)
    return list(render(np.stack([morph(first, second, weight) for weight in weights])))


def _expressions(render: Synthesizer, latents: dict[str, Pixels], target: str) -> list[Pixels]:
    neutral, smiling = latents["solemn"], latents["smiling"]
    ramp = [expression_transfer(latents[target], neutral, smiling, strength) for strength in _STRENGTHS]
    return list(render(np.stack(ramp)))


def _styled(render: Synthesizer, latents: dict[str, Pixels], content: str, picture: Pixels) -> list[Pixels]:
    mixed = [crossover(latents[content], latents[style]) for style in STYLES]
    return [picture, *render(np.stack(mixed))]
