"""Executions from outside their owner: starting, deciding, cancelling.

Whoever changes an execution locks its row first and writes its event in the same transaction, so
events and state never contradict each other.
"""

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from store.errors import Conflict, NotFound, StoreError
from store.json_values import canonical, dumps
from store.live import LiveView
from store.origins import Origin, seed_execution
from store.postgres import Pool, tenant_transaction
from store.records import (
    EndingRecord,
    Event,
    EventRecord,
    MoveRecord,
    Record,
)
from store.statements import statement
from store.status import Status
from store.writing import Batch, Woken, write_records

UNLIMITED = UUID(int=0)
"""The lane of executions without limits."""


def lane_of(workflow_id: UUID, key: str | None, dedicated: bool) -> UUID:
    """Return the lane of bounded executions of a workflow, with a key, of a kind of executor."""
    told = [str(workflow_id), key, dedicated]
    return UUID(bytes=hashlib.sha256(canonical(told)).digest()[:16])


@dataclass(frozen=True, slots=True)
class Start:
    """A request to run a workflow once."""

    tenant_id: UUID
    organization_id: UUID
    workflow_id: UUID
    workflow_name: str
    user_id: UUID | None
    specification_sha256: str
    input: dict[str, Any]
    total_nodes: int
    user_email: str = ""
    user_name: str = ""
    triggered_by: str = "api"
    webhook_url: str | None = None
    timeout_seconds: float | None = None
    idempotency_key: str | None = None
    priority: int = 0
    """Among the tenant's queued executions the highest goes first."""
    dedicated: bool = False
    """Whether it is to have an executor of its own."""
    workflow_limit: int | None = None
    """How many limited executions of its workflow may be in progress, itself included."""
    key_limit: int | None = None
    """The same for those with its key."""
    key: str | None = None
    origin: Origin | None = None
    """What it is made of, when it is made of another execution."""
    id: UUID = field(default_factory=uuid7)
    """The execution's, unless the idempotency key has one already."""

    @property
    def request_sha256(self) -> str:
        """What two requests with one idempotency key must share; the order of fields is free."""
        told: list[Any] = [str(self.workflow_id), self.input, self.webhook_url]
        told += [self.timeout_seconds, self.origin.asked] if self.origin else [self.timeout_seconds]
        return hashlib.sha256(canonical(told)).hexdigest()

    @property
    def lane(self) -> UUID:
        """What executions share that are bounded alike."""
        limited = self.workflow_limit is not None or self.key_limit is not None
        if not (limited or self.dedicated):
            return UNLIMITED
        return lane_of(self.workflow_id, self.key, self.dedicated)


@dataclass(frozen=True, slots=True)
class Started:
    """An accepted start: the execution, and whether this request made it."""

    execution_id: UUID
    created: bool
    owner_id: UUID | None
    deadline_at: datetime | None
    created_at: datetime


async def start_executions(
    pool: Pool,
    live: LiveView,
    starts: Sequence[tuple[Start, UUID | None]],
    *,
    tenant_most: int | None = None,
) -> list[Started | StoreError]:
    """Accept starts of one tenant: rows, leases and events in one transaction.

    Safe to repeat with the same idempotency keys. What its limits hold back is queued.

    Args:
        pool: A pool of role weft_api.
        live: Told of the events.
        starts: What to run, each with the executor that will drive it, whose the row is from the
            beginning; None: it is queued.
        tenant_most: How many executions the tenant may have in progress; None: any number.

    Returns:
        For each start what became of it: Conflict when its idempotency key was used for another
        request, NotFound when the workflow is gone, not active or has changed.
    """
    tenant_id = starts[0][0].tenant_id
    first_events = [(uuid7(), dumps(_payload(start))) for start, _ in starts]
    rows = [
        _new_execution(start, owner_id, *event)
        for (start, owner_id), event in zip(starts, first_events, strict=True)
    ]
    limited = tenant_most is not None or any(start.lane != UNLIMITED for start, _ in starts)
    seeded = any(start.origin for start, _ in starts)
    async with (
        pool.acquire() as connection,
        connection.transaction() if seeded else nullcontext(),
    ):
        found = await connection.fetch(
            statement("start_executions"), tenant_id, rows, limited, tenant_most
        )
        for row in found:
            start, _ = starts[row["place"] - 1]
            if start.origin and row["created"]:
                await seed_execution(connection, tenant_id, start.id, start.origin.reuse)
    by_place = {row["place"]: row for row in found}
    outcomes: list[Started | StoreError] = []
    events: list[Event] = []
    for place, ((start, _), event) in enumerate(zip(starts, first_events, strict=True), 1):
        outcome = _started(start, by_place.get(place))
        outcomes.append(outcome)
        if isinstance(outcome, Started) and outcome.created:
            event_id, payload_json = event
            events.append(
                Event(tenant_id, outcome.execution_id, 1, event_id, "workflow_started", None,
                      payload_json, outcome.created_at)
            )  # fmt: skip
    await live.publish(events)
    return outcomes


