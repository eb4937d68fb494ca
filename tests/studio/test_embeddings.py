"""Embeddings: in real children, stopped, gone on with, cancelled, killed; results on the shelf."""

import json
import multiprocessing
import os
import signal
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from i2s_trt.deltas import delta_path
from i2s_trt.embedding.embed import EmbedProblem, optimise
from i2s_trt.embedding.embedder import Embedder
from i2s_trt.embedding.options import EmbedOptions
from i2s_trt.embedding.steps.state import EmbedState
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from i2s_trt.studio.embedding_run import thinned
from i2s_trt.studio.embedding_state import keep_state, lengthened, load_state
from i2s_trt.studio.embeddings import FOLDER
from i2s_trt.synthesizer import TorchSynthesizer
from tests.studio.conftest import Served
from tests.studio.run import embed, ended, fail, listed, running, send, wait


def test_a_tuned_one_brings_its_delta_and_is_drawn_with_it(served: Served, photograph: Any) -> None:
    studio = served.studio
    number = embed(served, photograph["id"], "tuned", steps=3, tune=4)
    told = wait(served, number, ended)
    assert (told["state"], told["step"], told["of"], told["tune"], told["error"]) == ("finished", 7, 7, 4, None)
    assert [step for step, _ in told["curve"]][-1] == 3, "the loss of tuning is another one"
    described = studio.shelf.describe("tuned")
    assert described.tuned
    latent = studio.shelf.tuned("tuned")
    assert latent.delta is not None
    drawn = TorchSynthesizer(studio.model.generator).tuned(latent.delta)(np.array(latent.w_plus)[None])[0]
    plain = TorchSynthesizer(studio.model.generator)(np.array(latent.w_plus)[None])[0]
    picture = np.array(Image.open(BytesIO(served.client.get(described.picture).content)))
    assert np.abs(picture.astype(int) - drawn).max() <= 1
    assert np.abs(picture.astype(int) - plain).max() > 3
    edit = {"base": {"kind": "latent", "name": "tuned"}}
    exported = served.client.post("/api/export", json={"edit": edit, "kind": "picture"}).content
    np.testing.assert_array_equal(np.array(Image.open(BytesIO(exported))), picture)
    half = [{"name": "tuned", "weight": 1}, {"name": "ann", "weight": 1}]
    mix = {"base": {"kind": "mix", "parts": half}}
    served.json("POST", "/api/save", json={"edit": mix, "name": "half"})
    assert studio.shelf.describe("half").tuned
    mixed = studio.shelf.delta("half")
    assert mixed is not None
    for name, array in mixed.tensors.items():
        np.testing.assert_allclose(array, latent.delta.tensors[name] / 2, atol=np.abs(array).max() / 100)
    served.json("POST", "/api/shelf/tuned/rename", json={"to": "fitted"})
    assert studio.shelf.describe("fitted").tuned
    assert not delta_path(studio.shelf.path("tuned")).exists()
    served.json("DELETE", "/api/shelf/fitted")
    assert not delta_path(studio.shelf.path("fitted")).exists()


@pytest.fixture(scope="module")
def photograph(served: Served, astronaut: Path) -> Any:
    return send(served, astronaut)


def test_a_photograph_is_taken_in_with_its_faces(served: Served, photograph: Any, astronaut: Path) -> None:
    assert (photograph["width"], photograph["height"], photograph["name"]) == (512, 512, "Ann at work")
    (face,) = photograph["faces"]
    assert 0.5 < face["score"] <= 1
    assert len(face["quad"]) == 4
    assert send(served, astronaut)["id"] == photograph["id"]
    assert served.client.get(photograph["picture"]).headers["content-type"] == "image/jpeg"
    refused = served.client.post("/api/photographs", content=b"no picture")
    assert refused.status_code == 422
    assert refused.json()["hint"]


