"""The main job, end to end, on what ships with the program."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.embedding.loop import Embedding, EmbedProgress, embed
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.outputs import Outputs
from i2s_trt.files import make_folder
from i2s_trt.images.compose import sheet, write_png
from i2s_trt.images.examples import example_picture
from i2s_trt.images.fit import fit_picture
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import random_vgg16
from i2s_trt.synthesizer import TorchSynthesizer

PICTURES = ("astronaut", "cat")
STEPS = 500
_CELL_HEIGHT = 192
_SHEET_STEPS = (0, 20, 100)
_RATE = 0.05  # five times the paper's: the demo takes a tenth of its steps

Report = Callable[[str, EmbedProgress], bool | None]


@dataclass(frozen=True)
class DemoResult:
    """What the demo made: the embeddings by name, the contact sheet, and which features were used."""

    embeddings: dict[str, Embedding]
    sheet: Path
    features: str
    interrupted: bool


def run_demo(folder: Path, report: Report, steps: int = STEPS) -> DemoResult:
    """Embed the example photographs and lay the results out on one sheet.

    Raises:
        EnvironmentFault: scikit-image is missing, or the folder cannot be written.
    """
    make_folder(folder)
    generator, vgg = load_generator(), random_vgg16()
    options = EmbedOptions(steps=steps, learning_rate=_RATE)
    embeddings: dict[str, Embedding] = {}
    rows = []
    for name in PICTURES:
        picture = fit_picture(example_picture(name), generator.spec)
        film = _Film(generator, lambda progress, name=name: report(name, progress))  # type: ignore[misc]
        (embedding,) = embed(generator, [picture], options, vgg=vgg, callback=film)
        embedding = replace(
            embedding, latent=replace(embedding.latent, extra={**embedding.latent.extra, "source": name})
        )
        Outputs(folder, name).write(embedding)
        embeddings[name] = embedding
        rows.append([picture, *film.frames, embedding.picture])
        if embedding.latent.status == "interrupted":
            break
    path = folder / "contact-sheet.png"
    labels = ["photograph", *(f"step {step}" if step else "mean latent" for step in _SHEET_STEPS), "embedded"]
    write_png(path, sheet(rows, column_labels=labels, row_labels=list(embeddings), cell_height=_CELL_HEIGHT))
    interrupted = any(e.latent.status == "interrupted" for e in embeddings.values())
    return DemoResult(embeddings, path, vgg.source.name, interrupted)


class _Film:
    """A callback that keeps pictures of chosen steps."""

    def __init__(self, generator: Generator, report: Callable[[EmbedProgress], bool | None]) -> None:
        self._render = TorchSynthesizer(generator)
        self._report = report
        mean = generator.mean_w_plus.unsqueeze(0).cpu().numpy()
        self.frames = [self._render(mean)[0]]

    def __call__(self, progress: EmbedProgress) -> bool | None:
        if progress.steps[0] in _SHEET_STEPS:
            self.frames.append(self._render(np.asarray(progress.state.variable.cpu()))[0])
        return self._report(progress)
