"""Triton model repositories: configurations that parse strictly, and ONNX files that run without their noise."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from engines.builder import Plan, Tensor
from engines.cache import EngineKey, Miss, build_once
from engines.onnx_runtime import OnnxRuntimeRunner
from engines.plan import EngineRequest, Prospect
from engines.profiles import BatchProfile
from engines.tensorrt_module import EngineError
from engines.triton import triton_name, write_repository
from engines.triton_config import Symbol, to_text
from export.keys import ExportedGraph
from export.library import export_graph
from export.source import GraphSource
from i2s_trt.errors import UsageError
from i2s_trt.models.generator import Generator
from i2s_trt.models.random_weights import random_weights, standard_spec
from i2s_trt.models.vgg import Vgg16

pytestmark = pytest.mark.usefixtures("module_home")

Array = np.ndarray[Any, Any]
PROFILE = BatchProfile(1, 4, 8)

# The fields of Triton's ModelConfig that are written here, by message; a tuple stands for a repeated field.
TENSOR = {"name": str, "data_type": Symbol, "dims": (int,)}
MAP_ENTRY = {"key": str, "value": str}
STEP = {"model_name": str, "model_version": int, "input_map": (MAP_ENTRY,), "output_map": (MAP_ENTRY,)}
MODEL_CONFIG = {
    "name": str,
    "platform": str,
    "max_batch_size": int,
    "input": (TENSOR,),
    "output": (TENSOR,),
    "dynamic_batching": {"preferred_batch_size": (int,), "max_queue_delay_microseconds": int},
    "ensemble_scheduling": {"step": (STEP,)},
}
DATA_TYPES = {"TYPE_FP32", "TYPE_FP16", "TYPE_UINT8"}
TOKEN = re.compile(r'\s*(?:#[^\n]*\n\s*)*("(?:[^"\\]|\\.)*"|-?\d+|[A-Za-z_]\w*|[{}\[\]:,])')


def parse(text: str) -> dict[str, Any]:
    """A strict reader of protobuf's text format: unknown fields, wrong types and repeated singular fields fail."""
    tokens = iter(_tokens(text))
    found = _message(tokens, MODEL_CONFIG, end="")
    assert {port["data_type"] for port in [*found["input"], *found["output"]]} <= DATA_TYPES
    return found


def _tokens(text: str) -> Iterator[str]:
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        assert match, text[position : position + 40]
        yield match[1]
        position = match.end()
    yield ""


def _message(tokens: Iterator[str], schema: dict[str, Any], end: str) -> dict[str, Any]:
    found: dict[str, Any] = {field: [] for field, kind in schema.items() if isinstance(kind, tuple)}
    while (field := next(tokens)) != end:
        kind = schema[field]
        repeated, element = isinstance(kind, tuple), kind[0] if isinstance(kind, tuple) else kind
        if isinstance(element, dict):
            assert next(tokens) == "{"
            values = [_message(tokens, element, "}")]
        else:
            assert next(tokens) == ":"
            values = list(_values(tokens, element, repeated))
        if repeated:
            found[field] += values
        else:
            assert field not in found
            (found[field],) = values
    return found


def _values(tokens: Iterator[str], kind: type, repeated: bool) -> Iterator[Any]:
    token = next(tokens)
    if token != "[":
        yield _scalar(token, kind)
        return
    assert repeated
    while token != "]":
        yield _scalar(next(tokens), kind)
        token = next(tokens)
        assert token in {",", "]"}


def _scalar(token: str, kind: type) -> Any:
    if kind is str:
        assert token[0] == token[-1] == '"'
        return token[1:-1]
    if kind is int:
        return int(token)
    assert re.fullmatch(r"[A-Z_0-9]+", token)
    return token


@pytest.fixture(scope="module")
def source(vgg: Vgg16) -> GraphSource:
    generator = Generator.from_weights(random_weights(standard_spec(16, 8, 16), seed=3))
    return GraphSource(lambda: generator, lambda: vgg)


def onnx_prospect(source: GraphSource, graph: str, profile: BatchProfile = PROFILE) -> Prospect:
    exported = export_graph(source, graph)
    return Prospect(EngineRequest("onnxruntime", graph, "fp32", profile), exported, None, "key", 1)


def plan_prospect(source: GraphSource, graph: str, profile: BatchProfile = PROFILE) -> Prospect:
    """What a build on a GPU machine leaves: TensorRT itself cannot build here, so the plan's bytes are made up."""
    exported = export_graph(source, graph)
    model = onnx.load(exported.path).graph
    key = EngineKey(graph, "fp32", exported.record["sha256"], "tensorrt", "11.4.0.106", profile, device="NVIDIA L4")
    plan = Plan(b"a plan of " + graph.encode(), _tensors(model.input), _tensors(model.output), 1, 0.1, 0.1)
    entry, _ = build_once(key, lambda: plan)
    return Prospect(EngineRequest("tensorrt", graph, "fp32", profile), exported, entry, key.digest(), 1)


def _tensors(values: Sequence[onnx.ValueInfoProto]) -> tuple[Tensor, ...]:
    kinds = {int(onnx.TensorProto.FLOAT): "FLOAT", int(onnx.TensorProto.UINT8): "UINT8"}
    return tuple(
        Tensor(
            value.name,
            kinds[value.type.tensor_type.elem_type],
            tuple(side.dim_value or -1 for side in value.type.tensor_type.shape.dim),
        )
        for value in values
    )


def config_of(folder: Path, name: str) -> dict[str, Any]:
    found = parse((folder / name / "config.pbtxt").read_text())
    assert found["name"] == name
    return found


def port(name: str, kind: str, *dims: int) -> dict[str, Any]:
    return {"name": name, "data_type": kind, "dims": list(dims)}


def exported_of(prospect: Prospect) -> ExportedGraph:
    assert prospect.exported is not None
    return prospect.exported


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


def test_batch_one_needs_no_gathering(tmp_path: Path, source: GraphSource) -> None:
    write_repository(tmp_path, "demo", [onnx_prospect(source, "mapping", BatchProfile(1, 1, 1))])
    assert "dynamic_batching" not in config_of(tmp_path, "demo_mapping")


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
    assert "--backend onnxruntime" in caught.value.mend
    with pytest.raises(UsageError, match="the mapping engine is not built"):
        write_repository(tmp_path, "demo", [replace(built, engine=Miss("not built yet"))])
    with pytest.raises(UsageError, match="two engines for demo_mapping"):
        write_repository(tmp_path, "demo", [built, built])
    with pytest.raises(UsageError, match="takes no single request") as caught:
        write_repository(tmp_path, "demo", [plan_prospect(source, "mapping", BatchProfile(4, 4, 8))])
    assert "--batch 1,8" in caught.value.mend
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


def test_names_are_safe_for_folders_and_urls() -> None:
    assert triton_name("demo", "synthesis") == "demo_synthesis"
    assert triton_name("../my model/é", "mapping") == "my-model-_mapping"


def test_text_is_escaped_and_the_reader_is_strict() -> None:
    empty = {"name": 'a "quoted"\nname', "platform": "", "max_batch_size": 0, "input": [], "output": []}
    assert parse(to_text(empty, "one\ntwo"))["name"] == r"a \"quoted\"\nname"
    for wrong in ('name: "a" name: "b"', "surprise: 1", "name: 3", 'max_batch_size: "3"', "input: 3"):
        with pytest.raises((AssertionError, KeyError, ValueError, StopIteration)):
            parse(wrong)
