"""What a cluster has to say."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ClusterEvent:
    """Something a user may want to see.

    Attributes:
        kind: `cluster` (joined), `grown` (machines have come), `worker` (ready), `lost` (a worker ended), `given_up`
            (none takes its place), `retry` (a task is tried again) `smaller` (a worker takes smaller batches, after
            it had too little memory or another ended in its place) or `left` (a run that was to stop waits no longer
            for what a worker has in hand).
        data: JSON values.
    """

    kind: str
    data: dict[str, Any] = field(default_factory=dict)


Listen = Callable[[ClusterEvent], None]