def test_an_embedding_lands_on_the_shelf_and_goes_on(served: Served, photograph: Any) -> None:
    quad = photograph["faces"][0]["quad"]
    number = embed(served, photograph["id"], "astro", steps=6, quad=quad)
    told = wait(served, number, ended)
    assert (told["state"], told["step"], told["of"], told["error"]) == ("finished", 6, 6, None)
    assert told["curve"][-1] == [6, told["loss"]]
    first = served.studio.shelf.describe("astro")
    assert (first.status, first.made, first.loss) == ("finished", False, told["loss"])
    served.json("POST", f"/api/embeddings/{number}/more", json={"steps": 4})
    longer = wait(served, number, lambda told: ended(told) and told["of"] == 10)
    assert (longer["state"], longer["step"], longer["name"]) == ("finished", 10, "astro")
    latent = served.studio.shelf.latent("astro")
    assert len(latent.curve) == 10
    edit = {"base": {"kind": "latent", "name": "astro"}}
    pasted = served.client.post("/api/export", json={"edit": edit, "kind": "pasted"})
    assert pasted.headers["content-type"] == "image/png"
    assert served.client.get(served.studio.shelf.describe("astro").target or "").status_code == 200
    folder = served.studio.shelf.folder / FOLDER
    assert list(folder.glob(f"{number}-*"))
    assert served.json("POST", f"/api/embeddings/{number}/dismiss")["state"] == "dismissed"
    assert not list(folder.glob(f"{number}-*")), "nothing is kept to go on with"
    assert "astro" in served.studio.shelf.names()


@pytest.mark.parametrize("schedule", ["paper", "fast"])
def test_going_on_is_as_if_it_had_never_ended(
    toy: Generator, vgg: Vgg16, tmp_path: Path, schedule: str, rough_curvature: None
) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (16, 16, 3)).astype(np.uint8)

    def problem(steps: int) -> EmbedProblem:
        return EmbedProblem(Embedder(toy, EmbedOptions(steps=steps, schedule=schedule), vgg), [picture])  # type: ignore[arg-type]

    whole, part, rest = problem(7), problem(3), problem(7)
    state, begun = whole.start(), part.start()
    optimise(whole, state)
    optimise(part, begun)
    keep_state(tmp_path / "state", begun, 1.5)
    found = load_state(tmp_path / "state", type(begun))
    assert found is not None
    assert found[1] == 1.5
    onward = lengthened(found[0], 7)
    optimise(rest, onward)
    assert int(onward.step) == 7
    assert torch.equal(onward.answer, state.answer)
    assert torch.equal(onward.history, state.history)


def test_a_damaged_state_is_none(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"torn")
    assert load_state(tmp_path / "state", EmbedState) is None
    assert load_state(tmp_path / "missing", EmbedState) is None


def test_one_is_stopped_the_next_is_cancelled_and_both_can_go_on(served: Served, photograph: Any) -> None:
    first = embed(served, photograph["id"], "long", steps=20_000)
    second = embed(served, photograph["id"], "waits", steps=2)
    third = embed(served, photograph["id"], "last", steps=20_000)
    assert wait(served, second, lambda told: True)["position"] >= 1
    wait(served, first, running)
    assert served.client.post(f"/api/embeddings/{first}/more", json={"steps": 1}).status_code == 400
    for unfinished in (first, second):
        assert served.client.post(f"/api/embeddings/{unfinished}/dismiss").status_code == 400
    assert served.json("DELETE", f"/api/embeddings/{second}")["state"] == "cancelled"
    served.json("POST", f"/api/embeddings/{first}/stop")
    stopped = wait(served, first, ended)
    assert stopped["state"] == "stopped"
    assert served.studio.shelf.describe("long").status == "interrupted"
    wait(served, third, running)
    served.json("DELETE", f"/api/embeddings/{third}")
    assert wait(served, third, ended)["state"] == "cancelled"
    assert "last" not in served.studio.shelf.names()
    served.json("POST", f"/api/embeddings/{first}/more", json={})
    wait(served, first, lambda told: bool(told["step"] > stopped["step"]))
    served.json("DELETE", f"/api/embeddings/{first}")
    wait(served, first, ended)


