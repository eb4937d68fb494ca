"""Real processes that need not import PyTorch first: forked from one that has imported it and done nothing else.

A command takes two seconds to import what it works with, and the tests run hundreds of commands. `PreparedProcesses`
starts `python -m tests.prepared` once; for each command line that process forks, and the child, with a folder, an
environment and output files of its own, runs what `i2s-trt` runs and ends as it does.
"""

import atexit
import gc
import json
import os
import select
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

# These are read when a command runs; any other difference may have been read at import, and needs a fresh interpreter.
_MAY_DIFFER = {"I2S_TRT_HOME", "TORCH_HOME", "PYTEST_CURRENT_TEST", "PWD", "OLDPWD", "PYTHONBREAKPOINT"}
_MAY_DIFFER_TOO = "RAY_"  # at the beginning: Ray is not imported there, and sets some wherever it was started
# Not ONNX Runtime: its threads do not live on in a fork, and waiting for them never ends.
_IMPORTED = ("torch.onnx", "cv2", "onnx", "scipy.ndimage", "onnxscript", "cli.main", "cli.embed")


class PreparedProcesses:
    """Forks commands, one after the other."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._environment = dict(os.environ)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.prepared"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=Path(__file__).parent.parent,
        )  # fmt: skip

    def suit(self, environment: Mapping[str, str]) -> bool:
        """Whether what was imported would have been imported the same with these variables."""
        names = (self._environment.keys() | environment.keys()) - _MAY_DIFFER
        return all(
            self._environment.get(name) == environment.get(name)
            for name in names
            if not name.startswith(_MAY_DIFFER_TOO)
        )

    def run(self, arguments: Sequence[str], folder: Path, output: Path) -> subprocess.CompletedProcess[str]:
        """Run `i2s-trt` with these arguments.

        Args:
            arguments: of the command.
            folder: it runs here, in the environment of the caller.
            output: a folder for what it prints.

        Raises:
            subprocess.TimeoutExpired: it was ended because it took too long.
            ChildProcessError: there is no process to fork from any more.
        """
        printed = [output / "out", output / "err"]
        request = {
            "arguments": list(arguments), "folder": str(folder), "environment": dict(os.environ),
            "printed": [str(path) for path in printed], "seconds": self._seconds,
        }  # fmt: skip
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        if not answer:
            raise ChildProcessError("the prepared process has ended")
        out, err = (path.read_text() for path in printed)
        if answer.strip() == "late":
            raise subprocess.TimeoutExpired(list(arguments), self._seconds, out, err)
        return subprocess.CompletedProcess(list(arguments), int(answer), out, err)

    def close(self) -> None:
        """End the process that was prepared."""
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait(30)


def serve() -> None:
    """Fork a child for each line of stdin, and write how it ended: its exit code, or `late`."""
    for name in _IMPORTED:
        import_module(name)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            become(request)
        print(_ended(child, request["seconds"]), flush=True)


def become(request: dict[str, object]) -> NoReturn:
    """Turn this fork into the command that is asked for."""
    from i2s_trt.entry import main

    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    os.chdir(str(request["folder"]))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, path in enumerate(request["printed"], start=1):  # type: ignore[arg-type, var-annotated]
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.argv = ["i2s-trt", *request["arguments"]]  # type: ignore[misc]
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # without taking apart what was imported, which lasts as long as importing it


def _ended(child: int, seconds: float) -> str:
    """Wait for a child, by a second process descriptor that can be waited for with a limit."""
    descriptor = os.pidfd_open(child)
    try:
        ready, _, _ = select.select([descriptor], [], [], seconds)
        if not ready:
            os.kill(child, 9)
        _, status = os.waitpid(child, 0)
    finally:
        os.close(descriptor)
    return str(os.waitstatus_to_exitcode(status)) if ready else "late"


if __name__ == "__main__":
    serve()
