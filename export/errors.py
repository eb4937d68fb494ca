"""The error of exports; needs neither torch nor onnx."""

from i2s_trt.errors import I2sError


class ExportError(I2sError):
    """A graph that could not be exported, or that computes something else than PyTorch does."""
