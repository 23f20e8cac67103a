"""The queue of executions and who may take from it.

A row with status `pending` is a queued execution; who takes it makes it `running` in the same
statement. Limits are counted from the rows, so that nothing has to be given back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from store.postgres import Pool, tenant_transaction
from store.statements import statement
from store.writing import Woken

COUNTED = 1000
"""How far the place of a queued execution is counted."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a platform takes on at once."""

    executor_capacity: int = 20_000
    """Executions that one executor runs."""
    dedicated_most: int = 0
    """Executions with an executor of their own that run."""
    tenant_most: int | None = None
    """Executions of one tenant in progress; None: any number."""


UNBOUNDED = Bounds()
"""What a platform takes on that sets nothing."""


@dataclass(frozen=True, slots=True)
class Executor:
    """An executor that holds a lease, as its last heartbeat told."""

    id: UUID
    slot: str
    """The name of its actor."""
    running: int = 0
    """How many executions it drove."""
    lag_ms: float = 0.0
    """How late its event loop was."""
    draining: bool = False
    dedicated: bool = False

    @classmethod
    def from_row(cls, row: Any) -> "Executor":
        """Make it of its row in `executors`."""
        return cls(row["id"], row["slot"], row["running"], row["lag_ms"], row["draining"],
                   row["dedicated"])  # fmt: skip

    @property
    def takes_executions(self) -> bool:
        """Whether it may be given any execution."""
        return not (self.draining or self.dedicated)


async def living_executors(pool: Pool, lease_seconds: float) -> list[Executor]:
    """Return the executors that hold a lease."""
    rows = await pool.fetch(statement("list_executors"), lease_seconds)
    return [Executor.from_row(row) for row in rows]


async def admit(pool: Pool, owners: Sequence[UUID], bounds: Bounds, most: int) -> list[Woken]:
    """Give queued executions to executors, as far as limits and places allow.

    Safe to call from several places at once.

    Args:
        pool: A pool of role weft_engine.
        owners: The executors that may take some.
        bounds: The platform's; with `dedicated_most` 0 no dedicated execution is admitted.
        most: How many at once.

    Returns:
        What is to begin now; a dedicated execution without an owner.
    """
    rows = await pool.fetch(
        statement("admit_executions"), list(owners), bounds.executor_capacity,
        bounds.dedicated_most, bounds.tenant_most, most,
    )  # fmt: skip
    return [Woken(row["execution_id"], row["owner_id"]) for row in rows]


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Why an execution does not run yet."""

    reason: str
    """`concurrency`: a limit is reached; `capacity`: all executors are full; `paused`: somebody
    paused it; `starting`: its own executor starts."""
    ahead: int
    """How many of those that are bounded like it go before it; `COUNTED` at most."""
    held_by: str | None = None
    """Whose limit is reached: `key`, `workflow` or `organization`."""
    at_most: int | None = None
    """How many that limit allows in progress at once."""


async def queue_place(
    pool: Pool, tenant_id: UUID, execution_id: UUID, tenant_most: int | None
) -> QueuePlace | None:
    """Return where an execution stands in the queue; None when it is not queued."""
    async with tenant_transaction(pool, tenant_id) as connection:
        row = await connection.fetchrow(
            statement("get_queue_place"), execution_id, tenant_most, COUNTED
        )
    return None if row is None else QueuePlace(**row)
