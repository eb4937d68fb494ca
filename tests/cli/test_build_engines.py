"""`i2s-trt build-engines` and `i2s-trt engines`, with real TensorRT-RTX builds."""

import json
from pathlib import Path

import pytest
from filelock import FileLock

from i2s_trt.machine import package_version
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
    again = invoke("build-engines", "-m", small, *RTX, "--verbose")
    assert again.stdout.count(" kept ") == 2
    assert "kernels after fusion" in again.stdout
    assert "UInt8[-1,16,16,3]" in again.stdout
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
    more = invoke("build-engines", "-m", small, "--graphs", "mapping", "--verbose", "--json")
    kernels = [event for line in more.stdout.splitlines() if (event := json.loads(line))["event"] == "kernel"]
    assert {"Gemm", "LeakyRelu"} <= {kernel["kind"] for kernel in kernels}


def test_targets_and_float32_make_engines_of_their_own(small: Path) -> None:
    common = ("build-engines", "-m", small, "--backend", "tensorrt-rtx", "--graphs", "mapping", "--json")

    def keys(*arguments: str) -> list[tuple[str, bool]]:
        events = [json.loads(line) for line in invoke(*common, *arguments).stdout.splitlines()]
        return [(event["key"], event["made"]) for event in events]

    (both,) = keys("--target", "sm86,sm89")
    assert both[1]
    assert keys("--target", "sm89, SM86,sm86") == [(both[0], False)]
    (exact,) = keys("--target", "sm86,sm89", "--no-tf32")
    assert exact == (exact[0], True)
    assert exact[0] != both[0]


def test_what_cannot_be_built_here_is_said_before_anything_is_exported(small: Path, own_home: Path) -> None:
    for options in ((), ("--dry-run",)):
        refused(
            invoke("build-engines", "-m", small, "--backend", "tensorrt-rtx", "--target", "sm90", *options), 2, "sm90"
        )
        refused(invoke("build-engines", "-m", small, "--backend", "openvino", *options), 2, "no engine backend")
        if not package_version("tensorrt"):
            refused(invoke("build-engines", "-m", small, "--backend", "tensorrt", *options), 3, "pip install")
    assert not (own_home / "graphs").exists()


def test_prune_takes_timings_of_builders_that_are_gone(own_home: Path) -> None:
    here = f"tensorrt-rtx-{package_version('tensorrt-rtx')}-0.timings"
    (own_home / "timings").mkdir()
    for name in (here, "tensorrt-9.1-0.timings"):
        (own_home / "timings" / name).write_bytes(b"timings")
    assert "removed 0 engines" in invoke("engines", "prune").stdout
    assert [path.name for path in (own_home / "timings").iterdir()] == [here]


def test_an_engine_that_is_being_built_is_not_pruned(own_home: Path) -> None:
    (own_home / "engines" / "key").mkdir(parents=True)
    with FileLock(own_home / "engines" / ".key.lock"):
        done = invoke("engines", "prune", "--all")
    assert "key is being built" in done.stderr
    assert (own_home / "engines" / "key").is_dir()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--precision", "int8"), "--precision"),
        (("--backend", "openvino"), "no engine backend named openvino"),
        (("--batch", "0"), "batch sizes"),
        (("--device", "tpu"), "no device named tpu"),
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
