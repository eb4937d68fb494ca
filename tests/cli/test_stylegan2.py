"""The commands on a StyleGAN2: the original's own file through everything that a StyleGAN1 goes through."""

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt.checkpoints.catalogue import ModelInfo
from i2s_trt.checkpoints.store import load_generator, load_weights, save_model
from i2s_trt.edit.operations import crossover
from i2s_trt.images.decode import decode
from i2s_trt.latents import read_latent
from i2s_trt.models.random_weights import random_weights, stylegan2_spec
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import TorchSynthesizer
from tests.checkpoints.reference_stylegan2 import Recipe2, raw_state
from tests.checkpoints.writers_stylegan2 import module_pickle
from tests.cli.support import invoke, names, refused
from tests.conftest import DATA

MODEL = DATA / "tiny64.pkl"


@pytest.mark.parametrize("schedule", ["paper", "fast"])
def test_the_smallest_model_is_embedded_like_any(tmp_path: Path, astronaut: Path, schedule: str) -> None:
    """4x4 pixels, of which the features see 8x8."""
    weights = random_weights(stylegan2_spec(4, 8, 12), seed=0)
    save_model(tmp_path / "four", ModelInfo("four", weights.spec, weights.digest(), "random weights"), weights)
    done = invoke("embed", astronaut, "-m", tmp_path / "four", "--steps", 2, "--schedule", schedule, "-o", tmp_path)
    assert done.exit_code == 0, done.output
    assert decode(tmp_path / "astronaut.png").shape == (4, 4, 3)


