"""Embed photographs and drawn faces, edit them, and lay everything out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.demo.page import PICTURES, write_page
from i2s_trt.demo.ramp import Ramp, choose_ramp
from i2s_trt.demo.sheet import contact_sheet
from i2s_trt.embedding.embed import Embedding, EmbedProgress, embed
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.run.outputs import Outputs
from i2s_trt.files import make_folder
from i2s_trt.images.compose import write_png
from i2s_trt.images.examples import example_picture
from i2s_trt.images.fit import fit_picture
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16, imagenet_vgg16
from i2s_trt.synthesizer import TorchSynthesizer
from i2s_trt.training.factor_reader import load_factor_reader
from i2s_trt.training.factors import WORN, Factors, factors_from_uniform, sample_latents, uniform_from_latents
from i2s_trt.training.portraits.render import render_portrait

Report = Callable[[EmbedProgress], bool | None]

STEPS = 160
PHOTOGRAPHS = ("astronaut", "cat", "coffee")
# VGG looks at 64 pixels: a demonstration's worth. The prior keeps latents where edits do what they do to samples
# (docs/fast-schedule.md); losses by these features are some ninety times those by random ones, and so is its weight.
OPTIONS = EmbedOptions(steps=STEPS, schedule="fast", objective=ObjectiveOptions(perceptual_size=64, prior_weight=3.0))
_EXPRESSIVE = ("portrait", "astronaut")
_PORTRAIT_SEED, _PERSON_SEED = 11, 29


@dataclass(frozen=True)
class DemoResult:
    """What the demo made.

    Attributes:
        embeddings: by picture.
        sheet: the contact sheet.
        page: the same to look at and to try in a browser, in one file.
        interrupted: the report stopped it; what there is has been written.
    """

    embeddings: dict[str, Embedding]
    sheet: Path
    page: Path
    interrupted: bool


def run_demo(
    folder: Path,
    report: Report,
    options: EmbedOptions = OPTIONS,
    *,
    generator: Generator | None = None,
    vgg: Vgg16 | None = None,
) -> DemoResult:
    """Embed three photographs and three drawn faces, edit them, and lay everything out on one sheet and one page.

    Args:
        folder: for the results.
        report: called after each step; a true answer stops the embedding.
        options: of the embedding.
        generator, vgg: the built-in ones, where the caller has them already.

    Raises:
        EnvironmentFault: scikit-image is missing, or the folder cannot be written.
    """
    make_folder(folder)
    generator, vgg = generator or load_generator(), vgg or imagenet_vgg16()
    pictures = demo_pictures(generator)
    found = embed(generator, list(pictures.values()), options, vgg=vgg, callback=report)
    embeddings = dict(zip(pictures, found, strict=True))
    for name, embedding in embeddings.items():
        latent = replace(embedding.latent, extra={**embedding.latent.extra, "source": name})
        Outputs(folder, name).write(replace(embedding, latent=latent))
        write_png(make_folder(folder / PICTURES) / f"{name}.png", embedding.target)
    ramps = expression_ramps(generator, {name: item.latent.w_plus for name, item in embeddings.items()})
    pixels = contact_sheet(generator, embeddings, ramps)
    path = folder / "contact-sheet.png"
    write_png(path, pixels)
    page = write_page(folder, generator, embeddings, ramps, pixels)
    interrupted = any(item.latent.status == "interrupted" for item in found)
    return DemoResult(embeddings, path, page, interrupted)


def expression_ramps(generator: Generator, latents: Mapping[str, WPlus]) -> dict[str, Ramp]:
    """How far the drawn person's smile can be turned on the astronaut and on the other drawn face; latents [L, D]."""
    render, reader = TorchSynthesizer(generator), load_factor_reader()
    ends = (latents["solemn"], latents["smiling"])
    return {name: choose_ramp(render, reader, latents[name], *ends) for name in _EXPRESSIVE}


def demo_pictures(generator: Generator) -> dict[str, Pixels]:
    """The pictures of the demo by name, uint8 of the model's size: photographs, and drawn faces.

    `solemn` and `smiling` are one drawn person with two expressions, `portrait` is another.
    """
    pictures = {name: fit_picture(example_picture(name), generator.spec) for name in PHOTOGRAPHS}
    person = replace(drawn_person(_PERSON_SEED), **dict.fromkeys(WORN, 0.0))
    faces = {
        "portrait": drawn_person(_PORTRAIT_SEED),
        "solemn": replace(person, smile=-0.3, mouth_open=0.0),
        "smiling": replace(person, smile=0.9, mouth_open=0.6),
    }
    return pictures | {name: render_portrait(face, generator.resolution) for name, face in faces.items()}


def drawn_person(seed: int) -> Factors:
    """The factors of a drawn face."""
    return factors_from_uniform(uniform_from_latents(sample_latents(seed, 1, mixing=0.0))[0])
