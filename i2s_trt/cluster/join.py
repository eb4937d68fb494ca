"""Ray, started here or joined, and how many workers it has room for."""

import logging
import math
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from i2s_trt.cluster.faults import known_nodes
from i2s_trt.cluster.options import ClusterOptions
from i2s_trt.errors import EnvironmentFault, UsageError

_MOST_LOCAL = 64
_SECONDS_TO_ANSWER = 5.0


@dataclass(frozen=True)
class Cluster:
    """A cluster that was joined.

    Attributes:
        nodes: machines.
        workers: there will be.
        cpus, gpus: of each worker.
    """

    nodes: int
    workers: int
    cpus: float
    gpus: float


@contextmanager
def joined(options: ClusterOptions, device: str = "auto") -> Iterator[Cluster]:
    """Start or join a cluster, and leave it at the end of the block; one that was started here ends then.

    Args:
        options: which one.
        device: that workers are to compute on; with `cpu` they ask for no GPU.

    Raises:
        EnvironmentFault: Ray is missing, or no cluster answers.
        UsageError: the cluster has no room for a single worker.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anybody
    ray = _import_ray()
    if ray.is_initialized():
        raise UsageError("this process has joined a cluster already", "leave it first with ray.shutdown()")
    _start(ray, options)
    _hush()
    try:
        yield _describe([node["Resources"] for node in known_nodes() if node["Alive"]], options, device)
    finally:
        ray.shutdown()


def _import_ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise EnvironmentFault("--cluster needs the package ray", "pip install 'i2s-trt[cluster]'") from error
    return ray


def _start(ray: Any, options: ClusterOptions) -> None:
    quiet = {"log_to_driver": False, "configure_logging": False, "include_dashboard": False}
    logging.getLogger("ray").setLevel(logging.CRITICAL)  # whatever happens to a worker is said by `Dispatcher`
    try:
        if options.local is None:
            _must_answer(options.address)
            ray.init(address=options.address, **{**quiet, "include_dashboard": None})
        else:
            cpus = math.ceil((options.local or _local_workers(options)) * options.cpus)
            ray.init(address="local", num_cpus=max(1, cpus), **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        reason = " ".join(str(error).split())[:300]
        raise EnvironmentFault(
            f"no cluster at --cluster {options.address}: {reason}",
            "this machine must belong to it (`ray start`), with the same Ray; a token wants RAY_AUTH_MODE=token",
        ) from error


def _hush() -> None:
    """Ray prints to stdout when a worker dies, and there is no option against it; events of ours may be read there."""
    from ray._private import worker

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda *_arguments, **_options: None


def _must_answer(address: str) -> None:
    """Ray itself would wait for two minutes."""
    host, _, port = address.rpartition(":")
    if host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_ANSWER).close()


def _local_workers(options: ClusterOptions) -> int:
    """One for each share of a GPU where there are any, else for each share of a core."""
    if options.gpus != 0:
        import torch

        if count := torch.cuda.device_count():
            return _fit(float(count), options.gpus or 1.0)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(_MOST_LOCAL, _fit(float(cores), options.cpus)))


def _describe(nodes: list[Mapping[str, float]], options: ClusterOptions, device: str) -> Cluster:
    has_gpus = any(node.get("GPU", 0.0) for node in nodes)
    gpus = options.gpus if options.gpus is not None else float(has_gpus and device != "cpu")
    room = sum(_room(node, options.cpus, gpus) for node in nodes)
    if not room:
        raise UsageError(
            f"no machine of the cluster has {options.cpus:g} cores and {gpus:g} GPUs for a worker",
            "ask for less with --worker-cpus and --worker-gpus",
        )
    wanted = options.local or options.workers
    return Cluster(len(nodes), min(room, wanted) if wanted else room, options.cpus, gpus)


def _room(node: Mapping[str, float], cpus: float, gpus: float) -> int:
    shares = [_fit(node.get(name, 0.0), share) for name, share in (("CPU", cpus), ("GPU", gpus)) if share]
    return min(shares, default=1)


def _fit(amount: float, share: float) -> int:
    return int(amount / share + 1e-6) if share else _MOST_LOCAL
