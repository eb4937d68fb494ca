"""Files of edits that take their time: how far they are is told, and what nobody waits for is not finished."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from i2s_trt.deltas import TunedLatent
from i2s_trt.process import Stopped
from i2s_trt.studio.exports import WAITING
from i2s_trt.studio.protocol import ExportRequest
from tests.studio.conftest import Served

MORPH = {"edit": {"base": {"kind": "latent", "name": "ann"}}, "kind": "morph", "to": "bob"}
PICTURE = {"edit": {"base": {"kind": "latent", "name": "ann"}}, "kind": "picture"}


@pytest.fixture
def slow(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Semaphore]:
    """Pictures take as long as nobody lets them pass."""
    gate, whole = threading.Semaphore(0), type(served.studio.model).picture

    def picture(self: object, latent: TunedLatent) -> object:
        gate.acquire(timeout=60)
        return whole(self, latent)  # type: ignore[arg-type]

    monkeypatch.setattr(type(served.studio.model), "picture", picture)
    yield gate
    gate.release(1000)


def _drawn(gate: threading.Semaphore, count: int) -> None:
    gate.release(count)
    end = time.monotonic() + 30
    while gate._value:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_progress_of_a_film_is_told_under_its_ticket(served: Served, frames: int) -> None:
    with served.connect() as socket:
        film = served.client.post("/api/export", json=MORPH | {"ticket": 7})
        assert film.headers["content-type"] == "video/mp4"
        told = json.loads(socket.recv(timeout=30))
    assert told.pop("done") < frames
    assert told == {"type": "export", "ticket": 7, "of": frames}


def test_every_frame_is_counted_and_none_is_made_after_a_stop(served: Served, frames: int) -> None:
    request, counted = ExportRequest.model_validate(MORPH), list[tuple[int, int]]()
    whole = served.studio.exporter.export(request, lambda done, of: counted.append((done, of)))
    assert counted == [(done, frames) for done in range(frames)]
    assert whole.data[4:8] == b"ftyp"
    counted.clear()
    with pytest.raises(Stopped):
        served.studio.exporter.export(request, lambda done, of: counted.append((done, of)), lambda: len(counted) > 2)
    assert counted == [(0, frames), (1, frames), (2, frames)]
    assert served.studio.exporter.export(request).data == whole.data


def test_a_film_ends_when_its_client_has_gone(served: Served, slow: threading.Semaphore) -> None:
    with served.connect() as socket:
        with pytest.raises(httpx.ReadTimeout):
            served.client.post("/api/export", json=MORPH | {"ticket": 1}, timeout=1)
        assert json.loads(socket.recv(timeout=30))["done"] == 0
        time.sleep(1)  # the server looks a few times a second whether anybody waits
        _drawn(slow, 1)
        with pytest.raises(TimeoutError):
            socket.recv(timeout=1)
    slow.release(2)
    assert served.client.post("/api/export", json=PICTURE).status_code == 200, "it is the next one's turn"


def test_who_leaves_while_waiting_gives_the_place_away(served: Served, slow: threading.Semaphore) -> None:
    def ask(seconds: float) -> int:
        try:
            return served.client.post("/api/export", json=PICTURE, timeout=seconds).status_code
        except httpx.ReadTimeout:
            return 0

    def insist() -> int:
        while (answer := ask(60)) == 400:
            time.sleep(0.1)
        return answer

    with ThreadPoolExecutor(WAITING) as clients:
        assert list(clients.map(ask, [1.0] * WAITING)) == [0] * WAITING, "all wait for the first one's picture"
        later = [clients.submit(insist) for _ in range(WAITING - 1)]
        assert 400 in (ask(0.5) for _ in range(60)), "the first one's picture is not done: it keeps its place"
        slow.release(1000)
        assert [one.result() for one in later] == [200] * (WAITING - 1)
    assert served.client.post("/api/export", json=PICTURE).status_code == 200


def test_a_mix_belongs_to_its_first_face_whatever_it_weighs(served: Served) -> None:
    parts = [{"name": "ann", "weight": 0}, {"name": "bob", "weight": 1}]
    mixed = served.client.post(
        "/api/export", json={"edit": {"base": {"kind": "mix", "parts": parts}}, "kind": "picture"}
    )
    assert 'filename="ann-edit.png"' in mixed.headers["content-disposition"]
    bob = served.client.post(
        "/api/export", json={"edit": {"base": {"kind": "latent", "name": "bob"}}, "kind": "picture"}
    )
    assert mixed.content == bob.content
    told = served.json("POST", "/api/repeat", json={"edit": {"base": {"kind": "mix", "parts": parts}}})
    assert " ann.safetensors " in told["command"], "the face that the morph starts from, however far it goes"
    assert 'with = "bob.safetensors"\nweight = 0.0\n' in told["recipe"]
