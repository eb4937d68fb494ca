"""Encoders, refused for any model but theirs.

One that came with a checkpoint lies in its model's folder, since several may come with one generator; one that was
trained here is kept by its model's digest.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.checkpoints.read import Checkpoint, read_checkpoint
from i2s_trt.errors import ModelError
from i2s_trt.files import home, make_folder, write_bytes
from i2s_trt.images.fit import to_target
from i2s_trt.models.encoder import MOST_ROUNDS, Encoder
from i2s_trt.models.generator import Generator
from i2s_trt.models.pyramid_encoder import PyramidEncoder, PyramidSpec

_FORMAT = "i2s-trt encoder 1"
_HINT = "i2s-trt train-encoder --model M"
_OWN = "encoder.safetensors"  # in the folder of a model that it came with


class PictureEncoder(Protocol):
    """Guesses latents, in PyTorch or through an engine: a picture uint8 [H, W, 3] -> w_plus float32 [L, D]."""

    def __call__(self, picture: Pixels) -> WPlus:
        """Guess one."""


@dataclass(frozen=True)
class TrainedEncoder:
    """An encoder with its record.

    Attributes:
        network: in evaluation mode, float32.
        model_digest: of the generator it was trained for.
        recipe: seed and settings of its training, and how well it ended; or the kind and file it came in.
        render: that generator, for an encoder that looks at its own guesses.
    """

    network: Encoder | PyramidEncoder
    model_digest: str
    recipe: dict[str, Any]
    render: Callable[[Tensor], Tensor] | None = None

    @torch.no_grad()
    def __call__(self, picture: Pixels) -> WPlus:
        """The guess w_plus float32 [L, D] for a picture uint8 [H, W, 3] of the model's size."""
        image = to_target(picture).unsqueeze(0).to(self.network.mean_w.device)
        if self.render is not None:
            return self.network.refine(image, self.render)[0].cpu().numpy()
        return self.network(image)[0].cpu().numpy()  # type: ignore[no-any-return]

    @property
    def digest(self) -> str:
        """sha256 of the weights, and of what is done with them where several kinds of encoder have the same."""
        state = hashlib.sha256(self.model_digest.encode())
        if isinstance(self.network, PyramidEncoder):
            state.update(json.dumps(asdict(self.network.spec)).encode())
        elif self.network.looks_at_its_guess:
            state.update(f"{self.network.rounds} rounds".encode())
        for name, tensor in sorted(self.network.state_dict().items()):
            state.update(name.encode() + tensor.cpu().numpy().tobytes())
        return state.hexdigest()


def encoder_path(model_digest: str) -> Path:
    """Where the encoder that was trained here for a model is kept."""
    return home() / "encoders" / f"{model_digest[:32]}.safetensors"


def own_encoder_path(folder: Path) -> Path:
    """Where the encoder lies that came with the model of a folder."""
    return folder / _OWN


def used_encoder_path(generator: Generator) -> Path:
    """Where a generator's encoder is: in the folder that it was loaded from, or else the one that was trained here."""
    own = own_encoder_path(generator.origin) if generator.origin else None
    return own if own and own.is_file() else encoder_path(generator.digest)


def bundled_encoder(checkpoint: Checkpoint) -> TrainedEncoder | None:
    """The encoder that came in a file, with its record; None for a file without one."""
    if checkpoint.encoder is None:
        return None
    recipe = {"kind": checkpoint.encoder.kind, "source": checkpoint.file, "source_sha256": checkpoint.sha256}
    return TrainedEncoder(checkpoint.encoder.network(), checkpoint.weights.digest(), recipe)


def save_encoder(path: Path, encoder: TrainedEncoder) -> None:
    """Write an encoder, atomically: one trained here with float16 weights. Raises EnvironmentFault for a full disk."""
    network = encoder.network
    tensors = {name: tensor.cpu().to(network.stored_as).contiguous() for name, tensor in network.state_dict().items()}
    document: dict[str, Any] = {"model": encoder.model_digest, "recipe": encoder.recipe}
    if isinstance(network, PyramidEncoder):
        document["pyramid"] = asdict(network.spec)
    else:
        document["rounds"] = network.rounds
    make_folder(path.parent)
    write_bytes(path, save(tensors, {"format": _FORMAT, "encoder": json.dumps(document)}))


def load_encoder(generator: Generator, path: Path | None = None) -> TrainedEncoder:
    """The encoder of a generator, on its device.

    Args:
        generator: whose latents are to be guessed.
        path: a file of `save_encoder`; if left out the encoder that came with the model, in its folder or in the file
            that the generator was loaded from, or else the one that was trained for it.

    Raises:
        ModelError: there is none, it is damaged, or it was trained for another model.
    """
    if path is None and (found := encoder_in_file(generator)):
        return _placed(found, generator)
    own = used_encoder_path(generator)
    if path is None and not own.is_file():
        raise ModelError(
            "no encoder has been trained for this model, and none came with it",
            f"{_HINT}, import the e4e, pSp or ReStyle file that holds one, or start from --init mean",
        )
    path = path or own
    metadata, tensors = _read(path)
    try:
        if metadata.get("format") != _FORMAT:
            raise ValueError("it is no encoder")
        document = json.loads(metadata["encoder"])
        model, recipe = str(document["model"]), dict(document["recipe"])
    except (KeyError, TypeError, ValueError) as error:
        raise _damage_error(path, error) from error
    if model != generator.digest:
        raise ModelError(f"{path} was trained for another model ({model[:12]}, not {generator.digest[:12]})", _HINT)
    try:
        network = _empty(document, generator)
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except (KeyError, ModelError, RuntimeError, TypeError, ValueError) as error:
        raise _damage_error(path, error) from error
    return _placed(TrainedEncoder(network, model, recipe), generator)


def encoder_in_file(generator: Generator) -> TrainedEncoder | None:
    """The encoder in the checkpoint that a generator was loaded from, if it was not loaded from a folder."""
    if generator.origin is None or not generator.origin.is_file():
        return None
    found = bundled_encoder(read_checkpoint(generator.origin))
    return found if found and found.model_digest == generator.digest else None


def _placed(encoder: TrainedEncoder, generator: Generator) -> TrainedEncoder:
    """An encoder frozen, on its generator's device, and with it where it looks at its own guesses."""
    network = encoder.network.to(generator.mean_w.device).eval().requires_grad_(False)
    return replace(encoder, render=generator if network.looks_at_its_guess else None)


def _empty(document: dict[str, Any], generator: Generator) -> Encoder | PyramidEncoder:
    """The network that a file describes, without its weights."""
    pyramid = document.get("pyramid")
    if pyramid is None:
        return Encoder(generator.spec, _rounds(document.get("rounds", 1)))
    spec = PyramidSpec(**{**pyramid, "channels": tuple(pyramid["channels"])})
    if (spec.rows, spec.w_dim) != (generator.num_layers, generator.w_dim):
        raise ValueError(f"it guesses {spec.rows} rows of {spec.w_dim}")
    return PyramidEncoder(spec)


def _rounds(stated: Any) -> int:
    """How often an encoder looks. Raises ValueError for what is no number of rounds."""
    if not isinstance(stated, int) or not 1 <= stated <= MOST_ROUNDS:
        raise ValueError(f"it looks {stated} times")
    return stated


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as error:
        raise _damage_error(path, error) from error


def _damage_error(path: Path, error: Exception) -> ModelError:
    reason = " ".join(str(error).split())[:200]
    mend = "import the model again, with --overwrite" if path.name == _OWN else f"{_HINT} --overwrite"
    return ModelError(f"{path} is missing or damaged ({reason})", mend)
