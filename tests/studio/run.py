"""Embeddings as a client has them: sent, asked for, waited for."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from i2s_trt.errors import EnvironmentFault
from tests.studio.conftest import Served

_SECONDS = 90


def send(served: Served, path: Path) -> Any:
    return served.json("POST", "/api/photographs", content=path.read_bytes(), headers={"X-Name": "Ann%20at%20work"})


def embed(served: Served, photograph: str, name: str, **settings: Any) -> int:
    request = {"photograph": photograph, "name": name, "schedule": "paper", "prior": 0, **settings}
    return int(served.json("POST", "/api/embeddings", json=request)["id"])


def wait(served: Served, number: int, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        told = {item["id"]: item for item in served.json("GET", "/api/embeddings")["embeddings"]}[number]
        if until(told):
            return dict(told)
        time.sleep(0.05)
    raise AssertionError(told)


def ended(told: dict[str, Any]) -> bool:
    return told["state"] not in ("queued", "running")


def running(told: dict[str, Any]) -> bool:
    return bool(told["state"] == "running" and told["step"] > 0)


def listed(served: Served) -> list[int]:
    return [one["id"] for one in served.json("GET", "/api/embeddings")["embeddings"]]


def fail(served: Served, photograph: str, *names: str) -> list[int]:
    """Embeddings that end at once, as where no more memory is to be had."""
    error = EnvironmentFault("there is not enough memory", "close other programs")
    with patch.object(served.studio.photographs, "prepare", side_effect=error):
        numbers = [embed(served, photograph, name) for name in names]
        for number in numbers:
            wait(served, number, ended)
    return numbers
