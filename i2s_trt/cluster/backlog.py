"""What is left to be given out on a cluster: what nobody had yet, what is to be done again, and what is late."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from i2s_trt.cluster.slot import Attempt, Slot
from i2s_trt.cluster.tasks import Feed, Task

LATE = 30.0  # seconds after which, in the end, an idle worker does what another may never be done with
SILENT = 300.0  # the same for one that gives no sign of getting on


class Backlog:
    """Tasks without an outcome.

    Args:
        slots: all workers, those that come later too.
        renew: a task that is done again, with what the first worker left of it.

    Attributes:
        has_ended: whether the feed has no more.
    """

    def __init__(self, slots: Sequence[Slot], renew: Callable[[Task], Task]) -> None:
        self._slots, self._renew, self.has_ended = slots, renew, False
        self._again: list[Attempt] = []
        self._open: set[str] = set()  # tasks that were given out and have no outcome yet
        self._longest = 0.0

    @property
    def is_done(self) -> bool:
        """Whether every task has its outcome."""
        return self.has_ended and not self._open

    def is_open(self, name: str) -> bool:
        """Whether a task has no outcome yet."""
        return name in self._open

    def settle(self, name: str) -> None:
        """A task has its outcome."""
        self._open.discard(name)

    def note(self, seconds: float) -> None:
        """So long a worker took for a group."""
        self._longest = max(self._longest, seconds)

    def put_back(self, attempt: Attempt) -> None:
        """A task is to be done again: once, however many workers had it."""
        twin = next((one for one in self._again if one.task.name == attempt.task.name), None)
        if twin is None:
            self._again.append(self._anew(attempt))
        elif attempt.blame >= twin.blame:
            twin.blame, twin.alone, twin.avoid = attempt.blame, attempt.alone or twin.alone, attempt.avoid

    def group(self, slot: Slot, feed: Feed) -> list[Attempt]:
        """What a worker that has room is given; nothing, if there is nothing for it."""
        self._again = [attempt for attempt in self._again if attempt.task.name in self._open]
        suits = [attempt for attempt in self._again if self._may_try(attempt, slot)]
        lone = [attempt for attempt in suits if attempt.alone][:1]
        if lone and slot.groups:
            return []  # it gets nothing more until it can take that one
        if chosen := lone or suits[: slot.batch]:
            self._again = [attempt for attempt in self._again if attempt not in chosen]
            return chosen
        if self.has_ended:
            return self._copies(slot)
        tasks = feed.poll(slot.batch)
        self.has_ended, tasks = tasks is None, tasks or []
        self._open |= {task.name for task in tasks}
        return [Attempt(task) for task in tasks]

    def _anew(self, attempt: Attempt) -> Attempt:
        return replace(attempt, task=self._renew(attempt.task), since=0.0, copied=False)

    def _copies(self, slot: Slot) -> list[Attempt]:
        """For a worker that nothing is left for: what another may never be done with. Whoever is first counts."""
        if slot.groups:
            return []
        seconds = self._too_long() if self._longest else math.inf  # the first ones may simply take so long
        late = {one.task.name: one for other in self._slots for one in other.late(seconds, SILENT)}
        found = [one for one in late.values() if one.task.name in self._open]
        chosen = [one for one in found if one.alone][:1] or found[: slot.batch]
        for attempt in chosen:
            attempt.copied = True
        return [self._anew(attempt) for attempt in chosen]

    def _too_long(self) -> float:
        """Seconds after which a group may never be done."""
        return max(LATE, 3 * self._longest)

    def _may_try(self, attempt: Attempt, slot: Slot) -> bool:
        """Not where it failed, as long as there is somewhere else; better on another machine.

        Never where it is in work: two of one name would write into one file.
        """
        if any(one.task.name == attempt.task.name for one in slot.in_hand):
            return False
        number, node_id = attempt.avoid
        others = [
            other
            for other in self._slots
            if other.number != number and other.is_promising and not other.hangs(self._too_long())
        ]
        if not others:
            return True
        elsewhere = [other for other in others if other.node_id != node_id]
        return slot in (elsewhere or others)
