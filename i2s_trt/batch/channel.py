"""A bounded queue between threads that can be closed and given up."""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Abandoned(Exception):
    """Nobody waits for the result any more: the thread ends."""


class Channel(Generic[T]):
    """Carries items from some threads to others, in order.

    Args:
        capacity: items that wait at most; `put` holds its thread until there is room.
        producers: threads that put; after the last of them is `done` the channel is closed.
    """

    def __init__(self, capacity: int, producers: int = 1) -> None:
        self._items: deque[T] = deque()
        self._capacity, self._producers, self._abandoned = capacity, producers, False
        lock = threading.Lock()
        self._filled, self._freed = threading.Condition(lock), threading.Condition(lock)
        self._wanted = 1  # the fewest items that a waiting thread can use: it sleeps until there are so many

    def put(self, item: T) -> None:
        """Add an item. Raises Abandoned."""
        with self._freed:
            while len(self._items) >= self._capacity and not self._abandoned:
                self._freed.wait()
            if self._abandoned:
                raise Abandoned
            self._items.append(item)
            if len(self._items) >= self._wanted:
                self._filled.notify()

    def take(self, least: int = 1, most: int = 1, patience: float | None = None) -> list[T]:
        """The next items: `least` or more, `most` at most; fewer only when the channel is closed, none at its end.

        All threads that take from a channel ask for the same.

        Args:
            least, most: items.
            patience: seconds after which a single item will do.

        Raises:
            Abandoned: the channel was given up.
        """
        with self._filled:
            self._wanted = least
            hurried = patience is not None and not self._filled.wait_for(lambda: self._has(least), patience)
            if patience is None or hurried:
                self._wanted = least = 1 if hurried else least
                self._filled.wait_for(lambda: self._has(least))
            if self._abandoned:
                raise Abandoned
            taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
            self._freed.notify(len(taken))
            if len(self._items) >= least:  # one notice may have stood for several items
                self._filled.notify()
            return taken

    def poll(self, count: int) -> list[T] | None:
        """The next `count` items if there are as many, without waiting: fewer only when the channel is closed.

        Returns:
            The items; none while there are too few, None at the channel's end.

        Raises:
            Abandoned: the channel was given up.
        """
        with self._filled:
            if self._abandoned:
                raise Abandoned
            if not self._items and not self._producers:
                return None
            if not self._has(min(count, self._capacity)):
                return []
            taken = [self._items.popleft() for _ in range(min(count, len(self._items)))]
            self._freed.notify(len(taken))
            return taken

    def _has(self, least: int) -> bool:
        return len(self._items) >= least or not self._producers or self._abandoned

    def done(self) -> None:
        """One of the producers has no more."""
        with self._filled:
            self._producers -= 1
            if not self._producers:
                self._filled.notify_all()

    def abandon(self) -> None:
        """Let every thread that puts or takes end with Abandoned, now and later."""
        with self._filled:
            self._abandoned = True
            self._items.clear()
            self._filled.notify_all()
            self._freed.notify_all()

    def __iter__(self) -> Iterator[T]:
        while taken := self.take():
            yield taken[0]
