"""Draws the pictures of docs/photographs.md anew: `python docs/make_photographs.py [--steps N]`."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from i2s_trt import embed, fit_picture, load_generator
from i2s_trt.arrays import Pixels, Points
from i2s_trt.demo.run import OPTIONS, TUNE, drawn_person
from i2s_trt.edit.operations import expression_transfer
from i2s_trt.embedding.embed import Embedding, EmbedProblem, optimise
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.tune import Tuner
from i2s_trt.faces.builtin import BuiltinDetector
from i2s_trt.faces.landmarks import Landmarks
from i2s_trt.files import write_bytes
from i2s_trt.images.compose import sheet
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import imagenet_vgg16
from i2s_trt.photographs.paste import PasteOptions, paste_back
from i2s_trt.photographs.quad import ffhq_quad
from i2s_trt.photographs.warp import align_quad
from i2s_trt.synthesizer import TorchSynthesizer
from i2s_trt.training.factors import WORN
from i2s_trt.training.portraits.render import render_portrait
from i2s_trt.video.motion import reenact
from i2s_trt.video.options import ClipOptions
from i2s_trt.video.problem import FrameProblem

FOLDER = Path(__file__).parent / "pictures"
CELL = 192
FRAMES = 6
EDIT = 0.7  # strength of the expression transfer


def main() -> None:
    """Draw everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=OPTIONS.steps, help="of each embedding")
    options = replace(OPTIONS, steps=parser.parse_args().steps)
    generator, photograph = load_generator("demo"), decode(example_path("astronaut"))
    quad = ffhq_quad(BuiltinDetector()(photograph)[0].landmarks)
    save("photographs-align", align_sheet(photograph))
    crops, calm = crops_of(photograph, quad, generator), expression(generator, 1.0)
    *embedded, smiling, solemn = embed(generator, [*crops.values(), expression(generator, 0.0), calm], options)
    pair = smiling.latent.w_plus, solemn.latent.w_plus
    save("photographs-crops", crop_sheet(crops, embedded, pair, generator))
    astronaut = embedded[list(crops).index("aligned")]
    tuned = Tuner(generator, imagenet_vgg16(), options.objective, TUNE)(astronaut.latent.w_plus, astronaut.target)
    render = TorchSynthesizer(generator).tuned(tuned.delta)
    save("photographs-paste", paste_sheet(photograph, quad, astronaut, pair, render))
    save("photographs-clip", clip_sheet(photograph, quad, astronaut, generator, render, options))


def align_sheet(photograph: Pixels) -> Pixels:
    """One photograph in many states, with what the detector sees, above the crops."""
    picture = Image.fromarray(photograph)
    wide = Image.new("RGB", (1600, 1000), (70, 80, 90))
    wide.paste(picture, (980, 440))
    states = {
        "as it is": picture,
        "turned": picture.rotate(35, Image.Resampling.BICUBIC, expand=True),
        "upside down": picture.rotate(180),
        "grey, a third": picture.convert("L").convert("RGB").resize((170, 170), Image.Resampling.LANCZOS),
        "far away": wide,
        "cut off": picture.crop((190, 20, 512, 400)),
    }
    marked, crops = [], []
    for state in states.values():
        pixels = np.array(state)
        landmarks = BuiltinDetector()(pixels)[0].landmarks
        marked.append(square(draw_quad(pixels, landmarks)))
        crops.append(align_quad(pixels, ffhq_quad(landmarks), CELL))
    return sheet([marked, crops], column_labels=list(states), row_labels=["photograph", "aligned"], cell_height=CELL)


def draw_quad(pixels: Pixels, landmarks: Landmarks) -> Pixels:
    """A photograph with its quad and landmarks."""
    picture = Image.fromarray(pixels)
    pen, width = ImageDraw.Draw(picture), max(1, round(max(pixels.shape) / 130))
    corners = [tuple(corner) for corner in ffhq_quad(landmarks)]
    pen.line([*corners, corners[0]], (255, 220, 0), width)
    for x, y in landmarks.points:
        pen.ellipse([x - 1.3 * width, y - 1.3 * width, x + 1.3 * width, y + 1.3 * width], (0, 230, 90))
    return np.array(picture)


