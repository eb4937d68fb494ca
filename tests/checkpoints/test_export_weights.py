"""Weights written for other projects: read back bit for bit, complete, and what cannot be is refused."""

from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from hypothesis.extra.numpy import arrays

from i2s_trt.arrays import Array
from i2s_trt.checkpoints.export_weights import export_weights, unscaled
from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.checkpoints.store import load_weights
from i2s_trt.errors import I2sError, ModelError, UsageError
from i2s_trt.models.generator import Generator, GeneratorWeights
from i2s_trt.models.random_weights import random_weights, standard_spec, stylegan2_spec
from tests.checkpoints.reference_stylegan2 import LiteralStyleGan2, Recipe2, raw_state
from tests.checkpoints.writers_stylegan2 import module_pickle, rosinality_state

SMALL = Recipe2()
EVEN = Recipe2(z_dim=10)  # as wide as w
NETWORKS = {
    "genforce": random_weights(standard_spec(32, 9, 12), seed=3),
    "rosinality": random_weights(replace(stylegan2_spec(32, 9, 12), conv_clamp=None), seed=3),
    "ada": random_weights(replace(stylegan2_spec(32, 9, 12), topology="resnet"), seed=3),
}


def same(ours: GeneratorWeights, theirs: GeneratorWeights) -> None:
    assert sorted(ours.tensors) == sorted(theirs.tensors)
    for name, tensor in ours.tensors.items():
        assert torch.equal(tensor.float(), theirs.tensors[name]), name


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize("target", NETWORKS)
def test_read_back_bit_for_bit(target: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"net{suffix}"
    count = export_weights(NETWORKS[target], target, path)
    found = read_checkpoint(path).weights
    assert count >= len(NETWORKS[target].tensors) - 1
    if target == "rosinality" and suffix == ".safetensors":  # which has no place for the mean latent
        found = GeneratorWeights(found.spec, {**found.tensors, "mean_w": NETWORKS[target].tensors["mean_w"]})
    same(NETWORKS[target], found)
    assert found.spec.topology == NETWORKS[target].spec.topology


def test_fused_layers_of_a_large_stylegan1_are_turned_back(tmp_path: Path) -> None:
    weights = random_weights(standard_spec(128, 4, 8), seed=1)
    export_weights(weights, "genforce", tmp_path / "net.pt")
    same(weights, read_checkpoint(tmp_path / "net.pt").weights)


def test_the_built_in_model(tmp_path: Path) -> None:
    weights = load_weights("demo")
    export_weights(weights, "genforce", tmp_path / "net.pt")
    same(weights, read_checkpoint(tmp_path / "net.pt").weights)


@torch.no_grad()
def test_what_is_written_is_what_the_original_computes_with(tmp_path: Path) -> None:
    """From NVIDIA's pickle to canonical weights to a state dict, through the literal network."""
    state = raw_state(SMALL)
    (tmp_path / "net.pkl").write_bytes(module_pickle(SMALL, state))
    weights = read_checkpoint(tmp_path / "net.pkl").weights
    export_weights(weights, "ada", tmp_path / "net.pt")
    written = torch.load(tmp_path / "net.pt", weights_only=True)
    assert {name for name in written if not name.endswith("resample_filter")} == set(state)
    w_plus = torch.randn(1, SMALL.rows, SMALL.w_dim)
    images = LiteralStyleGan2(SMALL, {name: one.float() for name, one in written.items()}).synthesis(w_plus)
    torch.testing.assert_close(images, LiteralStyleGan2(SMALL, state).synthesis(w_plus), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(images, Generator.from_weights(weights)(w_plus), atol=2e-5, rtol=2e-5)


def test_rosinalitys_network_finds_every_tensor(tmp_path: Path) -> None:
    state = raw_state(EVEN)
    (tmp_path / "net.pkl").write_bytes(module_pickle(EVEN, state))
    export_weights(read_checkpoint(tmp_path / "net.pkl").weights, "rosinality", tmp_path / "net.pt")
    written = torch.load(tmp_path / "net.pt", weights_only=True)
    wanted = rosinality_state(EVEN, state)
    kernels = {f"to_rgbs.{i}.upsample.kernel" for i in range(2)}
    assert set(written["g_ema"]) == set(wanted) | kernels
    assert all(written["g_ema"][name].shape == tensor.shape for name, tensor in wanted.items())
    torch.testing.assert_close(written["latent_avg"], state["mapping.w_avg"])


def test_the_mean_latent_is_in_a_safetensors_file_too(tmp_path: Path) -> None:
    (tmp_path / "net.pkl").write_bytes(module_pickle(EVEN, raw_state(EVEN)))
    weights = read_checkpoint(tmp_path / "net.pkl").weights
    export_weights(weights, "rosinality", tmp_path / "net.safetensors")
    found = read_checkpoint(tmp_path / "net.safetensors")
    assert (found.notes, found.weights.digest()) == ((), weights.digest())


@pytest.mark.parametrize(
    ("weights", "target", "name", "kind", "words"),
    [
        (NETWORKS["genforce"], "ada", "a.pt", ModelError, "ada holds no StyleGAN1"),
        (NETWORKS["ada"], "genforce", "a.pt", ModelError, "genforce holds no StyleGAN2"),
        (NETWORKS["ada"], "rosinality", "a.pt", ModelError, "cannot be of topology resnet"),
        (random_weights(stylegan2_spec(2048, 1, 4), 1), "rosinality", "a.pt", ModelError, "1024 pixels at most"),
        (random_weights(replace(stylegan2_spec(8, 4, 8), z_dim=6), 1), "rosinality", "a.pt", ModelError, "has 6, 8"),
        (random_weights(replace(stylegan2_spec(8, 4, 8), mapping_widths=(9, 8)), 1), "rosinality", "a.pt", ModelError,
         "one width for z and w, this model has 8, 9"),
        *((random_weights(replace(stylegan2_spec(8, 4, 8), normalize_z=False), 1), target, "a.pt", ModelError,
           "takes z as it is") for target in ("rosinality", "ada")),
        (NETWORKS["ada"], "lucidrains", "a.pt", UsageError, "cannot be written for 'lucidrains'"),
        (NETWORKS["ada"], "ada", "a.pkl", UsageError, "is not a kind of file"),
        (random_weights(replace(standard_spec(16, 4, 8), blur_taps=()), 1), "genforce", "a.pt", ModelError, "lack"),
    ],
)  # fmt: skip
def test_what_cannot_be_written(
    weights: GeneratorWeights, target: str, name: str, kind: type[I2sError], words: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=words):
        export_weights(weights, target, tmp_path / name)
    assert not list(tmp_path.iterdir())


@given(
    arrays("float32", 8, elements=st.floats(-1e3, 1e3, width=32)),
    st.floats(1e-4, 2.0, exclude_min=True).filter(lambda factor: factor > 0),
)
def test_a_raw_value_gives_its_effective_value_again(values: Array, factor: float) -> None:
    tensor = torch.from_numpy(values)
    raw = unscaled(tensor, factor)
    again = (raw * factor).float()
    assert torch.equal(again, tensor)
