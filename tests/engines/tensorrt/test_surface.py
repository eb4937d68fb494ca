"""Every call of TensorRT's API in `engines` exists in TensorRT 10.16, in 11.4 and in the TensorRT-RTX that is here."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import engines
from tests.conftest import DATA
from tests.engines.tensorrt.usage import MODULE, Use, find_uses

FOLDER = Path(engines.__file__).parent
RECORDED = ("10.16", "11.4")
# What only TensorRT-RTX has, with the reason why the code may ask for it.
RTX_ONLY = {
    (MODULE, "ComputeCapability"): "builds for other GPUs; asked for with getattr, and a UsageError without it",
    ("IBuilderConfig", "num_compute_capabilities"): "follows ComputeCapability",
    ("IBuilderConfig", "set_compute_capability"): "follows ComputeCapability",
    (MODULE, "CudaGraphStrategy"): "captures by itself; asked for with hasattr",
    ("CudaGraphStrategy", "WHOLE_GRAPH_CAPTURE"): "follows CudaGraphStrategy",
    ("IRuntimeConfig", "cuda_graph_strategy"): "follows CudaGraphStrategy",
    (MODULE, "DynamicShapesKernelSpecializationStrategy"): "follows CudaGraphStrategy",
    ("DynamicShapesKernelSpecializationStrategy", "EAGER"): "follows CudaGraphStrategy",
    ("IRuntimeConfig", "dynamic_shapes_kernel_specialization_strategy"): "follows CudaGraphStrategy",
}
# What the analysis must find if it follows types at all: one for each way in which it does.
LANDMARKS = {
    ("Builder", "build_serialized_network"), ("BuilderFlag", "TF32"), ("IOptimizationProfile", "set_shape"),
    ("ParserError", "node_name"), ("ITensor", "shape"), ("IProgressMonitor", "step_complete"), ("ILogger", "log"),
    ("Runtime", "deserialize_cuda_engine"), ("ICudaEngine", "create_execution_context"),
    ("IRuntimeConfig", "set_execution_context_allocation_strategy"), ("IExecutionContext", "execute_async_v3"),
    (MODULE, "ComputeCapability"), ("ITimingCache", "combine"), ("ITimingCache", "serialize"),
    ("IBuilderConfig", "set_timing_cache"), ("EngineInspector", "get_engine_information"), ("ParserError", "desc"),
    ("INetworkDefinition", "get_input"),
}  # fmt: skip


def surface(version: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "tensorrt-api" / f"tensorrt-{version}.json").read_text())
    return found


def missing(uses: set[Use], exists: Callable[[str, str], bool]) -> list[str]:
    return [f"{use.where}: {use.owner}.{use.attribute}" for use in sorted(uses) if not exists(use.owner, use.attribute)]


def is_recorded(recorded: dict[str, Any]) -> Callable[[str, str], bool]:
    def exists(owner: str, attribute: str) -> bool:
        if owner == MODULE:
            return attribute in recorded["names"]
        known = recorded["classes"].get(owner, {})
        return attribute in {*known.get("methods", ()), *known.get("properties", ()), *known.get("members", ())}

    return exists


def is_in(module: Any) -> Callable[[str, str], bool]:
    def exists(owner: str, attribute: str) -> bool:
        return hasattr(module if owner == MODULE else getattr(module, owner, None), attribute)

    return exists


@pytest.fixture(scope="module")
def uses() -> set[Use]:
    return find_uses(FOLDER, surface("11.4"))


def test_the_analysis_sees_what_the_code_calls(uses: set[Use]) -> None:
    assert {(use.owner, use.attribute) for use in uses} >= LANDMARKS
    assert len(uses) > 50


@pytest.mark.parametrize("version", RECORDED)
def test_every_call_exists_in_tensorrt(version: str, uses: set[Use]) -> None:
    common = {use for use in uses if (use.owner, use.attribute) not in RTX_ONLY}
    recorded = surface(version)
    assert recorded["version"].startswith(version)
    assert not missing(common, is_recorded(recorded))


def test_every_call_exists_in_tensorrt_rtx(uses: set[Use]) -> None:
    trt = pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: pip install 'i2s-trt[rtx]'")
    assert not missing(uses, is_in(trt))


def test_every_call_exists_in_the_tensorrt_that_is_installed(uses: set[Use]) -> None:
    try:
        trt = importlib.import_module("tensorrt")
    except (ImportError, OSError) as error:
        pytest.skip(f"TensorRT is not installed: {error}")
    assert not missing({use for use in uses if (use.owner, use.attribute) not in RTX_ONLY}, is_in(trt))


def test_the_exceptions_are_needed(uses: set[Use]) -> None:
    assert {(use.owner, use.attribute) for use in uses} >= set(RTX_ONLY)
    for version in RECORDED:
        exists = is_recorded(surface(version))
        assert not [name for name in RTX_ONLY if exists(*name)]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("config.set_flag(trt.BuilderFlag.FP16)", "BuilderFlag.FP16"),
        ("network = builder.create_network(0)\n    network.add_nothing()", "INetworkDefinition.add_nothing"),
        ("builder.create_builder_config().max_workspace_size = 1", "IBuilderConfig.max_workspace_size"),
        ("[trt.OnnxParser(0, 0).get_error(i) for i in range(2)][0].code2()", "ParserError.code2"),
        ("self.a, self.b = 1, trt.Runtime(0)\n    self.b.no_method()", "Runtime.no_method"),
        ("class Watch(trt.IProgressMonitor):\n        def phase_begin(self): ...", "IProgressMonitor.phase_begin"),
        ("getattr(trt, 'Refitter2', None)", "module.Refitter2"),
        ("if (cache := config.create_timing_cache(b'')):\n        cache.merge()", "ITimingCache.merge"),
        ("[e.code3() for e in [trt.OnnxParser(0, 0).get_error(i) for i in range(2)]]", "ParserError.code3"),
    ],
)
def test_what_does_not_exist_is_found(code: str, found: str, tmp_path: Path) -> None:
    recorded = surface("11.4")
    source = f"def build(self, trt: ModuleType, builder: Any, config: Any) -> None:\n    {code}\n"
    (tmp_path / "code.py").write_text(source)
    (complaint,) = missing(find_uses(tmp_path, recorded), is_recorded(recorded))
    assert complaint.startswith("code.py:")
    assert complaint.endswith(found)


def test_a_parameter_of_unknown_type_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("def run(trt: ModuleType, refitter: Any) -> None:\n    refitter.refit()\n")
    with pytest.raises(AssertionError, match="what is refitter in run"):
        find_uses(tmp_path, surface("11.4"))
