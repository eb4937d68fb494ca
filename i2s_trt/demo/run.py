"""Embed photographs and drawn faces, edit them, and lay everything out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from i2s_trt.arrays import Pixels
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.deltas import TunedLatent
from i2s_trt.demo.page import PICTURES, write_page
from i2s_trt.demo.ramp import Ramp, choose_ramp
from i2s_trt.demo.sheet import contact_sheet, tuned_latent
from i2s_trt.embedding.embed import Embedding, EmbedProgress, embed
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions, TuneOptions
from i2s_trt.embedding.run.outputs import Outputs
from i2s_trt.embedding.tune import Tuned, Tuner
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
ReportTuning = Callable[[str, int], bool | None]

STEPS = 160
PHOTOGRAPHS = ("astronaut", "cat", "coffee")
# VGG looks at 64 pixels: a demonstration's worth. The prior keeps latents where edits do what they do to samples
# (docs/fast-schedule.md); losses by these features are some ninety times those by random ones, and so is its weight.
OPTIONS = EmbedOptions(steps=STEPS, schedule="fast", objective=ObjectiveOptions(perceptual_size=64, prior_weight=3.0))
TUNE = TuneOptions(steps=60)  # of each photograph: drawn faces lie within the model as it is
# Of a photograph the coarse layers alone, up to 8x8: with the finer ones come the drawn person's lips and teeth, over
# the photograph's own, to which the model was tuned.
_EXPRESSIVE = {"portrait": None, "astronaut": range(4)}
_PORTRAIT_SEED, _PERSON_SEED = 11, 29


@dataclass(frozen=True)
class DemoResult:
    """What the demo made.

    Attributes:
        embeddings: by picture.
        tuned: what the generator draws once it is tuned to each photograph.
        sheet: the contact sheet.
        page: the same to look at and to try in a browser, in one file.
        interrupted: the report stopped it; what there is has been written.
    """

    embeddings: dict[str, Embedding]
    tuned: dict[str, Tuned]
    sheet: Path
    page: Path
    interrupted: bool


def run_demo(
    folder: Path,
    report: Report,
    options: EmbedOptions = OPTIONS,
    tune: TuneOptions = TUNE,
    report_tuning: ReportTuning = lambda _name, _step: None,
    *,
    generator: Generator | None = None,
    vgg: Vgg16 | None = None,
) -> DemoResult:
    """Embed three photographs and three drawn faces, edit them, and lay everything out on one sheet and one page.

    Args:
        folder: for the results.
        report: called after each step; a true answer stops the embedding.
        options: of the embedding.
        tune: how the generator is tuned to the photographs.
        report_tuning: called with the photograph and the steps done; a true answer stops the tuning.
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
    interrupted = any(item.latent.status == "interrupted" for item in found)
    tuned = {} if interrupted else _tune(generator, vgg, embeddings, tune, report_tuning)
    for name, one in tuned.items():
        Outputs(folder, name).write_tuned(one, embeddings[name].target)
    interrupted = interrupted or len(tuned) < len(PHOTOGRAPHS)
    latents = {name: tuned_latent(item, tuned.get(name)) for name, item in embeddings.items()}
    ramps = expression_ramps(generator, latents)
    pixels = contact_sheet(generator, embeddings, tuned, ramps)
    path = folder / "contact-sheet.png"
    write_png(path, pixels)
    page = write_page(folder, generator, embeddings, tuned, ramps, pixels)
    return DemoResult(embeddings, tuned, path, page, interrupted)


def _tune(
    generator: Generator, vgg: Vgg16, embeddings: Mapping[str, Embedding], options: TuneOptions, report: ReportTuning
) -> dict[str, Tuned]:
    """The generator tuned to each photograph, to as many as are reached before it is stopped."""
    tuner, stopped, tuned = Tuner(generator, vgg, ObjectiveOptions(), options), [False], {}
    for name in PHOTOGRAPHS:

        def tell(step: int, _loss: float, name: str = name) -> None:
            stopped[0] = bool(report(name, step))

        item = embeddings[name]
        found = tuner(item.latent.w_plus, item.target, tell, lambda: stopped[0])
        if stopped[0]:
            break
        tuned[name] = found
    return tuned


def expression_ramps(generator: Generator, latents: Mapping[str, TunedLatent]) -> dict[str, Ramp]:
    """How far the drawn person's smile can be turned on the astronaut and on the other drawn face."""
    render = TorchSynthesizer(generator)
    reader, ends = load_factor_reader(), (latents["solemn"].w_plus, latents["smiling"].w_plus)
    return {
        name: choose_ramp(render.tuned(latents[name].delta), reader, latents[name].w_plus, *ends, layers)
        for name, layers in _EXPRESSIVE.items()
    }


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
