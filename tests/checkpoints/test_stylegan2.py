"""StyleGAN2 checkpoints: the original's own file, and one network in every layout, against the literal forward pass."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from i2s_trt.checkpoints.read import Checkpoint, crop_from_name, read_checkpoint
from i2s_trt.errors import CheckpointError
from i2s_trt.fused.cpu import Native
from i2s_trt.fused.synthesis import freeze_synthesis
from i2s_trt.models.generator import Generator
from tests.checkpoints.reference_stylegan2 import LiteralStyleGan2, Recipe2, raw_state
from tests.checkpoints.writers_stylegan2 import (
    ada_state_file,
    encoder_bundle,
    module_pickle,
    rosinality_file,
    tf_pickle,
)
from tests.conftest import DATA, load_reference

Writer = Callable[[Recipe2, Mapping[str, Tensor]], bytes]
SMALL = Recipe2()
WRITERS: dict[str, Writer] = {
    "pytorch pickle": module_pickle,
    "pytorch pickle of stylegan3's repository": partial(module_pickle, flat=True),
    "tensorflow pickle": tf_pickle,
    "tensorflow pickle, version 5": partial(tf_pickle, version=5),
    "rosinality": rosinality_file,
    "rosinality, with an encoder": encoder_bundle,
    "stylegan2-ada-pytorch": lambda _, state: ada_state_file(state),
}


def read(folder: Path, data: bytes, name: str = "net.pkl") -> Checkpoint:
    (folder / name).write_bytes(data)
    return read_checkpoint(folder / name)


@torch.no_grad()
def check(weights: Checkpoint, recipe: Recipe2, state: Mapping[str, Tensor], labels: Tensor | None = None) -> None:
    """w, the mean and images agree with the literal network."""
    literal, ours = LiteralStyleGan2(recipe, state), Generator.from_weights(weights.weights)
    z = torch.randn(2, recipe.z_dim)
    w = literal.mapping(z, labels)
    torch.testing.assert_close(ours.mapping(z, labels), w, atol=2e-5, rtol=2e-5)
    torch.testing.assert_close(ours.mean_w, state["mapping.w_avg"], atol=1e-6, rtol=1e-6)
    w_plus = w.unsqueeze(1) + 0.3 * torch.randn(2, recipe.rows, recipe.w_dim)
    wanted = literal.synthesis(w_plus)
    assert wanted.shape == (2, 3, recipe.resolution, recipe.resolution)
    torch.testing.assert_close(ours(w_plus), wanted, atol=2e-5, rtol=2e-5)
    frozen = freeze_synthesis(ours.synthesis, torch.float32, Native())
    torch.testing.assert_close(frozen(w_plus), wanted, atol=2e-5, rtol=2e-5)


@torch.no_grad()
def test_the_originals_own_file() -> None:
    found, reference = read_checkpoint(DATA / "tiny64.pkl"), load_reference("tiny64")
    assert (found.kind, found.notes, found.weights.spec.architecture) == ("pytorch pickle", (), "stylegan2")
    ours = Generator.from_weights(found.weights)
    torch.testing.assert_close(ours.mapping(reference["z"]), reference["w"], atol=2e-5, rtol=0)
    torch.testing.assert_close(ours.mean_w, reference["w_avg"], atol=0, rtol=0)
    torch.testing.assert_close(ours.truncate(reference["w"], 0.7, 10), reference["ws_psi07"], atol=2e-5, rtol=0)
    torch.testing.assert_close(ours.truncate(reference["w"], 0.7, 8), reference["ws_psi07_cut8"], atol=2e-5, rtol=0)
    for latents, images in (("wplus", "img_wplus"), ("ws_psi07", "img_z_psi07")):
        torch.testing.assert_close(ours(reference[latents]), reference[images], atol=2e-5, rtol=0)


@pytest.mark.parametrize("kind", WRITERS)
def test_one_network_in_every_layout(kind: str, tmp_path: Path) -> None:
    state = raw_state(SMALL)
    found = read(tmp_path, WRITERS[kind](SMALL, state))
    assert found.kind == kind.partition(" of ")[0].partition(", version")[0]
    check(found, SMALL, state)
    if kind != "rosinality, with an encoder":
        assert found.notes == ()


def digests(folder: Path, recipe: Recipe2, kinds: Iterable[str]) -> set[str]:
    state = raw_state(recipe)
    return {read(folder, WRITERS[kind](recipe, state)).weights.digest() for kind in kinds}


@pytest.mark.parametrize(
    "changes", [{}, {"mapping_layers": 8}, {"channels": (5,)}, {"channels": (4,) * 5}, {"seed": 2}], ids=str
)
def test_one_network_has_one_digest_whatever_its_file(changes: dict[str, Any], tmp_path: Path) -> None:
    assert len(digests(tmp_path, replace(SMALL, **changes), WRITERS)) == 1


_PICKLED: dict[str, Callable[..., bytes]] = {
    "pytorch": module_pickle,
    "pytorch of stylegan3's repository": partial(module_pickle, flat=True),
    "tensorflow": tf_pickle,
}


@pytest.mark.parametrize("kind", _PICKLED)
def test_one_digest_whatever_the_pickles_protocol(kind: str, tmp_path: Path) -> None:
    """Python 3.7, which stylegan2-ada-pytorch ran on, writes protocol 3: sets are globals there."""
    found = {
        read(tmp_path, _PICKLED[kind](SMALL, raw_state(SMALL), protocol=protocol)).weights.digest()
        for protocol in (2, 3, 4, 5)
    }
    assert found == digests(tmp_path, SMALL, ["pytorch pickle"])


def test_numpys_numbers_as_attributes_of_modules(tmp_path: Path) -> None:
    numbers = {f"mapping.fc{i}.": {"bias_gain": np.float64(0.01)} for i in range(SMALL.mapping_layers)}
    found = read(tmp_path, module_pickle(SMALL, raw_state(SMALL), altered=numbers))
    assert digests(tmp_path, SMALL, ["pytorch pickle"]) == {found.weights.digest()}


_FILTERED = {name: writer for name, writer in WRITERS.items() if name != "stylegan2-ada-pytorch"}
_DESCRIBED = {name: writer for name, writer in WRITERS.items() if "pickle" in name}


@pytest.mark.parametrize("taps", [(1, 2, 3, 1), (2, 6, 6, 2), (0.5, 0.5, 1.5, 0.5)], ids=str)
def test_one_digest_with_another_filter(taps: tuple[float, ...], tmp_path: Path) -> None:
    """A state dict without buffers has no filter, so what the usual one computes is another network."""
    assert len(digests(tmp_path, replace(SMALL, taps=taps), _FILTERED)) == 1


@pytest.mark.parametrize(
    "changes",
    [{"clamp": 256.0}, {"clamp": 256}, {"mapping_rate": 1.0}, {"topology": "resnet"}, {"topology": "orig"},
     {"labels": 5}],
    ids=str,
)  # fmt: skip
def test_one_digest_of_what_pickles_alone_can_tell(changes: dict[str, Any], tmp_path: Path) -> None:
    assert len(digests(tmp_path, replace(SMALL, **changes), _DESCRIBED)) == 1


def test_a_bound_on_activations_that_a_file_cannot_hold_makes_it_another_network(tmp_path: Path) -> None:
    """It computes something else wherever the bound is reached: one digest would hide that."""
    assert len(digests(tmp_path, replace(SMALL, clamp=256.0), WRITERS)) == 2


@pytest.mark.parametrize(("psi", "cutoff"), [(0.3, None), (None, None), (0.7, 2)])
def test_truncation_is_no_part_of_the_digest(psi: float | None, cutoff: int | None, tmp_path: Path) -> None:
    """It decides which samples are drawn; what a latent looks like is the same."""
    found = read(tmp_path, tf_pickle(SMALL, raw_state(SMALL), truncation_psi=psi, truncation_cutoff=cutoff))
    spec = found.weights.spec
    assert (spec.truncation_psi, spec.truncation_cutoff) == (1.0 if psi is None else psi, cutoff or SMALL.rows)
    assert digests(tmp_path, SMALL, ["pytorch pickle"]) == {found.weights.digest()}


@pytest.mark.parametrize("writer", [module_pickle, tf_pickle], ids=["pytorch", "tensorflow"])
@pytest.mark.parametrize(
    "changes",
    [
        {"topology": "resnet"}, {"topology": "orig"}, {"topology": "resnet", "clamp": 0.8}, {"clamp": 0.5},
        {"taps": (1, 2, 3, 1)}, {"channels": (5,)}, {"channels": (5, 4)}, {"channels": (6, 5, 4, 4, 3)},
        {"mapping_layers": 8}, {"mapping_rate": 1.0}, {"w_dim": 17},
    ],
    ids=str,
)  # fmt: skip
def test_every_architecture(writer: Writer, changes: dict[str, object], tmp_path: Path) -> None:
    recipe = replace(SMALL, **changes)  # type: ignore[arg-type]
    state = raw_state(recipe)
    found = read(tmp_path, writer(recipe, state))
    assert (found.weights.spec.topology, found.weights.spec.conv_clamp) == (recipe.topology, recipe.clamp)
    check(found, recipe, state)


@pytest.mark.parametrize(
    ("writer", "kind", "width"),
    [(module_pickle, "embed", 12), (module_pickle, "embed", 10), (tf_pickle, "embed", 12), (tf_pickle, "concat", 12)],
    ids=["pytorch", "pytorch, as wide as w", "tensorflow", "tensorflow, as at first"],
)
def test_conditional_models(writer: Writer, kind: str, width: int, tmp_path: Path) -> None:
    recipe = replace(SMALL, labels=5, label_kind=kind, label_width=width)
    state = raw_state(recipe)
    found = read(tmp_path, writer(recipe, state))
    assert found.weights.spec.label_size == 5
    check(found, recipe, state, torch.nn.functional.one_hot(torch.tensor([1, 4]), 5).float())


@pytest.mark.parametrize(("labels", "kind"), [(0, "embed"), (5, "embed"), (5, "concat")])
def test_latents_that_are_taken_as_they_are(labels: int, kind: str, tmp_path: Path) -> None:
    """TensorFlow's `normalize_latents`; an embedded label is normalised all the same."""
    recipe = replace(SMALL, labels=labels, label_kind=kind, normalized=False)
    state = raw_state(recipe)
    found = read(tmp_path, tf_pickle(recipe, state, normalize_latents=False))
    rows = torch.nn.functional.one_hot(torch.tensor([1, 4]), 5).float() if labels else None
    check(found, recipe, state, rows)


