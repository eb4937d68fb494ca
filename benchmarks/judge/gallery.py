"""The pictures that are judged: the demo's photographs, what was embedded, its edits, and controls."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.deltas import TunedLatent, delta_of
from i2s_trt.demo.page import PICTURES
from i2s_trt.demo.run import drawn_person, expression_ramps
from i2s_trt.demo.sheet import FROM_LAYER, morph_at, render_edits, restyled, turned
from i2s_trt.errors import UsageError
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_picture
from i2s_trt.latents import Latent, read_latent
from i2s_trt.models.generator import Generator
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import TorchSynthesizer
from i2s_trt.training.portraits.render import render_portrait

NAMES = ("astronaut", "cat", "coffee", "portrait", "solemn", "smiling")
_STRENGTHS = 9  # along each ramp
_WEIGHTS = (0.8, 0.6, 0.4, 0.2)  # of a morph's start; its ends are the embedded pictures
_MORPHS = (("astronaut", "portrait"), ("astronaut", "cat"), ("solemn", "smiling"))
_STYLED = ("astronaut", "portrait", "solemn")
_STYLES = ("cat", "coffee", "portrait")
_BLANK = np.zeros((0, 0, 3), np.uint8)
_DRAWN_SEEDS, _SAMPLE_SEEDS = range(101, 109), range(1, 9)


@dataclass(frozen=True)
class Demo:
    """A finished demo.

    Attributes:
        generator: the model.
        pictures: what was embedded, uint8 [H, W, 3] by name.
        latents: by name, with what they change in the model.
        steps: of the embedding.
    """

    generator: Generator
    pictures: Mapping[str, Pixels]
    latents: Mapping[str, TunedLatent]
    steps: int


@dataclass(frozen=True)
class Case:
    """A picture of the demo.

    Attributes:
        name: what is on it.
        pixels: uint8 [H, W, 3].
        photograph: name of the case that shows the person as embedded from.
        embedded: name of the case that was edited; empty for what is no edit.
        other: name of the photograph at a morph's other end.
    """

    name: str
    pixels: Pixels
    photograph: str
    embedded: str = ""
    other: str = ""


def read_demo(folder: Path, model: str = "demo") -> Demo:
    """A demo from its folder.

    Raises:
        UsageError: it is no demo's.
        LatentError: a latent is damaged, or of another model.
    """
    for name in NAMES:
        for path in (folder / PICTURES / f"{name}.png", folder / f"{name}.safetensors"):
            if not path.is_file():
                raise UsageError(f"{folder} holds no finished demo: {path} is missing", f"i2s-trt demo -o {folder}")
    generator = load_generator(model)
    latents = {name: read_latent(folder / f"{name}.safetensors") for name in NAMES}
    return Demo(
        generator,
        {name: decode(folder / PICTURES / f"{name}.png") for name in NAMES},
        {name: _tuned(folder, name, latent, generator) for name, latent in latents.items()},
        int(latents[NAMES[0]].options.get("steps", 0)),
    )


def _tuned(folder: Path, name: str, latent: Latent, generator: Generator) -> TunedLatent:
    w_plus = latent.for_model(generator)
    return TunedLatent(w_plus, delta_of(folder / f"{name}.safetensors", w_plus, generator.digest))


def embedded(name: str) -> str:
    """Name of the case of an embedded picture."""
    return f"{name}, embedded"


def demo_cases(demo: Demo) -> list[Case]:
    """Photographs, embedded pictures and edits, each once."""
    cases = [Case(name, pixels, name) for name, pixels in demo.pictures.items()]
    edits = list(_edits(demo))
    latents = [*(demo.latents[name] for name in NAMES), *(latent for _, latent in edits)]
    rendered = render_edits(demo.generator, latents)
    plans = [*(Case(embedded(name), _BLANK, name) for name in NAMES), *(case for case, _ in edits)]
    return cases + [replace(plan, pixels=pixels) for plan, pixels in zip(plans, rendered, strict=True)]


def _edits(demo: Demo) -> Iterator[tuple[Case, TunedLatent]]:
    """Cases without pixels, and latents."""
    latents = demo.latents
    for name, ramp in expression_ramps(demo.generator, latents).items():
        for strength in sorted({0.0, *ramp.strengths(_STRENGTHS).round(2).tolist()}):
            (latent,) = turned(latents, name, [strength], ramp.layers)
            yield Case(f"{name}, smile {strength:+.2f}", _BLANK, name, embedded(name)), latent
    for name in _STYLED:
        for style in _STYLES:
            if style != name:
                latent = restyled(latents[name], latents[style], FROM_LAYER)
                yield Case(f"{name}, style of {style}", _BLANK, name, embedded(name)), latent
    for first, second in _MORPHS:
        for weight in _WEIGHTS:
            latent = morph_at(latents[first], latents[second], weight)
            yield Case(f"{first} to {second}, {1 - weight:.0%}", _BLANK, first, embedded(first), second), latent


def control_pictures(demo: Demo, people: Mapping[str, Pixels]) -> dict[str, Pixels]:
    """Pictures whose person or expression is known, by `kind/who`; `people` are named `photograph/number`."""
    generator, photograph = demo.generator, demo.pictures["astronaut"]
    found = {
        "astronaut/mirrored": mirrored(photograph),
        "astronaut/small": through_64(photograph),
        "astronaut/large": example_picture("astronaut"),
    }
    for seed in _DRAWN_SEEDS:
        person = replace(drawn_person(seed), smile=-0.3, mouth_open=0.0)
        smiling = replace(person, smile=0.9, mouth_open=0.6)
        found[f"drawn/{seed}"] = render_portrait(person, generator.resolution)
        found[f"drawn mirrored/{seed}"] = mirrored(found[f"drawn/{seed}"])
        found[f"drawn smiling/{seed}"] = render_portrait(smiling, generator.resolution)
    samples = TorchSynthesizer(generator)(np.stack([w_plus_from_seed(generator, seed) for seed in _SAMPLE_SEEDS]))
    found |= {f"sample/{seed}": pixels for seed, pixels in zip(_SAMPLE_SEEDS, samples, strict=True)}
    for who, pixels in people.items():
        found[f"person/{who}"] = pixels
        found[f"person mirrored/{who}"] = mirrored(pixels)
        found[f"person small/{who}"] = through_64(pixels)
    return found


def example_people(modules: Path, size: int) -> dict[str, Pixels]:
    """Aligned faces of the photographs that come with face-api, by `photograph/number`; none where they are missing."""
    from i2s_trt.faces.builtin import BuiltinDetector
    from i2s_trt.photographs.quad import ffhq_quad
    from i2s_trt.photographs.warp import align_quad

    found, detector = {}, BuiltinDetector()
    for path in sorted((modules / "node_modules/@vladmandic/face-api/demo").glob("sample*.jpg")):
        photograph = decode(path)
        for number, face in enumerate(detector(photograph)):
            found[f"{path.stem}/{number}"] = align_quad(photograph, ffhq_quad(face.landmarks), size)
    return found


def mirrored(pixels: Pixels) -> Pixels:
    """Left and right exchanged."""
    return np.ascontiguousarray(pixels[:, ::-1])


def through_64(pixels: Pixels) -> Pixels:
    """Scaled to 64 pixels and back."""
    from PIL import Image

    size = pixels.shape[1], pixels.shape[0]
    small = Image.fromarray(pixels).resize((64, 64), Image.Resampling.LANCZOS)
    return np.array(small.resize(size, Image.Resampling.BICUBIC))
