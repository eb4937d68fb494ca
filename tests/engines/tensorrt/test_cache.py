"""The engine cache: what is loaded, what is not and why."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from engines.errors import EngineError
from engines.profiles import BatchProfile
from engines.tensorrt.builder import Plan, Tensor
from engines.tensorrt.cache import EngineKey, Entry, Miss, all_folders, build_once, check, find_engine, look_up, remove
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
        replace(KEY, targets=("sm86",)), replace(KEY, device="another GPU"), replace(KEY, tf32=False),
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
    assert (remove(entry.folder) or 0) > 6000
    assert all_folders() == []


def test_an_engine_that_is_being_built_is_not_removed() -> None:
    entry = stored()

    def build() -> Plan:
        assert remove(entry.folder) is None
        return PLAN

    entry.plan.unlink()
    build_once(KEY, build)
    assert remove(entry.folder) == sum(map(len, (PLAN.data, json.dumps(entry.record, indent=2))))


def test_the_kernels_are_kept_and_go_with_the_plan() -> None:
    entry, _ = build_once(KEY, lambda: replace(PLAN, inspection="Layers:\n"))
    assert entry.layers.read_text() == "Layers:\n"
    entry.plan.unlink()
    again, built = build_once(KEY, lambda: PLAN)
    assert built
    assert not again.layers.exists()


RTX_KEY = replace(KEY, backend="tensorrt-rtx", version="1.7.1.116", targets=("sm86", "sm89"))


@pytest.fixture
def rtx_here(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with an RTX 4090 and TensorRT-RTX 1.7."""
    monkeypatch.setattr(
        "engines.tensorrt.cache.load_tensorrt", lambda _backend: SimpleNamespace(__version__="1.7.1.116")
    )
    monkeypatch.setattr("engines.tensorrt.cache.describe_gpu", lambda *_: "RTX 4090")
    monkeypatch.setattr("engines.tensorrt.cache.gpu_target", lambda *_: "sm89")
    return monkeypatch


def test_an_engine_of_a_graph_is_found(rtx_here: pytest.MonkeyPatch) -> None:
    entry, _ = build_once(RTX_KEY, lambda: PLAN)
    found = find_engine("tensorrt-rtx", RTX_KEY.onnx_sha256)
    assert isinstance(found, Entry)
    assert found.folder == entry.folder
    entry.plan.write_bytes(PLAN.data[::-1])  # whoever loads it compares the digest
    assert isinstance(find_engine("tensorrt-rtx", RTX_KEY.onnx_sha256), Entry)
    assert "sha256 differs" in reason(RTX_KEY)
    assert find_engine("tensorrt-rtx", "b" * 64) == find_engine("tensorrt", KEY.onnx_sha256) == Miss("not built yet")
    entry.plan.write_bytes(b"damaged")
    assert find_engine("tensorrt-rtx", RTX_KEY.onnx_sha256) == Miss("not built yet")
    (entry.folder / "engine.json").write_text("[]")
    assert find_engine("tensorrt-rtx", RTX_KEY.onnx_sha256) == Miss("not built yet")


@pytest.mark.parametrize("foreign", [{"version": "1.6"}, {"device": "RTX 3090"}, {"targets": ("sm86", "sm120")}])
def test_engines_that_do_not_run_here_are_passed_over(foreign: dict[str, Any], rtx_here: pytest.MonkeyPatch) -> None:
    build_once(replace(RTX_KEY, **foreign), lambda: PLAN)
    assert find_engine("tensorrt-rtx", RTX_KEY.onnx_sha256) == Miss("those built are for another version or GPU")
    build_once(replace(RTX_KEY, targets=()), lambda: PLAN)
    assert isinstance(find_engine("tensorrt-rtx", RTX_KEY.onnx_sha256), Entry)
