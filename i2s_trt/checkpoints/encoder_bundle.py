"""The encoder in files of pSp, e4e and ReStyle, which hold it beside the generator that it was trained for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from i2s_trt.checkpoints.records import options_of
from i2s_trt.errors import CheckpointError, ModelError
from i2s_trt.models.pyramid_encoder import STAGE_ENDS, PyramidEncoder, PyramidSpec

_PREFIX = "encoder."
_MEAN = "mean_w"
_BROKEN = "the file is incomplete, or of another project: download it again"
_COUNTER = ".num_batches_tracked"  # of normalisations in training; nothing is computed from it


@dataclass(frozen=True)
class BundledEncoder:
    """An encoder as its file has it.

    Attributes:
        kind: its name in the file.
        spec: its shape.
        tensors: by the names of `PyramidEncoder`, effective values; the mean latent is among them, unless the encoder
            starts from one and the file lacks it.
    """

    kind: str
    spec: PyramidSpec
    tensors: Mapping[str, Tensor]

    def from_mean(self, mean_w: Tensor) -> "BundledEncoder":
        """The same, its guesses added to a mean latent [D]."""
        mean = mean_w.expand(self.spec.rows, -1).contiguous()
        return replace(self, tensors={**self.tensors, _MEAN: mean})

    @property
    def lacks_its_mean(self) -> bool:
        """Whether the file has no mean latent, from which its encoder starts."""
        return _MEAN not in self.tensors

    def network(self) -> PyramidEncoder:
        """The network, frozen, in evaluation mode."""
        with torch.device("meta"):
            network = PyramidEncoder(self.spec)
        counters = {name: torch.zeros((), dtype=torch.long) for name in network.state_dict() if name.endswith(_COUNTER)}
        network.load_state_dict(dict(self.tensors) | counters, assign=True)
        return network.eval().requires_grad_(False)


@dataclass(frozen=True)
class _Kind:
    pyramid: bool
    offsets: bool
    refines: bool


_KINDS = {
    "GradualStyleEncoder": _Kind(pyramid=True, offsets=False, refines=False),
    "Encoder4Editing": _Kind(pyramid=True, offsets=True, refines=False),
    "BackboneEncoder": _Kind(pyramid=False, offsets=False, refines=True),
    "ProgressiveBackboneEncoder": _Kind(pyramid=False, offsets=True, refines=True),
}


def read_encoder(state: Mapping[str, Tensor], tree: Any) -> tuple[BundledEncoder | None, str]:
    """The encoder of a bundle, and a note on it.

    Args:
        state: tensors by name, of the whole bundle.
        tree: the whole file, whose options tell the kind.

    Returns:
        None, and why, where the encoder is of a kind that is not read here.

    Raises:
        CheckpointError: it says to be of a known kind, and its tensors are not.
    """
    options = options_of(tree, "opts")
    name = str(options.get("encoder_type", "no name"))[:60]
    own = {key.removeprefix(_PREFIX): tensor for key, tensor in state.items() if key.startswith(_PREFIX)}
    if (kind := _KINDS.get(name)) is None or not own:
        return None, f"its encoder ({name if own else 'none'}) is not of a kind that is read; the decoder is"
    inputs, expected = _shape(own, "input_layer.0.weight")[1], 6 if kind.refines else 3
    if inputs != expected:
        return None, f"its encoder ({name}) looks at {inputs} channels, which are no photograph; the decoder is read"
    tensors = {key: _effective(key, tensor) for key, tensor in own.items() if not key.endswith(_COUNTER)}
    spec = _spec(own, kind, options)
    if (mean := _mean(tree, options, spec)) is not None:
        tensors[_MEAN] = mean
    _check(name, tensors, spec)
    return BundledEncoder(name, spec, tensors), f"its encoder ({name}) comes with it, for embed --init encoder"


def _spec(state: Mapping[str, Tensor], kind: _Kind, options: Mapping[Any, Any]) -> PyramidSpec:
    rounds = options.get("n_iters_per_batch", 5) if kind.refines else 1
    rows = len({key.split(".")[1] for key in state if key.startswith("styles.")})
    if type(rounds) is not int:
        raise CheckpointError(f"the encoder's number of rounds is {str(rounds)[:40]!r}", _BROKEN)
    try:
        return PyramidSpec(
            rows=rows,
            w_dim=_shape(state, "styles.0.linear.weight")[0],
            channels=tuple(_shape(state, f"body.{end}.res_layer.1.weight")[0] for end in STAGE_ENDS),
            pyramid=kind.pyramid,
            offsets=kind.offsets,
            looks_at_its_guess=kind.refines,
            rounds=rounds,
        )
    except ModelError as error:
        raise CheckpointError(f"the encoder in the file is none: {error.args[0]}", _BROKEN) from error


def _shape(state: Mapping[str, Tensor], name: str) -> tuple[int, ...]:
    tensor = state.get(name)
    if tensor is None or tensor.ndim < 2:
        raise CheckpointError(f"the encoder in the file lacks {name!r}", _BROKEN)
    return tuple(tensor.shape)


def _effective(name: str, tensor: Tensor) -> Tensor:
    """Weights as they are used: those of the last layers were trained times 1 / sqrt(inputs)."""
    tensor = tensor.detach().float()
    return tensor / tensor.shape[1] ** 0.5 if name.endswith(".linear.weight") and tensor.ndim == 2 else tensor


def _mean(tree: Any, options: Mapping[Any, Any], spec: PyramidSpec) -> Tensor | None:
    """What the encoder's guesses are added to, [L, D]: the mean latent, if it was trained so; None if it is missing."""
    mean = tree.get("latent_avg")
    if not options.get("start_from_latent_avg", True):
        return torch.zeros(spec.rows, spec.w_dim)
    if not isinstance(mean, Tensor):
        return None
    if mean.numel() not in (spec.w_dim, spec.rows * spec.w_dim):
        raise CheckpointError(f"the file's mean latent has {mean.numel()} values, of rows of {spec.w_dim}", _BROKEN)
    return mean.float().reshape(-1, spec.w_dim).expand(spec.rows, -1).contiguous()


def _check(kind: str, tensors: Mapping[str, Tensor], spec: PyramidSpec) -> None:
    with torch.device("meta"):
        state = PyramidEncoder(spec).state_dict()
    expected = {name: list(tensor.shape) for name, tensor in state.items() if not name.endswith(_COUNTER)}
    for name in (expected.keys() | tensors.keys()) - ({_MEAN} - tensors.keys()):
        found = list(tensors[name].shape) if name in tensors else "none"
        if name not in expected or found != expected[name]:
            wanted = expected.get(name, "none")
            raise CheckpointError(f"the tensor {name} of the encoder has shape {found}; a {kind} has {wanted}", _BROKEN)
        if not torch.isfinite(tensors[name]).all():
            raise CheckpointError(f"the tensor {name} of the encoder holds values that are not finite", _BROKEN)
