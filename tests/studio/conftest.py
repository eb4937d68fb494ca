"""A studio that is served for real, on a port of its own, with a model that is small enough to embed in seconds."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets import Origin
from websockets.sync.client import ClientConnection, connect

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.studio import exports
from i2s_trt.studio.door import Door
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.serve import bind, make_server
from i2s_trt.studio.studio import Studio
from i2s_trt.synthesizer import TorchSynthesizer

SMALL = "random-16"


def small_model(name: str = SMALL) -> StudioModel:
    """A model that renders in PyTorch."""
    generator = load_generator(name)
    return StudioModel(name, generator, (TorchSynthesizer(generator),))


@dataclass(frozen=True)
class Served:
    """A studio that can be reached."""

    studio: Studio
    door: Door
    client: httpx.Client

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.door.port}"

    def json(self, method: str, path: str, **options: Any) -> Any:
        answer = self.client.request(method, path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def connect(self) -> ClientConnection:
        """A WebSocket as the page has it."""
        return connect(f"ws://{self.host}/ws", origin=Origin(f"http://{self.host}"), proxy=None)


@contextmanager
def serving(folder: Path, model: StudioModel, token: str = "", port: int = 0) -> Iterator[Served]:
    """Serve a folder, and end."""
    listener = bind("127.0.0.1", port)
    door = Door("127.0.0.1", listener.getsockname()[1], token)
    studio, started = Studio(model, folder), threading.Event()
    server = make_server(studio, door, started.set)
    thread = threading.Thread(target=lambda: server.run(sockets=[listener]))
    thread.start()
    try:
        assert started.wait(30)
        with httpx.Client(base_url=f"http://127.0.0.1:{door.port}", timeout=60, trust_env=False) as client:
            yield Served(studio, door, client)
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.fixture(scope="module")
def model() -> StudioModel:
    return small_model()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, model: StudioModel) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("shelf"), model) as running:
        yield running


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many frames a film has, where that matters to no check: a few."""
    monkeypatch.setattr(exports, "_FRAMES", 12)
    return 12


@pytest.fixture
def serve() -> Callable[..., Any]:
    return serving
