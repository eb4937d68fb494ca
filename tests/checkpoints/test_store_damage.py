"""The model store when its files are damaged or the disk is full."""

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from i2s_trt.checkpoints import store
from i2s_trt.checkpoints.catalogue import models_folder
from i2s_trt.checkpoints.store import (
    import_model,
    load_generator,
    model_info,
)
from i2s_trt.errors import EnvironmentFault, ModelError
from i2s_trt.files import write_bytes
from tests.checkpoints.builders import Recipe, network_pickle


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "net.pkl"
    path.write_bytes(network_pickle(Recipe()))
    return path


@pytest.fixture
def stored(checkpoint: Path) -> Path:
    """The folder of a model named `mine`."""
    import_model(checkpoint, "mine", licence="CC0-1.0")
    return models_folder() / "mine"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", "null", '"text"', "{}", '{"format": 1}', '{"format": 1, "notes": 3}']
)
def test_damaged_description(text: str, stored: Path) -> None:
    (stored / "model.json").write_text(text)
    with pytest.raises(ModelError, match=r"model\.json is damaged") as caught:
        load_generator("mine")
    assert caught.value.hint == "import the model again"


@pytest.mark.parametrize(
    "change",
    [{"resolution": 17}, {"resolution": "16"}, {"channels": 5}, {"colour": 1}, {"lod": 9}, {"crop": [4, 99]}],
    ids=str,
)
def test_damaged_spec(change: dict[str, Any], stored: Path) -> None:
    document = json.loads((stored / "model.json").read_text())
    document["spec"] |= change
    (stored / "model.json").write_text(json.dumps(document))
    with pytest.raises(ModelError, match=r"model\.json is damaged"):
        load_generator("mine")


def test_description_of_another_version(stored: Path) -> None:
    document = json.loads((stored / "model.json").read_text()) | {"format": 99}
    (stored / "model.json").write_text(json.dumps(document))
    with pytest.raises(ModelError, match="written by another version"):
        load_generator("mine")


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_damaged_weights(keep: int, stored: Path) -> None:
    path = stored / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"model\.safetensors is missing or damaged"):
        load_generator("mine")


def test_missing_weights(stored: Path) -> None:
    (stored / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors is missing or damaged"):
        load_generator("mine")


def test_weights_of_another_model(stored: Path) -> None:
    path = stored / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="the digests differ"):
        load_generator("mine")


def full_disk(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_full_disk_leaves_nothing(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(EnvironmentFault, match="the disk is full"):
        import_model(checkpoint, "mine")
    assert list(models_folder().iterdir()) == []


def test_full_disk_keeps_the_older_model(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = model_info("mine")
    calls: list[Path] = []

    def second_fails(path: Path, data: bytes) -> None:
        calls.append(path)
        if len(calls) == 2:
            monkeypatch.setattr(os, "fsync", full_disk)
        write_bytes(path, data)

    monkeypatch.setattr(store, "write_bytes", second_fails)
    (tmp_path / "other.pkl").write_bytes(network_pickle(Recipe(seed=5)))
    with pytest.raises(EnvironmentFault, match="the disk is full"):
        import_model(tmp_path / "other.pkl", "mine", overwrite=True)
    assert len(calls) == 2
    assert load_generator("mine").digest == before.digest
    assert [path.name for path in models_folder().iterdir()] == ["mine"]


def test_file_size_limit_in_another_process(checkpoint: Path) -> None:
    code = "import sys, pathlib; from i2s_trt.checkpoints.store import import_model\n"
    code += "try: import_model(pathlib.Path(sys.argv[1]), 'mine')\nexcept Exception as error: print(error)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(checkpoint)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    assert "the disk is full" in done.stdout, done.stderr
    assert list(models_folder().iterdir()) == []


def test_store_in_the_way(own_home: Path, checkpoint: Path) -> None:
    (own_home / "models").write_text("a file")
    with pytest.raises(ModelError.__base__, match="models"):  # type: ignore[arg-type]
        import_model(checkpoint, "mine")
