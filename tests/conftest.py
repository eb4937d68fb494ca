"""What all tests share: reference data, small generators, photographs, a home of their own, and the command line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings

from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.images.examples import example_path
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16, random_vgg16
from tests.prepared import PreparedProcesses
from tests.rough_curvature import probe_little

settings.register_profile("untimed", deadline=None)  # how long a call takes is no test's business
settings.load_profile("untimed")

DATA = Path(__file__).parent / "data"
_SECONDS = 300  # for one command


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a model store of its own; nothing of the user's is read or written."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("I2S_TRT_HOME", str(home))
    monkeypatch.setenv("TORCH_HOME", str(home / "torch"))
    return home


@pytest.fixture
def rough_curvature(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few probes: the whole measurement takes longer than the few steps of a test."""
    probe_little(monkeypatch)


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """What a test draws without a generator of its own is the same in every run."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def same_arithmetic() -> None:
    """Subnormal numbers count, as IEEE 754 has it, also behind a library that has told the process to flush them."""
    torch.set_flush_denormal(False)


@pytest.fixture(scope="module")
def _module_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("module-home")


@pytest.fixture
def module_home(_module_folder: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One home for all tests of a module: exported graphs, the slow part, are shared among them."""
    assert own_home != _module_folder
    monkeypatch.setenv("I2S_TRT_HOME", str(_module_folder))
    return _module_folder


@pytest.fixture(scope="session")
def tiny() -> Generator:
    """The 32x32 reference network."""
    return Generator.from_weights(read_checkpoint(DATA / "tiny32.pkl").weights)


@pytest.fixture(scope="session")
def tiny_reference() -> dict[str, torch.Tensor]:
    """What the original code computed with it."""
    return load_reference("tiny32")


@pytest.fixture(scope="session")
def toy() -> Generator:
    """A 16x16 generator with random weights: the fastest thing that can be optimised."""
    return Generator.from_weights(random_weights(standard_spec(16, 16, 24), seed=3))


@pytest.fixture(scope="session")
def vgg() -> Vgg16:
    """The built-in random features: the limits that tests hold losses and distances to were found with them."""
    return random_vgg16()


@pytest.fixture(scope="session")
def astronaut() -> Path:
    """A real photograph, 512x512."""
    return example_path("astronaut")


@pytest.fixture(scope="session")
def cat() -> Path:
    """A real photograph, 451x300."""
    return example_path("cat")


def load_reference(name: str) -> dict[str, torch.Tensor]:
    """The tensors of a reference file."""
    with np.load(DATA / f"{name}_reference.npz") as archive:
        return {key: torch.from_numpy(archive[key]) for key in archive.files}


@dataclass(frozen=True)
class Run:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The NDJSON events on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture(scope="session")
def prepared() -> Iterator[PreparedProcesses]:
    """Where commands are forked from."""
    processes = PreparedProcesses(_SECONDS)
    yield processes
    processes.close()


@pytest.fixture
def i2s(tmp_path: Path, prepared: PreparedProcesses, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Runs the real command in a folder of its own: `i2s("embed", photo, "-o", out)`.

    It is a process of its own, too; a fresh interpreter where a test gives options or changes the environment.
    """
    printed = tmp_path_factory.mktemp("printed")

    def run(*arguments: object, **options: Any) -> Run:
        if not options and prepared.suit(os.environ):
            ended = prepared.run([str(word) for word in arguments], tmp_path, printed)
            return Run(ended.returncode, ended.stdout, ended.stderr)
        done = subprocess.run(
            command(arguments),
            cwd=tmp_path,
            env=os.environ,
            check=False,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            **options,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    return run


def command(arguments: Sequence[object]) -> list[str]:
    """The command line of `i2s-trt` with these arguments."""
    return [sys.executable, "-m", "i2s_trt", *map(str, arguments)]
