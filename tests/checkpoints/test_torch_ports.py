"""PyTorch conversions render the same images as the TensorFlow pickle of the same network."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.errors import CheckpointError
from i2s_trt.models.generator import Generator, GeneratorWeights
from tests.checkpoints.builders import Recipe, generator, network_pickle, tf_variables, torch_file
from tests.checkpoints.ports import PORTS, genforce, genforce_flat, huangzh13, idinvert, interfacegan, lernapparat
from tests.checkpoints.reference_stylegan import LiteralStyleGAN
from tests.checkpoints.reference_stylegan2 import Recipe2, raw_state

SMALL = Recipe()
LARGE = Recipe(channels=(6, 5, 4, 4, 4, 3))  # 128x128: with fused layers
LACKING = {"lernapparat": ("noise", "mean"), "huangzh13": ("noise",)}


def read(path: Path, tree: Any, *, legacy: bool = False) -> GeneratorWeights:
    path.write_bytes(torch_file(tree, legacy=legacy))
    return read_checkpoint(path).weights


@torch.no_grad()
def check(weights: GeneratorWeights, recipe: Recipe, folder: Path) -> None:
    """Same images as the pickle; noise and mean come from the pickle, as not every format has them."""
    original = generator(folder / "net.pkl", network_pickle(recipe))
    stored = {f"synthesis.layers.{i}.noise": noise for i, noise in enumerate(original.synthesis.stored_noise())}
    tensors = {**weights.tensors, **stored, "mean_w": original.mean_w}
    ours = Generator.from_weights(replace(weights, tensors=tensors))
    w = original.mapping(torch.from_numpy(np.random.default_rng(3).standard_normal((2, 12), dtype=np.float32)))
    torch.testing.assert_close(ours.synthesis(ours.broadcast(w)), original.synthesis(original.broadcast(w)))
    z = torch.ones(1, recipe.z_dim)
    torch.testing.assert_close(ours.mapping(z), original.mapping(z))


@pytest.mark.parametrize("recipe", [SMALL, LARGE], ids=["16", "128"])
@pytest.mark.parametrize("port", PORTS)
def test_same_images(port: str, recipe: Recipe, tmp_path: Path) -> None:
    check(read(tmp_path / "net.pt", PORTS[port](tf_variables(recipe))), recipe, tmp_path)


@pytest.mark.parametrize("port", PORTS)
def test_legacy_container(port: str, tmp_path: Path) -> None:
    check(read(tmp_path / "net.pth", PORTS[port](tf_variables(SMALL)), legacy=True), SMALL, tmp_path)


@pytest.mark.parametrize("port", PORTS)
def test_kind_and_notes(port: str, tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(torch_file(PORTS[port](tf_variables(SMALL))))
    checkpoint = read_checkpoint(tmp_path / "net.pt")
    assert checkpoint.kind == port
    lacking = LACKING.get(port, ())
    assert len(checkpoint.notes) == len(lacking)
    assert all(word in note for word, note in zip(lacking, checkpoint.notes, strict=True))


@pytest.mark.parametrize("port", ["genforce", "interfacegan", "idinvert"])
def test_complete_formats_have_the_pickles_digest(port: str, tmp_path: Path) -> None:
    for recipe in (SMALL, LARGE):
        expected = generator(tmp_path / "net.pkl", network_pickle(recipe)).digest
        assert read(tmp_path / "net.pt", PORTS[port](tf_variables(recipe))).digest() == expected


@pytest.mark.parametrize("prefix", ["module.", ""])
@pytest.mark.parametrize("wrapper", ["state_dict", "g_ema", "generator", ""])
def test_containers_of_training_scripts(prefix: str, wrapper: str, tmp_path: Path) -> None:
    state = {prefix + name: tensor for name, tensor in genforce_flat(tf_variables(SMALL)).items()}
    check(read(tmp_path / "net.pt", {wrapper: state, "epoch": 7} if wrapper else state), SMALL, tmp_path)


def test_genforce_snapshot_uses_the_moving_average(tmp_path: Path) -> None:
    weights = read(tmp_path / "net.pth", genforce(tf_variables(SMALL)))
    assert weights.tensors["mean_w"].abs().sum() > 0


def test_lernapparat_with_noise_switched_on_is_seeded(tmp_path: Path) -> None:
    state = lernapparat(tf_variables(SMALL))
    assert read(tmp_path / "a.pt", state).digest() == read(tmp_path / "b.pt", state).digest()


def test_lernapparat_always_blurs(tmp_path: Path) -> None:
    state = {name: tensor for name, tensor in lernapparat(tf_variables(SMALL)).items() if "kernel" not in name}
    check(read(tmp_path / "net.pt", state), SMALL, tmp_path)


def test_huangzh13_trained_without_blur(tmp_path: Path) -> None:
    recipe = Recipe(kwargs={"blur_filter": None})
    state = {name: tensor for name, tensor in huangzh13(tf_variables(recipe)).items() if "kernel" not in name}
    check(read(tmp_path / "net.pt", state), recipe, tmp_path)


@pytest.mark.parametrize("write", [interfacegan, idinvert])
@pytest.mark.parametrize(("fused_from", "fused_scale"), [(0, True), (1024, False), (128, "auto")])
def test_fused_layers_are_known_by_their_keys(write: Any, fused_from: int, fused_scale: Any, tmp_path: Path) -> None:
    recipe = Recipe(channels=LARGE.channels, kwargs={"fused_scale": fused_scale})
    state = partial(write, fused_from=fused_from)(tf_variables(recipe))
    check(read(tmp_path / "net.pt", state), recipe, tmp_path)


@pytest.mark.parametrize("write", [interfacegan, idinvert])
def test_fused_kernels_of_three_channels(write: Any, tmp_path: Path) -> None:
    recipe = Recipe(channels=(3,) * 6)  # HWIO and OIHW have the same shape
    check(read(tmp_path / "net.pt", write(tf_variables(recipe))), recipe, tmp_path)


@pytest.mark.parametrize("port", ["genforce", "interfacegan", "idinvert"])
def test_lod(port: str, tmp_path: Path) -> None:
    recipe = Recipe(lod=0.5)
    weights = read(tmp_path / "net.pt", PORTS[port](tf_variables(recipe)))
    assert weights.spec.lod == 0.5
    check(weights, recipe, tmp_path)


def test_conditional_genforce(tmp_path: Path) -> None:
    recipe = Recipe(label_size=3)
    weights = read(tmp_path / "net.pt", genforce_flat(tf_variables(recipe)))
    assert (weights.spec.z_dim, weights.spec.label_size) == (12, 3)
    check(weights, recipe, tmp_path)


@pytest.mark.parametrize("mean_of_every_layer", [False, True])
@torch.no_grad()
def test_idinvert_maps_to_every_layer(mean_of_every_layer: bool, tmp_path: Path) -> None:
    variables = tf_variables(SMALL)
    wide = tf_variables(replace(SMALL, w_dim=6 * SMALL.w_dim))
    last = {name: wide[name] for name in ("mapping/Dense2/weight", "mapping/Dense2/bias")}
    state = idinvert(variables | last)
    if mean_of_every_layer:
        state["truncation.w_avg"] = torch.cat([state["truncation.w_avg"] + i for i in range(6)])
    weights = read(tmp_path / "net.pth", state)
    assert weights.spec.layerwise_mapping
    ours, literal = Generator.from_weights(weights), LiteralStyleGAN(variables | last, {})
    z = torch.ones(2, SMALL.z_dim)
    w_plus = literal.mapping(z).reshape(2, 6, SMALL.w_dim)
    torch.testing.assert_close(ours.mapping(z), w_plus)
    torch.testing.assert_close(ours.synthesis(w_plus), literal.synthesis(w_plus), atol=5e-5, rtol=5e-5)
    shift = 2.5 if mean_of_every_layer else 0.0
    torch.testing.assert_close(ours.mean_w, torch.from_numpy(variables["dlatent_avg"]) + shift)


def test_mapping_of_an_impossible_width(tmp_path: Path) -> None:
    variables = tf_variables(SMALL) | {"mapping/Dense2/weight": np.ones((9, 25), "f4")}
    with pytest.raises(CheckpointError, match="ends with 25 values, not 10 or 60"):
        read(tmp_path / "net.pt", idinvert(variables))


@pytest.mark.parametrize(
    "odd",
    [
        torch.ones(1).expand(1, 7, 4, 4),
        torch.ones(1, 7, 4, 4, dtype=torch.complex64),
        torch.ones(1, 7, 4, 4).to_sparse(),
        torch.empty(1, 7, 4, 4, device="meta"),
    ],
    ids=["repeated", "complex", "sparse", "meta"],
)
def test_tensor_that_is_no_plain_array(odd: torch.Tensor, tmp_path: Path) -> None:
    state = genforce_flat(tf_variables(SMALL)) | {"synthesis.layer0.const": odd}
    with pytest.raises(CheckpointError, match=r"net\.pt: the tensor synthesis\.layer0\.const is not a plain array"):
        read(tmp_path / "net.pt", state)


@pytest.mark.parametrize("lost", ["synthesis.layer3.weight", "mapping.dense1.bias", "synthesis.output2.weight"])
def test_missing_tensor(lost: str, tmp_path: Path) -> None:
    state = genforce_flat(tf_variables(SMALL))
    del state[lost]
    with pytest.raises(CheckpointError, match=r"net\.pt"):
        read(tmp_path / "net.pt", state)


@pytest.mark.parametrize("family", ["stylegan1", "stylegan2"])
def test_numbers_beyond_those_of_float32(family: str, tmp_path: Path) -> None:
    """They are finite in the file, and no network of ours could compute with them."""
    large = torch.full((1,), 1e300, dtype=torch.float64)
    if family == "stylegan1":
        state = lernapparat(tf_variables(Recipe()))
        name, canonical = "g_synthesis.torgb.bias", "synthesis.to_rgb.0.bias"
    else:
        state = raw_state(Recipe2())
        name, canonical = "mapping.fc0.bias", "mapping.dense.0.bias"
    state[name] = large.expand(state[name].shape).clone()
    (tmp_path / "net.pt").write_bytes(torch_file(state))
    with pytest.raises(CheckpointError, match=f"becomes {canonical} holds values beyond those of float32"):
        read_checkpoint(tmp_path / "net.pt")