def test_as_many_steps_as_the_form_allows_can_be_gone_on_with(served: Served, photograph: Any) -> None:
    number = embed(served, photograph["id"], "most", steps=20_000, tune=1000)
    wait(served, number, running)
    served.json("POST", f"/api/embeddings/{number}/stop")
    wait(served, number, ended)
    refused = served.client.post(f"/api/embeddings/{number}/more", json={"steps": 1})
    assert refused.status_code == 400
    assert "20001 steps are more than 20000" in refused.json()["error"]
    served.json("POST", f"/api/embeddings/{number}/more", json={})
    served.json("DELETE", f"/api/embeddings/{number}")
    wait(served, number, ended)


def test_a_child_that_is_killed_is_told_and_the_queue_goes_on(served: Served, photograph: Any) -> None:
    killed = embed(served, photograph["id"], "killed", steps=20_000)
    after = embed(served, photograph["id"], "after", steps=2)
    wait(served, killed, running)
    for child in multiprocessing.active_children():
        os.kill(child.pid or 0, signal.SIGKILL)
    told = wait(served, killed, ended)
    assert told["state"] == "failed"
    assert "killed" in told["error"]
    assert told["hint"]
    assert wait(served, after, ended)["state"] == "finished"


def test_what_cannot_be_embedded_is_told(served: Served, photograph: Any) -> None:
    unknown = {"photograph": "0" * 16, "name": "x"}
    assert served.client.post("/api/embeddings", json=unknown).status_code == 404
    for quad, said in (
        ([[0, 0], [0, 9], [0, 9], [0, 0]], "shows nothing"),
        ([[900, 0], [900, 9], [909, 9], [909, 0]], "outside"),
    ):
        refused = served.client.post(
            "/api/embeddings", json={"photograph": photograph["id"], "name": "x", "quad": quad}
        )
        assert (refused.status_code, said in refused.json()["error"]) == (422, True)
    for path in ("stop", "more"):
        assert served.client.post(f"/api/embeddings/999/{path}", json={}).status_code == 400


def test_a_full_shelf_is_told_before_anything_is_embedded(
    served: Served, photograph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("i2s_trt.studio.shelf.MOST", len(served.studio.shelf.names()) + 1)
    number = embed(served, photograph["id"], "fits", steps=2)
    for when in ("while it is on its way", "once it is there"):
        refused = served.client.post("/api/embeddings", json={"photograph": photograph["id"], "name": "late"})
        assert (refused.status_code, "the shelf is full" in refused.json()["error"]) == (400, True), when
        wait(served, number, ended)
    served.json("POST", f"/api/embeddings/{number}/more", json={"steps": 1})  # takes its own place
    assert wait(served, number, lambda told: ended(told) and told["step"] == 3)["state"] == "finished"


def test_what_has_ended_is_dismissed_and_told_of_once_more(served: Served, photograph: Any) -> None:
    (number,) = fail(served, photograph["id"], "flat")
    with served.connect() as socket:
        told = served.json("POST", f"/api/embeddings/{number}/dismiss")
        news = json.loads(socket.recv(timeout=30))
    assert news == {"type": "embedding", "embedding": told}
    assert (told["id"], told["state"]) == (number, "dismissed")
    assert number not in listed(served)
    for path in ("dismiss", "more"):
        assert served.client.post(f"/api/embeddings/{number}/{path}", json={}).status_code == 400


def test_of_very_many_the_oldest_are_forgotten(
    served: Served, photograph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("i2s_trt.studio.embeddings.KEPT", 3)
    numbers = [number for _ in range(5) for number in fail(served, photograph["id"], "flat")]
    assert listed(served) == numbers[-3:]


def test_a_curve_stays_short() -> None:
    curve: list[tuple[int, float]] = []
    for step in range(1, 5000):
        curve = thinned([*curve, (step, 1.0)])
        assert len(curve) <= 200
    assert curve[0][0] == 1
    assert curve[-1][0] == 4999