def square(pixels: Pixels) -> Pixels:
    """Within a white square cell."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
    cell = Image.new("RGB", (CELL, CELL), (255, 255, 255))
    cell.paste(picture, ((CELL - picture.width) // 2, (CELL - picture.height) // 2))
    return np.array(cell)


def crops_of(photograph: Pixels, quad: Points, generator: Generator) -> dict[str, Pixels]:
    """Ways to cut a face out of a photograph."""
    middle, across = quad.mean(axis=0), (quad[3] - quad[0]) / 2
    size = generator.resolution

    def around(centre: Points, half: Points) -> Pixels:
        down = np.array([-half[1], half[0]])
        corners = np.stack([centre - half - down, centre - half + down, centre + half + down, centre + half - down])
        return align_quad(photograph, corners, size)

    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    return {
        "centre crop": fit_picture(photograph, generator.spec),
        "too tight": around(middle, 0.5 * across),
        "too wide": around(middle, 1.6 * across),
        "off centre": around(middle + 0.6 * across, across),
        "tilted": around(middle, turn @ across),
        "aligned": align_quad(photograph, quad, size),
    }


def expression(generator: Generator, calm: float) -> Pixels:
    """A drawn face that smiles with its mouth open (0) or is solemn (1)."""
    person = replace(drawn_person(29), **dict.fromkeys(WORN, 0.0))
    face = replace(person, smile=0.9 - 1.2 * calm, mouth_open=0.6 - 0.6 * calm)
    return render_portrait(face, generator.resolution)


def crop_sheet(
    crops: dict[str, Pixels], embedded: Sequence[Embedding], pair: tuple[Pixels, Pixels], generator: Generator
) -> Pixels:
    """Crops above their embeddings and one edit of these, with figures on stdout."""
    for name, item in zip(crops, embedded, strict=True):
        error = np.square(item.picture.astype(float) - item.target).mean()
        print(f"{name}: loss {item.latent.losses['total']:.0f}, {10 * np.log10(255**2 / error):.1f} dB, "
              f"distance to mean {item.latent.distance:.1f}")  # fmt: skip
    calm = np.stack([expression_transfer(item.latent.w_plus, *pair, EDIT) for item in embedded])
    rows = [list(crops.values()), [item.picture for item in embedded], list(TorchSynthesizer(generator)(calm))]
    return sheet(rows, column_labels=list(crops), row_labels=["crop", "embedded", "made solemn"], cell_height=CELL)


def paste_sheet(
    photograph: Pixels, quad: Points, astronaut: Embedding, pair: tuple[Pixels, Pixels], render: TorchSynthesizer
) -> Pixels:
    """An expression transferred onto the photograph's face, and laid back into the photograph."""
    edited = expression_transfer(astronaut.latent.w_plus, *pair, EDIT)
    own, picture = render(np.stack([astronaut.latent.w_plus, edited]))
    whole, face, plain = (
        np.array(Image.fromarray(pasted).crop((60, 0, 400, 340)))
        for pasted in (
            paste_back(photograph, own, quad),
            paste_back(photograph, picture, quad),
            paste_back(photograph, picture, quad, PasteOptions("picture", match_colours=False, restore=0)),
        )
    )
    original = np.array(Image.fromarray(photograph).crop((60, 0, 400, 340)))
    labels = ["photograph", "tuned", "edited", "tuned, pasted", "edited, pasted", "no oval, no match"]
    cells = [original, own, picture, whole, face, plain]
    scaled = [np.array(Image.fromarray(cell).resize((CELL, CELL), Image.Resampling.LANCZOS)) for cell in cells]
    return sheet([scaled], column_labels=labels, cell_height=CELL)


def clip_sheet(
    photograph: Pixels,
    quad: Points,
    astronaut: Embedding,
    generator: Generator,
    tuned: TorchSynthesizer,
    options: EmbedOptions,
) -> Pixels:
    """A drawn face whose smile fades, embedded frame by frame, and the photograph's face moving as it does."""
    frames = [expression(generator, calm) for calm in np.linspace(0, 1, FRAMES)]
    latents = embedded_frames(generator, frames, options)
    render = TorchSynthesizer(generator)
    moving = tuned(reenact(astronaut.latent.w_plus, latents, EDIT))
    pasted = [paste_back(photograph, picture, quad)[:340, 60:400] for picture in moving]
    rows = [
        frames,
        list(render(latents)),
        list(moving),
        [np.array(Image.fromarray(p).resize((CELL, CELL))) for p in pasted],
    ]
    scaled = [
        [np.array(Image.fromarray(cell).resize((CELL, CELL), Image.Resampling.BICUBIC)) for cell in row] for row in rows
    ]
    labels = ["clip", "embedded", "another face", "pasted back"]
    return sheet(scaled, row_labels=labels, cell_height=CELL)


def embedded_frames(generator: Generator, frames: Sequence[Pixels], options: EmbedOptions) -> Pixels:
    """w_plus [T, L, D], as `i2s_trt.video.job` makes them."""
    from i2s_trt.embedding.start.distance import typical_distance

    clip, vgg = ClipOptions(), imagenet_vgg16()
    (first,) = embed(generator, [frames[0]], options, vgg=vgg)
    strength = clip.temporal_weight * first.latent.losses["total"] / typical_distance(generator) ** 2
    rate = options.learning_rate * clip.rate_share
    following = replace(options, schedule="paper", steps=clip.frame_steps, learning_rate=rate, init="latent")
    latents, embedder = [first.latent.w_plus], Embedder(generator, following, vgg)
    for frame in frames[1:]:
        problem: EmbedProblem = FrameProblem(embedder, frame, latents[-1], strength)
        state = problem.start()
        optimise(problem, state)
        latents.append(problem.finish(state, 0.0)[0].latent.w_plus)
    return np.stack(latents)


def save(name: str, pixels: Pixels) -> None:
    """As JPEG."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    write_bytes(FOLDER / f"{name}.jpg", buffer.getvalue())
    print(FOLDER / f"{name}.jpg", pixels.shape)


if __name__ == "__main__":
    main()
