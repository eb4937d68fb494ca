"""Detectors by what a user names: nothing, or a model file."""

from pathlib import Path

from i2s_trt.errors import ImageError, UsageError
from i2s_trt.faces.face import FaceDetector


def load_detector(model: Path | None = None) -> FaceDetector:
    """The built-in detector, or the one that a model file is for: `.onnx` is YuNet's, `.dat` is dlib's.

    Raises:
        UsageError: the file's name ends otherwise.
        ImageError: there is no such file, or it holds something else.
        EnvironmentFault: dlib is not installed.
    """
    if model is None:
        from i2s_trt.faces.builtin import BuiltinDetector

        return BuiltinDetector()
    if not model.is_file():
        raise ImageError(f"there is no detector file {model}", "check the name, or leave --detector out")
    if model.suffix == ".onnx":
        from i2s_trt.faces.yunet import YuNet

        return YuNet(model)
    if model.suffix == ".dat":
        from i2s_trt.faces.dlib_predictor import DlibPredictor

        return DlibPredictor(model)
    raise UsageError(f"{model} is no face detector", "name a YuNet .onnx or a dlib .dat file")
