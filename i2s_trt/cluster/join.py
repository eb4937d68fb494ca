"""Ray, started here or joined, and how many workers it has room for."""

import logging
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from i2s_trt.cluster.faults import alive_nodes, why
from i2s_trt.cluster.head import call
from i2s_trt.cluster.options import ClusterOptions
from i2s_trt.cluster.room import gpus_of_each, local_workers, workers_on
from i2s_trt.errors import EnvironmentFault, UsageError


@dataclass(frozen=True)
class Cluster:
    """A cluster that was joined.

    Attributes:
        nodes: machines.
        workers: there will be.
        cpus, gpus: of each worker.
        head: HOST:PORT where Ray's head listens.
        most: workers there may be once more machines have come; 0 for as many as there is room for.
        late_gpus: GPUs of each worker on a machine that comes with some where there were none; 0 for none.
    """

    nodes: int
    workers: int
    cpus: float
    gpus: float
    head: str = ""
    most: int = 0
    late_gpus: float = 0.0


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
    if device == "cpu" and options.gpus is None:
        options = replace(options, gpus=0.0)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anybody
    ray = _import_ray()
    if ray.is_initialized():
        raise UsageError("this process has joined a cluster already", "leave it first with ray.shutdown()")
    _start(ray, options)
    _hush()
    try:
        nodes = list(alive_nodes().values())
        gpus = gpus_of_each(nodes, options, device)
        workers, head = workers_on(nodes, options, gpus), ray.get_runtime_context().gcs_address
        most = options.workers if options.local is None else workers
        late_gpus = 1.0 if options.gpus is None and options.local is None and not gpus else 0.0
        yield Cluster(len(nodes), workers, options.cpus, gpus, head, most, late_gpus)
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
            if options.address != "auto":
                call(options.address)
            _join(ray, options.address, {**quiet, "include_dashboard": None})
        else:
            cpus = math.ceil(local_workers(options) * options.cpus)
            ray.init(address="local", num_cpus=max(1, cpus), **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        reason = why(error)
        if options.local is not None:
            raise EnvironmentFault(
                f"Ray could not be started here: {reason}",
                "look whether memory, /dev/shm and /tmp have room; RAY_TMPDIR names another folder, of a short name",
            ) from error
        raise EnvironmentFault(
            f"no cluster at --cluster {options.address}: {reason}",
            "this machine must belong to it (`ray start`), with the same Ray; a token wants RAY_AUTH_MODE=token",
        ) from error


def _join(ray: Any, address: str, options: dict[str, Any]) -> None:
    try:
        ray.init(address=address, **options)
    except ConnectionError:
        if not _take_token():
            raise
        ray.init(address=address, **options)


def _take_token() -> bool:
    """Use the token that is in its place, which Ray itself does for `auto` alone; false where there is none.

    Not at once: with a token nothing works on a cluster that demands none.
    """
    if "RAY_AUTH_MODE" in os.environ:
        return False
    with suppress(ImportError):  # an older Ray
        from ray._private.authentication import authentication_token_setup as tokens

        return bool(tokens.maybe_enable_token_auth_if_token_available(warn_if_disabled=False))
    return False


def _hush() -> None:
    """Ray prints to stdout when a worker dies, and there is no option against it; events of ours may be read there."""
    from ray._private import worker

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda *_arguments, **_options: None
