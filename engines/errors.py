"""The error of engines."""

from i2s_trt.errors import I2sError


class EngineError(I2sError):
    """A graph that an engine's library refuses, or an engine that cannot be built or run."""
