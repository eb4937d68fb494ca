"""What the tests of the command line share."""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from i2s_trt.errors import I2sError
from i2s_trt.latents import read_latent
from tests.conftest import Run

I2s = Callable[..., Run]
SUFFIXES = (".safetensors", ".png", "-strip.png", "-curve.csv", "-curve.png")


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


def results(*pictures: str) -> list[str]:
    """The files that belong to embedded pictures."""
    return sorted(picture + suffix for picture in pictures for suffix in SUFFIXES)


def same_embedding(first: Path, second: Path) -> bool:
    """Whether two latent files hold the same latent and the same curve, bit for bit."""
    one, other = read_latent(first), read_latent(second)
    return one.w_plus.tobytes() == other.w_plus.tobytes() and np.array_equal(one.curve, other.curve)


def says(run: Run, code: int, *words: str) -> None:
    """The command must have ended with this code and a message with these words and a hint, and no traceback."""
    assert run.code == code, run.err
    assert "Traceback" not in run.out + run.err
    assert "hint: " in run.err
    for word in words:
        assert word in run.err


def limit_file_size(size: int) -> Callable[[], None]:
    """For `preexec_fn`: no file may grow beyond this, as on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@contextmanager
def small_file_system(folder: Path, options: str) -> Iterator[Path]:
    """Mount a tmpfs; skips the test where that is not possible."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a file system, and not everywhere")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def invoke(*arguments: object) -> Result:
    """Run the command within this process, for speed; errors that the entry point would print are in `exception`."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(done: Result, code: int, *words: str) -> None:
    """The command must have ended with an error of this exit code that says these words."""
    if isinstance(done.exception, I2sError):
        assert done.exception.exit_code == code
        text = str(done.exception)
    else:
        assert done.exit_code == code, done.output
        text = done.output
    for word in words:
        assert word in text
