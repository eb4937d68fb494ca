"""Edits: what the paper's operations make, and the same again from a recipe and from the command line, bit for bit."""

import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines.graph_synthesizer import GraphSynthesizer
from i2s_trt.deltas import Delta, delta_path, save_delta
from i2s_trt.edit import operations
from i2s_trt.edit.recipe.load import load_recipe
from i2s_trt.edit.sources import LatentSource
from i2s_trt.errors import LatentError, UsageError
from i2s_trt.latents import latent_digest, read_latent
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.protocol import Edit, ExportRequest
from i2s_trt.studio.repeat import RECIPE, repeat
from i2s_trt.studio.studio import Studio
from tests.conftest import Run
from tests.studio.conftest import Served, small_model

ALL: dict[str, Any] = {
    "base": {"kind": "mix", "parts": [{"name": "ann", "weight": 1}, {"name": "bob", "weight": 0.37},
                                      {"name": "ann", "weight": 0}, {"name": "calm", "weight": 2.1}]},
    "style": {"name": "bob", "rows": [False] * 7 + [True] * 5},
    "expressions": [{"kind": "pair", "from": "calm", "to": "glad", "strength": 0.83},
                    {"kind": "direction", "name": "older", "strength": -1e-7}],
    "truncation": 0.913,
}  # fmt: skip
EDITS: dict[str, dict[str, Any]] = {
    "plain": {"base": {"kind": "latent", "name": "glad"}},
    "all": ALL,
    "whole morph": {"base": {"kind": "mix", "parts": [{"name": "ann", "weight": 0}, {"name": "bob", "weight": 1}]}},
    "sample": {"base": {"kind": "random", "seed": 77, "truncation": 0.31}, "truncation": 1.25},
    "walk": {"base": {"kind": "latent", "name": "glad"}, "truncation": 0.9,
             "walk": {"to": 5, "position": 0.37, "wander": 0.8, "seed": 9}},
    "walk to the mean": {"base": {"kind": "random", "seed": 6}, "walk": {"position": 0.61}},
    "default sample": {"base": {"kind": "random", "seed": 78}},
}  # fmt: skip


@pytest.fixture(scope="module")
def demo() -> StudioModel:
    return small_model("demo")


@pytest.fixture
def room(tmp_path: Path, demo: StudioModel) -> Any:
    folder = tmp_path / "directions"
    folder.mkdir()
    np.save(folder / "older.npy", np.random.default_rng(0).standard_normal((1, 384)).astype(np.float32))
    studio = Studio(demo, tmp_path)
    yield studio
    studio.close()


def test_an_edit_is_what_the_operations_make(room: Studio) -> None:
    ann, bob, calm, glad = (room.shelf.w_plus(name) for name in ("ann", "bob", "calm", "glad"))
    mixed = (ann * 1.0 + bob * 0.37 + calm * 2.1) / 3.47
    styled = operations.crossover(mixed, bob, range(7, 12))
    expressed = operations.expression_transfer(styled, calm, glad, 0.83)
    expected = operations.truncate(expressed, room.editor.space.mean, 0.913)
    np.testing.assert_allclose(room.editor.w_plus(Edit.model_validate(ALL)), expected, atol=1e-5)


def test_a_sample_is_truncated_as_the_model_does(room: Studio, demo: StudioModel) -> None:
    edit = Edit.model_validate({"base": {"kind": "random", "seed": 5, "truncation": 0.4}})
    expected = w_plus_from_seed(demo.generator, 5, 0.4)
    np.testing.assert_allclose(room.editor.w_plus(edit), expected, atol=1e-5)


@pytest.mark.parametrize("name", EDITS)
def test_the_recipe_makes_the_same_latent(room: Studio, name: str) -> None:
    edit = Edit.model_validate(EDITS[name])
    path = room.shelf.folder / RECIPE
    path.write_text(repeat(edit, room.editor, room.model).recipe)
    (variant,) = load_recipe(path, LatentSource.of(room.model.generator))
    np.testing.assert_array_equal(variant.apply(room.editor.base(edit)), room.editor.w_plus(edit))


def tune(room: Studio, name: str, seed: int) -> None:
    """Lay a delta beside a latent of the shelf."""
    generator, random = room.model.generator, np.random.default_rng(seed)
    tensors = {
        f"synthesis.layers.{layer}.{kind}": 0.3 * random.standard_normal(size, dtype=np.float32)
        for layer in (10, 11)
        for kind in ("weight", "noise")
        for size in [tuple(generator.state_dict()[f"synthesis.layers.{layer}.{kind}"].shape)]
    }
    digest = latent_digest(room.shelf.w_plus(name))
    save_delta(delta_path(room.shelf.path(name)), Delta(generator.digest, digest, tensors))


