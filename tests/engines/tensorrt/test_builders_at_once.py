"""Many builders of one engine, and builders that are killed: real builds by TensorRT-RTX in processes of their own."""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engines.plan import EngineRequest, engine_key, inspect, make
from engines.profiles import BatchProfile
from engines.tensorrt.cache import Entry, Miss, build_once, look_up
from tests.export.shared import slim

pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")
REQUEST = EngineRequest("tensorrt-rtx", "mapping", "fp32", BatchProfile(1, 4, 8), ("sm89",))
ROOT = str(Path(__file__).parents[3])
# What a builder process does: build, and stop for good at the first step, with the lock held, if it is told to.
BUILDER = """
import sys, time; sys.path.insert(0, sys.argv[1])
from engines.plan import make
from tests.engines.tensorrt.test_builders_at_once import REQUEST
from tests.export.shared import slim
def report(phase, step, steps):
    print("building", flush=True)
    time.sleep(600)
make(REQUEST, slim(16, 8, 16), report)
"""


def _make(home: str, log: str) -> None:
    os.environ["I2S_TRT_HOME"] = home
    prospect, made = make(REQUEST, slim(16, 8, 16))
    assert prospect.complete
    with Path(log).open("a") as stream:
        stream.write(f"{made}\n")


def test_of_four_builders_one_builds_and_all_find_the_engine(own_home: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")  # a fork would inherit locks of torch's threads
    workers = [context.Process(target=_make, args=(str(own_home), str(tmp_path / "log"))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(600)
    assert [worker.exitcode for worker in workers] == [0] * 4
    made = (tmp_path / "log").read_text().split()
    # one exports, and that one or another builds
    assert (len(made), made.count("True") in (1, 2)) == (4, True)
    assert len(list((own_home / "engines").glob("*/plan.engine"))) == 1
    assert not list(own_home.rglob("*.tmp"))


def test_a_builder_killed_in_the_middle_blocks_nobody(shared_home: Path) -> None:
    source = slim(16, 8, 16)
    begun = subprocess.Popen([sys.executable, "-c", BUILDER, ROOT], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert begun.stdout is not None
    assert begun.stdout.readline() == "building\n"
    begun.send_signal(signal.SIGKILL)
    begun.wait()
    assert isinstance(inspect(REQUEST, source).engine, Miss)
    prospect, made = make(REQUEST, source)
    assert made
    assert isinstance(prospect.engine, Entry)
    assert sorted(path.name for path in prospect.engine.folder.iterdir()) == [
        "engine.json",
        "layers.txt",
        "plan.engine",
    ]


def test_a_builder_killed_while_it_writes_leaves_nothing_to_load(shared_home: Path) -> None:
    prospect, _ = make(REQUEST, slim(16, 8, 16))
    assert prospect.exported is not None
    key = engine_key(REQUEST, prospect.exported)
    (key.folder / "engine.json").unlink()
    (key.folder / ".plan.engine.0123456789ab.tmp").write_bytes(b"half")
    assert look_up(key) == Miss("an earlier build did not finish")
    again, made = make(REQUEST, slim(16, 8, 16))
    assert made
    assert isinstance(again.engine, Entry)
    assert not list(key.folder.glob("*.tmp")) + list(key.folder.glob(".*.tmp"))
    assert build_once(key, lambda: pytest.fail("built twice"))[1] is False
