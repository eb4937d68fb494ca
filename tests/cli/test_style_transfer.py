"""`i2s-trt style-transfer`: pairs and tables."""

from pathlib import Path

import numpy as np
import pytest

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.edit.operations import crossover
from i2s_trt.images.decode import decode
from i2s_trt.latents import read_latent
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import TorchSynthesizer
from tests.cli.support import invoke, names, refused


@pytest.mark.parametrize(
    ("words", "layers"), [
        ([], [3, 4, 5]), (["--from-layer", "5"], [5]), (["--from-layer", "0"], range(6)),
        (["--layers", "0-1,4"], [0, 1, 4]),
    ], ids=str,
)  # fmt: skip
def test_a_pair(small: Path, tmp_path: Path, words: list[str], layers: list[int]) -> None:
    out = tmp_path / "out"
    assert invoke("style-transfer", "seed:1", "seed:2", *words, "-m", small, "-o", out).exit_code == 0
    assert names(out) == ["seed1-as-seed2.png", "seed1-as-seed2.safetensors"]
    generator = load_generator(small)
    mixed = crossover(w_plus_from_seed(generator, 1), w_plus_from_seed(generator, 2), layers)
    latent = read_latent(out / "seed1-as-seed2.safetensors")
    np.testing.assert_array_equal(latent.w_plus, mixed)
    assert latent.model_digest == generator.digest
    assert latent.options["layers"] == list(layers)
    np.testing.assert_array_equal(decode(out / "seed1-as-seed2.png"), TorchSynthesizer(generator)(mixed[None])[0])


def test_a_table_of_contents_and_styles(small: Path, tmp_path: Path) -> None:
    styles = ("--style", "seed:8", "--style", "mean")
    out = tmp_path / "table"
    done = invoke("style-transfer", "--table", "seed:1", "seed:2", "seed:3", *styles, "-m", small, "-o", out)
    assert done.exit_code == 0
    expected = [f"seed{content}-as-{style}" for content in (1, 2, 3) for style in ("mean", "seed8")]
    assert names(out) == sorted([*(f"{name}{s}" for name in expected for s in (".png", ".safetensors")), "table.png"])
    table = decode(out / "table.png")
    np.testing.assert_array_equal(table[-16:, -16:], decode(out / "seed3-as-mean.png"))
    np.testing.assert_array_equal(table[-36:-20, -36:-20], decode(out / "seed2-as-seed8.png"))
    generator = load_generator(small)
    contents = TorchSynthesizer(generator)(np.stack([w_plus_from_seed(generator, seed) for seed in (1, 2, 3)]))
    np.testing.assert_array_equal(table[-56:-40, -16:], contents[2])


def test_contents_are_styles_too_and_a_sheet_alone_can_be_asked_for(small: Path, tmp_path: Path) -> None:
    words = ("style-transfer", "--table", "seed:1", "seed:2", "-m", small)
    assert invoke(*words, "-o", tmp_path / "out.png").exit_code == 0
    assert names(tmp_path) == ["out.png"]
    table = decode(tmp_path / "out.png")
    np.testing.assert_array_equal(table[-16:, -16:], table[-56:-40, -16:])  # itself in its own style


@pytest.mark.parametrize(
    ("words", "message"), [
        (["seed:1"], "not 1 latents"), (["seed:1", "seed:2", "seed:3"], "add --table"),
        (["seed:1", "seed:2", "--style", "seed:3"], "add --table"),
        (["seed:1", "seed:2", "--layers", "x"], "--layers 'x'"), (["seed:1", "seed:2", "--layers", "6"], "no layer 6"),
        (["seed:1", "seed:2", "--from-layer", "6"], "no layer 6"),
        (["seed:1", "seed:2", "--layers", "3", "--from-layer", "3"], "twice"),
        (["seed:1", "seed:2", "-o", "a.mp4"], "a.mp4 is not a kind"), (["seed:1", "b.npy"], "b.npy cannot be read"),
    ], ids=str,
)  # fmt: skip
def test_bad_values_are_refused(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(invoke("style-transfer", *words, "-m", small), 2, message)
    assert names(tmp_path) == []
