"""Graphs that a TensorRT builder must refuse: each error names the node or input, and a hint."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.errors import EngineError
from engines.profiles import BatchProfile, parse_batches
from engines.tensorrt.builder import BuildOptions, build_plan
from engines.tensorrt.module import load_tensorrt
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.machine import package_version

OPTIONS = BuildOptions("tensorrt-rtx", BatchProfile(1, 4, 8), ("sm86", "sm89", "sm120"))
FLOAT, BYTES, SHORT = TensorProto.FLOAT, TensorProto.UINT8, TensorProto.BFLOAT16


@pytest.fixture(autouse=True)
def _needs_rtx() -> None:
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")


def save(path: Path, *nodes: onnx.NodeProto, side: int | str = 4, weights: tuple[np.ndarray, ...] = ()) -> Path:
    """A graph `x` -> `y` with the weights c0, c1, ..."""
    initializers = [numpy_helper.from_array(weight, f"c{i}") for i, weight in enumerate(weights)]
    x, y = (helper.make_tensor_value_info(name, FLOAT, [side, *([8, 8, 8] if side == 2 else [])]) for name in "xy")
    graph = helper.make_graph(
        nodes, "negative", [x], [y if side != 2 else helper.make_tensor_value_info("y", FLOAT, None)], initializers
    )
    opsets = [helper.make_opsetid("", 22), helper.make_opsetid("custom", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path


def refusal(path: Path, options: BuildOptions = OPTIONS) -> EngineError:
    with pytest.raises(EngineError) as caught:
        build_plan(path, {"x": [4]}, options)
    assert caught.value.hint
    assert "/_src" not in str(caught.value)
    return caught.value


def test_an_operator_it_does_not_know_is_named(tmp_path: Path) -> None:
    error = refusal(
        save(tmp_path / "a.onnx", helper.make_node("Foo", ["x"], ["y"], name="the_culprit", domain="custom"))
    )
    assert "node the_culprit (Foo)" in error.args[0]
    assert "ONNX standard" in error.hint


def test_mixed_types_are_refused(tmp_path: Path) -> None:
    node = helper.make_node("Add", ["x", "c0"], ["y"], name="the_culprit")
    error = refusal(save(tmp_path / "a.onnx", node, weights=(np.ones(4, np.float16),)))
    assert "node the_culprit (Add)" in error.args[0]
    assert "Float and Half" in error.args[0]
    assert "Cast" in error.hint


@pytest.mark.parametrize("between", [[], [helper.make_node("Identity", ["u"], ["v"], name="between")]])
def test_uint8_in_the_middle_is_refused(between: list[onnx.NodeProto], tmp_path: Path) -> None:
    down = helper.make_node("Cast", ["x"], ["u"], name="to_bytes", to=BYTES)
    back = helper.make_node("Cast", ["v" if between else "u"], ["y"], name="from_bytes", to=FLOAT)
    error = refusal(save(tmp_path / "a.onnx", down, *between, back))
    assert "node to_bytes (Cast)" in error.args[0]
    assert "very last operation" in error.hint


@pytest.mark.parametrize(("shapes", "message"), [({}, "no profile"), ({"x": ["N", 5]}, r"a profile for \[1, 5\]")])
def test_a_missing_or_wrong_profile_is_explained(
    shapes: dict[str, list[int | str]], message: str, tmp_path: Path
) -> None:
    path = save(tmp_path / "a.onnx", helper.make_node("Relu", ["x"], ["y"]), side="N")
    with pytest.raises(EngineError, match=rf"input x has the shape \[-1\] and {message}") as caught:
        build_plan(path, shapes, OPTIONS)
    assert "--batch 1,4,8" in caught.value.hint


def test_a_type_that_its_kernels_lack_is_explained(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["a"], to=SHORT),
        helper.make_node("Cast", ["c0"], ["w"], to=SHORT),
        helper.make_node("ConvTranspose", ["a", "w"], ["b"], name="the_culprit", strides=[2, 2]),
        helper.make_node("Cast", ["b"], ["y"], to=FLOAT),
    ]
    error = refusal(save(tmp_path / "a.onnx", *nodes, side=2, weights=(np.ones((8, 8, 4, 4), np.float32),)))
    assert "the_culprit" in error.args[0]
    assert "fp16" in error.hint


@pytest.mark.parametrize("content", [b"no model", b"", None])
def test_a_file_that_is_no_model_is_refused(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "text.onnx").write_bytes(content)
    error = refusal(tmp_path / "text.onnx")
    assert "text.onnx" in error.args[0]


@pytest.mark.parametrize("target", ["sm90", "ada", "sm", "none", ""])
def test_an_unknown_target_is_refused_with_the_list(target: str, tmp_path: Path) -> None:
    path = save(tmp_path / "a.onnx", helper.make_node("Relu", ["x"], ["y"]))
    with pytest.raises(UsageError, match=f"no target {target}") as caught:
        build_plan(path, {"x": [4]}, BuildOptions("tensorrt-rtx", BatchProfile(1, 1, 1), (target,)))
    assert "sm89" in caught.value.hint
    assert "none" not in caught.value.hint


def test_a_missing_backend_names_the_pip_line() -> None:
    with pytest.raises(UsageError, match="no engine backend named openvino"):
        load_tensorrt("openvino")
    if not package_version("tensorrt"):
        with pytest.raises(EnvironmentFault, match="tensorrt is not installed") as caught:
            load_tensorrt("tensorrt")
        assert "pip install 'i2s-trt[gpu]'" in caught.value.hint


def test_batches_become_profiles() -> None:
    assert parse_batches("8, 1,4") == BatchProfile(1, 4, 8)
    assert parse_batches("2") == BatchProfile(2, 2, 2)
    assert BatchProfile(1, 4, 8).shapes({"w_plus": ["N", 6, 24], "noise_0": [1, 1, 4, 4]}) == {
        "w_plus": ((1, 6, 24), (4, 6, 24), (8, 6, 24))
    }
    for wrong in ("", "0", "65", "1;2", "-1", "a", "²"):
        with pytest.raises(UsageError):
            parse_batches(wrong)
