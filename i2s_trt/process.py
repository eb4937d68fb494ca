"""Runs a generator function in a process of its own: what crashes there, hangs or is killed takes nothing along."""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from i2s_trt.errors import EnvironmentFault, I2sError

_POLL = 0.2
_IMPORTED = ["torch"]  # by the process that children are forked from; it is most of what they wait for
_OURS = ("i2s_trt", "export", "engines", "benchmarks", "cli")  # packages: one of them missing is a defect
END = object()
Producer = Callable[..., Iterator[Any]]


class OutOfTime(Exception):
    """The child was stopped at its deadline."""


class Stopped(Exception):
    """Work was stopped because the user wants to stop."""


class Crash(EnvironmentFault):
    """The child raised what no user can put right, or died."""


class Child:
    """A process that iterates over `producer(*arguments)`, in the environment that its parent has now.

    It works only while an item is waited for, and rests in between; so several children can take turns. What it
    compiles and what else it writes for a while lies in a folder of its own: nothing is there from before, a compiler
    that is killed spoils no cache, and nothing is left of a process that is killed.

    Args:
        producer: a function at the top of a module that yields; everything that passes must be picklable.
        arguments: of the producer.
    """

    def __init__(self, producer: Producer, *arguments: Any) -> None:
        context = _context()
        self._pipe, theirs = context.Pipe()
        self._scratch = tempfile.TemporaryDirectory(prefix="i2s-trt-", ignore_cleanup_errors=True)
        life = (theirs, producer, arguments, self._scratch.name, dict(os.environ))
        self._process = context.Process(target=_produce, args=life)
        self._process.start()
        theirs.close()

    def ask(self, deadline: float = float("inf"), should_stop: Callable[[], bool] = lambda: False) -> Any:
        """The next item, or END.

        Args:
            deadline: on the monotonic clock.
            should_stop: asked several times a second.

        Raises:
            I2sError: from the producer.
            Crash: it raised something else, or the process died.
            OutOfTime, Stopped: see `deadline` and `should_stop`; the child must be closed then.
        """
        try:
            kind, content = self._answer(deadline, should_stop)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._process.join()
            raise _death(self._process) from None
        if kind == "error":
            raise content
        return END if kind == "end" else content

    def close(self) -> None:
        """Kill what is left of the process and of its own children; they are one process group."""
        with suppress(ProcessLookupError, PermissionError):
            pid = self._process.pid
            if pid is not None and os.getpgid(pid) == pid:
                os.killpg(pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self._pipe.close()
        self._scratch.cleanup()

    def _answer(self, deadline: float, should_stop: Callable[[], bool]) -> tuple[str, Any]:
        wait = 0.0
        self._pipe.send(None)
        while not self._pipe.poll(wait):
            if should_stop():
                raise Stopped
            if time.monotonic() >= deadline:
                raise OutOfTime
            wait = _POLL
        return self._pipe.recv()  # type: ignore[no-any-return]


def _context() -> SpawnContext | ForkServerContext:
    """Children are forked from a process that has imported PyTorch and done nothing else, where there can be such."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    return context


def in_child(
    producer: Producer, *arguments: Any, deadline: float = float("inf"), should_stop: Callable[[], bool] = lambda: False
) -> Generator[Any, None, None]:
    """Iterate over `producer(*arguments)` in a child, which is closed at the end. Raises as `Child.ask` does."""
    child = Child(producer, *arguments)
    try:
        while (item := child.ask(deadline, should_stop)) is not END:
            yield item
    finally:
        child.close()


def _death(process: BaseProcess) -> Crash:
    code = process.exitcode or 0
    if code == -signal.SIGKILL:
        return Crash("the process was killed, most likely for lack of memory", "take smaller batches or models")
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    return Crash(f"the process ended {how} and left no message", "run it alone to see what it prints")


def _produce(
    pipe: Connection, producer: Producer, arguments: tuple[Any, ...], scratch: str, environment: dict[str, str]
) -> None:
    """The child's life. A group of its own keeps Ctrl-C in the terminal from it: the parent decides."""
    os.environ.clear()  # the process that it was forked from may have begun with another one
    os.environ.update(environment)
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(scratch) / "compiled")
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    with suppress(OSError):
        os.setpgid(0, 0)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        pipe.recv()
        for item in producer(*arguments):
            pipe.send(("item", item))
            pipe.recv()
        pipe.send(("end", None))
    except I2sError as error:
        pipe.send(("error", error))
    except Exception as error:  # a defect must reach the record as well
        pipe.send(("error", _explain(error)))


def _explain(error: Exception) -> EnvironmentFault:
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] not in _OURS:
        return EnvironmentFault(f"the package {error.name} is missing", f"pip install {error.name}")
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    if _ran_out_of_memory(error):
        return EnvironmentFault(f"there is not enough memory: {reason}", "take fewer at once, or close other programs")
    return Crash(reason, "this is a defect of the program or of a library it uses")


def _ran_out_of_memory(error: Exception) -> bool:
    from i2s_trt.memory import memory_ran_out  # not above: PyTorch comes with it

    return memory_ran_out(error)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.killpg(0, signal.SIGKILL)
