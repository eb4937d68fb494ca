"""One entrance for checkpoint files of every kind: look at the first bytes, then call the right reader."""

import codecs
import re
from dataclasses import dataclass, replace
from pathlib import Path

from i2s_trt.checkpoints.convert import RawNetwork, convert
from i2s_trt.checkpoints.encoder_bundle import BundledEncoder
from i2s_trt.checkpoints.module_pickle import read_module_pickle
from i2s_trt.checkpoints.records import ModuleRecord
from i2s_trt.checkpoints.safe_pickle import read_pickle
from i2s_trt.checkpoints.stylegan2 import RawStyleGan2, convert_stylegan2
from i2s_trt.checkpoints.tf_pickle import read_tf_pickle
from i2s_trt.checkpoints.torch_ports import read_torch_port
from i2s_trt.errors import CheckpointError, ModelError
from i2s_trt.files import file_digest
from i2s_trt.models.generator import GeneratorWeights

_LEGACY_TORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
_ZIP = b"PK\x03\x04"
# what taking apart a tree of the wrong shape can raise
_MALFORMED = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)

_CARS = 384, 512  # rows of a picture, and of the network's output
Span = tuple[int, int] | None  # first and one past the last; None for all


@dataclass(frozen=True)
class Checkpoint:
    """A generator read from somebody's file.

    Attributes:
        weights: in canonical form.
        kind: the family of the file, such as `tensorflow pickle` or `genforce`.
        file: name of the file.
        sha256: of its bytes.
        notes: what was missing in the file and how it was filled.
        encoder: of this generator, if the file has one.
    """

    weights: GeneratorWeights
    kind: str
    file: str
    sha256: str
    notes: tuple[str, ...]
    encoder: BundledEncoder | None = None


def read_checkpoint(path: Path, crop: Span = None, crop_columns: Span = None) -> Checkpoint:
    """Read a StyleGAN1 or StyleGAN2 checkpoint of any supported kind; runs no code from it.

    Args:
        path: a pickle of TensorFlow's networks or of PyTorch's modules, or a PyTorch conversion.
        crop: first and one-past-last picture row of a landscape model; guessed from a name such as
            `...-512x384.pkl`, or known from what the file says of its training, when both are left out.
        crop_columns: first and one-past-last picture column of a portrait model; guessed from `...-512x1024.pkl`.

    Raises:
        CheckpointError: the file is missing, hostile, broken or of another architecture.
    """
    try:
        kind, raw = _read_raw(path)
        converted = convert_stylegan2(raw) if isinstance(raw, RawStyleGan2) else convert(raw)
        spec = converted.weights.spec
        if crop is None and crop_columns is None:
            crop, crop_columns = crop_from_name(path.name, spec.resolution)
            crop = crop or _crop_from_training(raw, spec.resolution)
        spec = replace(spec, crop=crop, crop_columns=crop_columns)
        weights = GeneratorWeights(spec, converted.weights.tensors)
        encoder, notes = raw.encoder if isinstance(raw, RawStyleGan2) else None, converted.notes
        if encoder and encoder.lacks_its_mean:
            encoder = encoder.from_mean(weights.tensors["mean_w"])
            notes += ("its encoder starts from that mean latent: the file lacks the one that it was trained with",)
        return Checkpoint(weights, kind, path.name, file_digest(path), notes, encoder)
    except ModelError as error:
        raise CheckpointError(f"{path}: {error.args[0]}", error.hint) from error
    except OSError as error:
        raise CheckpointError(f"{path}: it cannot be read: {error.strerror}", "check the name") from error
    except _MALFORMED as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path}: it is not laid out as a network ({reason})", "download it again") from error


def _read_raw(path: Path) -> tuple[str, RawNetwork | RawStyleGan2]:
    with path.open("rb") as stream:
        head = stream.read(512)
    if head.startswith((_ZIP, _LEGACY_TORCH)) or (head[8:9] == b"{" and path.suffix.lower() == ".safetensors"):
        return read_torch_port(path)
    _refuse_text(head)
    tree = read_pickle(path)
    if isinstance(tree, dict | ModuleRecord):  # a dictionary of networks, or the generator alone
        return "pytorch pickle", read_module_pickle(tree if isinstance(tree, dict) else {"G_ema": tree})
    return "tensorflow pickle", read_tf_pickle(tree)


def _refuse_text(head: bytes) -> None:
    """Name the commonest non-models: nothing, a web page, a Git LFS pointer, some other text."""
    if not head:
        raise CheckpointError("the file is empty", "download it again")
    if head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"<":
        raise CheckpointError(
            "this is a web page, not a model: the download site answered with HTML (often a quota notice)",
            "open the download link in a browser, or try again later",
        )
    if head.startswith(b"version https://git-lfs"):
        raise CheckpointError("this is a Git LFS pointer, not a model", "fetch the real file with: git lfs pull")
    if head[:1] != b"\x80":
        raise CheckpointError(
            "this is neither a network pickle nor a PyTorch file",
            "give a StyleGAN .pkl, .pt or .pth; i2s-trt models pull ffhq fetches one",
        )


def crop_from_name(name: str, resolution: int) -> tuple[Span, Span]:
    """The rows and columns that a file's name says are the picture; None for all.

    `cars-512x384` means the middle 384 of 512 rows, `people-512x1024` the middle 512 of 1024 columns; StyleGAN2's file
    of cars says less.
    """
    if re.match(r"stylegan2-car-config-[a-f]\b", name) and resolution == _CARS[1]:
        return _middle(_CARS[0], resolution), None
    match = re.search(r"(\d+)x(\d+)", name)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if max(width, height) != resolution or not min(width, height):
        return None, None
    return _middle(height, resolution), _middle(width, resolution)


def _crop_from_training(raw: RawNetwork | RawStyleGan2, resolution: int) -> Span:
    """The rows that encoders of cars are shown; their files' names do not say so."""
    cars = isinstance(raw, RawStyleGan2) and "cars" in raw.pictures and resolution == _CARS[1]
    return _middle(_CARS[0], resolution) if cars else None


def _middle(pixels: int, of: int) -> Span:
    margin = (of - pixels) // 2
    return (margin, of - margin) if margin else None
