"""What an executor tells of itself with each heartbeat."""

import asyncio
import time
from collections.abc import Callable


class LoadMeter:
    """Measures how many executions run and how late the event loop is.

    The loop is asked once a reading and says when it got to it, so that an idle one stays idle.
    `read` is for one other thread.

    Args:
        loop: The event loop that is measured.
        running: Returns how many executions run.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, running: Callable[[], int]) -> None:
        self._loop = loop
        self._running = running
        self._asked: float | None = None
        self._heard: float | None = None

    def read(self) -> tuple[int, float]:
        """Return how many run, and how many milliseconds late the loop was when last asked."""
        lag_seconds = 0.0
        if self._asked is not None:
            lag_seconds = (self._heard or time.monotonic()) - self._asked
        if self._asked is None or self._heard is not None:
            self._heard, self._asked = None, time.monotonic()
            self._loop.call_soon_threadsafe(self._hear)
        return self._running(), lag_seconds * 1000

    def _hear(self) -> None:
        self._heard = time.monotonic()
