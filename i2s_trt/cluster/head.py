"""The head of a cluster, watched: a minute after it is gone Ray ends the driver, with a line that helps nobody."""

import socket
import time

from i2s_trt.errors import EnvironmentFault

_BETWEEN, _SOON = 5.0, 0.5  # seconds between looks, and once it has not answered
GRACE = 20.0  # seconds in which a head may be busy, or start again
_SECONDS_TO_ANSWER = 5.0


def call(address: str) -> None:
    """Connect to HOST:PORT. Raises OSError; Ray itself would try for two minutes."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_ANSWER).close()


class Head:
    """Whether the head is there.

    Args:
        address: HOST:PORT; with none it always is.

    Attributes:
        is_lost: whether it was given up, so that nothing may be asked of Ray any more.
    """

    def __init__(self, address: str) -> None:
        self._address, self._heard, self._looked, self.is_lost = address, time.monotonic(), 0.0, False

    def look(self) -> bool:
        """Whether it answered when it was looked for last, which happens now and then.

        Raises:
            EnvironmentFault: it has not for too long.
        """
        now = time.monotonic()
        if self._address and now - self._looked >= (_SOON if self._heard < self._looked else _BETWEEN):
            self._looked = now
            try:
                call(self._address)
                self._heard = time.monotonic()
            except OSError as error:
                self._give_up(now - self._heard, error)
        return self._heard >= self._looked

    def answers(self) -> bool:
        """Whether it answers at this moment. Raises as `look` does."""
        self._looked = min(self._looked, time.monotonic() - _BETWEEN)
        return self.look()

    def must_answer(self) -> None:
        """Wait until it answers: before Ray is asked what would take until the end. Raises as `look` does."""
        if not self.answers():
            while not self.look():
                time.sleep(_SOON)

    def _give_up(self, silent: float, error: OSError) -> None:
        if silent > GRACE:
            self.is_lost = True
            raise EnvironmentFault(
                f"the head of the cluster at {self._address} is gone ({error.strerror or error})",
                "start it again with `ray start --head`, and run the same command again with --resume",
            )
