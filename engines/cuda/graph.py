"""CUDA graphs through cuda-python, for the TensorRT runtime without PyTorch."""

import importlib
import weakref
from typing import Any

from engines.cuda.buffers import Work
from i2s_trt.errors import EnvironmentFault


def capture(work: Work, stream: int, runtime: Any = None) -> Work:
    """Record what `work` enqueues on a stream; the result enqueues it again in one call, and frees it when it goes.

    Args:
        work: must have run once before; the shapes and addresses it uses are frozen into the graph.
        stream: handle of a stream that is not the default one.
        runtime: the module `cuda.bindings.runtime`; imported when left out.

    Raises:
        EnvironmentFault: cuda-python is not installed, or CUDA cannot capture this.
        EngineError: from `work`.
    """
    cudart = runtime or _import_runtime()
    _call(cudart, cudart.cudaStreamBeginCapture(stream, cudart.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal))
    try:
        work(stream)
    except BaseException:  # a stream that is left capturing is of no more use
        status, graph = cudart.cudaStreamEndCapture(stream)
        if status == cudart.cudaError_t.cudaSuccess:
            cudart.cudaGraphDestroy(graph)
        raise
    graph = _call(cudart, cudart.cudaStreamEndCapture(stream))
    try:
        executable = _call(cudart, cudart.cudaGraphInstantiate(graph, 0))
    finally:
        cudart.cudaGraphDestroy(graph)
    return _replay(cudart, executable)


def _replay(cudart: Any, executable: Any) -> Work:
    def replay(handle: int) -> None:
        _call(cudart, cudart.cudaGraphLaunch(executable, handle))

    freed = weakref.finalize(replay, cudart.cudaGraphExecDestroy, executable)
    freed.atexit = False  # CUDA may be gone by then, and all its memory with it
    return replay


def _call(cudart: Any, answer: tuple[Any, ...]) -> Any:
    """The value of an answer `(status, value...)`."""
    if answer[0] != cudart.cudaError_t.cudaSuccess:
        raise EnvironmentFault(f"CUDA graph: {answer[0]}", "take a newer driver; engines run without graphs too")
    return answer[1] if len(answer) > 1 else None


def _import_runtime() -> Any:
    try:
        return importlib.import_module("cuda.bindings.runtime")
    except ImportError as error:
        raise EnvironmentFault(
            "CUDA graphs need cuda-python where PyTorch is absent", "pip install cuda-python"
        ) from error
