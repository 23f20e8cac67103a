"""Waiting for a state, with a deadline, in tests without an event loop."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.05


def until(check: Callable[[], bool], seconds: float) -> None:
    """Wait until a check holds.

    Raises:
        AssertionError: It did not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(PAUSE_SECONDS)
