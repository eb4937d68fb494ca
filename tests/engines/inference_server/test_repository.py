"""Triton model repositories of ONNX graphs: configurations that parse strictly, files that run without their noise."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from engines.inference_server.config import to_text
from engines.inference_server.repository import triton_name, write_repository
from engines.onnxruntime.runtime import OnnxRuntimeRunner
from engines.profiles import BatchProfile
from export.source import GraphSource
from i2s_trt.arrays import Array
from tests.engines.inference_server.support import config_of, exported_of, onnx_prospect, parse, port
from tests.export.shared import slim

pytestmark = pytest.mark.usefixtures("shared_home")


@pytest.fixture
def source() -> GraphSource:
    return slim(16, 8, 16)


def test_an_onnx_model_asks_for_latents_only(tmp_path: Path, source: GraphSource) -> None:
    prospects = [onnx_prospect(source, "mapping"), onnx_prospect(source, "synthesis")]
    assert write_repository(tmp_path, "demo", prospects) == ["demo_mapping", "demo_synthesis"]
    config = config_of(tmp_path, "demo_synthesis")
    assert (config["platform"], config["max_batch_size"]) == ("onnxruntime_onnx", 8)
    assert config["dynamic_batching"] == {"preferred_batch_size": [4, 8], "max_queue_delay_microseconds": 1000}
    assert config["input"] == [port("w_plus", "TYPE_FP32", 6, 16)]
    assert config["output"] == [port("pixels", "TYPE_UINT8", 16, 16, 3)]
    mapping = config_of(tmp_path, "demo_mapping")
    assert (mapping["input"], mapping["output"]) == ([port("z", "TYPE_FP32", 16)], [port("w", "TYPE_FP32", 16)])
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == [
        f"demo_{name}/{file}" for name in ("mapping", "synthesis") for file in ("1/model.onnx", "config.pbtxt")
    ]


@pytest.mark.parametrize("graph", ["synthesis", "images", "preview", "features", "objective"])
def test_the_written_onnx_file_computes_the_same_without_its_noise(
    graph: str, tmp_path: Path, source: GraphSource
) -> None:
    prospect = onnx_prospect(source, graph)
    (name,) = write_repository(tmp_path, "demo", [prospect])
    config = config_of(tmp_path, name)
    session = onnxruntime.InferenceSession(tmp_path / name / "1" / "model.onnx", providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    inputs = {}
    for declared, actual in zip(config["input"], session.get_inputs(), strict=True):  # noise is not among them
        assert declared["name"] == actual.name
        assert isinstance(actual.shape[0], str)  # Triton wants a free batch
        assert declared["dims"] == actual.shape[1:]
        inputs[actual.name] = random.standard_normal((3, *declared["dims"])).astype(np.float32)
    results = dict(zip([output.name for output in session.get_outputs()], session.run(None, inputs), strict=True))
    expected = OnnxRuntimeRunner(exported_of(prospect))(inputs)
    assert [output["name"] for output in config["output"]] == list(expected)
    for output in config["output"]:
        assert results[output["name"]].shape == (3, *output["dims"])
        np.testing.assert_allclose(results[output["name"]], expected[output["name"]], rtol=1e-4, atol=1e-4)


def test_the_noise_stays_small_and_can_still_be_given(tmp_path: Path, source: GraphSource) -> None:
    prospect = onnx_prospect(source, "synthesis")
    write_repository(tmp_path, "demo", [prospect])
    path = tmp_path / "demo_synthesis" / "1" / "model.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    noise = {value.name: value.shape for value in session.get_overridable_initializers()}
    assert noise == {f"noise_{i}": [1, 1, 4 << i // 2, 4 << i // 2] for i in range(6)}
    size = sum(4 * int(np.prod(shape)) for shape in noise.values())
    assert path.stat().st_size < exported_of(prospect).path.stat().st_size + size + 4096
    w_plus = np.ones((1, 6, 16), np.float32)
    silence: dict[str, Array] = {name: np.zeros(shape, np.float32) for name, shape in noise.items()}
    (plain,), (silent,) = session.run(None, {"w_plus": w_plus}), session.run(None, {"w_plus": w_plus, **silence})
    assert (plain != silent).any()


def test_batch_one_needs_no_gathering(tmp_path: Path, source: GraphSource) -> None:
    write_repository(tmp_path, "demo", [onnx_prospect(source, "mapping", BatchProfile(1, 1, 1))])
    assert "dynamic_batching" not in config_of(tmp_path, "demo_mapping")


def test_names_are_safe_for_folders_and_urls() -> None:
    assert triton_name("demo", "synthesis") == "demo_synthesis"
    assert triton_name("../my model/é", "mapping") == "my-model-_mapping"


def test_text_is_escaped_and_the_reader_is_strict() -> None:
    empty = {"name": 'a "quoted"\nname', "platform": "", "max_batch_size": 0, "input": [], "output": []}
    assert parse(to_text(empty, "one\ntwo"))["name"] == r"a \"quoted\"\nname"
    for wrong in ('name: "a" name: "b"', "surprise: 1", "name: 3", 'max_batch_size: "3"', "input: 3"):
        with pytest.raises((AssertionError, KeyError, ValueError, StopIteration)):
            parse(wrong)
