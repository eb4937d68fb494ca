"""`i2s-trt build-engines` and `i2s-trt engines`, with real TensorRT-RTX builds."""

from pathlib import Path

import pytest

from tests.cli.support import I2s, invoke, refused

pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")
RTX = ("--backend", "tensorrt-rtx", "--precision", "fp16", "--target", "sm89", "--graphs", "mapping,synthesis")


def test_dry_run_build_hit_damage_list_and_prune(small: Path, own_home: Path) -> None:
    dry = invoke("build-engines", "-m", small, *RTX, "--dry-run")
    assert dry.exit_code == 0
    assert dry.stdout.count("to export and build") == 2
    assert not (own_home / "graphs").exists()

    built = invoke("build-engines", "-m", small, *RTX)
    assert built.exit_code == 0, built.stderr
    assert built.stdout.count(" made ") == 2
    assert "pixels: at most" in built.stdout
    again = invoke("build-engines", "-m", small, *RTX)
    assert again.stdout.count(" kept ") == 2
    there = invoke("build-engines", "-m", small, *RTX, "--dry-run")
    assert there.stdout.count(" there ") == 2

    plans = sorted((own_home / "engines").glob("*/plan.engine"))
    assert len(plans) == 2
    data = bytearray(plans[0].read_bytes())
    data[len(data) // 2] ^= 1
    plans[0].write_bytes(data)
    assert "sha256 differs" in invoke("build-engines", "-m", small, *RTX, "--dry-run").stdout
    listed = invoke("engines", "list")
    assert "unusable" in listed.stdout
    assert "2 engines in" in listed.stdout
    assert "removed 1 engine," in invoke("engines", "prune").stdout
    repaired = invoke("build-engines", "-m", small, *RTX)
    assert (repaired.stdout.count(" made "), repaired.stdout.count(" kept ")) == (1, 1)
    assert "removed 2 engines," in invoke("engines", "prune", "--all").stdout
    assert "0 engines in" in invoke("engines", "list").stdout


def test_onnx_runtime_needs_no_plans_and_json_is_complete(i2s: I2s, small: Path, own_home: Path) -> None:
    run = i2s("build-engines", "-m", small, "--graphs", "mapping,images", "--batch", "2", "--json")
    assert (run.code, run.err) == (0, "")
    assert [(event["graph"], event["made"], event["complete"]) for event in run.events] == [
        ("mapping", True, True),
        ("images", True, True),
    ]
    assert run.events[0]["batches"] == [2, 2, 2]
    assert not (own_home / "engines").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--precision", "int8"), "--precision"),
        (("--backend", "openvino"), "no engine backend named openvino"),
        (("--batch", "0"), "batch sizes"),
        (("--batch", "x"), "--batch"),
        (("--graphs", "pixels"), "no graph named pixels"),
        (("--backend", "tensorrt-rtx", "--target", "sm90"), "sm90"),
    ],
)
def test_bad_requests_are_refused(small: Path, arguments: tuple[str, ...], message: str) -> None:
    refused(invoke("build-engines", "-m", small, "--graphs", "mapping", *arguments), 2, message)


def test_a_triton_repository_is_written(small: Path, tmp_path: Path) -> None:
    arguments = ("build-engines", "-m", small, "--graphs", "mapping", "--triton", tmp_path / "triton")
    done = invoke(*arguments)
    assert done.exit_code == 0, done.output
    (model,) = (tmp_path / "triton").iterdir()
    assert sorted(path.name for path in model.iterdir()) == ["1", "config.pbtxt"]
    assert f"Triton models in {tmp_path / 'triton'}: {model.name}" in " ".join(done.stdout.split())
    refused(invoke(*arguments, *RTX), 2, "tensorrt-rtx")