def test_a_training_of_rosinalitys_has_no_mean_latent(tmp_path: Path) -> None:
    state = raw_state(SMALL)
    found, again = (read(tmp_path, rosinality_file(SMALL, state, converted=False), "net.pt") for _ in range(2))
    assert found.notes == ("the mean latent was not in the file; averaged over 10000 samples of seed 0",)
    assert torch.equal(found.weights.tensors["mean_w"], again.weights.tensors["mean_w"])


def test_a_file_without_noise_gets_it_from_a_seed(tmp_path: Path) -> None:
    state = {name: tensor for name, tensor in raw_state(SMALL).items() if not name.endswith("noise_const")}
    found = read(tmp_path, ada_state_file(state), "net.pt")
    assert found.notes == ("5 noise maps were not in the file; drawn from seed 0",)


def test_landscape_pictures(tmp_path: Path) -> None:
    recipe = replace(SMALL, channels=(5, 4, 4, 4))
    (tmp_path / "car-32x24.pkl").write_bytes(module_pickle(recipe, raw_state(recipe)))
    found = read_checkpoint(tmp_path / "car-32x24.pkl")
    assert (found.weights.spec.crop, found.weights.spec.picture_size) == ((4, 28), (24, 32))


@pytest.mark.parametrize("writer", [module_pickle, rosinality_file, tf_pickle])
def test_a_network_that_starts_from_no_square_is_refused_as_what_it_is(writer: Writer, tmp_path: Path) -> None:
    """StyleGAN-Human's, which has a constant of 4x2."""
    state = dict(raw_state(SMALL))
    state["synthesis.b4.const"] = state["synthesis.b4.const"][:, :, :2]
    file = tmp_path / ("people.pt" if writer is rosinality_file else "people.pkl")
    file.write_bytes(writer(SMALL, state))
    with pytest.raises(CheckpointError, match="starts from 2x4 pixels"):
        read_checkpoint(file)


@pytest.mark.parametrize(
    ("name", "resolution", "crop"),
    [
        ("stylegan2-car-config-f.pkl", 512, ((64, 448), None)), ("stylegan2-car-config-e.pkl", 512, ((64, 448), None)),
        ("stylegan2-car-config-f.pkl", 256, (None, None)), ("stylegan2-cat-config-f.pkl", 512, (None, None)),
        ("my-stylegan2-car-config-f.pkl", 512, (None, None)), ("people-256x512.pkl", 512, (None, (128, 384))),
        ("ffhq-1024x1024.pkl", 1024, (None, None)), ("batch-0x512.pkl", 512, (None, None)),
        ("people-256x512.pkl", 1024, (None, None)),
    ],
)  # fmt: skip
def test_what_a_files_name_says_of_the_picture(name: str, resolution: int, crop: tuple[Any, Any]) -> None:
    assert crop_from_name(name, resolution) == crop
