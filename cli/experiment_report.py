"""What `i2s-trt experiment` says while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli.console import Console, ProgressBar

if TYPE_CHECKING:
    from benchmarks.paper.bench import Bench
    from benchmarks.paper.runner import Event


class ExperimentReport:
    """Draws progress by steps and says what becomes of each study."""

    def __init__(self, console: Console, bar: ProgressBar) -> None:
        self._console, self._bar = console, bar
        self._done, self._all, self._study = 0, 0, ""

    def steps(self, count: int) -> None:
        """So many steps more were taken."""
        self._done += count
        self._bar.show(self._study or "embedding", self._done, max(self._all, self._done), "steps")

    def event(self, event: "Event") -> None:
        """Print one event of the runner's."""
        data = event.data
        self._console.event(event.kind, study=event.study, **data)
        if event.kind == "plan":
            self._all = data["steps"]
            self._console.say(f"to do:    {data['embeddings']} embeddings, {data['steps']} steps")
        elif event.kind == "begin":
            self._study = event.study
        elif event.kind == "failed":
            self._console.note(f"error: {event.study}: {data['error']}")
        else:
            self._bar.hide()
            self._console.say(f"{event.study}: {data['verdict']} ({data['reason']})")


def introduce(console: Console, bench: "Bench") -> None:
    """Say what is about to be done."""
    from benchmarks.paper.report.about import describe_run

    facts = describe_run(bench.lab, "").facts
    console.say(f"pictures: {facts['pictures']}")
    console.say(f"each:     {facts['embedding']}")
    console.event("settings", **bench.lab.settings.to_json())


@contextmanager
def report_at_the_end(console: Console, bar: ProgressBar, bench: "Bench") -> Iterator[None]:
    """Whatever ended the run: what is finished is worth a report."""
    try:
        yield
    finally:
        bar.hide()
        page = bench.write_report()
        console.event("report", path=str(page))
        console.say(f"report:   {page}")


def list_studies(console: Console) -> None:
    """Say which studies there are."""
    from benchmarks.paper.catalogue import NAMES, study

    rows = []
    for item in map(study, NAMES):
        console.event("study", name=item.name, shows=list(item.shows), title=item.title, claim=item.claim)
        rows.append([item.name, ", ".join(item.shows), item.title])
    console.table(["name", "in the paper", "question"], rows)
