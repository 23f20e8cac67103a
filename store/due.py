"""What a supervisor may have to do, seen in one look."""

from dataclasses import dataclass
from typing import Any

from store.postgres import Pool
from store.queue import Executor
from store.statements import statement


@dataclass(frozen=True, slots=True)
class Due:
    """What there is; whoever does it finds the rows, if nobody was faster."""

    living: list[Executor]
    """The executors that hold a lease."""
    stale: bool
    """Whether a lease was not renewed in time."""
    orphans: bool
    """Whether a running execution has no living owner."""
    queued: bool
    """Whether an execution is queued that is not paused."""
    lines: bool
    """Whether an execution stands in its parent's line."""
    abandoned: bool
    """Whether an execution has ended before those that it started."""
    questions: bool
    """Whether a question's time is up."""
    overdue: bool
    """Whether an execution waits or queues beyond its timeout."""
    deliveries: bool
    """Whether a webhook is to be called."""
    next_wait_seconds: float | None
    """In how many seconds the next wait is due, negative when it is; None: none has a time."""


async def see_due(pool: Pool, lease_seconds: float) -> Due:
    """Look what there is to do.

    Args:
        pool: A pool of role weft_engine.
        lease_seconds: How long a lease holds.
    """
    row: Any = await pool.fetchrow(statement("see_due"), lease_seconds)
    seen = dict(row)
    living = [Executor.from_row(one) for one in seen.pop("living") or ()]
    return Due(living, **seen)
