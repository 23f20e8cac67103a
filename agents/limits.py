"""How often something may be done: rates, and who counts them.

A rate is kept by the generic cell rate algorithm: each permit moves the moment at which the next
one is due. Whoever has to wait longer than it can is told until when, and its permit is kept for
it, so that the attempt that comes back then is not last in line again.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SLOT_SECONDS = 600.0
"""How long after its time a kept permit is kept."""
_MOST_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many permits in so many seconds, so many of them at once, under one name."""

    name: str
    requests: int
    seconds: float
    burst: int = 1

    @property
    def interval_seconds(self) -> float:
        """The time between two permits."""
        return self.seconds / self.requests

    @property
    def tolerance_seconds(self) -> float:
        """How much earlier than evenly spaced a permit may be given."""
        return self.interval_seconds * (self.burst - 1)


class Limiter(Protocol):
    """Gives permits."""

    async def take(self, rates: Sequence[Rate], work: str, longest_seconds: float) -> float:
        """Take a permit of all the rates together.

        Args:
            rates: What bounds it; all of them are charged.
            work: What the permit is for, the same for every attempt at it.
            longest_seconds: How long the caller waits itself.

        Returns:
            After how many seconds the permit holds. When that is more than `longest_seconds`, it
            is kept for the same `work`, which asks again then.
        """
        ...


class LocalLimiter:
    """Counts what this process does."""

    def __init__(self) -> None:
        self._due: OrderedDict[str, float] = OrderedDict()
        self._kept: OrderedDict[str, float] = OrderedDict()

    async def take(self, rates: Sequence[Rate], work: str, longest_seconds: float) -> float:
        """See `Limiter`."""
        now = time.monotonic()
        at = self._kept.pop(work, None)
        if at is None or at < now - SLOT_SECONDS:
            at = self._charge(rates, now)
        if at - now > longest_seconds:
            self._kept[work] = at
            _bound(self._kept)
        return max(0.0, at - now)

    def _charge(self, rates: Sequence[Rate], now: float) -> float:
        at = now
        for rate in rates:
            due = max(now, self._due.get(rate.name, now))
            at = max(at, due - rate.tolerance_seconds)
            self._due[rate.name] = due + rate.interval_seconds
            self._due.move_to_end(rate.name)
        _bound(self._due)
        return at


def _bound(names: OrderedDict[str, float]) -> None:
    while len(names) > _MOST_NAMES:
        names.popitem(last=False)
