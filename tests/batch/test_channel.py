"""Queues between threads: bounded, in order, closed when their producers are done, given up at once."""

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.batch.channel import Abandoned, Channel


def started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def filled(channel: Channel[int], items: list[int]) -> threading.Thread:
    def fill() -> None:
        for item in items:
            channel.put(item)
        channel.done()

    return started(fill)


@given(st.lists(st.integers(), max_size=30), st.integers(1, 5))
def test_items_come_out_in_order_and_then_it_ends(items: list[int], capacity: int) -> None:
    channel = Channel[int](capacity)
    thread = filled(channel, items)
    assert list(channel) == items
    assert channel.take() == []
    thread.join()


@given(st.integers(0, 40), st.integers(1, 6))
def test_groups_are_full_but_for_the_last(count: int, size: int) -> None:
    channel = Channel[int](2 * size)
    filled(channel, list(range(count)))
    groups = []
    while group := channel.take(size, size):
        groups.append(group)
    assert [item for group in groups for item in group] == list(range(count))
    assert all(len(group) == size for group in groups[:-1])


def test_what_is_ready_is_taken_at_once() -> None:
    channel = Channel[int](10)
    for item in range(4):
        channel.put(item)
    assert channel.take(1, 3) == [0, 1, 2]
    assert channel.take(1, 3) == [3]


def test_a_full_channel_holds_its_producer() -> None:
    channel, put = Channel[int](2), []

    def produce() -> None:
        for item in range(5):
            channel.put(item)
            put.append(item)
        channel.done()

    thread = started(produce)
    deadline = time.monotonic() + 20
    while len(put) < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    thread.join(0.05)
    assert put == [0, 1]
    assert list(channel) == [0, 1, 2, 3, 4]
    thread.join()


def test_it_closes_after_the_last_of_several_producers() -> None:
    channel = Channel[int](4, producers=3)
    for start in (0, 10, 20):
        filled(channel, list(range(start, start + 10)))
    assert sorted(channel) == list(range(30))


def test_giving_up_wakes_everybody() -> None:
    full, empty, ended = Channel[int](1), Channel[int](1), []
    full.put(1)

    def waiting(wait: Callable[[], object]) -> Callable[[], None]:
        def work() -> None:
            with pytest.raises(Abandoned):
                wait()
            ended.append(True)

        return work

    threads = [started(waiting(lambda: full.put(2))), started(waiting(empty.take))]
    full.abandon()
    empty.abandon()
    for thread in threads:
        thread.join(20)
    assert len(ended) == 2
    with pytest.raises(Abandoned):
        full.take()
    with pytest.raises(Abandoned):
        empty.put(1)
