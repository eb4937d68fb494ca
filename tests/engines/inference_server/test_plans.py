"""Triton model repositories of TensorRT plans: ensembles that give the noise, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from engines.errors import EngineError
from engines.inference_server.repository import write_repository
from engines.plan import EngineRequest, Prospect
from engines.profiles import BatchProfile
from engines.tensorrt.cache import Miss
from export.source import GraphSource
from i2s_trt.errors import UsageError
from tests.engines.inference_server.support import PROFILE, config_of, exported_of, onnx_prospect, plan_prospect, port
from tests.export.shared import slim

pytestmark = pytest.mark.usefixtures("shared_home")


@pytest.fixture
def source() -> GraphSource:
    return slim(16, 8, 16)


def test_a_plan_with_noise_becomes_an_ensemble(tmp_path: Path, source: GraphSource) -> None:
    prospect = plan_prospect(source, "synthesis")
    assert write_repository(tmp_path, "demo", [prospect]) == ["demo_synthesis"]
    whole, plan, giver = (config_of(tmp_path, f"demo_synthesis{part}") for part in ("", "_plan", "_constants"))
    noise = [port(f"noise_{i}", "TYPE_FP32", 1, 1, 4 << i // 2, 4 << i // 2) for i in range(6)]
    w_plus, pixels = port("w_plus", "TYPE_FP32", -1, 6, 16), port("pixels", "TYPE_UINT8", -1, 16, 16, 3)
    assert (whole["platform"], whole["input"], whole["output"]) == ("ensemble", [w_plus], [pixels])
    assert (plan["platform"], plan["input"], plan["output"]) == ("tensorrt_plan", [w_plus, *noise], [pixels])
    assert (giver["platform"], giver["input"], giver["output"]) == ("onnxruntime_onnx", [w_plus], noise)
    assert [config["max_batch_size"] for config in (whole, plan, giver)] == [0, 0, 0]
    check_ensemble(whole, {config["name"]: config for config in (plan, giver)})
    assert (tmp_path / "demo_synthesis_plan" / "1" / "model.plan").read_bytes() == b"a plan of synthesis"
    assert (tmp_path / "demo_synthesis" / "1").is_dir()
    assert "TensorRT 11.4.0.106 only, on NVIDIA L4" in (tmp_path / "demo_synthesis_plan" / "config.pbtxt").read_text()


def check_ensemble(whole: dict[str, Any], parts: dict[str, dict[str, Any]]) -> None:
    """What Triton checks: every tensor is made once, before it is used, with one type and shape everywhere."""
    known = {tensor["name"]: tensor for tensor in whole["input"]}
    for step in whole["ensemble_scheduling"]["step"]:
        part = parts[step["model_name"]]
        taken = {entry["key"]: entry["value"] for entry in step["input_map"]}
        assert set(taken) == {tensor["name"] for tensor in part["input"]}
        for tensor in part["input"]:
            assert known[taken[tensor["name"]]] == tensor
        given = {entry["key"]: entry["value"] for entry in step["output_map"]}
        for tensor in part["output"]:
            assert given[tensor["name"]] not in known
            known[given[tensor["name"]]] = tensor
    assert all(known[tensor["name"]] == tensor for tensor in whole["output"])


def test_the_constants_model_gives_the_noise(tmp_path: Path, source: GraphSource) -> None:
    prospect = plan_prospect(source, "synthesis")
    write_repository(tmp_path, "demo", [prospect])
    path = tmp_path / "demo_synthesis_constants" / "1" / "model.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["w_plus"]
    for batch in (1, 3):
        given = session.run(None, {"w_plus": np.zeros((batch, 6, 16), np.float32)})
        for value, noise in zip(given, source.generator.synthesis.stored_noise(), strict=True):
            np.testing.assert_array_equal(value, noise.numpy())


def test_a_plan_without_constants_is_batched(tmp_path: Path, source: GraphSource) -> None:
    assert write_repository(tmp_path, "demo", [plan_prospect(source, "mapping")]) == ["demo_mapping"]
    config = config_of(tmp_path, "demo_mapping")
    assert (config["platform"], config["max_batch_size"]) == ("tensorrt_plan", 8)
    assert config["input"] == [port("z", "TYPE_FP32", 16)]
    assert [path.name for path in tmp_path.iterdir()] == ["demo_mapping"]


def test_writing_again_with_another_backend_leaves_nothing_stale(tmp_path: Path, source: GraphSource) -> None:
    version = tmp_path / "demo_mapping" / "1"
    write_repository(tmp_path, "demo", [plan_prospect(source, "mapping")])
    write_repository(tmp_path, "demo", [onnx_prospect(source, "mapping")])
    assert [path.name for path in version.iterdir()] == ["model.onnx"]
    write_repository(tmp_path, "demo", [plan_prospect(source, "mapping")])
    assert [path.name for path in version.iterdir()] == ["model.plan"]


def test_what_triton_cannot_serve_is_refused(tmp_path: Path, source: GraphSource) -> None:
    built = plan_prospect(source, "mapping")
    rtx = replace(built, request=replace(built.request, backend="tensorrt-rtx"))
    with pytest.raises(UsageError, match="no backend for tensorrt-rtx") as caught:
        write_repository(tmp_path, "demo", [rtx])
    assert "--backend onnxruntime" in caught.value.hint
    with pytest.raises(UsageError, match="the mapping engine is not built"):
        write_repository(tmp_path, "demo", [replace(built, engine=Miss("not built yet"))])
    with pytest.raises(UsageError, match="two engines for demo_mapping"):
        write_repository(tmp_path, "demo", [built, built])
    with pytest.raises(UsageError, match="takes no single request") as caught:
        write_repository(tmp_path, "demo", [plan_prospect(source, "mapping", BatchProfile(4, 4, 8))])
    assert "--batch 1,8" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_damaged_files_are_not_deployed(tmp_path: Path, source: GraphSource) -> None:
    built = plan_prospect(source, "images")
    assert built.engine is not None
    assert not isinstance(built.engine, Miss)
    built.engine.plan.write_bytes(b"another plan!!!!")
    with pytest.raises(EngineError, match=r"sha256 differs|bytes instead of"):
        write_repository(tmp_path, "demo", [built])
    exported = exported_of(onnx_prospect(source, "images"))
    whole = exported.path.read_bytes()
    try:
        exported.path.write_bytes(whole[:-8])
        damaged = Prospect(EngineRequest("onnxruntime", "images", "fp32", PROFILE), exported, None, "key", 1)
        with pytest.raises(UsageError, match="is not the file that was exported"):
            write_repository(tmp_path, "demo", [damaged])
    finally:
        exported.path.write_bytes(whole)
    assert not list(tmp_path.iterdir())