@pytest.mark.parametrize(
    "words",
    [
        (), ("--space", "w"), ("--space", "z"), ("--precision", "bf16"), ("--noise", "resampled"), ("--init", "random"),
        ("--noise", "optimised"),
        ("--schedule", "fast"), ("--schedule", "fast", "--prior", 3, "--space", "w"), ("--prior", 3), ("--batch", 2),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.usefixtures("rough_curvature")
def test_embedding(words: tuple[Any, ...], astronaut: Path, tmp_path: Path) -> None:
    done = invoke("embed", astronaut, "-m", MODEL, "-o", tmp_path / "out", "--steps", 4, *words)
    assert done.exit_code == 0, done.output
    latent = read_latent(tmp_path / "out/astronaut.safetensors")
    assert latent.w_plus.shape == (10, 64)
    assert (latent.status, latent.model_digest) == ("finished", load_generator(MODEL).digest)
    assert latent.curve[-1, 0] < latent.curve[0, 0]
    assert decode(tmp_path / "out/astronaut.png").shape == (64, 64, 3)


def test_a_style_transfer_takes_over_at_the_papers_resolution(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert invoke("style-transfer", "seed:1", "seed:2", "-m", MODEL, "-o", out).exit_code == 0
    generator = load_generator(MODEL)
    mixed = crossover(w_plus_from_seed(generator, 1), w_plus_from_seed(generator, 2), range(4, 10))
    latent = read_latent(out / "seed1-as-seed2.safetensors")
    np.testing.assert_array_equal(latent.w_plus, mixed)
    assert latent.options["layers"] == list(range(4, 10))


def test_recipes_take_over_there_too(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(
        '[[edit]]\nname = "usual"\noperation = "crossover"\nstyle = "seed:9"\n'
        '[[edit]]\nname = "named"\noperation = "crossover"\nstyle = "seed:9"\nlayers = "4-9"\n'
        '[[edit]]\nname = "calm"\noperation = "truncation"\npsi = 0.3\n'
    )
    done = invoke(
        "edit", tmp_path / "r.toml", "--seeds", "1-2", "-m", MODEL, "-o", tmp_path / "out", "--engine", "torch"
    )
    assert done.exit_code == 0, done.output
    usual, named, calm = (decode(tmp_path / f"out/seed0001-{name}.png") for name in ("usual", "named", "calm"))
    np.testing.assert_array_equal(usual, named)
    assert (usual != calm).any()


def test_directions_of_other_tools(tmp_path: Path) -> None:
    """InterFaceGAN's boundaries for StyleGAN2 are one row, as for StyleGAN1."""
    np.save(tmp_path / "age.npy", np.random.default_rng(0).standard_normal((1, 64)))
    (tmp_path / "r.toml").write_text(
        '[[edit]]\nname = "older"\noperation = "direction"\nfile = "age.npy"\nstrength = [-1, 1]\n'
    )
    done = invoke("edit", tmp_path / "r.toml", "--seeds", "1", "-m", MODEL, "-o", tmp_path / "out", "--engine", "torch")
    assert done.exit_code == 0, done.output
    first, second = (decode(tmp_path / f"out/seed0001-older_{i}.png") for i in range(2))
    assert (first != second).any()


def test_morphs_and_expressions(tmp_path: Path) -> None:
    trio = ("seed:1", "seed:2", "seed:3")
    for command in (("morph", *trio[:2], "--frames", 3), ("expression-transfer", *trio, "--strength", "0:1:3")):
        out = tmp_path / command[0]
        assert invoke(*command, "-m", MODEL, "-o", out, "--engine", "torch").exit_code == 0
        assert sum(name.endswith(".png") for name in names(out)) == 3


def test_the_graph_draws_what_pytorch_does(tmp_path: Path) -> None:
    done = invoke("synthesize", "--seeds", "1-2", "-m", MODEL, "-o", tmp_path / "out", "--engine", "onnxruntime")
    assert done.exit_code == 0, done.output
    generator = load_generator(MODEL)
    wanted = TorchSynthesizer(generator)(np.stack([w_plus_from_seed(generator, seed) for seed in (1, 2)]))
    for seed, picture in zip((1, 2), wanted, strict=True):
        (found,) = (tmp_path / "out").glob(f"*{seed}.png")
        assert np.abs(decode(found).astype(int) - picture).max() <= 1


def test_identify_says_which_network_and_imports_nothing() -> None:
    done = invoke("models", "identify", MODEL)
    assert done.exit_code == 0, done.output
    for words in ("StyleGAN2, 64x64, skip", "pytorch pickle", "w+ of 10 x 64, z of 64", "models import"):
        assert words in done.output
    assert "tiny64" not in invoke("models", "list").output


def test_info_says_what_a_stylegan2_has_beside_its_sizes(tmp_path: Path) -> None:
    recipe = replace(Recipe2(), labels=5, clamp=256.0, topology="resnet")
    (tmp_path / "net.pkl").write_bytes(module_pickle(recipe, raw_state(recipe)))
    done = invoke("models", "info", tmp_path / "net.pkl")
    assert done.exit_code == 0, done.output
    for row in (r"topology\s+resnet", r"labels\s+conditional, 5 labels", r"activations\s+at most 256 in magnitude"):
        assert re.search(row, done.output)
    assert re.search(r"truncation\s+psi 0.7 in all layers", done.output)
    assert "topology" not in invoke("models", "info", "random-16").output
    assert re.search(r"truncation\s+psi 0.7 in the first 8 layers", invoke("models", "info", "random-64").output)


def test_export_says_that_a_bound_is_left_out(tmp_path: Path) -> None:
    for bound in (256.0, None):
        recipe = replace(Recipe2(), clamp=bound)
        (tmp_path / "net.pkl").write_bytes(module_pickle(recipe, raw_state(recipe)))
        done = invoke("models", "export", tmp_path / "net.pkl", "--to", "ada", "-o", tmp_path / "net.pt")
        assert done.exit_code == 0, done.output
        assert ("its bound on activations, 256, is no tensor" in done.output) == bool(bound)


def test_export_goes_to_another_project_and_back(tmp_path: Path) -> None:
    done = invoke("models", "export", MODEL, "--to", "rosinality", "-o", tmp_path / "two.pt")
    assert "as rosinality names them" in done.output
    ours, theirs = load_weights(MODEL), load_weights(tmp_path / "two.pt")
    assert all(torch.equal(tensor, theirs.tensors[name]) for name, tensor in ours.tensors.items())
    elsewhere = invoke("models", "export", MODEL, "--to", "genforce", "-o", tmp_path / "a.pt")
    refused(elsewhere, 2, "genforce holds no StyleGAN2")
    refused(invoke("models", "export", MODEL, "--to", "ada", "-o", tmp_path / "a.pkl"), 2, "not a kind of file")
    assert names(tmp_path) == ["two.pt"]


def test_export_names_the_part_that_is_shown(tmp_path: Path) -> None:
    recipe = Recipe2(channels=(5, 4, 4, 4))
    (tmp_path / "car-32x24.pkl").write_bytes(module_pickle(recipe, raw_state(recipe)))
    done = invoke("models", "export", tmp_path / "car-32x24.pkl", "--to", "ada", "-o", tmp_path / "net.pt")
    assert "import it with --crop 4-28" in done.output
    assert invoke("models", "import", tmp_path / "net.pt", "--name", "back", "--crop", "4-28").exit_code == 0
    assert load_generator("back").digest == load_generator(tmp_path / "car-32x24.pkl").digest


def test_identify_gives_a_command_that_can_be_pasted(tmp_path: Path) -> None:
    recipe = replace(Recipe2(), clamp=256.0)
    (tmp_path / "my net (2).pkl").write_bytes(module_pickle(recipe, raw_state(recipe)))
    done = invoke("models", "identify", tmp_path / "my net (2).pkl")
    assert re.search(r"activations\s+at most 256 in magnitude", done.output)
    words = shlex.split(done.output.partition("to use it: i2s-trt ")[2])
    assert words[-2:] == ["--name", "my-net-2"]
    assert invoke(*words).exit_code == 0


def test_import_and_list_name_the_architecture(tmp_path: Path) -> None:
    assert invoke("models", "import", MODEL, "--name", "two").exit_code == 0
    assert "StyleGAN2" in next(line for line in invoke("models", "list").output.splitlines() if line.startswith("two"))
    assert "StyleGAN2, 64x64" in invoke("models", "info", "two").output
    done = invoke("build-engines", "-m", "two", "--dry-run")
    assert all(graph in done.output for graph in ("mapping", "synthesis", "images", "preview"))


@pytest.fixture
def conditional(tmp_path: Path) -> Path:
    """A StyleGAN2 of 16 pixels and five labels."""
    recipe = Recipe2(labels=5)
    (tmp_path / "five.pkl").write_bytes(module_pickle(recipe, raw_state(recipe)))
    return tmp_path / "five.pkl"


def test_samples_of_a_conditional_model_have_a_class(conditional: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for label in (1, 3):
        sampled = ("--seeds", "7", "--label", label, "-m", conditional, "-o", out / str(label), "--engine", "torch")
        assert invoke("synthesize", *sampled).exit_code == 0
    first, third = (decode(next((out / str(label)).glob("*.png"))) for label in (1, 3))
    assert (first != third).any()
    words = ("-m", conditional, "-o", out / "m", "--engine", "torch")
    done = invoke("morph", "seed:7@1", "seed:7@3", "--frames", 2, *words)
    assert done.exit_code == 0, done.output
    ends = [decode(out / "m" / name) for name in names(out / "m") if name.endswith(".png")]
    np.testing.assert_array_equal(ends, [first, third])
    assert "conditional, 5 labels" in invoke("models", "identify", conditional).output


def test_batches_of_a_class_are_not_taken_for_anothers(conditional: Path, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('[[edit]]\nname = "plain"\noperation = "identity"\n')
    words = ("--seeds", "1", "-m", conditional, "-o", tmp_path / "out", "--engine", "torch", "--resume")
    pictures = []
    for label in (1, 3, 3):
        assert invoke("edit", tmp_path / "r.toml", *words, "--label", label).exit_code == 0
        pictures.append(decode(tmp_path / "out/seed0001-plain.png"))
    assert (pictures[0] != pictures[1]).any()
    np.testing.assert_array_equal(pictures[1], pictures[2])


@pytest.mark.parametrize(
    ("model", "label", "words"), [("five", 5, "labels go from 0 to 4"), ("tiny64", 0, "this model is unconditional")]
)
def test_labels_that_are_none(model: str, label: int, words: str, conditional: Path, tmp_path: Path) -> None:
    path = conditional if model == "five" else MODEL
    for command in (("synthesize", "--seeds", "1", "--label", label), ("morph", f"seed:1@{label}", "seed:2")):
        refused(invoke(*command, "-m", path, "-o", tmp_path / "out.gif", "--engine", "torch"), 2, words)
