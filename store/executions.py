"""Executions from outside their owner: starting, deciding, cancelling.

Whoever changes an execution locks its row first and writes its event in the same transaction, so
events and state never contradict each other.
"""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from store.errors import Conflict, NotFound
from store.json_values import canonical, clean_text, dumps
from store.live import LiveView
from store.postgres import Connection, Pool, tenant_transaction
from store.records import Event, EventRecord, MoveRecord, write_records
from store.statements import statement
from store.status import Status


@dataclass(frozen=True, slots=True)
class Start:
    """A request to run a workflow once."""

    tenant_id: UUID
    organization_id: UUID
    workflow_id: UUID
    user_id: UUID | None
    specification_sha256: str
    input: dict[str, Any]
    total_nodes: int
    triggered_by: str = "api"
    webhook_url: str | None = None
    timeout_seconds: float | None = None
    idempotency_key: str | None = None

    @property
    def request_sha256(self) -> str:
        """What two requests with one idempotency key must share; the order of fields is free."""
        told = [str(self.workflow_id), self.input, self.webhook_url, self.timeout_seconds]
        return hashlib.sha256(canonical(told)).hexdigest()


@dataclass(frozen=True, slots=True)
class Started:
    """An accepted start: the execution, and whether this request made it."""

    execution_id: UUID
    created: bool
    owner_id: UUID | None


async def start_execution(
    pool: Pool, live: LiveView, start: Start, owner_id: UUID | None
) -> Started:
    """Accept a start: its row, its lease and its event in one transaction.

    Safe to repeat with the same idempotency key.

    Args:
        pool: A pool of role weft_api.
        live: Told of the event.
        start: What to run.
        owner_id: The executor that will drive it; None: the supervisor chooses one.

    Raises:
        Conflict: The idempotency key was used for another request.
        NotFound: The workflow is gone or not active.
    """
    execution_id = uuid7()
    async with tenant_transaction(pool, start.tenant_id) as connection:
        row = await connection.fetchrow(
            statement("insert_execution"),
            execution_id, start.tenant_id, start.organization_id, start.workflow_id,
            start.specification_sha256, dumps(start.input), start.total_nodes,
            start.triggered_by, start.user_id, start.webhook_url, start.timeout_seconds,
            start.idempotency_key, start.request_sha256, owner_id,
        )  # fmt: skip
        if row is None:
            return await _existing(connection, start)
        payload = {
            "workflow_id": f"wf_{start.workflow_id.hex}",
            "triggered_by": start.triggered_by,
            "input_data": start.input,
            "total_nodes": start.total_nodes,
        }
        event = EventRecord(
            start.tenant_id, execution_id, uuid7(), "workflow_started", None, dumps(payload)
        )
        events, _ = await write_records(connection, [event])
    await live.publish(events)
    return Started(execution_id, True, owner_id)


async def _existing(connection: Connection, start: Start) -> Started:
    row = await connection.fetchrow(
        statement("get_execution_by_key"), start.tenant_id, start.idempotency_key
    )
    if row is None:
        raise NotFound("workflow", f"wf_{start.workflow_id.hex}")
    if row["request_sha256"] != start.request_sha256:
        raise Conflict(
            f"The idempotency key {start.idempotency_key!r} was used for another request.",
            "Use a new key for a new request, or repeat the first one unchanged.",
        )
    return Started(row["id"], False, row["owner_id"])


async def decide_approval(
    pool: Pool,
    live: LiveView,
    tenant_id: UUID,
    execution_id: UUID,
    approval_id: UUID,
    *,
    decision: str,
    value: Any,
    comment: str,
    decided_by: str,
    owner_id: UUID | None,
) -> bool:
    """Answer a question, once, and let its execution go on.

    Args:
        pool: A pool of role weft_api or weft_engine.
        live: Told of the event.
        tenant_id: Whose execution it is.
        execution_id: The execution that asked.
        approval_id: The question.
        decision: `approve`, `reject`, or one of its options.
        value: What the person wrote or chose; any JSON value.
        comment: A remark for the log.
        decided_by: Who decided, for the log.
        owner_id: The executor to go on; None: the supervisor chooses one.

    Returns:
        Whether this call decided it; False when it was decided before, or is not this execution's.

    Raises:
        NotFound: The tenant has no such execution.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        if await connection.fetchrow(statement("lock_execution"), execution_id) is None:
            raise NotFound("execution", f"exec_{execution_id.hex}")
        row = await connection.fetchrow(
            statement("decide_approval"), execution_id, approval_id, clean_text(decision),
            dumps(value), clean_text(comment), clean_text(decided_by),
        )  # fmt: skip
        if row is None:
            return False
        payload = {"approval_id": f"appr_{approval_id.hex}", "decision": decision,
                   "decided_by": decided_by}  # fmt: skip
        event = EventRecord(
            tenant_id, execution_id, uuid7(), "approval_decided", row["node_id"], dumps(payload)
        )
        events, _ = await write_records(connection, [event])
        await connection.execute(statement("wake_execution"), execution_id, owner_id)
    await live.publish(events)
    return True


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
        await connection.execute(statement("withdraw_approvals"), [execution_id])
        event = EventRecord(tenant_id, execution_id, uuid7(), "workflow_ending", None, dumps(kept))
        events, _ = await write_records(connection, [event])
    await live.publish(events)
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
        row = await connection.fetchrow(statement("fence_execution"), execution_id)
        if row is None:
            return False
        events, _ = await write_records(
            connection,
            [
                MoveRecord(execution_id, row["epoch"], status, error_message=message),
                EventRecord(tenant_id, execution_id, uuid7(), event_type, None, dumps(payload)),
            ],
        )
    await live.publish(events)
    return True


@dataclass(frozen=True, slots=True)
class ExecutorAddress:
    """An executor that holds a lease: its id and the name of its actor."""

    id: UUID
    slot: str


async def living_executors(pool: Pool, lease_seconds: float) -> list[ExecutorAddress]:
    """Return the executors that hold a lease."""
    rows = await pool.fetch(statement("list_executors"), lease_seconds)
    return [ExecutorAddress(row["id"], row["slot"]) for row in rows]


async def events_after(
    pool: Pool, tenant_id: UUID, execution_id: UUID, seq: int, limit: int
) -> list[Event]:
    """Return an execution's events after a number, in order."""
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(statement("list_events"), execution_id, seq, limit)
    return [Event.from_row(row) for row in rows]
