"""The seam between TensorRT and TensorRT-RTX: one API under two module names."""

import importlib
from collections import deque
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from i2s_trt.errors import EnvironmentFault, UsageError

TensorrtBackend = Literal["tensorrt", "tensorrt-rtx"]
BACKENDS: tuple[TensorrtBackend, ...] = ("tensorrt", "tensorrt-rtx")
_MODULES = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx"}
_INSTALL = {
    "tensorrt": "pip install 'i2s-trt[gpu]' (its libraries come from NVIDIA's package index)",
    "tensorrt-rtx": "pip install 'i2s-trt[rtx]'",
}
_LAYERS = "Layers:"
_KEPT = 1000  # messages; a build logs some hundreds, and an engine that runs for weeks goes on logging
# By number: asking the bindings for the name of a severity has been seen to hang once another builder is alive.
_SEVERITIES = ("INTERNAL_ERROR", "ERROR", "WARNING", "INFO", "VERBOSE")


@dataclass(frozen=True)
class Message:
    """Something TensorRT logged: severity by name, and the text."""

    severity: str
    text: str


def load_tensorrt(backend: str) -> ModuleType:
    """The Python module of a backend.

    Raises:
        UsageError: no such backend.
        EnvironmentFault: its package is missing, or its libraries are.
    """
    if backend not in _MODULES:
        raise UsageError(f"no engine backend named {backend}", f"there are {', '.join(_MODULES)}")
    try:
        return importlib.import_module(_MODULES[backend])
    except ModuleNotFoundError as error:
        raise EnvironmentFault(f"{backend} is not installed", _INSTALL[backend]) from error
    except (ImportError, OSError) as error:  # the bindings are there, the library is not
        reason = " ".join(str(error).split())[:200]
        raise EnvironmentFault(f"{backend} cannot be loaded: {reason}", _INSTALL[backend]) from error


def make_logger(trt: ModuleType) -> Any:
    """A TensorRT logger that prints nothing and keeps in `.messages` the latest messages.

    Of the verbose messages, a hundred thousand a build, only the engine's layers are kept.
    """

    class Logger(trt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.messages: deque[Message] = deque(maxlen=_KEPT)

        def log(self, severity: Any, text: str) -> None:
            name = _SEVERITIES[int(severity)]
            if name != "VERBOSE" or text.startswith(_LAYERS):
                self.messages.append(Message(name, text))

    return Logger()


def complaints(logger: Any) -> str:
    """The errors among a logger's messages, shortened to a line."""
    texts = [message.text for message in tuple(logger.messages) if "ERROR" in message.severity]
    return " ".join(" ".join(texts).split())[:400]
