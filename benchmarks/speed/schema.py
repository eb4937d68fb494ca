"""What a benchmark run leaves: figures with their spread, the cases they belong to, and the machine they are of.

Everything is plain data: a figure's place in the file, such as `suites.step.rows[0].figures.time`, is its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pydantic import ConfigDict, FiniteFloat, NonNegativeFloat, PositiveInt

Unit = Literal[
    "ms", "s", "image/s", "step", "MiB", "MB", "GB", "GB/s", "GFLOP", "GFLOP/s", "x", "loss", "register", "byte", "%",
    "kernel", "worker", "dB", "1",
]  # fmt: skip
Status = Literal["complete", "interrupted", "failed", "out of time"]
Axis = Literal["s", "step", "loss", "features", "mse", "psnr", "ssim", "identity"]


class Checked:
    """A record whose JSON is read strictly: no unknown key, no number in quotes."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class Figure(Checked):
    """One number.

    Attributes:
        value: what was measured; the median where it was measured more than once.
        unit: of `value`, `low` and `high`.
        samples: measurements behind it.
        low, high: the first and third quartile; None for a single measurement.
    """

    value: FiniteFloat
    unit: Unit
    samples: PositiveInt = 1
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None

    def __post_init__(self) -> None:
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        if not low <= self.value <= high:
            raise ValueError(f"the median {self.value} lies outside its quartiles {low} to {high}")


@dataclass(frozen=True)
class Case(Checked):
    """What was measured.

    Attributes:
        variant: how it is computed, such as `compiled` or `onnxruntime`.
        model: name of the generator.
        resolution: pixels a side of its pictures.
        batch: images computed together.
        precision: of weights and activations: `fp32`, `tf32`, `fp16`, `bf16`.
        picture: that was embedded; empty where it makes no difference.
    """

    variant: str
    model: str
    resolution: PositiveInt
    batch: PositiveInt = 1
    precision: str = "fp32"
    picture: str = ""


@dataclass(frozen=True)
class Row(Checked):
    """The figures of one case.

    Attributes:
        figures: by name: `time` and `rate`, `p50`, `peak_memory` and others.
        other_load: CPU cores that other processes kept busy meanwhile.
        notes: what a reader must know.
    """

    case: Case
    figures: Mapping[str, Figure]
    other_load: NonNegativeFloat = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ratio(Checked):
    """How many times faster one case is than another, from pairs measured alternately."""

    faster: Case
    slower: Case
    figure: Figure


@dataclass(frozen=True)
class Curve(Checked):
    """Points of one quantity against others, one column each.

    Attributes:
        case: what it is a curve of.
        columns: what the columns hold: seconds, steps and the loss; and how far a picture is from what was embedded
            (`benchmarks.speed.quality.yardsticks`).
        points: rows of numbers.
    """

    case: Case
    columns: tuple[Axis, ...]
    points: tuple[tuple[FiniteFloat, ...], ...]

    def __post_init__(self) -> None:
        if any(len(point) != len(self.columns) for point in self.points):
            raise ValueError(f"a point of the curve has not {len(self.columns)} numbers")


@dataclass(frozen=True)
class Skip(Checked):
    """Something that was not measured, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class Suite(Checked):
    """Everything that one suite measured.

    Attributes:
        status: `complete`; or what ended it early.
        started: date and time in UTC, ISO 8601.
        seconds: that it took.
        version: of the program: `git describe`, or the package's version.
        load: CPU cores that other processes kept busy just before it began.
        quick: whether it was cut down to a trial.
    """

    status: Status
    started: str
    seconds: NonNegativeFloat
    version: str
    load: NonNegativeFloat
    quick: bool = False
    rows: tuple[Row, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    curves: tuple[Curve, ...] = ()
    skipped: tuple[Skip, ...] = ()


@dataclass(frozen=True)
class Environment(Checked):
    """The machine and its software; results of different ones are never mixed in a file.

    Attributes:
        device: that was measured: `cpu` or `cuda`.
        system, python, cpu, cores, memory_gib, gpu, packages: as in `i2s_trt.machine.Machine`.
        threads: that torch computes with.
        instructions: extensions of the CPU that matter for matrices.
        driver: of the GPU; empty without one.
        waiting: how threads wait for one another, as the environment says; empty where the library chooses.
    """

    device: str
    system: str
    python: str
    cpu: str
    cores: PositiveInt
    memory_gib: NonNegativeFloat
    gpu: str
    driver: str
    threads: PositiveInt
    instructions: tuple[str, ...]
    packages: Mapping[str, str]
    waiting: str = ""


@dataclass(frozen=True)
class Results(Checked):
    """A file of results."""

    environment: Environment
    suites: Mapping[str, Suite] = field(default_factory=dict)
    schema: Literal[1] = 1


Item = Row | Ratio | Curve | Skip


@dataclass(frozen=True)
class Progress:
    """How far a suite is, for whoever waits."""

    label: str
    done: int
    of: int
