"""How many threads of a CPU compute is part of the record, and with equal numbers of them results are equal."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2s_trt.images.compose import write_png
from i2s_trt.latents import read_latent
from tests.batch.support import pictures
from tests.conftest import Run

RECIPE = '[[edit]]\nname = "m"\noperation = "truncation"\npsi = { from = 0.9, to = 0.5, steps = 2 }\n'
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.fixture
def unlimited(i2s: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Runs commands that use all cores, as they do for a user who has set nothing."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return i2s


def threads(folder: Path) -> set[int]:
    """What the manifest says."""
    document: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return {entry["threads"] for entry in document["outputs"].values()}


@pytest.mark.slow
def test_a_worker_with_as_many_cores_renders_the_same_and_another_number_is_noted(
    unlimited: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    edit = ["edit", "r.toml", "--engine", "torch", "--seeds"]
    assert unlimited(*edit, "1-3", "-o", "alone").code == 0
    shared = unlimited(*edit, "1-3", "-o", "shared", "--cluster", "local:1", "--worker-cpus", CORES)
    assert shared.code == 0, shared.err
    assert pictures(tmp_path / "alone") == pictures(tmp_path / "shared")
    assert threads(tmp_path / "alone") == threads(tmp_path / "shared") == {CORES}
    assert "threads" not in shared.err
    if CORES > 1:
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        again = unlimited(*edit, "1-4", "-o", "shared", "--resume")
        assert f"note: some pictures are rendered with 1 and {CORES} threads" in again.err


@pytest.mark.slow
def test_a_worker_with_as_many_cores_embeds_the_same(unlimited: Callable[..., Run], tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
    write_png(tmp_path / "photo.png", photo)
    embed = ["embed", "photo.png", "--steps", "5", "--no-align", "-o"]
    assert unlimited(*embed, "alone").code == 0
    shared = unlimited(*embed, "shared", "--cluster", "local:1", "--worker-cpus", CORES)
    assert shared.code == 0, shared.err
    alone, other = (read_latent(tmp_path / name / "photo.safetensors") for name in ("alone", "shared"))
    np.testing.assert_array_equal(alone.w_plus, other.w_plus)
    assert alone.extra["threads"] == other.extra["threads"] == CORES
