"""Which models draw faces, by what they are called and made from."""

from pathlib import Path

import pytest

from i2s_trt.checkpoints.catalogue import ModelInfo, models_folder
from i2s_trt.checkpoints.faces import draws_faces
from i2s_trt.checkpoints.store import save_model
from i2s_trt.models.random_weights import random_weights, standard_spec


@pytest.mark.parametrize(
    ("model", "expected"), [
        ("demo", True), ("karras2019stylegan-ffhq-1024x1024.pkl", True), ("some/where/CelebA-HQ.pt", True),
        ("karras2019stylegan-cars-512x384.pkl", False), ("random-64", False),
    ], ids=str,
)  # fmt: skip
def test_by_name(model: str, expected: bool) -> None:
    assert draws_faces(model) == expected


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [("mine", "karras2019stylegan-ffhq-1024x1024.pkl", True), ("faces", "x.pkl", True), ("cars", "x.pkl", False)],
)
def test_by_what_the_store_knows(own_home: Path, name: str, source: str, expected: bool) -> None:
    weights = random_weights(standard_spec(8, 8, 8), 0)
    save_model(models_folder() / name, ModelInfo(name, weights.spec, weights.digest(), source), weights)
    assert draws_faces(name) == expected
