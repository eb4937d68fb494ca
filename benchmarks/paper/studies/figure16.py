"""Figure 16: other constant noise, and noise drawn anew at each step."""

from collections.abc import Mapping
from statistics import fmean

import numpy as np

from benchmarks.metrics import mean_square, psnr
from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Findings, Table
from benchmarks.paper.pictures.collection import Picture
from benchmarks.paper.study import Study
from benchmarks.paper.task import Embedded, Task
from benchmarks.paper.verdict import Check, NotTestableError
from i2s_trt.arrays import Pixels
from i2s_trt.embedding.options import EmbedOptions, Noise
from i2s_trt.embedding.start.spaces import noise_maps
from i2s_trt.images.fit import to_pixels

_CONSTANT: tuple[Noise, ...] = ("stored", 1, 2)
_RESAMPLED: Noise = "resampled"
_SIMILAR = 0.15  # relative spread of the losses
_WORSE = 1.1  # times the loss
_INVISIBLE = 0.5  # of 255


def checks(losses: Mapping[Noise, float]) -> tuple[Check, ...]:
    """Whether constant noises agree and resampling harms, from mean losses by noise."""
    constant = [losses[noise] for noise in _CONSTANT]
    return (
        Check("spread of the loss among constant noises", (max(constant) - min(constant)) / fmean(constant), "<",
              _SIMILAR),
        Check("loss with resampled noise against constant noise", losses[_RESAMPLED] / fmean(constant), ">", _WORSE,
              unit="x"),
    )  # fmt: skip


def tasks(lab: Lab) -> list[Task]:
    """The first pictures under each noise."""
    return [lab.task(p.pixels, noise=noise) for noise in (*_CONSTANT, _RESAMPLED) for p in _pictures(lab)]


def measure(lab: Lab, album: Album) -> Findings:
    """Losses and likeness of the embeddings."""
    visible = noise_change(lab)
    if visible < _INVISIBLE:
        raise NotTestableError(f"its noise changes the mean face by {visible:.2g} of 255: it hardly uses noise")
    pictures, embedded = _pictures(lab), lab.embed(tasks(lab))
    noises = (*_CONSTANT, _RESAMPLED)
    columns = {noise: embedded[i * len(pictures) : (i + 1) * len(pictures)] for i, noise in enumerate(noises)}
    losses = {noise: fmean(item.loss for item in items) for noise, items in columns.items()}
    rows = tuple(
        (_name(noise), losses[noise] / losses["stored"], _mean_psnr(items, [p.pixels for p in pictures]),
         _mean_psnr(items, [item.picture for item in columns["stored"]]) if noise != "stored" else None)
        for noise, items in columns.items()
    )  # fmt: skip
    heads = ("noise", "loss, the stored noise's = 1", "PSNR (dB)", "PSNR to the stored noise's embedding (dB)")
    shown = [[p.pixels, *(columns[noise][i].picture for noise in noises)] for i, p in enumerate(pictures)]
    media = album.sheet("noises", "Noises", shown, columns=("picture", *map(_name, noises)))
    return Findings(checks(losses), (Table("Means over the pictures", heads, rows),), media=(media,))


def noise_change(lab: Lab) -> float:
    """How much other noise changes the mean face, rms on 0..255."""
    maps = noise_maps(lab.generator, EmbedOptions(noise=1), 0, 0)
    changed = to_pixels(lab.generator.crop(lab.generator.synthesis(lab.generator.mean_w_plus[None], maps)))[0]
    return float(np.sqrt(mean_square(changed, lab.mean_picture)))


def _pictures(lab: Lab) -> list[Picture]:
    return lab.collection.firsts()[: lab.settings.faces]


def _mean_psnr(items: list[Embedded], wanted: list[Pixels]) -> float:
    return fmean(psnr(item.picture, pixels) for item, pixels in zip(items, wanted, strict=True))


def _name(noise: Noise) -> str:
    return f"seed {noise}" if isinstance(noise, int) else str(noise)


STUDY = Study(
    "figure16",
    "Noise",
    ("Figure 16",),
    "Embedding with other constant noise leads to similar results; noise resampled at each step makes them "
    "significantly worse.",
    tasks,
    measure,
)
