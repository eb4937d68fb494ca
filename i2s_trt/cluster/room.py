"""How many workers a cluster has room for, and what each of them gets."""

import math
import os
from collections.abc import Mapping, Sequence

from i2s_trt.cluster.options import ClusterOptions
from i2s_trt.errors import UsageError

_MOST_LOCAL = 64
Node = Mapping[str, float]  # what a machine has: `CPU`, `GPU` and others


def local_workers(options: ClusterOptions) -> int:
    """Workers of a cluster that is started here: as many as were named, else one for each share of a GPU or a core."""
    if options.local:
        return options.local
    count = _shares_here(options)
    return min(count, options.workers) if options.workers else count


def _shares_here(options: ClusterOptions) -> int:
    if options.gpus != 0:
        import torch

        if count := torch.cuda.device_count():
            return _fit(float(count), options.gpus or 1.0)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(_MOST_LOCAL, _fit(float(cores), options.cpus or 1.0)))


def gpus_of_each(nodes: Sequence[Node], options: ClusterOptions, device: str) -> float:
    """GPUs of each worker: as asked for, else one where there are any; workers named by `local:N` share those here."""
    if options.gpus is not None:
        return options.gpus
    count = int(sum(node.get("GPU", 0.0) for node in nodes))
    if not count or device == "cpu":
        return 0.0
    return 1.0 / math.ceil(options.local / count) if options.local else 1.0


def workers_on(nodes: Sequence[Node], options: ClusterOptions, gpus: float) -> int:
    """How many workers there will be.

    Raises:
        UsageError: there is no room for a single one, or not for as many as `local:N` names.
    """
    wanted = options.workers if options.local is None else local_workers(options)
    room = room_for(nodes, options.cpus, gpus)
    if not (options.cpus or gpus):
        return wanted or room  # they ask for nothing, so that any number would fit
    if not room:
        raise UsageError(
            f"no machine of the cluster has {options.cpus:g} cores and {gpus:g} GPUs for a worker",
            "ask for less with --worker-cpus and --worker-gpus",
        )
    if options.local and room < options.local:
        raise UsageError(
            f"--cluster {options.address} with {options.cpus:g} cores and {gpus:g} GPUs each: there is room for {room}",
            f"write --cluster local:{room}, or a smaller --worker-gpus",
        )
    return min(room, wanted) if wanted else room


def room_for(nodes: Sequence[Node], cpus: float, gpus: float) -> int:
    """Workers that machines have room for, each with so much; one a machine where they ask for nothing."""
    return sum(_room(node, cpus, gpus) for node in nodes) if cpus or gpus else len(nodes)


def _room(node: Node, cpus: float, gpus: float) -> int:
    return min(_fit(node.get(name, 0.0), share) for name, share in (("CPU", cpus), ("GPU", gpus)) if share)


def _fit(amount: float, share: float) -> int:
    return int(amount / share + 1e-6)
