"""`i2s-trt doctor`."""

from pathlib import Path

import pytest
import torch

from i2s_trt.models import vgg_weights
from tests.cli.support import I2s, invoke
from tests.models.test_vgg_weights import damaged


def test_doctor_names_what_is_there_and_how_to_get_the_rest(own_home: Path) -> None:
    done = invoke("doctor")
    assert done.exit_code == 0
    for word in (torch.__version__, "cores", str(own_home), "GiB free", "i2s-trt models pull vgg16", "tensorrt-rtx"):
        assert word in done.output


def test_doctor_for_machines(i2s: I2s) -> None:
    run = i2s("doctor", "--json")
    (event,) = run.events
    assert (run.code, run.err, event["healthy"]) == (0, "", True)
    backends = {backend["name"]: backend for backend in event["backends"]}
    assert set(backends) == {"torch", "onnxruntime", "tensorrt", "tensorrt-rtx", "pycuda", "cuda-python"}
    assert backends["torch"]["version"] == torch.__version__
    for backend in backends.values():
        assert backend["version"] or backend["detail"].startswith("pip install 'i2s-trt[")
    assert set(event["cache_bytes"]) == {"graphs", "engines", "timings"}
    assert event["cuda_graphs"]
    assert event["driver"]
    assert event["imagenet"] == {"whole": True, "licence": vgg_weights.LICENCE}


def test_doctor_shows_the_built_in_features() -> None:
    done = invoke("doctor")
    assert "whole, the default features; CC BY 4.0" in done.output


def test_doctor_finds_damaged_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vgg_weights, "WEIGHTS", damaged(tmp_path))
    done = invoke("doctor")
    assert done.exit_code == 3
    assert "VGG-16 are damaged" in done.output
    assert "install i2s-trt again" in done.output
