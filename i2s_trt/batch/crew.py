"""Who renders and encodes a batch: threads of this process, or machines elsewhere. The runner does the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from i2s_trt.batch.jobs import Job
from i2s_trt.batch.options import BatchOptions, Failure
from i2s_trt.batch.output_folder import OutputFolder
from i2s_trt.batch.stages import Stage
from i2s_trt.deltas import TunedLatent
from i2s_trt.errors import I2sError


@dataclass(frozen=True)
class Edited:
    """An output whose latent is ready to be rendered.

    Attributes:
        job: which output.
        latent: with what it changes in the model.
    """

    job: Job
    latent: TunedLatent


@dataclass
class Site:
    """Where a crew works: what it needs of a batch, and what it tells it. Threads share it.

    Attributes:
        outputs: the folder; a crew brings bytes into it, the runner commits them.
        options: of the batch.
        engine, threads: what renders, for the record, as in `Rendering`.
        should_stop: whether the user wants to stop; a crew whose latents wait for long asks, too.
        failures: what was left out.
        fault: why nothing more can be made or written; what was written is still committed.
    """

    outputs: OutputFolder
    options: BatchOptions
    engine: str = ""
    threads: int = 0
    should_stop: Callable[[], bool] = lambda: False
    failures: list[Failure] = field(default_factory=list)
    fault: I2sError | None = None

    def fail(self, source: str, error: Exception, outputs: int = 1) -> None:
        """Leave out a latent or an output."""
        self.failures.append(Failure(source, str(error), outputs))


class Crew(Protocol):
    """Turns edited latents into outputs that wait to be committed."""

    def capacity(self, options: BatchOptions, /) -> int:
        """Edited latents that wait for the crew at most."""
        ...

    def stages(self, site: Site) -> Sequence[Stage]:
        """The stages that take `Edited` and give a `Commit` for each output whose bytes are in the folder."""
        ...
