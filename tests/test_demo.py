"""The demo in few steps: every file is written, also when it is stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from i2s_trt.demo import OPTIONS, run_demo
from i2s_trt.embedding import curvature
from i2s_trt.images.decode import decode
from i2s_trt.latents import read_latent

PICTURES = ("astronaut", "cat", "coffee", "portrait", "solemn", "smiling")


@pytest.fixture(autouse=True)
def rough_curvature(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few probes: the whole measurement takes longer than the steps of these tests."""
    monkeypatch.setattr(curvature, "POINTS", 1)
    monkeypatch.setattr(curvature, "PROBES", 4)


def test_six_pictures_are_embedded_and_laid_out_on_one_sheet(tmp_path: Path) -> None:
    seen: list[int] = []
    result = run_demo(tmp_path, lambda progress: seen.append(progress.of), replace(OPTIONS, steps=4))
    assert not result.interrupted
    assert seen == [4] * 4
    assert tuple(result.embeddings) == PICTURES
    for name in PICTURES:
        latent = read_latent(tmp_path / f"{name}.safetensors")
        assert (latent.status, latent.extra["source"]) == ("finished", name)
        assert latent.options["schedule"] == "fast"
        assert latent.curve_terms[-1] == "prior"
        assert latent.losses["total"] < latent.curve[0, 0]
    sheet = decode(result.sheet)
    assert sheet.shape[0] > sheet.shape[1] > 6 * 128
    assert np.unique(sheet.reshape(-1, 3), axis=0).shape[0] > 10_000


def test_a_stopped_demo_writes_what_it_has(tmp_path: Path) -> None:
    result = run_demo(tmp_path, lambda _: True, OPTIONS)
    assert result.interrupted
    assert result.sheet.is_file()
    assert {read_latent(tmp_path / f"{name}.safetensors").status for name in PICTURES} == {"interrupted"}
    assert all(len(embedding.latent.curve) == 1 for embedding in result.embeddings.values())
