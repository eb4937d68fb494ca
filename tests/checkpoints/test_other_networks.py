"""Networks of other architectures and other options than the reference data, against the literal forward pass."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.errors import CheckpointError
from i2s_trt.models.generator import Generator
from tests.checkpoints.builders import (
    EasyDict,
    Network,
    Recipe,
    dumps,
    generator,
    network,
    network_pickle,
    old_numpy,
    static_kwargs,
    tf_variables,
)
from tests.checkpoints.reference_stylegan import LiteralStyleGAN

SMALL = Recipe()
LARGE = Recipe(channels=(6, 5, 4, 4, 4, 3))  # 128x128: where "auto" fuses


def with_options(recipe: Recipe, **kwargs: Any) -> Recipe:
    return replace(recipe, kwargs=kwargs)


def latents(recipe: Recipe, count: int = 2) -> Tensor:
    random = np.random.default_rng(7)
    return torch.from_numpy(random.standard_normal((count, recipe.z_dim)).astype(np.float32))


@torch.no_grad()
def check(ours: Generator, recipe: Recipe, labels: Tensor | None = None) -> None:
    """w, truncated w+ and images agree."""
    literal = LiteralStyleGAN(tf_variables(recipe), recipe.kwargs)
    z = latents(recipe)
    w = literal.mapping(z, torch.zeros(2, recipe.label_size) if recipe.label_size and labels is None else labels)
    torch.testing.assert_close(ours.mapping(z, labels), w, atol=2e-5, rtol=2e-5)
    w_plus = literal.truncate(w, 0.7, 2)
    torch.testing.assert_close(ours.truncate(w, 0.7, 2), w_plus, atol=2e-5, rtol=2e-5)
    images = ours.synthesis(w_plus)
    assert images.shape == (2, 3, recipe.resolution, recipe.resolution)
    torch.testing.assert_close(images, literal.synthesis(w_plus), atol=5e-5, rtol=5e-5)


@pytest.mark.parametrize(
    "recipe",
    [
        SMALL,
        Recipe(channels=(3, 3)),
        Recipe(channels=(9, 3, 8, 2), z_dim=5, w_dim=17, mapping_widths=()),
        Recipe(mapping_widths=(20, 6, 11, 8, 9, 10, 12), seed=2),
        Recipe(lod=1.0),
        Recipe(lod=0.5),
        Recipe(lod=1.25),
        Recipe(lod=2.0),
        with_options(SMALL, fused_scale=True),
        with_options(SMALL, fused_scale=False),
        LARGE,
        with_options(LARGE, fused_scale=True),
        with_options(LARGE, fused_scale=False),
        with_options(LARGE, fused_scale="auto"),
        with_options(SMALL, use_wscale=False),
        with_options(SMALL, use_wscale=False, fused_scale=True),
        with_options(SMALL, mapping_lrmul=0.1),
        with_options(SMALL, mapping_lrmul=1),
        with_options(SMALL, normalize_latents=False),
        with_options(SMALL, blur_filter=None),
        with_options(SMALL, blur_filter=[]),
        with_options(SMALL, blur_filter=[1]),
        with_options(SMALL, blur_filter=[1, 4, 6, 4, 1]),
        with_options(SMALL, nonlinearity="relu", mapping_nonlinearity="relu"),
        with_options(replace(SMALL, lod=1.0), structure="fixed"),
        with_options(replace(SMALL, lod=1.0), structure="recursive"),
        with_options(SMALL, fmap_base=64, an_option_of_a_fork=True, dtype="float16"),
    ],
    ids=lambda recipe: f"{recipe.resolution}-lod{recipe.lod:g}-{recipe.seed}-{recipe.kwargs}",
)
def test_same_as_literal(recipe: Recipe, tmp_path: Path) -> None:
    check(generator(tmp_path / "net.pkl", network_pickle(recipe)), recipe)


@pytest.mark.parametrize("labels", [None, torch.eye(3)[[2, 0]]], ids=["no label", "label"])
def test_conditional(labels: Tensor | None, tmp_path: Path) -> None:
    recipe = Recipe(label_size=3)
    check(generator(tmp_path / "net.pkl", network_pickle(recipe)), recipe, labels)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("numpy_1", [False, True], ids=["numpy._core", "numpy.core"])
def test_pickle_protocols(protocol: int, numpy_1: bool, tmp_path: Path) -> None:
    data = network_pickle(SMALL, protocol)
    data = old_numpy(data) if numpy_1 else data
    assert (b"numpy._core" in data) != numpy_1
    check(generator(tmp_path / "net.pkl", data), SMALL)


@pytest.mark.parametrize("prefixes", [("G_synthesis/", "G_mapping/"), ("synthesis/", "mapping/")])
def test_flattened_variables(prefixes: tuple[str, str], tmp_path: Path) -> None:
    names = dict(zip(("synthesis/", "mapping/"), prefixes, strict=True))
    flat = {}
    for name, value in tf_variables(SMALL).items():
        start = next((start for start in names if name.startswith(start)), "")
        flat[name.replace(start, names.get(start, ""), 1) if start else name] = value
    data = dumps((None, None, Network("Gs", flat, static_kwargs(SMALL))))
    check(generator(tmp_path / "net.pkl", data), SMALL)


@pytest.mark.parametrize("protocol", [2, 4])
def test_components_named_with_g_in_easy_dicts(protocol: int, tmp_path: Path) -> None:
    kwargs = EasyDict(static_kwargs(SMALL))
    gs = network(tf_variables(SMALL), kwargs)
    gs.state["components"] = EasyDict({f"G_{name}": part for name, part in gs.state["components"].items()})
    check(generator(tmp_path / "net.pkl", dumps((gs, gs, gs), protocol)), SMALL)


def test_gs_pickled_alone(tmp_path: Path) -> None:
    data = dumps(network(tf_variables(SMALL), static_kwargs(SMALL)))
    check(generator(tmp_path / "net.pkl", data), SMALL)


@pytest.mark.parametrize("dtype", [">f4", "f8", "f2"])
def test_variables_of_other_float_types(dtype: str, tmp_path: Path) -> None:
    variables = {name: value.astype(dtype) for name, value in tf_variables(SMALL).items()}
    ours = generator(tmp_path / "net.pkl", dumps(network(variables, static_kwargs(SMALL))))
    expected = generator(tmp_path / "plain.pkl", network_pickle(SMALL))
    torch.testing.assert_close(ours.mean_w, expected.mean_w, atol=0, rtol=1e-3)


@pytest.mark.parametrize("protocol", [2, 5])
def test_variables_in_other_memory_orders(protocol: int, tmp_path: Path) -> None:
    variables = {name: np.asfortranarray(value) for name, value in tf_variables(SMALL).items()}
    for name, value in variables.items():
        if value.ndim == 4 and name.endswith("weight"):  # as an array permuted from OIHW is pickled
            variables[name] = np.ascontiguousarray(value.transpose(3, 0, 2, 1)).transpose(1, 3, 2, 0)
    data = dumps(network(variables, static_kwargs(SMALL)), protocol)
    check(generator(tmp_path / "net.pkl", data), SMALL)


def test_numpy_numbers_as_options(tmp_path: Path) -> None:
    kwargs = {"truncation_psi": np.float32(0.5), "use_pixel_norm": np.bool_(False), "mapping_lrmul": np.float64(0.01)}
    data = network_pickle(with_options(SMALL, **kwargs))
    ours = generator(tmp_path / "net.pkl", data)
    check(ours, SMALL)
    assert ours.spec.truncation_psi == 0.5


@pytest.mark.parametrize(
    ("kwargs", "psi", "cutoff"),
    [
        ({}, 0.7, 8),
        ({"truncation_psi": 0.4, "truncation_cutoff": 3}, 0.4, 3),
        ({"truncation_psi": None}, 1.0, 8),
        ({"truncation_cutoff": None}, 1.0, 8),
    ],
)
def test_truncation_defaults(kwargs: dict[str, Any], psi: float, cutoff: int, tmp_path: Path) -> None:
    spec = generator(tmp_path / "net.pkl", network_pickle(with_options(SMALL, **kwargs))).spec
    assert (spec.truncation_psi, spec.truncation_cutoff) == (psi, cutoff)


def test_lod_of_the_whole_network_rules(tmp_path: Path) -> None:
    variables = tf_variables(SMALL) | {"lod": np.float32(1), "synthesis/lod": np.float32(0)}
    ours = generator(tmp_path / "net.pkl", dumps(network(variables, static_kwargs(SMALL))))
    assert ours.spec.lod == 1


def test_file_without_noise_or_mean(tmp_path: Path) -> None:
    variables = {k: v for k, v in tf_variables(SMALL).items() if "/noise" not in k and k != "dlatent_avg"}
    path = tmp_path / "net.pkl"
    path.write_bytes(dumps(network(variables, static_kwargs(SMALL))))
    first, second = read_checkpoint(path), read_checkpoint(path)
    assert first.weights.digest() == second.weights.digest()
    assert [note.split(";")[0] for note in first.notes] == [
        "6 noise maps were not in the file",
        "the mean latent was not in the file",
    ]
    random = np.random.default_rng(0)
    z = torch.from_numpy(random.standard_normal((10_000, SMALL.z_dim), dtype=np.float32))
    mean = LiteralStyleGAN(variables, {}).mapping(z).mean(dim=0)
    torch.testing.assert_close(first.weights.tensors["mean_w"], mean, atol=2e-5, rtol=0)


def test_network_trained_without_noise(tmp_path: Path) -> None:
    recipe = with_options(SMALL, use_noise=False)
    variables = {k: v for k, v in tf_variables(recipe).items() if "oise" not in k}
    check(generator(tmp_path / "net.pkl", dumps(network(variables, static_kwargs(recipe)))), recipe)


def test_landscape_model_is_cropped_by_its_name(tmp_path: Path) -> None:
    ours = generator(tmp_path / "my-cars-16x12.pkl", network_pickle(SMALL))
    assert ours.spec.crop == (2, 14)
    assert ours(torch.zeros(1, 6, SMALL.w_dim)).shape == (1, 3, 12, 16)


def test_portrait_model_is_cropped_by_its_name(tmp_path: Path) -> None:
    ours = generator(tmp_path / "people-8x16.pkl", network_pickle(SMALL))
    assert (ours.spec.crop, ours.spec.crop_columns) == (None, (4, 12))
    assert ours(torch.zeros(1, 6, SMALL.w_dim)).shape == (1, 3, 16, 8)


def test_crop_outside_the_picture(tmp_path: Path) -> None:
    (tmp_path / "net.pkl").write_bytes(network_pickle(SMALL))
    with pytest.raises(CheckpointError, match=r"net\.pkl: crop rows \(4, 20\) lie outside"):
        read_checkpoint(tmp_path / "net.pkl", crop=(4, 20))
    with pytest.raises(CheckpointError, match=r"crop columns \(12, 17\) lie outside"):
        read_checkpoint(tmp_path / "net.pkl", crop_columns=(12, 17))