async def start_execution(
    pool: Pool,
    live: LiveView,
    start: Start,
    owner_id: UUID | None,
    *,
    tenant_most: int | None = None,
) -> Started:
    """Accept one start; see `start_executions`.

    Raises:
        Conflict: The idempotency key was used for another request.
        NotFound: The workflow is gone, not active or has changed.
    """
    [outcome] = await start_executions(pool, live, [(start, owner_id)], tenant_most=tenant_most)
    if isinstance(outcome, StoreError):
        raise outcome
    return outcome


def _payload(start: Start) -> dict[str, Any]:
    """Return what an execution's first event says."""
    return {
        "workflow_id": f"wf_{start.workflow_id.hex}",
        "triggered_by": start.triggered_by,
        "input_data": start.input,
        "total_nodes": start.total_nodes,
        **({"origin": start.origin.document()} if start.origin else {}),
    }


def _new_execution(
    start: Start, owner_id: UUID | None, event_id: UUID, payload_json: str
) -> tuple[Any, ...]:
    origin = start.origin.columns() if start.origin else (None, None, None, None)
    return (
        start.id, start.organization_id, start.workflow_id, start.specification_sha256,
        dumps(start.input), start.total_nodes, start.triggered_by, start.user_id,
        start.webhook_url, start.timeout_seconds, start.idempotency_key, start.request_sha256,
        owner_id, *origin, event_id, payload_json, start.priority, start.dedicated, start.lane,
        start.workflow_limit, start.key_limit,
    )  # fmt: skip


def _started(start: Start, row: Any) -> Started | StoreError:
    if row is None:
        return NotFound("workflow", f"wf_{start.workflow_id.hex}")
    if not row["created"] and row["request_sha256"] != start.request_sha256:
        return Conflict(
            f"The idempotency key {start.idempotency_key!r} was used for another request.",
            "Use a new key for a new request, or repeat the first one unchanged.",
        )
    return Started(
        row["execution_id"], row["created"], row["owner_id"], row["deadline_at"], row["created_at"]
    )


async def cancel_parked(
    pool: Pool, live: LiveView, tenant_id: UUID, execution_id: UUID, message: str
) -> bool:
    """Take an execution from its owner, if it has one, and end it as cancelled.

    One that has something to run at its end goes on under a new owner, to run that; a second call
    cuts that off.

    Returns:
        Whether this call ended it; False when it had ended before.
    """
    if await _decide(pool, live, tenant_id, execution_id, Status.CANCELLED, message):
        return True
    payload = {"status": "cancelled", "message": message}
    return await _end(pool, live, tenant_id, execution_id, Status.CANCELLED, message,
                      "workflow_cancelled", payload)  # fmt: skip


async def unfinished_children(pool: Pool, tenant_id: UUID, execution_id: UUID) -> list[Woken]:
    """Return the executions that one started and that go on, with their owners."""
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(statement("list_unfinished_children"), execution_id)
    return [Woken(row["id"], row["owner_id"]) for row in rows]


async def fail_parked(
    pool: Pool,
    live: LiveView,
    tenant_id: UUID,
    execution_id: UUID,
    message: str,
    *,
    at_once: bool = False,
) -> bool:
    """Take an execution from its owner, if it has one, and end it as failed.

    One that has something to run at its end goes on under a new owner, to run that, unless it is
    to end at once.

    Returns:
        Whether this call ended it; False when it had ended before.
    """
    if not at_once and await _decide(pool, live, tenant_id, execution_id, Status.FAILED, message):
        return True
    payload = {"status": "failed", "error_message": message, "error_node_id": None}
    return await _end(pool, live, tenant_id, execution_id, Status.FAILED, message,
                      "workflow_failed", payload)  # fmt: skip


