"""What the judge says of pictures, as its script writes it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from benchmarks.speed.schema import Checked
from i2s_trt.errors import I2sError

THRESHOLD = 0.6  # face-api's and dlib's: descriptors nearer than this are taken for one person's
_DESCRIPTOR = 128
_TINY = 1e-12


class JudgeError(I2sError):
    """The script's answer is none."""


@dataclass(frozen=True)
class Reading(Checked):
    """What the networks say of one cut-out.

    Attributes:
        descriptor: of the person, 128 numbers.
        expressions: probability of each, by name.
    """

    descriptor: tuple[float, ...]
    expressions: Mapping[str, float]

    @property
    def happy(self) -> float:
        """Probability of a smile."""
        return self.expressions["happy"]

    @property
    def smile(self) -> float:
        """Natural logarithm of the odds of a smile: tells apart what the probability rounds to 0 or 1."""
        others = sum(value for name, value in self.expressions.items() if name != "happy")
        return math.log(max(self.happy, _TINY) / max(others, _TINY))

    @property
    def likeliest(self) -> str:
        """Name of the expression with the highest probability."""
        return max(self.expressions, key=lambda name: self.expressions[name])

    def distance(self, other: "Reading") -> float:
        """Euclidean, between descriptors."""
        return float(np.linalg.norm(np.subtract(self.descriptor, other.descriptor)))


@dataclass(frozen=True)
class Verdict(Reading):
    """What the networks say of a picture.

    Attributes:
        detected: whether a face was found; if not, the reading is that of the fixed cut-out.
        detector: which one found it.
        score: how sure it was, 0..1.
        box: left, top, width and height of what was recognised, in shares of the picture's side.
        fixed: of the cut-out that is at the same place in every picture.
    """

    detected: bool
    detector: str
    score: float
    box: tuple[float, float, float, float] | None
    fixed: Reading


@dataclass(frozen=True)
class Answer(Checked):
    """Verdicts by picture, and who gave them.

    Attributes:
        versions: of Node and the libraries, by name.
        verdicts: by the names of the question.
    """

    versions: Mapping[str, str]
    verdicts: Mapping[str, Verdict]


def similarity(distance: float) -> float:
    """1 for equal descriptors, 0.5 at the threshold, 0 from twice the threshold on."""
    return max(0.0, 1.0 - distance / (2 * THRESHOLD))


def read_answer(text: str) -> Answer:
    """The script's answer. Raises JudgeError where it is cut short or of another form."""
    from pydantic import ValidationError

    try:
        answer: Answer = _adapter().validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"])) or "the answer"
        message = f"the judge's answer cannot be read: {place}: {fault['msg']}"
        raise JudgeError(message, "install its modules again") from error
    readings = [part for verdict in answer.verdicts.values() for part in (verdict, verdict.fixed)]
    if any(len(reading.descriptor) != _DESCRIPTOR or "happy" not in reading.expressions for reading in readings):
        raise JudgeError(
            "the judge's answer has descriptors or expressions of another kind", "install its modules again"
        )
    return answer


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Answer)
