"""Options of a batch, its progress and its result."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from i2s_trt.images.encode import Format

_WAITING_FOR_DISK = 6  # threads that wait for the disk while others compute


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is made.

    Attributes:
        batch: latents rendered at a time.
        picture_format, quality: of the outputs, as `encode.encoder` takes them.
        writers: threads that encode and write; most of them wait for the disk.
        group: outputs that are committed together at most.
        resume: keep what an earlier run has committed.
    """

    batch: int = 8
    picture_format: Format = "png"
    quality: int = 92
    writers: int = (os.cpu_count() or 1) + _WAITING_FOR_DISK
    group: int = 64
    resume: bool = False


@dataclass(frozen=True)
class Rendering:
    """What renders a batch, for the record.

    Attributes:
        model, model_digest: name and digest.
        engine: its name.
        threads: of a CPU that it renders a picture with; 0 on a GPU.
    """

    model: str = ""
    model_digest: str = ""
    engine: str = ""
    threads: int = 0

    def setting(self, options: BatchOptions) -> str:
        """What every output of a batch depends on besides latent and variant: a part of the key of its jobs."""
        return f"{self.model_digest} {options.picture_format} {options.quality}"


@dataclass(frozen=True)
class Failure:
    """Something that was left out.

    Attributes:
        source: the latent or the output.
        message: why, with a hint.
        outputs: how many are missing because of it.
    """

    source: str
    message: str
    outputs: int = 1


@dataclass(frozen=True)
class BatchProgress:
    """How far a batch is.

    Attributes:
        done: outputs that are on the disk, were there before, or failed.
        total: outputs in all.
        rate: pictures a second that this run has committed.
        remaining: estimated seconds to the end; infinite at the beginning.
        threads: numbers of CPU threads that outputs were rendered with, by this run and earlier ones.
    """

    done: int
    total: int
    rate: float
    remaining: float
    threads: tuple[int, ...] = ()


@dataclass(frozen=True)
class BatchResult:
    """What became of a batch.

    Attributes:
        total: outputs asked for.
        rendered: made by this run.
        kept: committed by an earlier run.
        failures: what was left out.
        interrupted: whether it was stopped before the end.
        seconds: from the first latent to the last commit.
        manifest: the file that maps outputs to what made them.
    """

    total: int
    rendered: int
    kept: int
    failures: Sequence[Failure]
    interrupted: bool
    seconds: float
    manifest: Path

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.rendered / self.seconds if self.seconds > 0 else 0.0
