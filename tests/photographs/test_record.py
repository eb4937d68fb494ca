"""The record of an alignment survives latents, pictures and JSON, and damage to it is told or passed over."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from i2s_trt.errors import ImageError, LatentError
from i2s_trt.images.decode import decode
from i2s_trt.images.fit import picture_digest
from i2s_trt.latents import Latent, save_latent
from i2s_trt.photographs.record import Alignment, alignment_of, find_alignment, read_alignment, write_aligned

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
QUAD = np.array([[1.25, 2], [0, 12], [10, 13.5], [11, 3]])
RECORD = Alignment.of("ffhq", QUAD, Path("/some/where/photo.jpg"), PIXELS)


def same(found: Alignment | None) -> bool:
    assert found is not None
    np.testing.assert_allclose(found.quad, QUAD)
    return replace(found, quad=RECORD.quad).to_json() == RECORD.to_json()


def test_it_names_the_photograph() -> None:
    assert (RECORD.photograph, RECORD.size, RECORD.digest) == ("photo.jpg", (20, 30), picture_digest(PIXELS))


def test_through_json() -> None:
    assert same(Alignment.from_json(json.loads(json.dumps(RECORD.to_json()))))


def test_in_a_png_whose_pixels_stay(tmp_path: Path) -> None:
    write_aligned(tmp_path / "a.png", PIXELS, RECORD)
    assert same(read_alignment(tmp_path / "a.png"))
    assert same(find_alignment(tmp_path / "a.png"))
    np.testing.assert_array_equal(decode(tmp_path / "a.png"), PIXELS)


def test_in_a_latent_and_in_json(tmp_path: Path) -> None:
    save_latent(tmp_path / "a.safetensors", Latent(np.zeros((2, 3), np.float32), extra={"alignment": RECORD.to_json()}))
    assert same(find_alignment(tmp_path / "a.safetensors"))
    (tmp_path / "a.json").write_text(json.dumps(RECORD.to_json()))
    assert same(find_alignment(tmp_path / "a.json"))


DAMAGED = [
    {}, {"quad": 5}, {"quad": [[0, 0]] * 4}, {"quad": [[0, 0], [0, 1], [1, 1]]}, {"quad": [[0, float("nan")]] * 4},
    {"size": [0, 3]}, {"size": 5}, {"size": [5]}, {"kind": "other"}, {"quad": [[0, 0], [9, 9], [18, 18], [9, 9]]},
]  # fmt: skip


@pytest.mark.parametrize("change", DAMAGED, ids=str)
def test_damage(tmp_path: Path, change: dict[str, Any]) -> None:
    document = {**RECORD.to_json(), **change} if change else {"unknown": 1}
    assert alignment_of({"alignment": document}) is None
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(ImageError, match="not the record of an alignment"):
        find_alignment(tmp_path / "a.json")
    text = PngInfo()
    text.add_text("i2s-trt alignment", json.dumps(document))
    Image.fromarray(PIXELS).save(tmp_path / "a.png", pnginfo=text)
    assert read_alignment(tmp_path / "a.png") is None


@pytest.mark.parametrize("text", ["", "{", "5", "[" * 9_000, "x" * 20_000])
def test_a_chunk_that_is_no_record(tmp_path: Path, text: str) -> None:
    chunk = PngInfo()
    chunk.add_text("i2s-trt alignment", text)
    Image.fromarray(PIXELS).save(tmp_path / "a.png", pnginfo=chunk)
    assert read_alignment(tmp_path / "a.png") is None


def test_pictures_without_a_record(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg")
    (tmp_path / "text.png").write_text("no picture")
    for name in ("a.png", "a.jpg", "text.png", "none.png"):
        assert read_alignment(tmp_path / name) is None
        with pytest.raises(ImageError, match="does not say where"):
            find_alignment(tmp_path / name)


def test_a_latent_without_a_record(tmp_path: Path) -> None:
    save_latent(tmp_path / "a.safetensors", Latent(np.zeros((2, 3), np.float32)))
    with pytest.raises(LatentError, match="does not say where"):
        find_alignment(tmp_path / "a.safetensors")
    with pytest.raises(ImageError, match="cannot be read"):
        find_alignment(tmp_path / "none.json")
