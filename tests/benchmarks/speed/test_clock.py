"""Turns, warm-up, stopping, and what is made of the samples."""

import time
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.speed.clock import (
    clock_for,
    cuda_clock,
    host_clock,
    latency_figures,
    median_figure,
    rate_figure,
    ratio_figure,
    timed,
)

TIMES = st.lists(st.floats(1e-3, 1e5), min_size=1, max_size=150)


@pytest.mark.parametrize(("calls", "seconds", "taken"), [(3, 0.0, 3), (9, 0.0, 5), (9, 1e9, 9), (1, 1e9, 1)])
def test_calls_end_with_the_time_or_the_count(calls: int, seconds: float, taken: int) -> None:
    done: list[int] = []
    samples = timed(lambda: done.append(1), host_clock, calls, seconds)
    assert len(samples) == len(done) == taken
    assert min(samples) >= 0


def test_the_host_clock_counts_milliseconds() -> None:
    assert host_clock(lambda: time.sleep(0.02)) >= 19


def test_each_device_has_its_clock() -> None:
    assert clock_for("cpu") is host_clock
    assert clock_for("cuda:1") is cuda_clock


@pytest.mark.gpu
def test_the_cuda_clock_waits_for_the_device() -> None:
    a = torch.randn(4096, 4096, device="cuda")
    cuda_clock(lambda: a @ a)
    assert cuda_clock(lambda: [a @ a for _ in range(20)]) > cuda_clock(lambda: a @ a)


@given(samples=TIMES)
def test_medians_and_quartiles_are_numpys(samples: Sequence[float]) -> None:
    figure = median_figure(samples)
    low, middle, high = np.percentile(samples, (25, 50, 75))
    assert (figure.low, figure.value, figure.high) == (low, middle, high)
    assert (figure.samples, figure.unit) == (len(samples), "ms")


@given(samples=TIMES, factor=st.floats(0.1, 100))
def test_a_constant_gain_is_a_ratio_without_spread(samples: Sequence[float], factor: float) -> None:
    figure = ratio_figure([value * factor for value in samples], samples)
    assert figure.value == pytest.approx(factor)
    assert figure.low == pytest.approx(factor)
    assert figure.high == pytest.approx(factor)
    assert figure.unit == "x"


def test_a_load_that_slows_both_leaves_the_ratio_alone() -> None:
    slow, fast, load = np.array([40.0, 41, 39, 40, 40]), np.array([10.0, 10, 10, 10, 10]), np.array([1, 3, 1, 9, 2])
    assert ratio_figure((slow * load).tolist(), (fast * load).tolist()).value == pytest.approx(4.0)


@given(samples=TIMES, images=st.integers(1, 64))
def test_rates_are_images_over_seconds(samples: Sequence[float], images: int) -> None:
    figure = rate_figure(samples, images)
    if len(samples) % 2:
        assert figure.value == pytest.approx(images / (median_figure(samples).value / 1e3))
    assert figure.unit == "image/s"


@pytest.mark.parametrize(
    ("calls", "known"), [(1, {"p50"}), (9, {"p50"}), (10, {"p50", "p90"}), (99, {"p50", "p90"}),
                         (100, {"p50", "p90", "p99"})]
)  # fmt: skip
def test_percentiles_are_told_only_where_calls_lie_beyond(calls: int, known: set[str]) -> None:
    figures = latency_figures([float(i) for i in range(calls)])
    assert set(figures) == known
    for name, figure in figures.items():
        assert figure.value == np.quantile(np.arange(calls, dtype=float), float(name[1:]) / 100)
