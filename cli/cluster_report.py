"""What is said about a cluster."""

from typing import TYPE_CHECKING

from cli.console import Console

if TYPE_CHECKING:
    from i2s_trt.cluster.events import ClusterEvent
    from i2s_trt.cluster.join import Cluster


class ClusterReport:
    """Prints a cluster's events as they come."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def joined(self, cluster: "Cluster") -> None:
        """Say what there is."""
        share = f"{cluster.cpus:g} cores" + (f" and {cluster.gpus:g} GPUs" if cluster.gpus else "")
        machines = "1 machine" if cluster.nodes == 1 else f"{cluster.nodes} machines"
        workers = "1 worker" if cluster.workers == 1 else f"{cluster.workers} workers"
        self._console.say(f"cluster:  {machines}, {workers} with {share} each")
        self._console.event("cluster", **vars(cluster))

    def __call__(self, event: "ClusterEvent") -> None:
        """Print one event."""
        self._console.event(event.kind, **event.data)
        getattr(self, f"_{event.kind}")(**event.data)

    def _worker(self, *, worker: int, node: str, device: str, engine: str, threads: int) -> None:
        with_threads = f" ({threads} thread{'s'[: threads > 1]})" if threads else ""
        self._console.say(f"worker {worker}: {engine} on {device} of {node}{with_threads}")

    def _lost(self, *, worker: int, node: str, removed: bool, reason: str) -> None:
        what = "its machine is gone" if removed else reason
        self._console.note(f"note: worker {worker} on {node or 'some machine'} ended ({what}); another takes over")

    def _retry(self, *, name: str, node: str, reason: str) -> None:
        self._console.note(f"note: {name} failed on {node} ({reason}); it is tried elsewhere")

    def _smaller(self, *, worker: int, node: str, batch: int) -> None:
        why = "its memory was short, or the one before it ended with more"
        self._console.note(f"note: worker {worker} on {node} takes {batch} at a time from now on: {why}")
