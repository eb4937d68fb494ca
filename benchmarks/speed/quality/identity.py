"""A face recogniser that the user gives as an ONNX file, run by ONNX Runtime on the CPU."""

from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from engines.onnxruntime.providers import PROVIDERS, import_onnxruntime
from i2s_trt.arrays import Array, Pixels
from i2s_trt.errors import ModelError, UsageError

_SHORTEST = 16  # numbers of a vector that tells people apart
_SIDES = (16, 1024)  # pixels of its input
_WANTED = "give a face recogniser, such as ArcFace: one input, float32 [N, 3, H, W] or [N, H, W, 3], and a vector"


class Form(NamedTuple):
    """What a recogniser takes: pixels, and whether the colours come first."""

    height: int
    width: int
    colours_first: bool


class Recogniser:
    """Tells how like two faces are.

    It is given RGB in [-1, 1], as ArcFace's, CosFace's and FaceNet's are trained.

    Args:
        path: of the ONNX file.

    Attributes:
        form: of its input.

    Raises:
        UsageError: there is no such file.
        ModelError: it is no ONNX file, or no recogniser: says what its input or its outputs are.
        EnvironmentFault: ONNX Runtime is not installed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._session = _open(path)
        inputs = self._session.get_inputs()
        self.form = _form(path, inputs)
        self._input = inputs[0].name
        self._output = self._find_output()

    def __call__(self, face: Pixels) -> Array:
        """The vector of a face uint8 [H, W, 3], float32 [D] of length 1. Raises ModelError where it is not finite."""
        vector = self._run(face)[self._output].ravel()
        length = float(np.linalg.norm(vector))
        if not (np.isfinite(length) and length > 0):
            raise ModelError(f"{self._path} gives a vector of length {length}", _WANTED)
        return vector / length

    def _run(self, face: Pixels) -> list[Array]:
        height, width, colours_first = self.form
        scaled = cv2.resize(face, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 127.5 - 1
        batch = (scaled.transpose(2, 0, 1) if colours_first else scaled)[None]
        try:
            found = self._session.run(None, {self._input: np.ascontiguousarray(batch)})
        except Exception as error:  # the library raises types of its own
            raise ModelError(f"{self._path} cannot be run: {_short(error)}", _WANTED) from error
        return [np.asarray(one) for one in found]

    def _find_output(self) -> int:
        """Which output is the vector; some give its length, too."""
        grey = np.full((self.form.height, self.form.width, 3), 128, np.uint8)
        found = self._run(grey)
        fitting = [i for i, one in enumerate(found) if _is_vector(one)]
        if len(fitting) != 1:
            shapes = ", ".join(f"{one.dtype} {list(one.shape)}" for one in found)
            raise ModelError(f"{self._path} gives {shapes} for a picture, not one vector", _WANTED)
        return fitting[0]


def likeness(first: Array, second: Array) -> float:
    """Cosine of two vectors [D] of length 1: 1 for one face, about 0 for two people."""
    return float(np.clip(first @ second, -1.0, 1.0))


def _open(path: Path) -> Any:
    runtime = import_onnxruntime()
    if not path.is_file():
        raise UsageError(f"--identity: there is no file {path}", "name a face recogniser's ONNX file")
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(str(path), options, providers=[PROVIDERS["cpu"]])
    except Exception as error:  # the library raises types of its own
        raise ModelError(f"--identity: ONNX Runtime cannot load {path}: {_short(error)}", _WANTED) from error


def _form(path: Path, inputs: list[Any]) -> Form:
    if len(inputs) != 1:
        raise ModelError(f"{path} has {len(inputs)} inputs", _WANTED)
    shape, kind = inputs[0].shape, inputs[0].type
    said = f"{kind.removeprefix('tensor(').removesuffix(')')} [{', '.join(map(str, shape))}]"
    if kind != "tensor(float)" or len(shape) != 4 or (isinstance(shape[0], int) and shape[0] != 1):
        raise ModelError(f"{path} takes {said}, not a picture", _WANTED)
    colours_first = shape[1] == 3
    sides = shape[2:] if colours_first else shape[1:3]
    if not colours_first and shape[3] != 3:
        raise ModelError(f"{path} takes {said}, not three colours", _WANTED)
    if not all(isinstance(side, int) and _SIDES[0] <= side <= _SIDES[1] for side in sides):
        raise ModelError(f"{path} takes {said}, which says not how large a face it wants", _WANTED)
    return Form(sides[0], sides[1], colours_first)


def _is_vector(array: Array) -> bool:
    return array.dtype == np.float32 and array.size >= _SHORTEST and array.size == max(array.shape)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
