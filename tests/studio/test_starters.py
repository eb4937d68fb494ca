"""What lies on a new shelf: of the built-in model, photographs embedded before, and all that goes with them."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2s_trt.checkpoints.catalogue import DEMO
from i2s_trt.images.decode import decode
from i2s_trt.photographs.record import alignment_of
from i2s_trt.studio.keep_starters import photographs
from i2s_trt.studio.starters import EMBEDDED
from tests.studio.conftest import Served, serving, small_model

NAMES = ["astronaut", "portrait"]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("shelf"), small_model(DEMO)) as running:
        yield running


def test_they_are_embeddings_of_the_model_that_ships(room: Served) -> None:
    shelf = {one["name"]: one for one in room.json("GET", "/api/shelf")["latents"]}
    assert sorted(shelf) == ["ann", "astronaut", "bob", "calm", "glad", "portrait"]
    assert [name for name, one in shelf.items() if not one["made"]] == NAMES
    for name in NAMES:
        latent = room.studio.shelf.latent(name)
        assert (latent.status, latent.extra["steps_done"]) == ("finished", 400)
        assert shelf[name]["loss"] == pytest.approx(latent.losses["total"])
        target, picture = (
            np.array(Image.open(BytesIO(room.client.get(shelf[name][kind]).content)), np.float64)
            for kind in ("target", "picture")
        )
        assert target.shape == picture.shape == (128, 128, 3)
        assert np.abs(target - picture).mean() < 12, "it shows what was embedded"


@pytest.mark.parametrize("name", NAMES)
def test_their_photographs_are_there_to_be_pasted_into(room: Served, name: str) -> None:
    edit = {"base": {"kind": "latent", "name": name}}
    made = room.client.post("/api/export", json={"edit": edit, "kind": "pasted"})
    assert made.status_code == 200, made.text
    pasted, photograph = np.array(Image.open(BytesIO(made.content))), decode(EMBEDDED / f"{name}.jpg")
    assert pasted.shape == photograph.shape
    alignment = alignment_of(room.studio.shelf.latent(name).extra)
    assert alignment is not None
    assert room.studio.photographs.path(alignment.photograph).read_bytes() == (EMBEDDED / f"{name}.jpg").read_bytes()


def test_they_were_made_from_the_photographs_that_are_named() -> None:
    for name, pixels in photographs().items():
        kept = decode(EMBEDDED / f"{name}.jpg")
        assert kept.shape == pixels.shape
        assert np.abs(kept.astype(float) - pixels).mean() < 3, "but for JPEG"


def test_another_model_gets_samples_alone(tmp_path: Path) -> None:
    with serving(tmp_path, small_model()) as running:
        assert running.studio.shelf.names() == ["ann", "bob"]
