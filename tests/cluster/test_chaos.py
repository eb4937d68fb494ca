"""Hundreds of edits and a dozen embeddings while workers are killed at random, and the driver once in the middle."""

import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from i2s_trt.images.compose import write_png
from tests.batch.support import leftovers, pictures
from tests.cluster.conftest import start_machines, workers_of
from tests.cluster.models import save_toy
from tests.cluster.test_crew import commits
from tests.cluster.test_embed import same
from tests.conftest import command

SEED = 18
RECIPE = '[[edit]]\nname = "m"\noperation = "truncation"\npsi = { from = 0.9, to = 0.1, steps = 20 }\n'
EDIT = ["edit", "r.toml", "--seeds", "1-25", "--engine", "torch", "-o"]
EMBED = ["embed", "photographs", "--steps", "150", "--no-align", "--features", "random", "-m", "toy", "-o"]
EDITS, PHOTOGRAPHS = 500, 12
SECONDS = 400.0  # for one command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs, and what a run without Ray makes of them."""
    found = tmp_path_factory.mktemp("chaos")
    (found / "r.toml").write_text(RECIPE)
    (found / "photographs").mkdir()
    save_toy(found)
    for number in range(PHOTOGRAPHS):
        pixels = np.random.default_rng(number).integers(0, 255, (24, 24, 3), np.uint8)
        write_png(found / f"photographs/photo{number:02}.png", pixels)
    own = {**os.environ, "I2S_TRT_HOME": str(found / "home")}
    for words in ([*EDIT, "edited"], [*EMBED, "embedded"]):
        assert subprocess.run(command(words), cwd=found, env=own, capture_output=True, check=False).returncode == 0
    return found


@pytest.fixture
def nodes(count: int) -> Iterator[Any]:
    found = start_machines(*[1] * count)
    yield found
    found.shutdown()


class Killer(threading.Thread):
    """Kills a worker now and then, at random moments; on a busy machine, too, something gets done in between."""

    def __init__(self, machines: Any, chance: random.Random, done: Callable[[], int]) -> None:
        super().__init__(daemon=True)
        self._machines, self._chance, self._done, self._over = machines, chance, done, threading.Event()
        self.killed = 0

    def run(self) -> None:
        before = -2
        while not self._over.wait(self._chance.uniform(2.0, 8.0)):
            if self._done() < before + 2:
                continue
            before = self._done()
            if workers := sorted(workers_of(self._machines), key=lambda worker: worker.pid):
                try:
                    self._chance.choice(workers).kill()
                    self.killed += 1
                except psutil.NoSuchProcess:
                    pass

    def stop(self) -> None:
        self._over.set()
        self.join()


def survive(nodes: Any, folder: Path, words: list[str], outputs: str, done: Callable[[], int], half: int) -> int:
    """Run a command until it is half done, kill it, and resume it, with a killer about; how many workers it killed."""
    words = [*words, "--cluster", nodes.address, "--outputs", outputs]
    killer = Killer(nodes, random.Random(SEED), done)
    killer.start()
    try:
        driver = subprocess.Popen(command(words), cwd=folder, stdout=subprocess.DEVNULL)
        end = time.monotonic() + SECONDS
        while done() < half:
            assert driver.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        driver.kill()
        driver.wait()
        resumed = subprocess.run(
            command([*words, "--resume"]), cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    finally:
        killer.stop()
    assert resumed.returncode == 0, resumed.stderr
    return killer.killed


@pytest.mark.slow
@pytest.mark.parametrize(("count", "outputs"), [(2, "shared"), (3, "shared"), (2, "driver")])
def test_nothing_is_lost_and_nothing_differs(nodes: Any, folder: Path, tmp_path: Path, outputs: str) -> None:
    begun = time.monotonic()
    edited, embedded = tmp_path / "edited", tmp_path / "embedded"
    journal = edited / "journal.ndjson"
    killed = survive(
        nodes, folder, [*EDIT, str(edited)], outputs,
        lambda: journal.read_bytes().count(b"\n") if journal.exists() else 0, EDITS // 2,
    )  # fmt: skip
    assert len(pictures(edited)) == EDITS
    assert pictures(edited) == pictures(folder / "edited")
    assert [one["sha256"] for one in commits(edited)] == [one["sha256"] for one in commits(folder / "edited")]
    assert leftovers(edited) == []
    killed += survive(
        nodes, folder, [*EMBED, str(embedded)], outputs,
        lambda: len(list(embedded.glob("*.safetensors"))), PHOTOGRAPHS // 3,
    )  # fmt: skip
    assert len(list(embedded.glob("*.safetensors"))) == PHOTOGRAPHS
    same(folder / "embedded", embedded)
    assert killed >= 2
    print(f"{len(nodes.list_all_nodes())} machines: {killed} workers killed, {time.monotonic() - begun:.0f} s")
    assert os.environ["OMP_NUM_THREADS"] == "1", "digests depend on it"
