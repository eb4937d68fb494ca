"""The model store: import, list, inspect, load, remove; and what it says when something is wrong."""

from pathlib import Path
from typing import Any

import pytest
import torch

from i2s_trt.checkpoints.catalogue import list_models, models_folder
from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.checkpoints.store import (
    import_model,
    load_generator,
    load_weights,
    model_info,
)
from i2s_trt.checkpoints.stylegan2 import LARGEST
from i2s_trt.errors import CheckpointError, ModelError
from i2s_trt.files import file_digest
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.seeds import w_plus_from_seed
from tests.checkpoints.builders import Recipe, network_pickle, old_numpy, tf_variables, torch_file
from tests.checkpoints.ports import genforce, interfacegan, lernapparat

SMALL = Recipe()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "net.pkl"
    path.write_bytes(network_pickle(SMALL))
    return path


@pytest.fixture
def stored(checkpoint: Path) -> Path:
    """The folder of a model named `mine`."""
    import_model(checkpoint, "mine", licence="CC0-1.0")
    return models_folder() / "mine"


def names() -> list[str]:
    return [info.name for info in list_models()]


def test_import_and_load(checkpoint: Path) -> None:
    info = import_model(checkpoint, "mine", crop=(2, 14), licence="CC0-1.0")
    direct = Generator.from_weights(read_checkpoint(checkpoint, crop=(2, 14)).weights)
    ours = load_generator("mine")
    assert ours.digest == direct.digest == info.digest
    assert ours.spec == info.spec
    w_plus = torch.ones(1, 6, SMALL.w_dim)
    assert torch.equal(ours(w_plus), direct(w_plus))


def test_info_tells_where_a_model_comes_from(checkpoint: Path, stored: Path) -> None:
    info = model_info("mine")
    assert (info.name, info.source, info.kind, info.licence) == ("mine", "net.pkl", "tensorflow pickle", "CC0-1.0")
    assert info.source_sha256 == file_digest(checkpoint)
    assert info.notes == ()
    assert info.created.endswith("+00:00")
    assert model_info(str(stored)) == info


def test_notes_are_kept(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(torch_file(lernapparat(tf_variables(SMALL))))
    info = import_model(tmp_path / "net.pt", "lern")
    assert len(info.notes) == 2
    assert model_info("lern") == info


def test_list(stored: Path, checkpoint: Path) -> None:
    import_model(checkpoint, "another")
    assert names() == ["demo", "another", "mine"]


def test_list_without_a_store() -> None:
    assert names() == ["demo"]


@pytest.mark.parametrize(
    "name",
    ["", ".hidden", "../up", "a/b", "a b", "demo", "random-64", "random-64-seed3", "-x", "é", "x" * 65, "a\n"],
)
def test_names_that_are_refused(name: str, checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="cannot name a model") as caught:
        import_model(checkpoint, name)
    assert "use letters, digits" in caught.value.hint


def test_taken_name(stored: Path, checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="a model named mine is already in the store") as caught:
        import_model(checkpoint, "mine")
    assert "--overwrite" in caught.value.hint


def test_overwrite(stored: Path, tmp_path: Path) -> None:
    before = model_info("mine").digest
    (tmp_path / "other.pkl").write_bytes(network_pickle(Recipe(seed=5)))
    import_model(tmp_path / "other.pkl", "mine", overwrite=True)
    assert load_generator("mine").digest == model_info("mine").digest != before
    assert [path.name for path in models_folder().iterdir()] == ["mine"]


def test_checkpoint_that_is_no_model_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "page.pkl").write_bytes(b"<html>")
    with pytest.raises(CheckpointError, match="web page"):
        import_model(tmp_path / "page.pkl", "mine")
    assert not models_folder().exists()


@pytest.mark.parametrize("load", [load_generator, load_weights, model_info])
def test_unknown_model(load: Any, stored: Path) -> None:
    with pytest.raises(ModelError, match="no model or file named nobody; known models: demo, mine") as caught:
        load("nobody")
    assert "i2s-trt models pull ffhq" in caught.value.hint


def test_demo_is_there_from_the_start() -> None:
    assert model_info("demo").digest == load_generator().digest


def test_random_model_has_a_seed() -> None:
    expected = random_weights(standard_spec(8), seed=3).digest()
    assert load_weights("random-8-seed3").digest() == expected
    assert load_weights("random-8").digest() != expected
    assert model_info("random-8-seed3").digest == expected
    assert load_generator("random-64-seed3").resolution == 64


@pytest.mark.parametrize(
    ("name", "hint"),
    [(f"random-{size}", "of 8, 16, 32, 64, 128, 256, 512, 1024") for size in (0, 4, 7, 2048, 99999999)]
    + [(f"random-{size}-sg2", "of 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048") for size in (0, 2, 7, 4096, 99999999)],
)
def test_random_model_of_an_impossible_size(name: str, hint: str) -> None:
    with pytest.raises(ModelError, match="there is no random model of") as caught:
        load_weights(name)
    assert caught.value.hint.endswith(hint)


@torch.no_grad()
@pytest.mark.parametrize(("name", "rows"), [("random-4-sg2", 2), ("random-16-sg2", 6), ("random-16-sg2-seed3", 6)])
def test_random_stylegan2(name: str, rows: int) -> None:
    generator = load_generator(name)
    picture = generator(torch.from_numpy(w_plus_from_seed(generator, 1)).unsqueeze(0))
    assert (generator.num_layers, picture.shape[2:]) == (rows, (generator.resolution,) * 2)
    assert torch.isfinite(picture).all()
    assert 0.1 < picture.std() < 1.5


def test_a_random_stylegan2_goes_up_to_the_largest_that_is_read() -> None:
    spec = load_weights("random-2048-sg2").spec
    assert (spec.resolution, spec.num_layers, spec.channels[-2:]) == (LARGEST, 20, (32, 16))


def test_checkpoint_file_directly(checkpoint: Path) -> None:
    assert load_generator(checkpoint).digest == read_checkpoint(checkpoint).weights.digest()
    assert model_info(str(checkpoint)).name == "net"


def test_model_folder_directly(stored: Path) -> None:
    assert load_generator(stored).digest == load_generator("mine").digest


def test_same_digest_from_every_container(tmp_path: Path) -> None:
    variables = tf_variables(SMALL)
    files = {
        "2.pkl": network_pickle(SMALL, 2), "5.pkl": network_pickle(SMALL, 5),
        "old.pkl": old_numpy(network_pickle(SMALL)), "zip.pt": torch_file(genforce(variables)),
        "legacy.pt": torch_file(interfacegan(variables), legacy=True),
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert len({load_generator(tmp_path / name).digest for name in files}) == 1


def test_other_options_have_another_digest(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "other.pkl").write_bytes(network_pickle(Recipe(kwargs={"blur_filter": None})))
    assert load_generator(tmp_path / "other.pkl").digest != load_generator(checkpoint).digest
