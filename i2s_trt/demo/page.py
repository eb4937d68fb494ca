"""The page: photographs beside what was embedded, edits that can be dragged through, and the commands that made them.

It is one file without a connection to anywhere: pictures are data, an animation is its frames side by side in one.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from html import escape
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.deltas import TunedLatent
from i2s_trt.demo.ramp import Ramp
from i2s_trt.demo.sheet import FROM_LAYER, morphs, render_edits, restyled, tuned_latent, turned
from i2s_trt.embedding.embed import Embedding
from i2s_trt.embedding.tune import Tuned
from i2s_trt.files import write_bytes
from i2s_trt.images.examples import EXAMPLES
from i2s_trt.models.generator import Generator

PICTURES = "pictures"  # the folder of what was embedded, for the commands that the page gives
FRAMES = 25
_QUALITY = 90  # of JPEG
_MORPHS = (
    ("astronaut", "portrait", "From the astronaut to a drawn face", ""),
    ("astronaut", "cat", "From the astronaut to a cat",
     "Section 4.1: a morph \u201cfails on non-face images\u201d, and \u201cthere are contours of human faces in the "
     "intermediate images\u201d: here too."),
    ("solemn", "smiling", "From one expression to the other", ""),
)  # fmt: skip
_CONTENT, _STYLE = "astronaut", "cat"
_STYLES_SAY = (
    "Section 4.2: crossover can \u201ctransfer the low level features (e.g. colors and textures)\u201d. Of the cat, "
    "colours arrive, and no fur."
)
_EXPRESSIONS = (
    ("portrait", "A smile on a drawn face", ""),
    ("astronaut", "The same smile on the photograph",
     "In the coarse layers alone, where it turns her own mouth; the finer ones would lay drawn lips over it. As far as "
     "the factor reader sees it grow and the face remain the same."),
)  # fmt: skip


def write_page(
    folder: Path,
    generator: Generator,
    embeddings: Mapping[str, Embedding],
    tuned: Mapping[str, Tuned],
    ramps: Mapping[str, Ramp],
    contact_sheet: Pixels,
) -> Path:
    """Write `index.html`.

    Args:
        folder: for the page; the results of the embeddings lie there too.
        generator: they were made with.
        embeddings: by name, those of `demo_pictures`.
        tuned: what the generator draws once it is tuned to a picture, by the picture's name.
        ramps: of the expressions, by the name of the face.
        contact_sheet: uint8 [H, W, 3].

    Raises:
        EnvironmentFault: the disk is full or the folder cannot be written.
    """
    template = Template((files("i2s_trt.demo") / "page.html").read_text())
    first = next(iter(embeddings.values())).latent
    latents = {name: tuned_latent(embedding, tuned.get(name)) for name, embedding in embeddings.items()}
    photographs = [name for name in embeddings if name in EXAMPLES]
    text = template.substitute(
        size=generator.resolution,
        from_layer=FROM_LAYER,
        steps=first.options["steps"],
        wipes="\n".join(_wipe(name, embedding, tuned.get(name)) for name, embedding in embeddings.items()),
        animations="\n".join(_animations(generator, latents, ramps)),
        sheet=_data(contact_sheet),
        sheet_width=contact_sheet.shape[1],
        sheet_height=contact_sheet.shape[0],
        features=escape(first.extra["features"]),
        embed_photographs=escape(embed_commands(photographs, first.options, next(iter(tuned.values()), None))),
        embed_drawn=escape(embed_commands([name for name in embeddings if name not in EXAMPLES], first.options)),
    )
    path = folder / "index.html"
    write_bytes(path, text.encode())
    return path


def embed_commands(names: Iterable[str], options: Mapping[str, Any], tuned: Tuned | None = None) -> str:
    """What embeds pictures of the demo again, in its folder, and tunes the generator to each."""
    pictures = " ".join(f"{PICTURES}/{name}.png" for name in names)
    objective = options["objective"]
    tune = "" if tuned is None else f" --tune {len(tuned.losses)}"
    return (
        f"i2s-trt embed {pictures} --no-align --schedule {options['schedule']} --steps {options['steps']} "
        f"--perceptual-size {objective['perceptual_size']} --prior {objective['prior_weight']:g}{tune} -o again"
    )


def morph_command(first: str, second: str) -> str:
    """What makes a morph again, in the demo's folder."""
    return f"i2s-trt morph {first}.safetensors {second}.safetensors --easing linear --frames {FRAMES} -o morph.gif"


