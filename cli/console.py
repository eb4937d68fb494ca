"""What commands say: results on stdout, progress and errors on stderr, or NDJSON alone with --json."""

import json
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from i2s_trt.errors import I2sError

QUIET_SECONDS = 25.0  # that a command works without a line where nobody sees its bar
_REPEATER = "progress in lines"
_PIPE_WIDTH = 1000  # nobody's terminal: a row stays a line


class Console:
    """What a command prints: one console per command.

    Args:
        as_json: whether stdout carries NDJSON events and nothing else.
    """

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json

    def say(self, text: str = "") -> None:
        """A line of the result for people; not shown with --json."""
        if not self.as_json:
            print(text, flush=True)

    def note(self, text: str) -> None:
        """A remark that is not the result; stderr."""
        if not self.as_json:
            print(text, file=sys.stderr, flush=True)

    def event(self, kind: str, /, **data: Any) -> None:
        """A line for machines; shown only with --json."""
        if self.as_json:
            print(json.dumps({"event": kind, **_to_json(data)}, default=str), flush=True)

    def error(self, error: I2sError) -> None:
        """An error, for whoever reads."""
        self.event("error", message=error.args[0], hint=error.hint, exit_code=error.exit_code)
        self.note(f"error: {error}")

    def table(self, headers: list[str], rows: list[list[str]]) -> None:
        """A table for people."""
        if self.as_json:
            return
        from rich.console import Console as RichConsole
        from rich.table import Table

        table = Table(*headers, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*row)
        width = None if sys.stdout.isatty() else _PIPE_WIDTH
        RichConsole(width=width).print(table, markup=False, highlight=False)

    @contextmanager
    def progress(self) -> Iterator["ProgressBar"]:
        """A progress bar with ETA on stderr; lines every half minute where that is no terminal; none with --json."""
        visible = not self.as_json and sys.stderr.isatty()
        with ProgressBar(visible) as bar:
            if visible or self.as_json:
                yield bar
            else:
                with _repeat(bar.describe, self.note):
                    yield bar


class ProgressBar:
    """A bar, its count, time left, and a remark."""

    def __init__(self, visible: bool) -> None:
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[remark]}", markup=False),
            console=RichConsole(stderr=True),
            disable=not visible,
            transient=True,
        )
        self._task = self._bar.add_task("", remark="", visible=False)
        self._shown: tuple[str, int, int, str] | None = None

    def show(self, label: str, done: int, total: int, remark: str = "") -> None:
        """Draw the bar at `done` of `total`."""
        self._shown = label, done, total, remark
        self._bar.update(
            self._task, description=label, completed=done, total=total or None, remark=remark, visible=True
        )

    def hide(self) -> None:
        """Take the bar away until the next `show`."""
        self._shown = None
        self._bar.reset(self._task, visible=False, remark="")

    def describe(self) -> str:
        """The bar in words."""
        if self._shown is None:
            return "working"
        label, done, total, remark = self._shown
        return ", ".join(filter(None, [f"{label}: {done} of {total}" if total else f"{label}: {done}", remark]))

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


@contextmanager
def _repeat(describe: Callable[[], str], note: Callable[[str], None]) -> Iterator[None]:
    """Note what is described, and for how long it has gone on, every `QUIET_SECONDS` until the block ends."""
    ended, begun = threading.Event(), time.monotonic()

    def repeat() -> None:
        while not ended.wait(QUIET_SECONDS):
            with suppress(OSError, ValueError):  # nobody listens any more
                note(f"{describe()} ({_duration(time.monotonic() - begun)})")

    thread = threading.Thread(target=repeat, name=_REPEATER, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=1)


def loss_text(loss: float) -> str:
    """Four digits of a loss as people read it: `88,610`, `963.2`, `0.04217`."""
    rounded = float(f"{loss:.4g}")
    return f"{rounded:,.0f}" if 1000 <= abs(rounded) < math.inf else f"{rounded:.4g}"


def _duration(seconds: float) -> str:
    """`45 s`, `7 min`, `2 h 5 min`."""
    minutes = int(seconds // 60)
    if minutes == 0:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _to_json(value: Any) -> Any:
    """JSON has no nan and no infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    return [_to_json(item) for item in value] if isinstance(value, list | tuple) else value
