"""Timings of kernels: what is given to TensorRT and what is not.

TensorRT-RTX has the calls, as deprecated ones that do nothing: they show that ours are accepted. What TensorRT does
with timings is stood in for by sets of words.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from engines.tensorrt.timing_cache import TimingKey, keep_timings, load_timings, timing_files, use_timings
from i2s_trt.errors import EnvironmentFault

KEY = TimingKey("tensorrt", "11.4.0.106", (), "NVIDIA L4, 22 GiB")


@dataclass
class FakeCache:
    words: set[str]

    def combine(self, other: "FakeCache", ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch
        self.words |= other.words
        return True

    def serialize(self) -> bytes:
        return " ".join(sorted(self.words)).encode()


@dataclass
class FakeConfig:
    """`refuses` stands for timings that TensorRT finds to be of another GPU."""

    refuses: bool = False
    cache: FakeCache | None = None
    given: list[bytes] = field(default_factory=list)

    def create_timing_cache(self, data: bytes) -> FakeCache:
        self.given.append(data)
        return FakeCache(set(data.decode().split()))

    def set_timing_cache(self, cache: FakeCache, ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch
        if self.refuses and cache.words:
            return False
        self.cache = cache
        return True

    def get_timing_cache(self) -> FakeCache:
        assert self.cache is not None
        return self.cache


def build(*measured: str, key: TimingKey = KEY, **options: Any) -> FakeConfig:
    """A build that measures these kernels."""
    config = FakeConfig(**options)
    use_timings(config, key)
    config.get_timing_cache().words |= set(measured)
    keep_timings(config, key)
    return config


def test_a_build_begins_with_what_the_last_one_measured() -> None:
    assert load_timings(KEY) == b""
    assert build("conv", "gemm").given == [b""]
    assert load_timings(KEY) == b"conv gemm"
    assert build("pool").given[0] == b"conv gemm"
    assert load_timings(KEY) == b"conv gemm pool"


def test_every_part_of_the_key_matters() -> None:
    build("conv")
    others = [
        replace(KEY, backend="tensorrt-rtx"), replace(KEY, version="10.16.1"), replace(KEY, targets=("sm89",)),
        replace(KEY, device="NVIDIA L4, 22 GiB, another driver"),
    ]  # fmt: skip
    assert len({key.path for key in [KEY, *others]}) == 5
    assert all(load_timings(key) == b"" for key in others)


def test_timings_of_another_version_under_this_name_are_not_trusted() -> None:
    build("conv")
    newer = replace(KEY, version="11.5")
    KEY.path.rename(newer.path)
    assert load_timings(newer) == b""
    assert build("gemm", key=newer).given == [b""]
    assert load_timings(newer) == b"gemm"


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "grow"])
def test_damaged_timings_are_not_trusted(damage: str) -> None:
    build("conv", "gemm")
    data = KEY.path.read_bytes()
    flipped = data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]
    KEY.path.write_bytes({"flip": flipped, "cut": data[:-1], "empty": b"", "grow": data + b"x"}[damage])
    assert load_timings(KEY) == b""
    assert build("pool").given == [b""]
    assert load_timings(KEY) == b"pool"


def test_what_tensorrt_refuses_is_replaced_by_an_empty_cache() -> None:
    build("conv")
    config = FakeConfig(refuses=True)
    assert not use_timings(config, KEY)
    assert config.given == [b"conv", b""]
    assert config.get_timing_cache().words == set()


def test_timings_of_a_build_beside_this_one_are_kept() -> None:
    slow, fast = FakeConfig(), FakeConfig()
    use_timings(slow, KEY)
    use_timings(fast, KEY)
    fast.get_timing_cache().words |= {"fast"}
    keep_timings(fast, KEY)
    slow.get_timing_cache().words |= {"slow"}
    keep_timings(slow, KEY)
    assert load_timings(KEY) == b"fast slow"


def test_nothing_half_written_and_leftovers_go(monkeypatch: pytest.MonkeyPatch) -> None:
    build("conv")
    leftover = KEY.path.with_name(f".{KEY.path.name}"[:41] + ".0123456789ab.tmp")
    leftover.write_bytes(b"half")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(EnvironmentFault, match="disk is full"):
            build("gemm")
    assert load_timings(KEY) == b"conv"
    assert timing_files() == [KEY.path]
    assert not leftover.exists()


@pytest.fixture
def real_config() -> Iterator[Any]:
    trt = pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")
    builder = trt.Builder(trt.Logger())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield builder.create_builder_config()


def test_the_real_calls_take_what_we_give(real_config: Any) -> None:
    assert not use_timings(real_config, KEY)
    keep_timings(real_config, KEY)
    assert load_timings(KEY)
    assert use_timings(real_config, KEY)
    keep_timings(real_config, KEY)
    assert [path.suffix for path in sorted(Path(KEY.path.parent).glob("*"))] == [".lock", ".timings"]
