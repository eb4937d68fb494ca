"""Work and traffic against the figures that were derived by hand for the 1024x1024 network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.speed.roofline import LayerCost, Rates, Work, step_work, synthesis_work
from i2s_trt.models.random_weights import standard_spec, stylegan2_spec

FULL = standard_spec(1024)
H200_16BIT = Rates(gigaflops=788e3, gigabytes=4.3e3)
H200_TF32 = Rates(gigaflops=400e3, gigabytes=4.3e3)
V100 = Rates(gigaflops=15.7e3, gigabytes=0.9e3)


def test_operations_at_1024() -> None:
    assert synthesis_work(FULL).gigaflops == pytest.approx(64.5, abs=0.05)
    assert step_work(FULL).gigaflops == pytest.approx(192.2, abs=0.05)
    features = step_work(FULL).gigaflops - 2 * synthesis_work(FULL).gigaflops
    assert features == pytest.approx(2 * 31.63, abs=0.05)


def test_operations_of_a_stylegan2_at_1024() -> None:
    """By hand: 9 taps for each pair of channels, before the upsampling, 16 of the filter after it, and 3 colours."""
    channels = [512] * 5 + [256, 128, 64, 32]
    sides = [4 * 2**block for block in range(9)]
    same = sum(9 * c * c * side**2 for c, side in zip(channels, sides, strict=True))
    pairs = zip(channels[:-1], channels[1:], sides[1:], strict=True)
    up = sum(9 * a * b * (side // 2) ** 2 + 16 * b * side**2 for a, b, side in pairs)
    rgb = sum(3 * c * side**2 for c, side in zip(channels, sides, strict=True))
    found = synthesis_work(stylegan2_spec(1024)).gigaflops
    assert found == pytest.approx(2 * (same + up + rgb) / 1e9, rel=1e-3)
    assert found == pytest.approx(150.6, abs=0.1)


@pytest.mark.parametrize(("size", "synthesis", "step"), [(2, 405, 1304), (4, 809, 2608)])
def test_traffic_at_1024(size: int, synthesis: float, step: float) -> None:
    """Megabytes of activations; the weights come on top: 24.4 million of the generator, 5.3 of VGG, each way."""
    generator, features = 24.39e6 * size / 1e6, 5.2727e6 * size / 1e6
    assert synthesis_work(FULL).gigabytes(size) * 1e3 == pytest.approx(synthesis + generator, rel=2e-3)
    assert step_work(FULL).gigabytes(size) * 1e3 == pytest.approx(step + 2 * (generator + features), rel=2e-3)


@pytest.mark.parametrize(
    ("rates", "size", "synthesis", "step"),
    [(H200_16BIT, 2, 0.134, 0.43), (H200_TF32, 4, 0.266, 0.85), (V100, 4, 4.16, 12.6)],
    ids=["H200 in 16 bits", "H200 in TF32", "V100"],
)
def test_floors_at_1024(rates: Rates, size: int, synthesis: float, step: float) -> None:
    assert synthesis_work(FULL).floor(rates, size) == pytest.approx(synthesis, rel=0.015)
    assert step_work(FULL).floor(rates, size) == pytest.approx(step, rel=0.015)


def test_small_pictures_are_not_reduced_for_the_features() -> None:
    small, large = standard_spec(256), standard_spec(512)
    features = [step_work(spec).gigaflops - 2 * synthesis_work(spec).gigaflops for spec in (small, large)]
    assert features[0] == pytest.approx(features[1])
    tiny = standard_spec(64)
    assert step_work(tiny).gigaflops - 2 * synthesis_work(tiny).gigaflops == pytest.approx(features[0] / 16)


@pytest.mark.parametrize("side", [8, 16, 64, 256])
def test_larger_networks_cost_more(side: int) -> None:
    smaller, larger = standard_spec(side), standard_spec(2 * side)
    for work in (synthesis_work, step_work):
        assert work(larger).gigaflops > work(smaller).gigaflops
        assert work(larger).gigabytes(2) > work(smaller).gigabytes(2)


LAYERS = st.builds(LayerCost, flops=st.floats(0, 1e12), elements=st.floats(0, 1e9), weights=st.floats(0, 1e7))
RATES = st.builds(Rates, gigaflops=st.floats(1, 1e6), gigabytes=st.floats(1, 1e4))


@given(layers=st.lists(LAYERS, min_size=1, max_size=6).map(tuple), rates=RATES, batch=st.integers(1, 32))
def test_a_floor_is_no_less_than_computing_alone_or_moving_alone_and_no_more_than_both(
    layers: tuple[LayerCost, ...], rates: Rates, batch: int
) -> None:
    work = Work(layers)
    computing = work.gigaflops * batch / rates.gigaflops * 1e3
    moving = work.gigabytes(2, batch) / rates.gigabytes * 1e3
    floor = work.floor(rates, 2, batch)
    assert max(computing, moving) <= floor * (1 + 1e-9) + 1e-12
    assert floor <= (computing + moving) * (1 + 1e-9) + 1e-12


@given(rates=RATES, factor=st.floats(1.5, 10))
def test_a_machine_that_is_faster_in_everything_has_a_lower_floor(rates: Rates, factor: float) -> None:
    faster = Rates(rates.gigaflops * factor, rates.gigabytes * factor)
    work = step_work(standard_spec(64))
    assert work.floor(faster, 4) == pytest.approx(work.floor(rates, 4) / factor)
