"""All studies, by name and by the paper's tables and figures."""

from collections.abc import Sequence
from importlib import import_module

from benchmarks.paper.study import Study
from i2s_trt.errors import UsageError

NAMES = (
    "figure1", "table1", "table3", "figure5", "table2", "figure9", "figure10", "figure11", "figure12", "figure16",
    "figure20", "figure21", "figure4", "figure6", "figure8", "figure7", "figure18", "figure19", "walks",
)  # fmt: skip
ALIASES = {
    "figure2": "table1", "figure3": "table3", "figure13": "table2", "figure14": "figure5", "figure15": "figure4",
    "figure17": "figure1", "figure22": "figure9", "figure23": "figure8", "figure25": "figure7",
}  # fmt: skip
ALL = "all"


def study(name: str) -> Study:
    """A study by its own name."""
    found: Study = import_module(f"benchmarks.paper.studies.{name}").STUDY
    return found


def chosen_names(words: Sequence[str]) -> list[str]:
    """The names of studies that a user means, in the catalogue's order.

    Raises:
        UsageError: a word names no study.
    """
    wanted = {ALIASES.get(word.lower(), word.lower()) for word in words}
    unknown = sorted(wanted - {*NAMES, ALL})
    if unknown or not wanted:
        raise UsageError(
            f"no study named {', '.join(unknown) or 'at all'}", "i2s-trt experiment list shows them; or all"
        )
    return [name for name in NAMES if ALL in wanted or name in wanted]
