"""A plan brought to life: one engine on the GPU, and execution contexts that share its working memory."""

import hashlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from engines.cuda.buffers import Buffer, DeviceBuffers, Shape, Work
from engines.cuda.gpu import describe_gpu
from engines.errors import EngineError
from engines.tensorrt.cache import OTHER_PLAN, Entry, check_record
from engines.tensorrt.module import complaints, make_logger
from i2s_trt.files import guard_os_errors

_REBUILD = "run i2s-trt build-engines again"


def checked_plan(entry: Entry, backend: str, version: str) -> tuple[bytes, dict[str, Any]]:
    """A plan's bytes and its record, if it is the plan that was built, by this very builder.

    A plan is code that runs on the GPU: the bytes that are returned are those whose sha256 was compared. They are
    read and hashed here and nowhere else on the way to a picture: a plan may have hundreds of megabytes.

    Raises:
        EngineError: the plan or its record is damaged, or of another backend or version.
    """
    found = check_record(entry.folder)
    if not isinstance(found, Entry):
        raise EngineError(f"the engine in {entry.folder} is not loaded: {found.reason}", _REBUILD)
    with guard_os_errors(found.plan):
        key, data = found.record["key"], found.plan.read_bytes()
    if hashlib.sha256(data).hexdigest() != found.record["plan_sha256"]:
        raise EngineError(f"the engine in {entry.folder} is not loaded: {OTHER_PLAN}", _REBUILD)
    if (key["backend"], key["version"]) != (backend, version):
        raise EngineError(
            f"the engine in {entry.folder} was built by {key['backend']} {key['version']}, this is {backend} {version}",
            f"plans run with their own version only: {_REBUILD}",
        )
    return data, found.record


def check_gpu(key: Mapping[str, Any], number: int) -> None:
    """Refuse a plan of another GPU: TensorRT itself only warns when the compute capability is the same.

    Raises:
        EngineError: the plan's record names another GPU.
    """
    here = describe_gpu(number) if key["device"] else ""
    if here and here != key["device"]:
        raise EngineError(f"the {key['graph']} engine was built for {key['device']}, this is {here}", _REBUILD)


class LoadedEngine:
    """A deserialised plan.

    All its contexts work in one piece of device memory, so they must all be enqueued on one stream. It belongs to the
    GPU that is current when it is made, and takes calls only while that is current: see `DeviceBuffers.current`.

    Args:
        trt: the TensorRT module.
        plan: checked bytes.
        label: for messages.
        device: made before this object: without a driver a TensorRT runtime crashes the process.
        graphs: whether TensorRT-RTX is to capture CUDA graphs, which it does by itself.

    Raises:
        EngineError: TensorRT does not take the plan.
    """

    def __init__(self, trt: ModuleType, plan: bytes, label: str, device: DeviceBuffers, *, graphs: bool = True) -> None:
        self._trt, self._label, self._graphs = trt, label, graphs
        self._logger = make_logger(trt)
        self._runtime = trt.Runtime(self._logger)  # must outlive the engine
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise self._error("does not take this plan", f"it may be of another GPU: {_REBUILD}")
        self._size = int(self._engine.device_memory_size_v2)
        self._scratch = device.reserve(self._size) if self._size else 0
        self.captures_itself = hasattr(trt, "CudaGraphStrategy")  # TensorRT-RTX

    @property
    def tensor_names(self) -> set[str]:
        """Inputs and outputs."""
        return {self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)}

    def new_context(self, inputs: Mapping[str, tuple[Shape, int]]) -> Any:
        """An execution context with the shapes and addresses of its inputs set.

        Raises:
            EngineError: TensorRT refuses one, or lacks one.
        """
        context = self._engine.create_execution_context(self._context_config())
        if context is None:
            raise self._error("makes no execution context", "free memory on the GPU, or build for a smaller --batch")
        if self._size:
            context.set_device_memory(self._scratch, self._size)
        for name, (shape, address) in inputs.items():
            if not (context.set_input_shape(name, shape) and context.set_tensor_address(name, address)):
                raise self._error(f"refuses input {name} of shape {list(shape)}", "give a batch within the profile")
        if missing := context.infer_shapes():
            raise self._error(f"lacks {', '.join(missing)}", "give every input")
        return context

    def bind_outputs(self, context: Any, outputs: Mapping[str, tuple[Shape, Buffer]]) -> None:
        """Tell a context where its outputs go. Raises EngineError when their shapes are not the expected ones."""
        for name, (shape, buffer) in outputs.items():
            actual = tuple(context.get_tensor_shape(name))
            if actual != shape:
                raise self._error(f"gives {name} the shape {list(actual)}, its record says {list(shape)}", _REBUILD)
            if not context.set_tensor_address(name, buffer.address):
                raise self._error(f"refuses the address of {name}", _REBUILD)

    def enqueue(self, context: Any) -> Work:
        """The work of one run."""

        def work(stream: int) -> None:
            if not context.execute_async_v3(stream):
                raise self._error(
                    "does not run", "run again with --engine onnxruntime to see whether the graph is sound"
                )

        return work

    def _context_config(self) -> Any:
        config = self._engine.create_runtime_config()
        config.set_execution_context_allocation_strategy(self._trt.ExecutionContextAllocationStrategy.USER_MANAGED)
        if self.captures_itself:  # its kernels are compiled for a shape at its first run; it knows when to capture
            config.dynamic_shapes_kernel_specialization_strategy = (
                self._trt.DynamicShapesKernelSpecializationStrategy.EAGER
            )
            if self._graphs:
                config.cuda_graph_strategy = self._trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        return config

    def _error(self, what: str, hint: str) -> EngineError:
        reason = complaints(self._logger)
        self._logger.messages.clear()  # the next error has reasons of its own
        return EngineError(f"{self._label}: TensorRT {what}" + (f" ({reason})" if reason else ""), hint)
