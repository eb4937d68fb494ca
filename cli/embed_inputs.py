"""Reads and checks what is typed after `i2s-trt embed`."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2s_trt.arithmetic import PRECISIONS
from i2s_trt.errors import ImageError, UsageError

if TYPE_CHECKING:
    from i2s_trt.embedding.run.outputs import Outputs

_CHOICES = {
    "space": ("w+", "w", "z"),
    "input_scale": ("mean-255", "normalized", "unit", "signed"),
    "resize": ("area", "bilinear"),
    "fit": ("crop", "pad"),
    "schedule": ("paper", "fast"),
    "precision": ("auto", *PRECISIONS),
}


def find_sources(images: Sequence[Path]) -> list[Path]:
    """Picture files, and those in folders. Raises ImageError when there are none."""
    from i2s_trt.images.decode import find_pictures

    found = [path for item in images for path in (find_pictures(item) if item.is_dir() else [item])]
    if not found:
        raise ImageError(
            f"no pictures in {', '.join(map(str, images))}", "name picture files, or a folder that has some"
        )
    return found


def tidy(planned: "Sequence[Outputs]") -> None:
    """Remove what a killed run left half-written; snapshots of a cluster's workers are kept."""
    from i2s_trt.embedding.run.workers import recover
    from i2s_trt.files import remove_leftovers

    for folder in {item.folder for item in planned}:
        recover(folder)
    for item in planned:
        for path in (item.latent, item.picture, item.strip, item.curve, item.curve.with_suffix(".png"), item.snapshot):
            remove_leftovers(path)


def spare_the_sources(sources: Sequence[Path], planned: "Sequence[Outputs]") -> None:
    """Refuse to write a result over a photograph or clip that is to be embedded."""
    originals = {source.resolve() for source in sources}
    for outputs in planned:
        videos = (outputs.picture.with_suffix(".mp4"), outputs.strip.with_suffix(".mp4"))
        for path in (outputs.picture, outputs.strip, outputs.curve.with_suffix(".png"), *videos):
            if path.resolve() in originals:
                raise UsageError(f"the results would overwrite {path}", "name another folder with -o")


def check_clips(sources: Sequence[Path], space: str, noise: str, tune: int) -> None:
    """Refuse what clips cannot be embedded with before anything is begun."""
    from i2s_trt.video.read import is_clip

    if not any(map(is_clip, sources)):
        return
    if noise == "optimised":
        raise UsageError("a clip's frames have no noise maps of their own", "take --noise stored")
    if tune:
        raise UsageError("the generator is not tuned to a clip", "leave --tune out, or embed its frames as pictures")
    if space == "z":
        raise UsageError("a clip cannot be embedded in Z", "take --space w+ or w")


def layer_weights_from(text: str) -> dict[str, float]:
    """`conv1_1=2,conv3_2` -> weights by layer; `none` -> empty."""
    weights = {}
    for part in filter(None, "" if text == "none" else text.split(",")):
        name, _, value = part.partition("=")
        try:
            weights[name.strip()] = _finite(float(value or 1))
        except ValueError as error:
            raise UsageError(f"--layers: {value!r} is not a weight", "write conv1_1=2,conv3_2=0.5") from error
    return weights


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError
    return value


def steps_of(schedule: str, steps: int | None) -> int:
    """The steps that were asked for, or as many as the schedule needs."""
    from i2s_trt.embedding.options import FAST_STEPS, PAPER_STEPS

    if steps is not None:
        return steps
    return FAST_STEPS if schedule == "fast" else PAPER_STEPS


def noise_from(text: str) -> Any:
    """`stored`, `resampled`, `optimised` or a seed as `EmbedOptions.noise`."""
    if text in ("stored", "resampled", "optimised"):
        return text
    if not text.isdecimal():
        raise UsageError(f"--noise {text!r} is neither stored, resampled, optimised nor a seed", "write --noise stored")
    return int(text)


def check_finite(**chosen: float) -> None:
    """Refuse nan and infinity as the value of an option."""
    for name, value in chosen.items():
        if not math.isfinite(value):
            raise UsageError(
                f"--{name.replace('_', '-')} {value} is not a finite number", "write a number such as 0.01"
            )


def check_choices(**chosen: str) -> None:
    """Refuse values that an option does not know."""
    for name, value in chosen.items():
        if value not in _CHOICES[name]:
            raise UsageError(f"--{name.replace('_', '-')} {value!r} is not one of {', '.join(_CHOICES[name])}")
