"""An embedded clip to a video: its latents as they are or edited, as pictures or laid back into the frames."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.edit.render import render_latents
from i2s_trt.images.compose import strip
from i2s_trt.models.spec import GeneratorSpec
from i2s_trt.photographs.paste import PasteOptions, paste_back
from i2s_trt.video.plan import FramePlan
from i2s_trt.video.read import add_audio, read_frames
from i2s_trt.video.write import write_video

if TYPE_CHECKING:
    from i2s_trt.synthesizer import Synthesizer


def write_with_sound(path: Path, pictures: Iterable[Pixels], rate: Fraction, sound: Path | None = None) -> bool:
    """Encode pictures uint8 [H, W, 3] as they come, and copy a clip's sound.

    Args:
        path: ends in .mp4, or in .gif, which holds no sound.
        pictures: all of one size.
        rate: pictures a second.
        sound: a clip; None for silence.

    Returns:
        Whether the video has sound.

    Raises:
        UsageError, EnvironmentFault: as `write_video` does.
        ImageError: the clip with the sound cannot be read.
    """
    write_video(path, pictures, rate)
    return sound is not None and path.suffix.lower() == ".mp4" and add_audio(path, sound, path)


def before_and_after(clip: Path, plan: FramePlan, spec: GeneratorSpec, pictures: Iterable[Pixels]) -> Iterator[Pixels]:
    """Each frame's target and its picture side by side."""
    for number, (frame, picture) in enumerate(zip(read_frames(clip), pictures, strict=False)):
        yield strip([plan.cut(frame, number, spec), picture])


def pasted(
    clip: Path, plan: FramePlan, pictures: Iterable[Pixels], options: PasteOptions | None = None
) -> Iterator[Pixels]:
    """The clip's frames with the pictures laid into them; frames beyond the last picture are left out."""
    chosen = options or PasteOptions("face" if plan.kind == "ffhq" else "picture")
    for quad, frame, picture in zip(plan.quads, read_frames(clip), pictures, strict=False):
        yield paste_back(frame, picture, quad, chosen)


def video_pictures(render: "Synthesizer", latents: WPlus, batch: int = 8) -> Iterator[Pixels]:
    """Pictures uint8 [H, W, 3] of w_plus [T, L, D]."""
    return render_latents(render, latents, batch)
