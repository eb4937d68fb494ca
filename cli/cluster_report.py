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
        shares = [_count(cluster.cpus, "core")] if cluster.cpus else []
        shares += [_count(cluster.gpus, "GPU")] if cluster.gpus else []
        each = " each" if cluster.workers > 1 else ""
        share = f" with {' and '.join(shares)}{each}" if shares else ""
        self._console.say(f"cluster:  {_count(cluster.nodes, 'machine')}, {_count(cluster.workers, 'worker')}{share}")
        self._console.event("cluster", **vars(cluster))

    def __call__(self, event: "ClusterEvent") -> None:
        """Print one event."""
        self._console.event(event.kind, **event.data)
        getattr(self, f"_{event.kind}")(**event.data)

    def _grown(self, *, nodes: int, workers: int) -> None:
        self._console.say(f"cluster:  {_count(nodes, 'machine')} now, and {_count(workers, 'worker')}")

    def _worker(self, *, worker: int, node: str, device: str, engine: str, threads: int) -> None:
        with_threads = f" with {_count(threads, 'thread')}" if threads else ""
        self._console.say(f"worker {worker}: ready on {node}, {engine} on {device}{with_threads}")

    def _lost(self, *, worker: int, node: str, removed: bool, reason: str) -> None:
        what = "its machine is gone" if removed else reason
        self._console.note(f"note: worker {worker} on {_named(node)} has ended ({what}); its work is done again")

    def _given_up(self, *, worker: int, node: str, reason: str) -> None:
        self._console.note(f"note: worker {worker} on {_named(node)} is given up: {reason}")

    def _retry(self, *, name: str, node: str, reason: str) -> None:
        self._console.note(f"note: {name} failed on {_named(node)} ({reason}); it is tried once more")

    def _left(self, *, worker: int, node: str, tasks: int) -> None:
        what = "a picture" if tasks == 1 else f"{tasks} pictures"
        self._console.note(f"note: worker {worker} on {node} has not brought {what} in time; made again when you go on")

    def _smaller(self, *, worker: int, node: str, batch: int) -> None:
        why = "it had too little memory, or the one before it ended with more in hand"
        self._console.note(f"note: worker {worker} on {node} takes {batch} at a time from now on: {why}")


def _count(count: float, noun: str) -> str:
    return f"{count:g} {noun}" if count == 1 else f"{count:g} {noun}s"


def _named(node: str) -> str:
    return node or "some machine"
