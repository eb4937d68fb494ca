"""Which encoder a model has: the one that came with it, or else the one that was trained for it here."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from export.source import GraphSource
from i2s_trt.checkpoints.encoders import encoder_path, load_encoder, save_encoder, used_encoder_path
from i2s_trt.checkpoints.store import import_model, load_generator
from i2s_trt.embedding.start.point import starting_point
from i2s_trt.errors import ModelError
from i2s_trt.models.vgg import random_vgg16
from tests.checkpoints.reference_stylegan2 import raw_state
from tests.checkpoints.test_encoder_bundle import DECODER, ONE_LOOK, bundle, picture
from tests.checkpoints.writers_stylegan2 import rosinality_file


def test_bundles_of_one_decoder_keep_each_its_own_encoder(tmp_path: Path) -> None:
    kinds = {"e4e": "Encoder4Editing", "psp": "GradualStyleEncoder", "restyle": "BackboneEncoder"}
    for name, kind in kinds.items():
        (tmp_path / f"{name}.pt").write_bytes(bundle(kind))
        import_model(tmp_path / f"{name}.pt", name)
    import_model(tmp_path / "psp.pt", "psp", overwrite=True)
    generators = {name: load_generator(name) for name in kinds}
    assert len({generator.digest for generator in generators.values()}) == 1
    assert {name: load_encoder(one).recipe["kind"] for name, one in generators.items()} == kinds
    starts = [starting_point("encoder", generator).digest for generator in generators.values()]
    assert len(set(starts)) == len(kinds)


def test_an_encoder_that_was_trained_here_serves_models_that_came_without_one(tmp_path: Path) -> None:
    (tmp_path / "bundle.pt").write_bytes(bundle("Encoder4Editing"))
    import_model(tmp_path / "bundle.pt", "bundle")
    generator = load_generator("bundle")
    trained = replace(load_encoder(generator), recipe={"presentations": 24})
    save_encoder(encoder_path(generator.digest), trained)
    assert load_encoder(generator).recipe["kind"] == "Encoder4Editing"
    (tmp_path / "decoder.pt").write_bytes(rosinality_file(DECODER, raw_state(DECODER)))
    import_model(tmp_path / "decoder.pt", "decoder")
    alone = load_generator("decoder")
    assert alone.digest == generator.digest
    assert load_encoder(alone).recipe == {"presentations": 24}
    import_model(tmp_path / "decoder.pt", "bundle", overwrite=True)
    assert load_encoder(load_generator("bundle")).recipe == {"presentations": 24}


def test_the_bundle_itself_has_its_encoder_without_being_imported(tmp_path: Path) -> None:
    (tmp_path / "e4e.pt").write_bytes(bundle("Encoder4Editing"))
    direct = load_encoder(load_generator(tmp_path / "e4e.pt"))
    import_model(tmp_path / "e4e.pt", "e4e")
    kept = load_encoder(load_generator("e4e"))
    assert (direct.digest, direct.recipe) == (kept.digest, kept.recipe)
    np.testing.assert_array_equal(direct(picture()), kept(picture()))
    (tmp_path / "restyle.pt").write_bytes(bundle("BackboneEncoder"))
    assert load_encoder(load_generator(tmp_path / "restyle.pt")).render is not None


def test_graphs_of_several_encoders_of_a_model_lie_side_by_side(tmp_path: Path) -> None:
    keys = []
    for kind in ONE_LOOK:
        (tmp_path / f"{kind}.pt").write_bytes(bundle(kind))
        import_model(tmp_path / f"{kind}.pt", kind)
        keys.append(GraphSource.named(kind, random_vgg16).key("encoder", "fp32"))
    assert keys[0].model_digest == keys[1].model_digest
    assert keys[0].path.parent == keys[1].path.parent
    assert keys[0].path != keys[1].path


def test_a_damaged_encoder_that_came_with_its_model_is_imported_anew(tmp_path: Path) -> None:
    (tmp_path / "bundle.pt").write_bytes(bundle("Encoder4Editing"))
    import_model(tmp_path / "bundle.pt", "bundle")
    generator = load_generator("bundle")
    path = used_encoder_path(generator)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ModelError, match="is missing or damaged") as caught:
        load_encoder(generator)
    assert "import the model again" in caught.value.hint
