"""`i2s-trt expression-transfer`: strengths, ramps, and directions from files."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.edit_inputs import parse_strengths
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.edit import operations
from i2s_trt.errors import UsageError
from i2s_trt.images.decode import decode
from i2s_trt.latents import read_latent
from i2s_trt.seeds import w_plus_from_seed
from tests.cli.support import I2s, invoke, names, refused, says

TRIO = ("seed:1", "seed:2", "seed:3")


def test_one_strength(small: Path, tmp_path: Path) -> None:
    words = ("--strength", "-0.5", "--threshold", 0.1, "-m", small, "-o", tmp_path / "out")
    assert invoke("expression-transfer", *TRIO, *words).exit_code == 0
    assert names(tmp_path / "out") == ["seed1-expression.png", "seed1-expression.safetensors"]
    target, neutral, expression = (w_plus_from_seed(load_generator(small), seed) for seed in (1, 2, 3))
    latent = read_latent(tmp_path / "out/seed1-expression.safetensors")
    expected = operations.expression_transfer(target, neutral, expression, -0.5, 0.1)
    np.testing.assert_array_equal(latent.w_plus, expected)
    assert (latent.options["strength"], latent.options["neutral"]) == (-0.5, "seed:2")


def test_a_ramp_has_the_target_in_its_middle(i2s: I2s, small: Path, tmp_path: Path) -> None:
    words = ("--strength", "-1:1:3", "--threshold", 0, "--normalize", "-m", small)
    run = i2s("expression-transfer", *TRIO, *words, "-o", "out", "--save-direction", "new/d.npy")
    assert run.code == 0, run.err
    assert "direction: seed:3 - seed:2, norm 1.000 in 6 of 6 layers" in run.out
    assert names(tmp_path / "out") == [
        f"seed1-expression_{number}{suffix}" for number in range(3) for suffix in (".png", ".safetensors")
    ]
    target = w_plus_from_seed(load_generator(small), 1)
    np.testing.assert_array_equal(read_latent(tmp_path / "out/seed1-expression_1.safetensors").w_plus, target)
    assert np.load(tmp_path / "new/d.npy").shape == (6, 24)
    done = invoke("expression-transfer", *TRIO, *words, "-o", tmp_path / "ramp.png")
    assert done.exit_code == 0
    ramp = decode(tmp_path / "ramp.png")
    assert ramp.shape[1] == 3 * 16 + 2 * 4
    np.testing.assert_array_equal(ramp[-16:, 20:36], decode(tmp_path / "out/seed1-expression_1.png"))
    again = i2s("expression-transfer", "seed:1", "--direction", "new/d.npy", *words, "-o", "again")
    assert "direction: d.npy, norm 1.000" in again.out
    for name in names(tmp_path / "out"):
        if name.endswith(".png"):
            assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_a_strength_beyond_all_latents_is_refused(small: Path, tmp_path: Path) -> None:
    done = invoke("expression-transfer", *TRIO, "--strength", 1e30, "-m", small, "-o", tmp_path / "out")
    refused(done, 2, "the edit gives values of up to", "take a smaller strength")


def test_a_boundary_is_repeated_and_its_norm_is_printed(small: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "smile.npy", np.eye(1, 24))
    words = ("--direction", tmp_path / "smile.npy", "--strength", 2, "-m", small, "-o", tmp_path / "a.gif")
    done = invoke("expression-transfer", "mean", *words)
    assert done.exit_code == 0, done.output
    assert "direction: smile.npy, norm 2.449 in 6 of 6 layers" in done.output


def test_a_threshold_above_every_layer_is_told(small: Path, tmp_path: Path) -> None:
    done = invoke("expression-transfer", *TRIO, "--threshold", 1000, "-m", small, "-o", tmp_path / "out")
    assert done.exit_code == 0
    assert "norm 0.000 in 0 of 6 layers" in done.output
    assert "nothing changes" in done.output


@pytest.mark.parametrize(
    ("words", "message"), [
        (["seed:1"], "two latents, or from a direction"), (["seed:1", "seed:2"], "two latents, or from a direction"),
        ([*TRIO, "--direction", "d.npy"], "and not both"), (["seed:1", "seed:2", "--direction", "d.npy"], "not both"),
        ([*TRIO, "--strength", "much"], "--strength 'much'"), ([*TRIO, "--strength", ""], "--strength ''"),
        ([*TRIO, "--strength", "-1:1:1000000000"], "neither a number nor a list of numbers, 10000 at most"),
        ([*TRIO, "--threshold", "-1"], "--threshold"), (["seed:1", "--direction", "d.npy"], "d.npy cannot be read"),
        ([*TRIO, "-o", "a.tif"], "a.tif is not a kind"),
    ], ids=str,
)  # fmt: skip
def test_bad_values_are_refused(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(invoke("expression-transfer", *words, "-m", small), 2, message)
    assert names(tmp_path) == []


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=6))
def test_strengths_are_lists(numbers: list[float]) -> None:
    assert parse_strengths(",".join(map(str, numbers))) == numbers


@given(st.floats(-10, 10), st.floats(-10, 10), st.integers(2, 50))
def test_strengths_are_ranges(first: float, last: float, count: int) -> None:
    found = parse_strengths(f"{first}:{last}:{count}")
    assert len(found) == count
    assert found[0] == pytest.approx(first)
    assert found[-1] == pytest.approx(last)


@pytest.mark.parametrize("text", ["", "a", "1,,2", "nan", "1:2", "1:2:1", "1:2:-3", "1:2:x", "1:2:9999999", "inf:2:3"])
def test_other_texts_are_no_strengths(text: str) -> None:
    with pytest.raises(UsageError, match="neither a number nor a list"):
        parse_strengths(text)


def test_a_component_of_ganspace_is_a_direction(i2s: I2s, small: Path, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "c_w.npz",
        lat_comp=np.eye(3, 24, dtype=np.float32)[:, None],
        lat_stdev=np.array([9, 4, 1], np.float32),
    )
    run = i2s("expression-transfer", "seed:1", "--direction", "c_w.npz:1", "--strength", 2, "-m", small, "-o", "out")
    assert run.code == 0, run.err
    assert "direction: c_w.npz:1, norm 9.798 in 6 of 6 layers" in run.out
    whole = i2s("expression-transfer", "seed:1", "--direction", "c_w.npz", "-m", small, "-o", "out")
    says(whole, 2, "holds 3 components", "c_w.npz:0 to c_w.npz:2")
