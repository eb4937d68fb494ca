"""Encoders, trained here or come with a checkpoint: kept by the digest of their model, refused for any other."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
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
from i2s_trt.models.pyramid_encoder import PyramidEncoder, PyramidSpec

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
        if self.render is not None and isinstance(self.network, PyramidEncoder):
            return self.network.refine(image, self.render)[0].cpu().numpy()
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
    """Write an encoder, atomically: one trained here with float16 weights. Raises EnvironmentFault for a full disk."""
    network = encoder.network
    tensors = {name: tensor.cpu().to(network.stored_as).contiguous() for name, tensor in network.state_dict().items()}
    document: dict[str, Any] = {"model": encoder.model_digest, "recipe": encoder.recipe}
    if isinstance(network, PyramidEncoder):
        document["pyramid"] = asdict(network.spec)
    make_folder(path.parent)
    write_bytes(path, save(tensors, {"format": _FORMAT, "encoder": json.dumps(document)}))


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
        network = _empty(document.get("pyramid"), generator)
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except (KeyError, ModelError, RuntimeError, TypeError, ValueError) as error:
        raise _damage_error(path, error) from error
    network.to(generator.mean_w.device).eval().requires_grad_(False)
    refines = isinstance(network, PyramidEncoder) and network.spec.looks_at_its_guess
    return TrainedEncoder(network, model, recipe, generator if refines else None)


def _empty(pyramid: Any, generator: Generator) -> Encoder | PyramidEncoder:
    """The network that a file describes, without its weights."""
    if pyramid is None:
        return Encoder(generator.spec)
    spec = PyramidSpec(**{**pyramid, "channels": tuple(pyramid["channels"])})
    if (spec.rows, spec.w_dim) != (generator.num_layers, generator.w_dim):
        raise ValueError(f"it guesses {spec.rows} rows of {spec.w_dim}")
    return PyramidEncoder(spec)


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as error:
        raise _damage_error(path, error) from error


def _damage_error(path: Path, error: Exception) -> ModelError:
    reason = " ".join(str(error).split())[:200]
    return ModelError(f"{path} is missing or damaged ({reason})", f"{_HINT} --overwrite")
