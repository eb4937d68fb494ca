"""The operations of an embedding step as it would run on a GPU, noted down on tensors without data."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.speed.kernels.launches import Launch, recorded_launches

CONVOLUTION, EPILOGUE, OTHER = "convolutions", "layer epilogues", "other operations"
_CONVOLUTIONS = ("convolution",)
_FREE = ("empty", "new_empty", "detach", "lift_fresh")  # operations that start nothing on a GPU


@dataclass(frozen=True)
class Operation:
    """One kernel, or a few, on the GPU.

    Attributes:
        name: PyTorch's or the kernel's.
        part: CONVOLUTION, EPILOGUE or OTHER.
        flops: of products; 0 for what only moves numbers.
        traffic: bytes read and written, each array once.
        wide: whether its products are of float32 numbers.
        convolves: whether PyTorch may take TF32 for it where it is allowed.
    """

    name: str
    part: str
    flops: float
    traffic: float
    wide: bool
    convolves: bool = False


def traced(work: Callable[[], object]) -> list[Operation]:
    """The operations of `work`, our kernels among them. It must run on tensors of the device `meta`."""
    noted: list[Operation] = []
    with recorded_launches() as launches, _Notes(noted):
        work()
    return [*noted, *map(_of_launch, launches)]


def _of_launch(launch: Launch) -> Operation:
    return Operation(launch.variant.label, EPILOGUE, 0.0, launch.traffic, wide=False)


class _Notes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes PyTorch's own operations."""

    def __init__(self, noted: list[Operation]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._noted = noted

    def __torch_dispatch__(
        self, function: Any, _types: Any, arguments: tuple[Any, ...] = (), named: Mapping[str, Any] | None = None
    ) -> Any:
        result = function(*arguments, **(named or {}))
        name = function.overloadpacket.__name__
        if name in _CONVOLUTIONS:
            result = _as_cudnn_lays_out(result, arguments)
        if not (function.is_view or name.startswith(_FREE) or _is_alias(function)):
            inputs, outputs = list(_tensors((arguments, named))), list(_tensors(result))
            self._noted.append(_operation(function, name, arguments, named or {}, inputs, outputs, result))
        return result


def _operation(
    function: Any, name: str, arguments: tuple[Any, ...], named: Mapping[str, Any],
    inputs: list[Tensor], outputs: list[Tensor], result: Any,
) -> Operation:  # fmt: skip
    from torch.utils.flop_counter import flop_registry

    count = flop_registry.get(function.overloadpacket)
    flops = float(count(*arguments, **named, out_val=result)) if count else 0.0
    traffic = sum(map(_bytes, (*inputs, *outputs)))
    convolves = name in _CONVOLUTIONS
    wide = all(one.dtype == torch.float32 for one in outputs)
    return Operation(name, CONVOLUTION if convolves else OTHER, flops, traffic, wide, convolves)


def _as_cudnn_lays_out(result: Tensor, inputs: tuple[Any, ...]) -> Tensor:
    """Channels last where an input is; the device `meta` does not tell and leaves results in rows."""
    last = any(not one.is_contiguous() and one.is_contiguous(memory_format=torch.channels_last) for one in inputs[:2])
    return result.to(memory_format=torch.channels_last) if last else result


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))


def _bytes(tensor: Tensor) -> float:
    """What lies in memory; repeated rows lie there once."""
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())


def _is_alias(function: Any) -> bool:
    """Whether the result is an input under another shape."""
    return "reshape_alias" in function.overloadpacket.__name__


def embedding_step(model: str, batch: int, precision: str) -> Callable[[], object]:
    """A step of Adam as a GPU would take it, on tensors without data.

    Raises:
        ModelError: the model is unknown.
    """
    from benchmarks.speed.inputs import random_pictures
    from benchmarks.speed.step_variants import STEPS, refuse
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.embedding.embed import EmbedProblem
    from i2s_trt.embedding.embedder import Embedder
    from i2s_trt.embedding.options import EmbedOptions
    from i2s_trt.embedding.start.spaces import variable_shape
    from i2s_trt.embedding.steps.state import EmbedState
    from i2s_trt.fused.gpu import TritonEpilogue
    from i2s_trt.models.vgg import imagenet_vgg16

    generator = load_generator(model).to("meta")
    options = EmbedOptions(steps=STEPS, precision=precision)  # type: ignore[arg-type]
    pictures = random_pictures(generator.spec, batch)
    vgg = imagenet_vgg16().to("meta")
    problem = EmbedProblem(Embedder(generator, options, vgg, announce=refuse, epilogue=TritonEpilogue()), pictures)
    state = EmbedState.start(torch.zeros(batch, *variable_shape(generator, options.space), device="meta"), options)
    step = problem.stepper(state, capture=False)
    with recorded_launches():
        step()  # what is computed once: the targets' features
    return step
