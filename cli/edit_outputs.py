"""Where edited latents go: a video, a labelled sheet, or a folder of pictures and latents."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.console import Console, ProgressBar
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from engines.open import Opened
    from i2s_trt.arrays import Pixels, WPlus
    from i2s_trt.deltas import Delta

_ROW = 9  # pictures in one row at most
_SHEETS = (".png", ".jpg", ".jpeg")  # as `write_picture` has it


@dataclass(frozen=True)
class Edited:
    """An edited latent and what becomes of it.

    Attributes:
        name: of its files in a folder.
        label: above its picture on a sheet.
        w_plus: float32 [L, D].
        options: what made it, for the record of its latent file; no latent file when empty.
        delta: what it changes in the model.
    """

    name: str
    label: str
    w_plus: "WPlus"
    options: dict[str, Any] = field(default_factory=dict)
    delta: "Delta | None" = None


def video_rate(output: Path, count: int, rate: float | None, seconds: float | None) -> float:
    """Pictures a second of a video of `count`, by what was typed.

    Raises:
        UsageError: both were typed, or a length that no video can have.
    """
    from i2s_trt.video.write import FASTEST, is_video, watchable_rate

    if seconds is None:
        return watchable_rate(count) if rate is None else rate
    if rate is not None:
        raise UsageError("--rate and --seconds say the same thing twice", "give one of them")
    shortest = count / FASTEST[output.suffix.lower()] if is_video(output) else 0.0
    if not (0 < seconds < math.inf and seconds >= shortest):
        raise UsageError(
            f"a video of {count} pictures cannot last {seconds:g} seconds",
            f"give {max(shortest, 0.01):.2g} or more, or fewer pictures",
        )
    return count / seconds


def check_output(output: Path, rate: float | None = None) -> None:
    """Refuse an output that cannot be written before anything is rendered; videos only where there is a rate.

    Raises:
        UsageError: a kind of file that is not written, or a video that cannot play so fast.
    """
    from i2s_trt.video.write import check_video, is_video

    if rate is not None and is_video(output):
        check_video(output, rate)
    elif output.suffix and not is_sheet(output) and not output.is_dir():
        kinds = ".png or .jpg" if rate is None else ".mp4, .gif, .png or .jpg"
        raise UsageError(
            f"{output} is not a kind of file that can be written here", f"end it in {kinds}, or name a folder"
        )


def numbered(name: str, count: int) -> list[str]:
    """A name for each of several results; the name itself for one."""
    return [name] if count == 1 else [f"{name}_{number:0{len(str(count - 1))}d}" for number in range(count)]


def deliver(console: Console, opened: "Opened", output: Path, edits: Sequence[Edited], rate: float) -> None:
    """Render and write edits.

    Args:
        console: hears of every file.
        opened: the model.
        output: its suffix decides what is written.
        edits: in their order.
        rate: of a video.

    Raises:
        EnvironmentFault: the disk is full.
    """
    from i2s_trt.files import make_folder
    from i2s_trt.images.compose import contact_sheet
    from i2s_trt.video.write import is_video, write_video

    with console.progress() as bar:
        pictures = rendered(bar, opened, edits)
        if is_video(output):
            make_folder(output.parent)
            write_video(output, pictures, rate)
            _announce(console, output, f"a video of {len(edits)} pictures, {len(edits) / rate:.1f} s")
        elif is_sheet(output):
            write_sheet(
                console, output, contact_sheet(list(pictures), [edit.label for edit in edits], columns=_columns(edits))
            )
        else:
            write_folder(console, opened, output, edits, pictures)


def _columns(edits: Sequence[Edited]) -> int:
    """Few pictures stand in a row, many in an almost square sheet."""
    return len(edits) if len(edits) <= _ROW else 0


def write_folder(
    console: Console, opened: "Opened", folder: Path, edits: Sequence[Edited], pictures: "Iterator[Pixels]"
) -> None:
    """Write each picture, and the latents of those that have a record."""
    from i2s_trt.deltas import delta_path, save_delta
    from i2s_trt.files import make_folder
    from i2s_trt.images.compose import write_png
    from i2s_trt.latents import Latent, latent_digest, save_latent

    make_folder(folder)
    for edit, picture in zip(edits, pictures, strict=True):
        path = folder / f"{edit.name}.png"
        write_png(path, picture)
        if edit.options:
            latent = Latent(edit.w_plus, model_digest=opened.generator.digest, options=edit.options)
            if edit.delta is not None:
                own = replace(edit.delta, latent_digest=latent_digest(edit.w_plus))
                save_delta(delta_path(path.with_suffix(".safetensors")), own)
            save_latent(path.with_suffix(".safetensors"), latent)
        console.event("picture", path=str(path))
    console.say(f"{len(edits)} picture{'' if len(edits) == 1 else 's'} in {folder}")


def rendered(bar: ProgressBar, opened: "Opened", edits: Sequence[Edited]) -> "Iterator[Pixels]":
    """The pictures of edits, as they are rendered."""
    from i2s_trt.deltas import TunedLatent
    from i2s_trt.edit.render import render_tuned

    latents = (TunedLatent(edit.w_plus, edit.delta) for edit in edits)
    for number, picture in enumerate(render_tuned(opened.choice.synthesizer, latents), 1):
        yield picture
        bar.show("pictures", number, len(edits))


def write_sheet(console: Console, path: Path, pixels: "Pixels") -> None:
    """Write a sheet uint8 [H, W, 3] and say so."""
    from i2s_trt.files import make_folder
    from i2s_trt.images.compose import write_picture

    make_folder(path.parent)
    write_picture(path, pixels)
    _announce(console, path, f"a sheet of {pixels.shape[1]}x{pixels.shape[0]} pixels")


def is_sheet(output: Path) -> bool:
    """Whether the output's name asks for a sheet."""
    return output.suffix.lower() in _SHEETS and not output.is_dir()


def _announce(console: Console, path: Path, what: str) -> None:
    console.event("file", path=str(path))
    console.say(f"{path}: {what}")
