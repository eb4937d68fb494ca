"""How a cluster is joined and used."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from i2s_trt.errors import UsageError

Outputs = Literal["shared", "driver"]
_LOCAL = re.compile(r"local(?::(\d{1,3}))?")
_ADDRESS = re.compile(r"auto|[^\s/:]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")
_LAST_PORT = 65535
_FORMS = "write local, local:4, auto, or the HOST:PORT that `ray start --head` shows"


@dataclass(frozen=True)
class ClusterOptions:
    """Which cluster, and what is asked of it.

    Attributes:
        address: `local` or `local:N` to start one here, `auto` for the one of this machine, or HOST:PORT of its head.
        workers: at most; 0 for as many as there is room for.
        cpus: of each worker; a fraction lets several share a core.
        gpus: of each worker; None for one where there are any; a fraction lets several share one.
        outputs: `shared` when every machine sees the output folder under the same name, else `driver`.
    """

    address: str
    workers: int = 0
    cpus: float = 1.0
    gpus: float | None = None
    outputs: Outputs = "shared"

    @property
    def local(self) -> int | None:
        """Workers of a cluster that is started here, 0 for one for each core or GPU; None for one that is joined."""
        match = _LOCAL.fullmatch(self.address)
        return int(match[1] or 0) if match else None


@dataclass(frozen=True)
class WorkerPlan:
    """What every worker does.

    Attributes:
        opener: `package.module:function` that opens a `Workshop`, given `settings`, the model and a `Bench`.
        settings: its options; they are pickled.
        outputs: as in `ClusterOptions`.
    """

    opener: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    outputs: Outputs = "shared"


def cluster_options(
    address: str, workers: int = 0, cpus: float = 1.0, gpus: float | None = None, outputs: str = "shared"
) -> ClusterOptions:
    """Options as they were typed. Raises UsageError for what makes no sense."""
    if address.startswith("ray://"):
        raise UsageError(f"--cluster {address} is an address of Ray's client", _FORMS)
    match = _LOCAL.fullmatch(address)
    if not (match or _ADDRESS.fullmatch(address)) or (match and match[1] and not int(match[1])):
        raise UsageError(f"--cluster {address!r} names no cluster", _FORMS)
    if match and match[1] and workers:
        raise UsageError(f"--workers {workers} beside --cluster {address}", f"write --cluster local:{workers}")
    if not match and address != "auto" and not 0 < int(address.rpartition(":")[2]) <= _LAST_PORT:
        raise UsageError(f"--cluster {address}: there is no such port", f"write one from 1 to {_LAST_PORT}")
    if outputs not in ("shared", "driver"):
        raise UsageError(f"--outputs {outputs!r} is neither shared nor driver", "write --outputs driver")
    for name, value in {"--worker-cpus": cpus, "--worker-gpus": gpus or 0.0}.items():
        if not math.isfinite(value) or value < 0 or (value > 1 and value != int(value)):
            raise UsageError(f"{name} {value:g} is not a whole number or a fraction of one", f"write {name} 0.5")
    return ClusterOptions(address, workers, cpus, gpus, cast(Outputs, outputs))