async def _decide(
    pool: Pool,
    live: LiveView,
    tenant_id: UUID,
    execution_id: UUID,
    status: Status,
    message: str,
) -> bool:
    """Decide how an execution ends that has something to run at its end."""
    kept = {"status": status, "error_message": message, "error_node_id": None}
    async with tenant_transaction(pool, tenant_id) as connection:
        ending = dumps({**kept, "output": None})
        decided = await connection.fetchrow(
            statement("decide_ending"), execution_id, ending, status == Status.FAILED
        )
        if decided is None:
            return False
        records: list[Record] = [
            EndingRecord(execution_id, ending),
            EventRecord(tenant_id, execution_id, uuid7(), "workflow_ending", None, dumps(kept)),
        ]
        written = await write_records(connection, [Batch(execution_id, decided["epoch"], records)])
    await live.publish(written.events)
    return True


async def _end(
    pool: Pool,
    live: LiveView,
    tenant_id: UUID,
    execution_id: UUID,
    status: Status,
    message: str,
    event_type: str,
    payload: dict[str, Any],
) -> bool:
    async with tenant_transaction(pool, tenant_id) as connection:
        # Its end is told to the execution that it was started by, which is locked before it.
        await connection.execute(statement("lock_family"), execution_id)
        row = await connection.fetchrow(statement("fence_execution"), execution_id)
        if row is None:
            return False
        records: list[Record] = [
            MoveRecord(execution_id, row["epoch"], status, error_message=message),
            EventRecord(tenant_id, execution_id, uuid7(), event_type, None, dumps(payload)),
        ]
        written = await write_records(connection, [Batch(execution_id, row["epoch"], records)])
    await live.publish(written.events)
    return True


@dataclass(frozen=True, slots=True)
class Paused:
    """What a call to pause or resume found: the status then, and who drives the execution."""

    status: str
    owner_id: UUID | None


async def pause_execution(
    pool: Pool, live: LiveView, tenant_id: UUID, execution_id: UUID, paused_by: str
) -> Paused | None:
    """Mark an execution as paused: whatever would wake it is kept until it is resumed.

    Its owner, if it has one, is to be told: it parks the execution before the next node.

    Returns:
        None when it has ended.

    Raises:
        NotFound: The tenant has no such execution.
    """
    return await _mark(pool, live, tenant_id, execution_id, "pause_execution", [],
                       "workflow_paused", {"paused_by": paused_by})  # fmt: skip


async def resume_execution(
    pool: Pool,
    live: LiveView,
    tenant_id: UUID,
    execution_id: UUID,
    resumed_by: str,
    owner_id: UUID | None,
) -> Paused | None:
    """Let a paused execution go on.

    Args:
        pool: A pool of role weft_api.
        live: Told of the event.
        tenant_id: Whose execution it is.
        execution_id: The execution.
        resumed_by: Who said so, for the event.
        owner_id: The executor to go on; None: the supervisor chooses one.

    Returns:
        None when it was not paused.

    Raises:
        NotFound: The tenant has no such execution.
    """
    return await _mark(pool, live, tenant_id, execution_id, "resume_execution", [owner_id],
                       "workflow_resumed", {"resumed_by": resumed_by})  # fmt: skip


async def _mark(
    pool: Pool,
    live: LiveView,
    tenant_id: UUID,
    execution_id: UUID,
    mark: str,
    arguments: list[Any],
    event_type: str,
    payload: dict[str, Any],
) -> Paused | None:
    async with tenant_transaction(pool, tenant_id) as connection:
        execution = await connection.fetchrow(statement("lock_execution"), execution_id)
        if execution is None:
            raise NotFound("execution", f"exec_{execution_id.hex}")
        row = await connection.fetchrow(statement(mark), execution_id, *arguments)
        if row is None:
            return None
        event = EventRecord(tenant_id, execution_id, uuid7(), event_type, None, dumps(payload))
        written = await write_records(connection, [Batch(execution_id, row["epoch"], [event])])
    await live.publish(written.events)
    return Paused(row["status"], row["owner_id"])


async def events_after(
    pool: Pool, tenant_id: UUID, execution_id: UUID, seq: int, limit: int
) -> list[Event]:
    """Return an execution's events after a number, in order."""
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(statement("list_events"), execution_id, seq, limit)
    return [Event.from_row(row) for row in rows]
