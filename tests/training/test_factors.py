"""Latents become factors level by level, the same for a seed whatever the batch."""

import numpy as np
import pytest

from i2s_trt.training.factors import (
    COUNT,
    EXPRESSION,
    INDEX,
    LEVEL_OF,
    LEVELS,
    NAMES,
    Factors,
    bends,
    factors_from_uniform,
    sample_latents,
    sample_pairs,
    uniform_from_latents,
    visible,
)


def test_there_are_as_many_active_factors_as_the_model_can_learn() -> None:
    assert 35 <= COUNT <= 54
    assert set(LEVEL_OF) == {0, 1, 2}


def test_new_factors_come_last_so_that_the_old_keep_their_places() -> None:
    assert NAMES.index("clothes_light") == 45
    assert NAMES[46:] == (
        "hat", "hair_texture", "stubble", "skin_texture", "light_strength", "light_warmth", "backdrop_clutter", "collar"
    )  # fmt: skip
    assert [LEVELS[level] for level in LEVEL_OF[46:]] == ["coarse", "coarse", "middle", *["fine"] * 5]


def test_a_sample_depends_on_seed_and_index_only() -> None:
    many, few = sample_latents(7, 20), sample_latents(7, 5)
    np.testing.assert_array_equal(many[:5], few)
    assert not np.array_equal(sample_latents(8, 5), few)


def test_latents_have_unit_mean_square_as_the_mapping_network_makes_them() -> None:
    np.testing.assert_allclose((sample_latents(1, 30) ** 2).mean(axis=2), 1.0, rtol=1e-5)


def test_mixing_gives_some_faces_three_latents_and_others_one() -> None:
    latents = sample_latents(3, 200, mixing=0.5)
    mixed = np.any(latents[:, 0] != latents[:, 2], axis=1).mean()
    assert 0.35 < mixed < 0.65
    assert np.array_equal(sample_latents(3, 9, mixing=0.0)[:, 0], sample_latents(3, 9, mixing=0.0)[:, 2])


@pytest.mark.parametrize("mixing", [0.0, 1.0])
def test_a_pair_is_one_face_with_two_expressions(mixing: float) -> None:
    latents = sample_pairs(6, 40, mixing)
    np.testing.assert_array_equal(latents[0::2], sample_latents(6, 40, mixing))
    np.testing.assert_allclose((latents**2).mean(axis=2), 1.0, rtol=1e-5)
    uniform = uniform_from_latents(latents)
    moved = np.abs(uniform[0::2] - uniform[1::2]).max(axis=0) > 0
    assert {name for name, changed in zip(NAMES, moved, strict=True) if changed} == set(EXPRESSION)


def test_the_second_expression_is_as_varied_as_the_first() -> None:
    smile = uniform_from_latents(sample_pairs(7, 1500))[:, INDEX["smile"]]
    assert smile[1::2].std() == pytest.approx(smile[0::2].std(), rel=0.05)
    assert abs(np.corrcoef(smile[0::2], smile[1::2])[0, 1]) < 0.1


def test_a_pair_depends_on_seed_and_index_only() -> None:
    np.testing.assert_array_equal(sample_pairs(8, 6)[:4], sample_pairs(8, 2))


@pytest.mark.parametrize("level", range(3))
def test_each_factor_listens_to_its_own_level(level: int) -> None:
    latents = sample_latents(4, 1, mixing=1.0)
    before = uniform_from_latents(latents)[0]
    latents[:, level] = -latents[:, level]
    changed = {name for name, a, b in zip(NAMES, before, uniform_from_latents(latents)[0], strict=True) if a != b}
    assert changed == {name for name, own in zip(NAMES, LEVEL_OF, strict=True) if own == level}
    assert LEVELS[level] in ("coarse", "middle", "fine")


def test_uniform_variables_are_uniform() -> None:
    values = uniform_from_latents(sample_latents(5, 1500))
    assert abs(values.mean()) < 0.02
    assert values.var() == pytest.approx(1 / 3, rel=0.03)
    assert np.abs(values).max() <= 1.0


def test_part_time_factors_are_mostly_absent() -> None:
    uniform = np.linspace(-1, 1, 1001)
    worn = visible("glasses", uniform)
    assert worn.min() == 0.0
    assert worn.max() == 1.0
    assert np.all(np.diff(worn) >= 0)
    assert 0.28 < (worn > 0.5).mean() < 0.36
    assert 0.15 < (visible("beard", uniform) > 0.5).mean() < 0.25
    assert 0.13 < (visible("hat", uniform) > 0.5).mean() < 0.2
    for name in ("stubble", "backdrop_clutter", "collar"):
        assert (visible(name, uniform) == 0.0).mean() >= 0.5
    np.testing.assert_array_equal(visible("smile", uniform), uniform.astype(np.float32))


def test_a_row_of_uniform_variables_becomes_named_factors() -> None:
    row = np.full(COUNT, -0.2)
    row[INDEX["smile"]], row[INDEX["glasses"]] = 0.5, 1.0
    shown = factors_from_uniform(row)
    assert (shown.smile, shown.glasses, shown.beard, shown.yaw) == pytest.approx((0.5, 1.0, 0.0, -0.2))
    assert isinstance(shown, Factors)


def test_bends_lie_where_a_part_time_factor_begins_and_ends_to_show() -> None:
    onset, full, half_way = bends(INDEX["hat"])
    row = np.zeros((3, len(LEVELS), COUNT), np.float32)
    row[:, :, INDEX["hat"]] = np.array([onset, full, half_way])[:, None]
    shown = visible("hat", uniform_from_latents(row)[:, INDEX["hat"]])
    np.testing.assert_allclose(shown, [0, 1, 0.5], atol=0.05)


@pytest.mark.parametrize("index", range(COUNT))
def test_only_part_time_factors_are_bent_and_none_beyond_what_is_drawn(index: int) -> None:
    part_time = float(visible(NAMES[index], -1.0)) == 0
    assert bool(bends(index)) == part_time
    assert all(-0.2 < place < 2.0 for place in bends(index))


def test_what_is_no_factor_has_no_bends() -> None:
    assert bends(COUNT) == ()
