"""What Ray's errors mean to whoever waits for the result."""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from i2s_trt.cluster.tasks import Failed, Kind, Task
from i2s_trt.errors import EnvironmentFault, I2sError, UsageError

_SHOWN = 200  # characters
_NEXT_SENTENCE = re.compile(r"(?<=[a-z0-9)'\"][.!?])\s+(?=\S)")
_SAME_EVERYWHERE = "install the same version of i2s-trt on every machine"


def known_nodes() -> list[dict[str, Any]]:
    """What Ray says of every machine that is or was there."""
    return _ask(import_module("ray"))


def _ask(ray: Any) -> list[dict[str, Any]]:
    return list(ray.nodes())


def alive_nodes() -> dict[str, Mapping[str, float]]:
    """The machines that are there, by Ray's names, and what each has: `CPU`, `GPU` and others."""
    return {node["NodeID"]: node["Resources"] for node in known_nodes() if node["Alive"]}


def node_name(node_id: str) -> str:
    """What people call a machine: the name it was started with, or its address."""
    known = {node["NodeID"]: node.get("NodeName") or node["NodeManagerAddress"] for node in known_nodes()}
    return str(known.get(node_id, "some machine"))


def refuse_other_versions(node: str, found: str, version: str) -> None:
    """Refuse a machine with another version of the program. Raises EnvironmentFault that names both."""
    if found != version:
        raise EnvironmentFault(f"{node} has i2s-trt {found}, and the driver {version}", _SAME_EVERYWHERE)


def failed(task: Task, error: I2sError, *, shared: bool) -> Failed:
    """What an error on a worker means for its task; `shared` says that it writes into the folder that all share."""
    kind: Kind = "task"
    if isinstance(error, EnvironmentFault):
        kind = "disk" if shared and isinstance(error.__cause__, OSError) else "machine"
    return Failed(task.name, error.args[0], error.hint, kind)


def refusal(error: Exception, node: str, version: str) -> I2sError | None:
    """Why a machine cannot take part, if the error of a starting worker says so.

    The driver has looked for a user's mistakes before; what looks like one is something that this machine lacks.
    """
    cause = getattr(error, "cause", None)
    if isinstance(cause, UsageError):
        return UsageError(f"{node}: {cause.args[0]}", cause.hint)
    if isinstance(cause, I2sError):
        return EnvironmentFault(f"{node}: {cause.args[0]}", cause.hint)
    if isinstance(cause, ModuleNotFoundError):
        return EnvironmentFault(f"{node}: the package {cause.name} is missing", f"pip install {cause.name} there")
    if "No module named 'i2s_trt" in str(error):
        return EnvironmentFault(f"{node or 'a machine'} has no i2s-trt {version}", _SAME_EVERYWHERE)
    return None


def why(error: Exception) -> str:
    """An error of Ray's in a sentence; what follows the first one is advice for whoever runs Ray itself."""
    text = " ".join(str(getattr(error, "cause", None) or error).split())
    _, marked, detail = text.partition("Worker exit detail: ")
    sentence, *_ = _NEXT_SENTENCE.split(detail if marked else text, maxsplit=1)
    return sentence.removesuffix(".") if len(sentence) <= _SHOWN else f"{sentence[:_SHOWN].rpartition(' ')[0]} ..."
