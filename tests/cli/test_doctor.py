"""`i2s-trt doctor`."""

from pathlib import Path

import torch

from tests.cli.support import I2s, invoke


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
