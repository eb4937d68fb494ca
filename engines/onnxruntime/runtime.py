"""Runs exported graphs in ONNX Runtime, on memory that is bound once and used again: on the CPU or on a GPU."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines.errors import EngineError
from engines.onnxruntime.plugin import give_devices
from engines.onnxruntime.providers import PLUGIN, PROVIDERS, Provider, import_onnxruntime, provider_faults
from engines.signature import FREE, Signature, TensorSpec
from export.keys import ExportedGraph
from i2s_trt.arrays import Array
from i2s_trt.errors import EnvironmentFault, I2sError

_ANY_BATCH = 2**31 - 1
_DTYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}


@dataclass(frozen=True)
class _Binding:
    """Memory on the device for the inputs and outputs of one batch size, bound to the session."""

    key: tuple[int, frozenset[str]]
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    binding: Any


class OnnxRuntimeRunner:
    """One graph in one session. Threads may share it; they run one after the other.

    The constants of the model, such as the noise, lie on the device from the beginning; a batch size's memory is kept
    until another one is asked for.

    Args:
        graph: exported and verified.
        provider: what executes. `tensorrt` builds engines of its own when a batch size first runs, and keeps none of
            them: engines that last are built with `build-engines`. `tensorrt-rtx` is a plugin, which takes and gives
            host memory.
        threads: for the CPU; 0 takes all cores.
        gpu: number of the GPU, as CUDA counts, for the other providers.

    Attributes:
        outputs: names, in the order of the graph.
        provider: as given; the session really uses it.

    Raises:
        EnvironmentFault: ONNX Runtime is not installed, or cannot use the provider or load the graph.
    """

    def __init__(self, graph: ExportedGraph, provider: Provider = "cpu", threads: int = 0, gpu: int = 0) -> None:
        if fault := "" if provider == "cpu" else provider_faults()[provider]:
            raise EnvironmentFault(f"ONNX Runtime cannot use its {provider} provider: {fault}", "take --device cpu")
        self._runtime, self.provider = import_onnxruntime(), provider
        self._kind, self._gpu = ("cpu", 0) if provider in ("cpu", PLUGIN) else ("cuda", gpu)
        self._session = _open(self._runtime, graph, provider, threads, gpu)
        self.signature = _signature(graph, self._session)
        self.outputs: tuple[str, ...] = tuple(self.signature.outputs)
        self._constants = {name: self._place(array) for name, array in _load_defaults(graph.defaults).items()}
        self._bound: _Binding | None = None
        self._lock = threading.Lock()

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run once; inputs that are constants of the model may be left out. The results are the caller's.

        Raises:
            EngineError: an input is unknown, missing or of another type or shape, or ONNX Runtime fails.
        """
        batch = self.signature.batch_of(inputs, self._constants)
        with self._lock, self._faults():
            bound = self._bind((batch, frozenset(inputs)))
            for name, array in inputs.items():
                bound.inputs[name].update_inplace(np.ascontiguousarray(array))
            self._run(bound.binding)
            return {name: np.array(value.numpy()) for name, value in bound.outputs.items()}

    def _bind(self, key: tuple[int, frozenset[str]]) -> _Binding:
        """The binding of the last run if it fits, else a new one."""
        if self._bound and self._bound.key == key:
            return self._bound
        self._bound = None  # its memory goes before new memory comes
        batch, given = key
        binding = self._session.io_binding()
        for name, value in self._constants.items():
            if name not in given:
                binding.bind_ortvalue_input(name, value)
        inputs = {name: self._empty(self.signature.inputs[name], batch) for name in given}
        outputs = {name: self._empty(spec, batch) for name, spec in self.signature.outputs.items()}
        for name, value in inputs.items():
            binding.bind_ortvalue_input(name, value)
        for name, value in outputs.items():
            binding.bind_ortvalue_output(name, value)
        self._bound = _Binding(key, inputs, outputs, binding)
        return self._bound

    def _run(self, binding: Any) -> None:
        binding.synchronize_inputs()
        self._session.run_with_iobinding(binding)
        binding.synchronize_outputs()

    def _place(self, array: Array) -> Any:
        return self._runtime.OrtValue.ortvalue_from_numpy(array, self._kind, self._gpu)

    def _empty(self, spec: TensorSpec, batch: int) -> Any:
        kind = spec.dtype.type
        return self._runtime.OrtValue.ortvalue_from_shape_and_type(spec.at(batch), kind, self._kind, self._gpu)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """ONNX Runtime's errors as ours."""
        try:
            yield
        except I2sError:
            raise
        except Exception as error:  # the library raises types of its own
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise EngineError(
                f"{self.signature.label}: ONNX Runtime fails ({self.provider}): {reason}",
                "a smaller batch needs less memory; --engine torch needs no ONNX Runtime",
            ) from error


def _open(runtime: Any, graph: ExportedGraph, provider: Provider, threads: int, gpu: int) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if provider == PLUGIN:
        give_devices(runtime, options)
    order: dict[Provider, Sequence[Provider]] = {"cpu": ["cpu"], "cuda": ["cuda", "cpu"], PLUGIN: []}
    wanted = [(PROVIDERS[name], _settings(name, gpu)) for name in order.get(provider, ["tensorrt", "cuda", "cpu"])]
    try:
        session = runtime.InferenceSession(str(graph.path), options, providers=wanted or None)
    except Exception as error:  # the library raises types of its own
        reason = " ".join(str(error).split())[:200]
        lacking = "NOT_IMPLEMENTED" in reason  # a kernel for that operation in that type
        hint = "take --precision fp32 or fp16" if lacking else "delete the file, so that it is exported anew"
        raise EnvironmentFault(f"ONNX Runtime cannot load {graph.path}: {reason}", hint) from error
    if session.get_providers()[0] != PROVIDERS[provider]:  # it falls back to the CPU without a word
        raise EnvironmentFault(
            f"ONNX Runtime cannot use its {provider} provider: its libraries do not load",
            "take --device cpu; the libraries of CUDA and cuDNN have to be those that onnxruntime-gpu asks for",
        )
    return session


def _settings(provider: Provider, gpu: int) -> dict[str, str]:
    """A provider's options.

    By itself CUDA's multiplies float32 as TF32, and measures every convolution anew for each batch size, which may end
    otherwise in each run: cuDNN's heuristics choose at once, and always alike.
    """
    place = {"device_id": str(gpu)}
    exact = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
    options: dict[Provider, dict[str, str]] = {"cpu": {}, "cuda": {**place, **exact}}
    return options.get(provider, place)


def _signature(graph: ExportedGraph, session: Any) -> Signature:
    key = graph.record.get("key", {})
    label = f"{key.get('name', graph.path.stem)} {key.get('precision', '')}".rstrip()
    return Signature(label, _specs(session.get_inputs()), _specs(session.get_outputs()), 0, _ANY_BATCH)


def _specs(values: Sequence[Any]) -> dict[str, TensorSpec]:
    return {
        value.name: TensorSpec(
            value.name,
            np.dtype(_DTYPES[value.type]),
            tuple(side if isinstance(side, int) else FREE for side in value.shape),
        )
        for value in values
    }


def _load_defaults(path: Path) -> dict[str, Array]:
    from safetensors.numpy import load_file

    return dict(load_file(path)) if path.is_file() else {}
