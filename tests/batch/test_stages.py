"""Pipelines of threads: everything comes through, stages overlap, one error ends all."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from i2s_trt.batch.channel import Channel
from i2s_trt.batch.stages import Stage, flow


def doubled(incoming: Channel[int]) -> Iterator[int]:
    for item in incoming:
        yield 2 * item


def in_pairs(incoming: Channel[int]) -> Iterator[list[int]]:
    while group := incoming.take(2, 2):
        yield group


def running() -> int:
    return threading.active_count()


@settings(max_examples=40)
@given(st.integers(0, 60), st.integers(1, 4), st.integers(1, 4))
def test_everything_comes_through(count: int, workers: int, capacity: int) -> None:
    before = running()
    stages = [Stage([doubled] * workers, capacity), Stage([doubled], capacity)]
    found = list(flow(iter(range(count)), stages, capacity))
    assert sorted(found) == [4 * item for item in range(count)]
    assert workers > 1 or found == sorted(found)
    assert running() == before


def test_stages_may_group() -> None:
    assert list(flow(range(5), [Stage([in_pairs], 1)], 2)) == [[0, 1], [2, 3], [4]]


def test_all_stages_work_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=20)  # passes only when source and both stages are at work together

    def source() -> Iterator[int]:
        for item in range(10):
            if item == 4:
                meeting.wait()
            yield item

    def meets_at(item: int) -> Any:
        def work(incoming: Channel[int]) -> Iterator[int]:
            for found in incoming:
                if found == item:
                    meeting.wait()
                yield found

        return work

    assert list(flow(source(), [Stage([meets_at(2)], 1), Stage([meets_at(1)], 1)], 1)) == list(range(10))


@pytest.mark.parametrize("place", ["source", "first", "second"])
def test_an_error_anywhere_ends_everything_and_is_raised(place: str) -> None:
    before = running()

    def broken(incoming: Channel[int]) -> Iterator[int]:
        for item in incoming:
            if item == 3:
                raise OSError("broken")
            yield item

    def source() -> Iterator[int]:
        yield from range(3)
        if place == "source":
            raise OSError("broken")
        while True:
            yield 3

    first = [broken] * 2 if place == "first" else [iter]
    second = [broken] if place == "second" else [doubled]
    with pytest.raises(OSError, match="broken"):
        list(flow(source(), [Stage(first, 1), Stage(second, 1)], 1))
    assert running() == before


def test_leaving_early_ends_the_threads() -> None:
    before = running()

    def endless() -> Iterator[int]:
        while True:
            yield 1

    found = flow(endless(), [Stage([doubled], 2)], 2)
    assert next(found) == 2
    found.close()  # type: ignore[attr-defined]  # a generator
    assert running() == before