@pytest.mark.parametrize(
    ("name", "tuned"),
    [("all", ()), ("sample", ()), ("all", ("ann", "calm")), ("whole morph", ("bob",)), ("walk", ("glad",))],
)
def test_the_command_makes_the_same_picture_bit_for_bit(
    room: Studio, name: str, tuned: tuple[str, ...], i2s: Callable[..., Run], tmp_path: Path
) -> None:
    edit = Edit.model_validate(EDITS[name])
    plain = room.editor.tuned(edit)
    for seed, latent in enumerate(tuned):
        tune(room, latent, seed)
    assert (room.editor.tuned(edit).delta is not None) == bool(tuned)
    np.testing.assert_array_equal(room.editor.tuned(edit).w_plus, plain.w_plus)
    exported = room.exporter.export(ExportRequest(edit=edit, kind="picture"))
    told = repeat(edit, room.editor, room.model)
    (tmp_path / RECIPE).write_text(told.recipe)
    program, *words = shlex.split(told.command)
    assert program == "i2s-trt"
    run = i2s(*words)
    assert run.code == 0, run.err
    (picture,) = (tmp_path / "edited").glob("*.png")
    np.testing.assert_array_equal(np.array(Image.open(picture)), np.array(Image.open(BytesIO(exported.data))))
    shutil.rmtree(tmp_path / "edited")


def test_the_command_names_what_really_draws(room: Studio, demo: StudioModel) -> None:
    def refuse(name: str) -> Any:
        raise AssertionError(name)

    graphs = GraphSynthesizer(demo.generator, refuse, lambda: False)
    model = replace(demo, synthesizers=(graphs,), engine="onnxruntime")
    edit = Edit.model_validate(EDITS["plain"])
    assert "--engine onnxruntime" in repeat(edit, room.editor, model).command
    tune(room, "glad", 0)
    assert "--engine torch" in repeat(edit, room.editor, model).command


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"base": {"kind": "latent", "name": "nobody"}}, UsageError, "no latent named nobody"),
        ({"style": {"name": "bob", "rows": [True]}}, UsageError, "the model has 12"),
        ({"expressions": [{"kind": "direction", "name": "tall", "strength": 1}]}, UsageError, "no direction tall"),
        ({"base": {"kind": "mix", "parts": [{"name": "ann", "weight": 0}]}}, UsageError, "weighs nothing"),
    ],
)
def test_what_cannot_be_made_is_told(room: Studio, change: dict[str, Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        room.editor.w_plus(Edit.model_validate(EDITS["plain"] | change))


def test_absurd_latents_are_refused(room: Studio) -> None:
    push = [{"kind": "direction", "name": "older", "strength": 100}] * 8
    far = EDITS["plain"] | {"expressions": push, "truncation": 2}
    room.exporter.save_as(Edit.model_validate(far), "far")
    farther = far | {"base": {"kind": "mix", "parts": [{"name": "far", "weight": 1}]}}
    with pytest.raises(LatentError, match="values of up to"):
        room.editor.w_plus(Edit.model_validate(farther))


def test_exports_and_what_is_saved(served: Served, tmp_path: Path, frames: int) -> None:
    edit = {"base": {"kind": "random", "seed": 3}}
    answer = served.client.post("/api/export", json={"edit": edit, "kind": "latent"})
    assert 'filename="sample-edit.safetensors"' in answer.headers["content-disposition"]
    (tmp_path / "sample.safetensors").write_bytes(answer.content)
    assert read_latent(tmp_path / "sample.safetensors").options["edit"]["base"]["seed"] == 3
    assert served.json("POST", "/api/save", json={"edit": edit, "name": "kept"})["made"]
    picture = served.client.post("/api/export", json={"edit": edit, "kind": "picture"}).content
    kept = served.client.get("/api/shelf/kept/picture").content
    np.testing.assert_array_equal(np.array(Image.open(BytesIO(picture))), np.array(Image.open(BytesIO(kept))))
    film = served.client.post("/api/export", json={"edit": edit, "kind": "morph", "to": "ann"})
    assert film.headers["content-type"] == "video/mp4"
    for kind, said in (("morph", "ends at a latent"), ("pasted", "no photograph")):
        refused = served.client.post("/api/export", json={"edit": edit, "kind": kind})
        assert refused.status_code == 400
        assert said in refused.json()["error"]
