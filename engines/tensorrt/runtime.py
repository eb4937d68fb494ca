"""Runs plans in TensorRT 10 and 11 and in TensorRT-RTX: one code path, on whichever library drives the GPU."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.cuda.buffers import Buffer, DeviceBuffers, Event, Work
from engines.cuda.open import open_device
from engines.errors import EngineError
from engines.signature import Signature
from engines.tensorrt.cache import Entry
from engines.tensorrt.engine import LoadedEngine, check_gpu, checked_plan
from engines.tensorrt.module import load_tensorrt
from i2s_trt.arrays import Array
from i2s_trt.errors import I2sError

_SlotKey = tuple[int, frozenset[str]]


@dataclass
class _Slot:
    """A context with fixed shapes and memory: what one run at a time can use, and what a CUDA graph freezes."""

    key: _SlotKey
    inputs: Mapping[str, Buffer]
    outputs: Mapping[str, Buffer]
    work: Work
    settled: bool  # captured, or not to be captured
    warm: bool = False  # has run


@dataclass(frozen=True)
class _Flight:
    """A run under way."""

    slot: _Slot
    computed: Event


class TensorrtRunner:
    """One engine on the GPU. Threads may share it.

    Each batch size gets contexts and memory of its own. The first run of a context is its warm-up; before the second,
    its enqueue is captured as a CUDA graph. TensorRT-RTX captures by itself.

    Args:
        entry: of the engine cache; its plan's sha256 is compared again before anything is deserialised.
        defaults: inputs that are constants of the model, such as the noise, or the `.safetensors` file that holds them;
            uploaded once.
        backend: `tensorrt` or `tensorrt-rtx`.
        device: the GPU; the first one when left out.
        graphs: whether to capture CUDA graphs.

    Attributes:
        outputs: names, in the order of the graph.
        captured: number of contexts that run as a CUDA graph.
        capture_fault: why CUDA graphs were given up; empty while they were not. Runs are plain enqueues then.

    Raises:
        EngineError: the plan is damaged, of another backend, version or GPU, or refused by TensorRT.
        EnvironmentFault: the backend is not installed, or there is no GPU.
    """

    def __init__(
        self,
        entry: Entry,
        defaults: Path | Mapping[str, Array],
        backend: str,
        device: DeviceBuffers | None = None,
        *,
        graphs: bool = True,
    ) -> None:
        trt = load_tensorrt(backend)
        plan, record = checked_plan(entry, backend, str(trt.__version__))
        self.signature = Signature.of(record)
        constants = _check_defaults(self.signature, defaults)
        self._device = device or open_device()
        check_gpu(record["key"], self._device.number)
        with self._on_gpu():
            self._engine = LoadedEngine(trt, plan, self.signature.label, self._device, graphs=graphs)
            if self._engine.tensor_names != {*self.signature.inputs, *self.signature.outputs}:
                raise EngineError(f"{entry.folder}: the plan is not its record's", "run i2s-trt build-engines again")
            self._constants = self._upload_constants(constants)
        self.outputs: tuple[str, ...] = tuple(self.signature.outputs)
        self.captured = 0
        self.capture_fault = ""
        self._graphs = graphs and not self._engine.captures_itself
        self._idle: dict[_SlotKey, list[_Slot]] = {}
        self._lock = threading.Lock()

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run once; inputs with defaults may be left out.

        Raises:
            EngineError: an input is unknown, missing, of another type or shape, or the batch is outside the profile;
                or the GPU fails.
        """
        return self._land(self._submit(inputs))

    def run_many(self, batches: Iterable[Mapping[str, Array]]) -> Iterator[dict[str, Array]]:
        """Run a sequence, two batches in flight: one computes while the other's results and the next inputs are copied.

        Yields the results in order. Raises as `__call__` does; the result of the batch before the faulty one is lost.
        """
        flying: _Flight | None = None
        try:
            for inputs in batches:
                landing, flying = flying, self._submit(inputs)
                if landing:
                    yield self._land(landing)
            if flying:
                landing, flying = flying, None
                yield self._land(landing)
        finally:
            if flying:
                self._land(flying)

    def _submit(self, inputs: Mapping[str, Array]) -> _Flight:
        batch = self.signature.batch_of(inputs, self._constants)
        with self._lock, self._on_gpu():
            slot = self._take((batch, frozenset(inputs)))
            try:
                return self._start(slot, inputs)
            except BaseException:
                self._give_back(slot)
                raise

    def _start(self, slot: _Slot, inputs: Mapping[str, Array]) -> _Flight:
        for name, array in inputs.items():
            np.copyto(slot.inputs[name].host, array)
        uploaded = self._device.upload(list(slot.inputs.values()))
        flight = _Flight(slot, self._device.launch(slot.work, uploaded))
        slot.warm = True
        return flight

    def _land(self, flight: _Flight) -> dict[str, Array]:
        slot = flight.slot
        try:
            with self._on_gpu():
                self._device.wait(self._device.download(list(slot.outputs.values()), flight.computed))
            return {name: buffer.host.copy() for name, buffer in slot.outputs.items()}
        finally:
            with self._lock:
                self._give_back(slot)

    def _take(self, key: _SlotKey) -> _Slot:
        """A slot that nobody uses; one that has run before is captured."""
        idle = self._idle.get(key)
        if not idle:
            return self._new_slot(key)
        if idle[-1].warm and not idle[-1].settled and self._graphs:
            self._capture(idle[-1])
        return idle.pop()

    def _give_back(self, slot: _Slot) -> None:
        """After a fault too: what the faulty run has enqueued comes before the next run's on both streams."""
        self._idle.setdefault(slot.key, []).append(slot)

    def _new_slot(self, key: _SlotKey) -> _Slot:
        batch, given = key
        specs = self.signature.inputs
        inputs = {name: self._device.allocate(specs[name].at(batch), specs[name].dtype) for name in sorted(given)}
        bound = {**self._constants, **inputs}
        context = self._engine.new_context({name: (specs[name].at(batch), bound[name].address) for name in specs})
        results = self.signature.outputs.values()
        outputs = {spec.name: self._device.allocate(spec.at(batch), spec.dtype) for spec in results}
        self._engine.bind_outputs(context, {spec.name: (spec.at(batch), outputs[spec.name]) for spec in results})
        return _Slot(key, inputs, outputs, self._engine.enqueue(context), settled=not self._graphs)

    def _capture(self, slot: _Slot) -> None:
        try:
            slot.work = self._device.capture(slot.work)
            self.captured += 1
        except Exception as error:  # each CUDA library raises types of its own
            self.capture_fault = " ".join(str(error).split())[:200] or type(error).__name__
            self._graphs = False
        slot.settled = True

    def _upload_constants(self, arrays: Mapping[str, Array]) -> dict[str, Buffer]:
        buffers = {name: self._device.allocate(array.shape, array.dtype) for name, array in arrays.items()}
        for name, array in arrays.items():
            np.copyto(buffers[name].host, array)
        self._device.wait(self._device.upload(list(buffers.values())))
        return buffers

    @contextmanager
    def _on_gpu(self) -> Iterator[None]:
        """Everything on this GPU, and the CUDA libraries' errors as ours."""
        try:
            with self._device.current():
                yield
        except I2sError:
            raise
        except Exception as error:  # each CUDA library raises types of its own
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise EngineError(
                f"{self.signature.label}: the GPU fails ({self._device.name}): {reason}",
                "a smaller batch needs less memory; other programs on the GPU take some too",
            ) from error


def _check_defaults(signature: Signature, defaults: Path | Mapping[str, Array]) -> dict[str, Array]:
    arrays = _load(defaults) if isinstance(defaults, Path) else dict(defaults)
    for name, array in arrays.items():
        signature.check(name, array)
    return arrays


def _load(path: Path) -> dict[str, Array]:
    """The arrays of a file; none when there is no file, as for graphs without constants."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path)) if path.is_file() else {}
    except (SafetensorError, OSError) as error:
        raise EngineError(f"{path} cannot be read: {error}", "delete it and its .onnx, and build again") from error
