"""The settings of a run on files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from i2s_trt.embedding.options import TuneOptions
from i2s_trt.images.fit import Fit

if TYPE_CHECKING:
    from i2s_trt.arrays import WPlus
    from i2s_trt.checkpoints.encoders import PictureEncoder


@dataclass(frozen=True)
class JobOptions:
    """How files are handled, as opposed to how they are embedded.

    Attributes:
        batch: pictures optimised together.
        resume: keep what is finished and go on from snapshots; a result that was made otherwise is kept and refused.
        overwrite: with `resume`, embed anew what was made otherwise.
        fit: how a photograph is brought to the model's proportions.
        style_picture: its style is wanted, for the style loss.
        initial: w_plus [L, D] to start from, or the encoder that guesses it for each picture.
        tune: how the generator itself is tuned to each picture afterwards; not at all with 0 steps.
        snapshot_seconds: time between snapshots at least (`run.snapshot.SnapshotKeeper`).
    """

    batch: int = 1
    resume: bool = False
    overwrite: bool = False
    fit: Fit = "crop"
    style_picture: Path | None = None
    initial: "WPlus | PictureEncoder | None" = None
    tune: TuneOptions = field(default_factory=TuneOptions)
    snapshot_seconds: float = 1.0
