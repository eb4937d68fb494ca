"""The engine cache: what is loaded, what is not and why, and many builders at once."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engines.builder import Plan, Tensor
from engines.cache import EngineKey, Entry, Miss, all_folders, build_once, check, look_up, remove
from engines.profiles import BatchProfile
from engines.tensorrt_module import EngineError
from i2s_trt.errors import EnvironmentFault

KEY = EngineKey("synthesis", "fp16", "a" * 64, "tensorrt-rtx", "1.7.1.116", BatchProfile(1, 4, 8), ("sm89",))
PLAN = Plan(b"a plan" * 1000, (Tensor("w_plus", "FLOAT", (-1, 6, 24)),), (), 12, 0.1, 0.5)


def stored() -> Entry:
    entry, built = build_once(KEY, lambda: PLAN)
    assert built
    return entry


def reason(key: EngineKey = KEY) -> str:
    found = look_up(key)
    assert isinstance(found, Miss)
    return found.reason


def test_the_first_call_builds_and_the_second_finds() -> None:
    assert reason() == "not built yet"
    entry = stored()
    assert entry.plan.read_bytes() == PLAN.data
    again, built = build_once(KEY, lambda: pytest.fail("built twice"))
    assert not built
    assert again.record == entry.record


def test_every_part_of_the_key_matters() -> None:
    others = [
        replace(KEY, graph="preview"), replace(KEY, precision="fp32"), replace(KEY, onnx_sha256="b" * 64),
        replace(KEY, backend="tensorrt"), replace(KEY, version="1.8"), replace(KEY, profile=BatchProfile(1, 1, 1)),
        replace(KEY, targets=("sm86",)), replace(KEY, device="another GPU"),
    ]  # fmt: skip
    stored()
    assert len({key.digest() for key in [KEY, *others]}) == len(others) + 1
    assert all(reason(key) == "not built yet" for key in others)


def test_a_flipped_bit_is_a_miss_and_is_built_anew() -> None:
    plan = stored().plan
    data = bytearray(plan.read_bytes())
    data[1234] ^= 4
    plan.write_bytes(data)
    assert "sha256 differs" in reason()
    entry, built = build_once(KEY, lambda: PLAN)
    assert built
    assert entry.plan.read_bytes() == PLAN.data


def test_a_truncated_plan_is_a_miss() -> None:
    plan = stored().plan
    plan.write_bytes(plan.read_bytes()[:-1])
    assert reason() == "the plan has 5999 bytes instead of 6000"


def test_a_missing_plan_is_a_miss() -> None:
    stored().plan.unlink()
    assert reason() == "the plan is missing"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "size": 6000, "plan_sha256": 3, "key": {}}']
)
def test_a_damaged_record_is_a_miss(text: str) -> None:
    entry = stored()
    (entry.folder / "engine.json").write_text(text)
    assert reason()


def test_a_record_of_another_version_is_a_miss() -> None:
    entry = stored()
    record = json.loads((entry.folder / "engine.json").read_text())
    (entry.folder / "engine.json").write_text(json.dumps({**record, "format": 99}))
    assert "another version" in reason()


def test_a_plan_of_another_gpu_put_in_its_place_is_a_miss() -> None:
    foreign = replace(KEY, device="NVIDIA L4, 22 GiB, compute capability 8.9")
    entry, _ = build_once(foreign, lambda: PLAN)
    entry.folder.rename(KEY.folder)
    assert reason() == "its record belongs to another engine"


def test_a_failed_build_leaves_nothing_to_load() -> None:
    def fail() -> Plan:
        raise EngineError("no", "yes")

    with pytest.raises(EngineError):
        build_once(KEY, fail)
    assert isinstance(look_up(KEY), Miss)
    stored()


def test_a_full_disk_leaves_nothing_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(EnvironmentFault, match="disk is full"):
            build_once(KEY, lambda: PLAN)
    assert reason() == "an earlier build did not finish"
    assert not list(KEY.folder.iterdir())


def test_listing_and_removing() -> None:
    entry = stored()
    assert all_folders() == [entry.folder]
    assert isinstance(check(entry.folder), Entry)
    assert remove(entry.folder) > 6000
    assert all_folders() == []


def _build_slowly(home: str, log: str) -> None:
    os.environ["I2S_TRT_HOME"] = home

    def build() -> Plan:
        with Path(log).open("a") as stream:
            stream.write("built\n")
        time.sleep(0.3)
        return PLAN

    entry, _ = build_once(KEY, build)
    assert entry.plan.read_bytes() == PLAN.data


def test_of_eight_builders_one_builds_and_all_load(own_home: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    context = multiprocessing.get_context("spawn")  # a fork would inherit locks of torch's threads
    workers = [context.Process(target=_build_slowly, args=(str(own_home), str(log))) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 8
    assert log.read_text() == "built\n"


def test_a_builder_killed_in_the_middle_blocks_nobody(own_home: Path, tmp_path: Path) -> None:
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from tests.engines.test_cache import KEY, PLAN\n"
        "from engines.cache import build_once\n"
        "def build():\n"
        "    (KEY.folder).mkdir(parents=True); (KEY.folder / '.plan.engine.x.tmp').write_bytes(b'half')\n"
        "    print('building', flush=True); time.sleep(60)\n"
        "build_once(KEY, build)\n"
    )
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen([sys.executable, "-c", script, root], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdout is not None
    assert process.stdout.readline() == "building\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert reason() == "an earlier build did not finish"
    entry = stored()
    assert sorted(path.name for path in entry.folder.iterdir()) == ["engine.json", "plan.engine"]
