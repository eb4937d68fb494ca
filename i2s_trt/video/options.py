"""The settings of a clip's embedding, beside those of its first frame."""

import math
from dataclasses import dataclass

from i2s_trt.errors import UsageError


@dataclass(frozen=True)
class ClipOptions:
    """How frames follow each other.

    Attributes:
        frame_steps: gradient steps of every frame but the first, which starts where the one before ended.
        rate_share: learning rate of those frames, as a share of the first's: near the end small steps serve better.
        temporal_weight: of the penalty on moving away from the frame before: weight times the first frame's loss times
            the squared distance, in units of the model's typical distance from the mean latent.
        smoothing: of the landmarks over time, in frames (standard deviation); 0 leaves them as they are found.
        most_frames: embed no more; 0 for all.
        resume: keep the frames that are finished; a clip that was made otherwise is kept and refused.
        overwrite: with `resume`, embed anew what was made otherwise.
    """

    frame_steps: int = 30
    rate_share: float = 0.5
    temporal_weight: float = 3.0
    smoothing: float = 1.0
    most_frames: int = 0
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.frame_steps < 0 or self.most_frames < 0:
            raise UsageError(f"{min(self.frame_steps, self.most_frames)} makes no sense for a clip", "give 0 or more")
        if not 0 < self.rate_share < math.inf:
            raise UsageError(f"a share of {self.rate_share} of the learning rate makes no sense", "give more than 0")
        for name, value in (("temporal weight", self.temporal_weight), ("smoothing", self.smoothing)):
            if not 0 <= value < math.inf:
                raise UsageError(f"a {name} of {value} makes no sense", "give 0 or more")
