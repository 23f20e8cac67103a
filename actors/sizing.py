"""How many executors a platform has: at least one for two cores, under load up to one a core."""

from collections.abc import Sequence
from dataclasses import dataclass

from store.queue import Executor

BUSY_EXECUTIONS = 1000
"""So many executions in each executor are work for one more."""
BUSY_LAG_MS = 100.0
"""So late an event loop has more to do than it can."""
BUSY_LOOKS = 2
"""After so many looks in a row that found all busy one more is started."""
QUIET_SECONDS = 60.0
"""After so long without need for it one is stopped."""


@dataclass(frozen=True, slots=True)
class SizeRange:
    """The least and the most executors."""

    least: int
    most: int

    @classmethod
    def of(cls, cores: float, fixed: int | None, most: int | None) -> "SizeRange":
        """Return the range for a cluster.

        Args:
            cores: How many the cluster has.
            fixed: How many executors are asked for; None: as many as suit.
            most: How many there may be under load; None: one a core.
        """
        if fixed is not None:
            return cls(fixed, fixed)
        allowed = max(1, int(cores)) if most is None else most
        return cls(min(max(1, int(cores) // 2), allowed), allowed)


class Sizing:
    """Decides whether there is one executor too few or too many, from one look to the next."""

    def __init__(self) -> None:
        self._busy_looks = 0
        self._quiet_since: float | None = None

    def wanted(self, executors: Sequence[Executor], allowed: SizeRange, now: float) -> int:
        """Return how many executors there should be.

        Args:
            executors: Those that take executions, as they told last.
            allowed: How many there may be.
            now: A clock in seconds that never goes back.
        """
        size = len(executors)
        busy = all(one.running >= BUSY_EXECUTIONS or one.lag_ms >= BUSY_LAG_MS for one in executors)
        self._busy_looks = self._busy_looks + 1 if busy else 0
        quiet = sum(one.running for one in executors) < BUSY_EXECUTIONS * (size - 1) / 2 and all(
            one.lag_ms < BUSY_LAG_MS / 2 for one in executors
        )
        if not quiet:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now
        if self._busy_looks >= BUSY_LOOKS:
            self._busy_looks = 0
            size += 1
        elif self._quiet_since is not None and now - self._quiet_since >= QUIET_SECONDS:
            self._quiet_since = now
            size -= 1
        return min(max(size, allowed.least), allowed.most)
