"""A study: one claim of the paper, the embeddings that it needs, and the measurement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Findings
from benchmarks.paper.task import Task


def nothing_later(_lab: Lab) -> int:
    """No second round: for studies whose embeddings are all known beforehand."""
    return 0


@dataclass(frozen=True)
class Study:
    """One table or figure of the paper.

    Attributes:
        name: on the command line.
        title: of its section in the report.
        shows: the paper's tables and figures that it reproduces.
        claim: of the paper, in one sentence.
        tasks: the embeddings that it needs; raises NotTestableError when the pictures do not suffice.
        measure: puts the claim to the test, leaving pictures in the album; raises as `tasks` does.
        later: how many further embeddings depend on the first.
    """

    name: str
    title: str
    shows: tuple[str, ...]
    claim: str
    tasks: Callable[[Lab], Sequence[Task]]
    measure: Callable[[Lab, Album], Findings]
    later: Callable[[Lab], int] = nothing_later
