"""The ways of embedding that are compared, and after how many steps each is looked at."""

from dataclasses import dataclass, replace

from i2s_trt.embedding.options import FAST_STEPS, PAPER_STEPS, Schedule

_QUICK = 2  # looks at a trial, at the first steps


@dataclass(frozen=True)
class Method:
    """One way of embedding.

    Attributes:
        name: of its line.
        share: of the time for all methods.
        schedule: of its steps in W+.
        looks: steps in W+ after which the picture is compared; empty for an encoder's guess alone.
        tuning: steps of tuning after the last of those, as `looks`.
        encoder: whether it starts from an encoder's guess, where others start from the mean latent.
    """

    name: str
    share: float
    schedule: Schedule = "fast"
    looks: tuple[int, ...] = ()
    tuning: tuple[int, ...] = ()
    encoder: bool = False

    @property
    def points(self) -> int:
        """How many looks make a whole curve."""
        return max(1, len(self.looks) + len(self.tuning))

    def shortened(self) -> "Method":
        """The same for a trial: the first steps only."""
        count = len(self.looks[:_QUICK])
        return replace(self, looks=tuple(range(1, count + 1)), tuning=tuple(range(1, len(self.tuning[:_QUICK]) + 1)))


METHODS = (
    Method("encoder", 0.3, encoder=True),
    Method("encoder + fast", 1.0, looks=(1, 2, 5, 10, 15, 25, 50, 100), encoder=True),
    Method("fast", 1.5, looks=(1, 2, 5, 10, 15, 25, 50, 100, 200, FAST_STEPS)),
    Method("paper", 6.0, "paper", (1, 2, 5, 10, 25, 50, 100, 200, 400, 1000, 2000, PAPER_STEPS)),
    Method("tuned", 3.0, looks=(100,), tuning=(5, 10, 25, 50, 75, 100)),
)
