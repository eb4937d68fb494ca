"""Trained encoders: kept by the digest of their model, and refused for any other."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.errors import ModelError
from i2s_trt.files import home, make_folder, write_bytes
from i2s_trt.images.fit import to_target
from i2s_trt.models.encoder import Encoder
from i2s_trt.models.generator import Generator

_FORMAT = "i2s-trt encoder 1"
_HINT = "i2s-trt train-encoder --model M"


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
        recipe: seed and settings of its training, and how well it ended.
    """

    network: Encoder
    model_digest: str
    recipe: dict[str, Any]

    @torch.no_grad()
    def __call__(self, picture: Pixels) -> WPlus:
        """The guess w_plus float32 [L, D] for a picture uint8 [H, W, 3] of the model's size."""
        image = to_target(picture).unsqueeze(0).to(self.network.mean_w.device)
        return self.network(image)[0].cpu().numpy()  # type: ignore[no-any-return]

    @property
    def digest(self) -> str:
        """sha256 of the weights."""
        state = hashlib.sha256(self.model_digest.encode())
        for name, tensor in sorted(self.network.state_dict().items()):
            state.update(name.encode() + tensor.cpu().numpy().tobytes())
        return state.hexdigest()


def encoder_path(model_digest: str) -> Path:
    """Where the encoder of a model is kept."""
    return home() / "encoders" / f"{model_digest[:32]}.safetensors"


def save_encoder(path: Path, encoder: TrainedEncoder) -> None:
    """Write an encoder with float16 weights, atomically. Raises EnvironmentFault for a full disk."""
    halves = {name: tensor.cpu().half().contiguous() for name, tensor in encoder.network.state_dict().items()}
    document = json.dumps({"model": encoder.model_digest, "recipe": encoder.recipe})
    make_folder(path.parent)
    write_bytes(path, save(halves, {"format": _FORMAT, "encoder": document}))


def load_encoder(generator: Generator, path: Path | None = None) -> TrainedEncoder:
    """The encoder of a generator, on its device.

    Args:
        generator: whose latents are to be guessed.
        path: a file of `save_encoder`; the model's own when left out.

    Raises:
        ModelError: there is none, it is damaged, or it was trained for another model.
    """
    own = encoder_path(generator.digest)
    if path is None and not own.is_file():
        raise ModelError("no encoder has been trained for this model", f"{_HINT}, or start from --init mean")
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
    network = Encoder(generator.spec)
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except RuntimeError as error:
        raise _damage_error(path, error) from error
    network.to(generator.mean_w.device).eval().requires_grad_(False)
    return TrainedEncoder(network, model, recipe)


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as error:
        raise _damage_error(path, error) from error


def _damage_error(path: Path, error: Exception) -> ModelError:
    reason = " ".join(str(error).split())[:200]
    return ModelError(f"{path} is missing or damaged ({reason})", f"{_HINT} --overwrite")