def expression_command(target: str, ramp: Ramp) -> str:
    """What makes a ramp of expressions again, in the demo's folder."""
    words = f"{target}.safetensors solemn.safetensors smiling.safetensors"
    layers = "" if ramp.layers is None else f" --layers {ramp.layers[0]}-{ramp.layers[-1]}"
    strengths = f"--strength {ramp.weakest}:{ramp.strongest}:{FRAMES}"
    return f"i2s-trt expression-transfer {words} {strengths}{layers} -o ramp.gif"


def style_command(layers: int) -> str:
    """What mixes styles again, in the demo's folder: a picture for each number of layers."""
    words = f"{_CONTENT}.safetensors {_STYLE}.safetensors"
    return (
        f"for layer in $(seq {layers - 1} -1 0); do "
        f"i2s-trt style-transfer {words} --from-layer $layer -o styled-$layer; done"
    )


def _animations(generator: Generator, latents: Mapping[str, TunedLatent], ramps: Mapping[str, Ramp]) -> Sequence[str]:
    render = partial(render_edits, generator)
    animations = []
    for first, second, title, note in _MORPHS:
        frames, command = render(morphs(latents[first], latents[second], FRAMES)), morph_command(first, second)
        animations.append(_animation(frames, title, ("start", "end"), command, 0, note))
    for target, title, note in _EXPRESSIONS:
        ramp = ramps[target]
        strengths, command = ramp.strengths(FRAMES), expression_command(target, ramp)
        named, at_rest = (f"strength {ramp.weakest}", f"strength {ramp.strongest}"), int(np.abs(strengths).argmin())
        frames = render(turned(latents, target, strengths.tolist(), ramp.layers))
        animations.append(_animation(frames, title, named, command, at_rest, note))
    layers = generator.num_layers
    mixed = [restyled(latents[_CONTENT], latents[_STYLE], layer) for layer in range(layers, -1, -1)]
    title = "The cat's styles: its colours first, then its shape"
    command = style_command(layers)
    span = ("no layer", "all layers")
    animations.append(_animation(render(mixed), title, span, command, layers - FROM_LAYER, _STYLES_SAY))
    return animations


def _wipe(name: str, embedding: Embedding, tuned: Tuned | None) -> str:
    """A photograph under what was embedded, with a handle between them."""
    drawn = embedding.picture if tuned is None else tuned.picture
    target, picture, label = _data(embedding.target), _data(drawn), escape(name)
    losses, objective = embedding.latent.losses, embedding.latent.options["objective"]
    loss = losses["total"] - objective["prior_weight"] * losses.get("prior", 0.0)
    said = f"loss of Eq. 1: {loss:,.0f}" + ("" if tuned is None else ", then tuned")
    return f"""<figure class="wipe">
<div class="stack"><img src="{target}" alt="{label}, as it was">
<img class="after" src="{picture}" alt="{label}, embedded"></div>
<input type="range" min="0" max="100" value="50" aria-label="{label}: left of here as it was, right of here embedded">
<figcaption>{label} <small>{said}</small></figcaption>
</figure>"""


def _animation(frames: Sequence[Pixels], title: str, ends: tuple[str, str], command: str, shown: int, note: str) -> str:
    """Frames [H, W, 3] to be dragged through, or played to and fro."""
    said = f"<small>{escape(note)}</small>" if note else ""
    data, label, last = _data(np.concatenate(frames, axis=1)), escape(title), len(frames) - 1
    return f"""<figure class="animation" style="--last: {last}; --frame: {shown}">
<div class="frame" role="img" aria-label="{label}" style="background-image: url({data})"></div>
<div class="bar"><button type="button" aria-pressed="false" aria-label="play: {label}">&#9654;</button>
<input type="range" min="0" max="{last}" value="{shown}" aria-label="{label}, from {ends[0]} to {ends[1]}"></div>
<figcaption>{label} {said}<pre><code>{escape(command)}</code></pre></figcaption>
</figure>"""


def _data(pixels: Pixels) -> str:
    """A picture as the address of itself."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + b64encode(buffer.getvalue()).decode()
