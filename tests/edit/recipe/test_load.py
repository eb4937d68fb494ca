"""Recipes: what they make, in which order, under which names."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2s_trt.arrays import WPlus
from i2s_trt.edit import operations
from i2s_trt.edit.recipe.load import Variant, load_recipe
from i2s_trt.edit.recipe.values import layers, numbers
from i2s_trt.edit.sources import LatentSource
from i2s_trt.edit.space import LatentSpace

LAYERS, WIDTH = 6, 5
MEAN = np.linspace(-1, 1, WIDTH).astype(np.float32)


def drawn(seed: int, _label: int | None = None) -> WPlus:
    return np.random.default_rng(seed).normal(size=(LAYERS, WIDTH)).astype(np.float32) * 3


SOURCE = LatentSource(LatentSpace(LAYERS, WIDTH, "a" * 64, MEAN), drawn)
LATENT = drawn(100)


def load(folder: Path, text: str) -> list[Variant]:
    (folder / "recipe.toml").write_text(text)
    return load_recipe(folder / "recipe.toml", SOURCE)


def one(folder: Path, keys: str) -> Variant:
    (variant,) = load(folder, f'[[edit]]\nname = "it"\n{keys}\n')
    assert variant.name == variant.edit == variant.label == "it"
    return variant


@pytest.mark.parametrize(
    ("keys", "expected"), [
        ('operation = "identity"', LATENT),
        ('operation = "morph"\nwith = "seed:1"', operations.morph(LATENT, drawn(1), 0.5)),
        ('operation = "morph"\nwith = "seed:1"\nweight = 0.25', operations.morph(LATENT, drawn(1), 0.25)),
        ('operation = "crossover"\nstyle = "seed:2"', operations.crossover(LATENT, drawn(2))),
        ('operation = "crossover"\nstyle = "mean"\nlayers = "0-1,5"',
         operations.crossover(LATENT, np.tile(MEAN, (LAYERS, 1)), [0, 1, 5])),
        ('operation = "expression"\nneutral = "seed:3"\nexpression = "seed:4"',
         operations.expression_transfer(LATENT, drawn(3), drawn(4))),
        ('operation = "expression"\nneutral = "seed:3"\nexpression = "seed:4"\nstrength = -2\nthreshold = 9.5\n'
         "normalize = true", operations.expression_transfer(LATENT, drawn(3), drawn(4), -2, 9.5, normalize=True)),
        ('operation = "direction"\nfile = "d.npy"\nstrength = 3', LATENT + 3),
        ('operation = "direction"\nfile = "d.npy"\nlayers = [0]',
         LATENT + np.eye(LAYERS, 1, dtype=np.float32)),
        ('operation = "truncation"', operations.truncate(LATENT, MEAN, 0.7)),
        ('operation = "truncation"\npsi = 0\ncutoff = 2', operations.truncate(LATENT, MEAN, 0, 2)),
        ('operation = "random-walk"', operations.random_walk(LATENT, np.tile(MEAN, (LAYERS, 1)), 0.5)),
        ('operation = "random-walk"\nto = "seed:1"\nposition = 0.2\nwander = 1\nseed = 4',
         operations.random_walk(LATENT, drawn(1), 0.2, 1, 4)),
    ],
)  # fmt: skip
def test_each_operation_does_what_its_function_does(tmp_path: Path, keys: str, expected: WPlus) -> None:
    np.save(tmp_path / "d.npy", np.ones((1, WIDTH)))
    before = LATENT.copy()
    np.testing.assert_allclose(one(tmp_path, keys).apply(LATENT), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(LATENT, before)


SWEEPS = """
[[edit]]
name = "plain"
operation = "identity"

[[edit]]
name = "smile"
operation = "expression"
neutral = "seed:3"
expression = "seed:4"
strength = { from = -1, to = 1, steps = 5 }
threshold = [0, 1]

[[edit]]
name = "styles"
operation = "crossover"
style = ["seed:1", "folder/b.npy"]
"""


def test_sweeps_are_crossed_named_and_labelled_in_order(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder/b.npy", drawn(9))
    variants = load(tmp_path, SWEEPS)
    expected = ["plain", *(f"smile_{number}" for number in range(10)), "styles_0", "styles_1"]
    assert [variant.name for variant in variants] == expected
    assert [variant.label for variant in variants[:4]] == ["plain", "smile -1 0", "smile -1 1", "smile -0.5 0"]
    assert [variant.label for variant in variants[-2:]] == ["styles seed:1", "styles b"]
    assert variants[4].parameters == {
        "operation": "expression", "neutral": "seed:3", "expression": "seed:4", "strength": -0.5, "threshold": 1.0,
        "normalize": False,
    }  # fmt: skip
    np.testing.assert_array_equal(variants[-1].apply(LATENT), operations.crossover(LATENT, drawn(9)))
    for number, strength in enumerate(np.linspace(-1, 1, 5)):
        moved = operations.expression_transfer(LATENT, drawn(3), drawn(4), float(strength), 0.0)
        np.testing.assert_array_equal(variants[1 + 2 * number].apply(LATENT), moved)


def test_chains_apply_their_steps_in_every_combination(tmp_path: Path) -> None:
    variants = load(tmp_path, """
[[edit]]
name = "both"
operation = "chain"
[[edit.steps]]
operation = "crossover"
style = ["seed:1", "seed:2"]
[[edit.steps]]
operation = "chain"
steps = [ { operation = "truncation", psi = [0, 1] } ]
""")  # fmt: skip
    assert [variant.label for variant in variants] == [
        "both seed:1 0", "both seed:1 1", "both seed:2 0", "both seed:2 1",
    ]  # fmt: skip
    np.testing.assert_array_equal(variants[2].apply(LATENT), np.tile(MEAN, (LAYERS, 1)))
    np.testing.assert_array_equal(variants[3].apply(LATENT), operations.crossover(LATENT, drawn(2)))
    assert variants[0].parameters["steps"][0] == {"operation": "crossover", "style": "seed:1"}


def test_digests_tell_variants_apart_and_know_the_contents_of_files(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder/b.npy", drawn(9))
    first = [variant.digest for variant in load(tmp_path, SWEEPS)]
    assert len(set(first)) == len(first)
    assert first == [variant.digest for variant in load(tmp_path, SWEEPS.replace('"plain"', '"other"'))]
    np.save(tmp_path / "folder/b.npy", drawn(10))
    changed = [variant.digest for variant in load(tmp_path, SWEEPS)]
    assert changed[:-1] == first[:-1]
    assert changed[-1] != first[-1]


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_bytes(b'[[edit]]\r\nname = "a"\r\noperation = "identity"\r\n')
    assert len(load_recipe(tmp_path / "recipe.toml", SOURCE)) == 1


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=5), st.integers(2, 50))
def test_numbers_are_one_a_list_or_a_range(listed: list[float], steps: int) -> None:
    assert numbers(listed[0]) == (listed[0],)
    assert numbers(listed) == tuple(listed)
    spread = numbers({"from": listed[0], "to": listed[-1], "steps": steps})
    assert len(spread) == steps
    assert spread[0] == pytest.approx(listed[0])
    assert spread[-1] == pytest.approx(listed[-1])


@given(st.sets(st.integers(0, 17), min_size=1))
def test_layers_are_written_as_lists_or_ranges(chosen: set[int]) -> None:
    expected = tuple(sorted(chosen))
    assert layers(list(chosen)) == layers(",".join(map(str, chosen))) == expected
    assert layers(f"{min(chosen)}-{max(chosen)}") == tuple(range(min(chosen), max(chosen) + 1))
    assert layers(None) is None
