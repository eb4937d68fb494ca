"""The architecture record: what it derives, what it refuses, and its JSON form."""

import json
from dataclasses import replace

import pytest

from i2s_trt.errors import ModelError
from i2s_trt.models.random_weights import standard_spec
from i2s_trt.models.spec import GeneratorSpec


@pytest.mark.parametrize(("resolution", "layers"), [(32, 8), (64, 10), (128, 12), (256, 14), (512, 16), (1024, 18)])
def test_layers_follow_from_the_resolution(resolution: int, layers: int) -> None:
    spec = standard_spec(resolution)
    assert spec.num_layers == layers
    assert spec.layer_resolution(layers - 1) == resolution
    assert spec.layer_resolution(0) == 4


def test_standard_channels_are_the_original_ones() -> None:
    assert standard_spec(1024).channels == (512, 512, 512, 512, 256, 128, 64, 32, 16)
    assert standard_spec(64, channels_max=48).channels == (48,) * 5


def test_picture_size_of_a_landscape_model() -> None:
    spec = replace(standard_spec(512), crop=(64, 448))
    assert spec.picture_size == (384, 512)
    assert standard_spec(512).picture_size == (512, 512)


def test_picture_size_of_a_portrait_model() -> None:
    spec = replace(standard_spec(512), crop_columns=(128, 384))
    assert (spec.picture_size, spec.window) == ((512, 256), (slice(0, 512), slice(128, 384)))
    assert spec.identity() != standard_spec(512).identity()


def test_json_form_gives_the_same_spec_back() -> None:
    spec = replace(standard_spec(64), crop=(8, 56), lod=0.5, blur_taps=())
    assert GeneratorSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"resolution": 96}, "power of two"),
        ({"resolution": 4}, "power of two"),
        ({"channels": (16, 16)}, "channel counts"),
        ({"lod": -1.0}, "lod"),
        ({"lod": 9.0}, "lod"),
        ({"blur_taps": (1.0, 1.0)}, "no middle"),
        ({"crop": (30, 20)}, "crop"),
        ({"crop": (0, 65)}, "crop"),
    ],
)
def test_impossible_specs_are_refused(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        replace(standard_spec(64), **change)  # type: ignore[arg-type]


def test_more_than_1024_pixels_are_refused() -> None:
    with pytest.raises(ModelError, match="1024"):
        GeneratorSpec(2048, 8, 8, (8,) * 10, (8,))


def test_json_with_unknown_or_missing_fields_is_refused() -> None:
    document = standard_spec(64).to_json()
    with pytest.raises(ModelError, match="colour"):
        GeneratorSpec.from_json({**document, "colour": "red"})
    document.pop("z_dim")
    with pytest.raises(ModelError, match="incomplete"):
        GeneratorSpec.from_json(document)
