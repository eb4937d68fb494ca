"""Runs exported graphs in ONNX Runtime, on the CPU or through whatever provider is there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from export.keys import ExportedGraph
from i2s_trt.errors import EnvironmentFault

Array = np.ndarray[Any, Any]
CPU = "CPUExecutionProvider"


class OnnxRuntimeRunner:
    """One graph in one session.

    Args:
        graph: exported and verified.
        providers: execution providers in the order of preference; the CPU's when left out.
        threads: for the CPU; 0 takes all cores.

    Raises:
        EnvironmentFault: ONNX Runtime is not installed, or cannot load the graph.
    """

    def __init__(self, graph: ExportedGraph, providers: Sequence[str] = (CPU,), threads: int = 0) -> None:
        runtime = _import()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = runtime.InferenceSession(str(graph.path), options, providers=list(providers))
        except Exception as error:  # the library raises types of its own
            reason = " ".join(str(error).split())[:200]
            raise EnvironmentFault(
                f"ONNX Runtime cannot load {graph.path}: {reason}", "delete the file, so that it is exported anew"
            ) from error
        self._defaults = _load_defaults(graph.defaults)
        self.outputs: tuple[str, ...] = tuple(output.name for output in self._session.get_outputs())
        self.provider: str = self._session.get_providers()[0]

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run once; inputs that are constants of the model, such as the noise, may be left out."""
        results = self._session.run(None, {**self._defaults, **inputs})
        return dict(zip(self.outputs, results, strict=True))


def available_providers() -> tuple[str, ...]:
    """Names of the execution providers of the installed ONNX Runtime. Raises EnvironmentFault without one."""
    return tuple(_import().get_available_providers())


def _import() -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise EnvironmentFault("ONNX Runtime is not installed", "pip install 'i2s-trt[cpu]'") from error
    return onnxruntime


def _load_defaults(path: Path) -> dict[str, Array]:
    from safetensors.numpy import load_file

    return dict(load_file(path)) if path.is_file() else {}
