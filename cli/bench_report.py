"""What `i2s-trt bench` shows before, while and after it measures."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import Console, ProgressBar

if TYPE_CHECKING:
    from benchmarks.speed.schema import Environment, Item, Progress, Results, Suite


def introduce(console: Console, environment: "Environment", names: list[str], seconds: float) -> None:
    """Say on what is measured, what, and for how long at most."""
    where = (
        environment.gpu or "no GPU"
        if environment.device == "cuda"
        else f"{environment.cpu}, {environment.threads} threads"
    )
    console.say(f"machine:  {where}")
    console.say(f"suites:   {', '.join(names)}; at most {seconds:.0f} s")
    console.event("environment", **vars(environment))


def reporter(console: Console, bar: ProgressBar) -> "Callable[[str, Item | Progress], None]":
    """What shows each figure and each reason as it comes."""
    from dataclasses import asdict

    from benchmarks.speed.schema import Progress, Skip

    def report(suite: str, item: "Item | Progress") -> None:
        console.event(type(item).__name__.lower(), suite=suite, **asdict(item))
        if isinstance(item, Progress):
            bar.show(suite, item.done, item.of, item.label)
        elif isinstance(item, Skip):
            console.note(f"{suite}: not measured: {item.what}: {item.reason}")

    return report


def conclude(console: Console, results: "Results", names: list[str], output: Path) -> None:
    """Sum the suites up, and warn where other processes were busy."""
    from benchmarks.speed.load import NOISY
    from benchmarks.speed.suites import ON_REQUEST

    console.table(["suite", "", "figures", "s"], [_line(name, results.suites.get(name)) for name in names])
    loads = [
        load
        for name in names
        if name not in ON_REQUEST and (suite := results.suites.get(name))
        for load in _loads(suite)
    ]
    if max(loads, default=0.0) > NOISY:
        console.note(
            f"warning: other processes kept up to {max(loads):.2f} cores busy; the figures say so, and are too slow\n"
            "  hint: measure again on a quiet machine"
        )
    console.event("end", output=str(output), suites={name: s.status for name, s in results.suites.items()})
    console.say(f"results:  {output} (i2s-trt report {output} -o report.html)")


def _line(name: str, suite: "Suite | None") -> list[str]:
    if suite is None:
        return [name, "not begun", "0", "0"]
    return [name, suite.status, str(sum(len(row.figures) for row in suite.rows)), f"{suite.seconds:.0f}"]


def _loads(suite: "Suite") -> list[float]:
    return [suite.load, *(row.other_load for row in suite.rows)]
