"""Looking back at an execution: its checkpoints, the state at each, and what is made of it anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from compiler.check import validate_input
from compiler.concurrency import limits
from compiler.errors import SpecificationError
from compiler.inputs import with_defaults
from compiler.specification import Specification
from store.errors import Conflict, NotFound
from store.executions import Start
from store.history import Row, get_execution
from store.json_values import loads
from store.origins import Origin, OriginKind, Reuse
from store.postgres import Pool, tenant_transaction
from store.reuse import (
    Past,
    edited,
    nothing_reused,
    reused_for_fork,
    reused_for_rerun,
    reused_for_retry,
)
from store.statements import statement
from store.status import Status


@dataclass(frozen=True, slots=True)
class Source:
    """An execution that another one is made of."""

    row: Row
    specification: Specification
    past: Past


async def get_source(pool: Pool, tenant_id: UUID, execution_id: UUID) -> Source:
    """Read what a new execution is made of.

    Raises:
        NotFound: The tenant has no such execution.
    """
    row = await get_execution(pool, tenant_id, execution_id)
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(statement("list_results"), execution_id)
    return Source(row, Specification.model_validate(loads(row["document"])), Past.of(rows))


async def list_checkpoints(
    pool: Pool, tenant_id: UUID, execution_id: UUID, limit: int, offset: int
) -> tuple[list[Row], int]:
    """Return a page of an execution's checkpoints, the first first, and how many there are.

    Raises:
        NotFound: The tenant has no such execution.
    """
    await get_execution(pool, tenant_id, execution_id)
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(statement("page_checkpoints"), execution_id, limit, offset)
        total = await connection.fetchval(statement("count_checkpoints"), execution_id)
    return rows, total


async def get_checkpoint(pool: Pool, tenant_id: UUID, execution_id: UUID, number: int) -> Row:
    """Return a checkpoint's number, time and last event.

    Raises:
        NotFound: The tenant has no such execution, or it no such checkpoint.
    """
    await get_execution(pool, tenant_id, execution_id)
    async with tenant_transaction(pool, tenant_id) as connection:
        row = await connection.fetchrow(statement("find_checkpoint"), execution_id, number)
    if row is None:
        raise NotFound("checkpoint", str(number))
    return row


@dataclass(frozen=True, slots=True)
class State:
    """What stood in an execution's state."""

    values: Mapping[str, Any]
    """By key; a mapped list as {"count", "failed"} unless it was asked for whole."""
    failures: Mapping[str, str]
    """Why nodes failed after whose failure the execution went on, by node."""


async def state_at(
    pool: Pool,
    tenant_id: UUID,
    execution_id: UUID,
    event_seq: int,
    specification: Specification,
    *,
    full: bool,
) -> State:
    """Return what nodes had left when an event was recorded: all that a fork begins with."""
    nodes = {node.id: node for node in specification.body}
    values: dict[str, Any] = {}
    failures: dict[str, str] = {}
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(
            statement("list_state"), tenant_id, execution_id, event_seq, full
        )
    for row in rows:
        node = nodes.get(row["node_id"])
        if node is None:
            continue
        if not row["completed"]:
            failures[node.id] = row["error_message"] or ""
            values[node.key] = node.default if row["follows"] == "default" else None
        elif row["map_task_id"] is None:
            values[node.key] = loads(row["output"])[node.key]
        elif full:
            values[node.key] = loads(row["outputs"]) or []
        else:
            values[node.key] = {"count": row["count"], "failed": row["failed"]}
    return State(values, failures)


def rerun_of(
    source: Source, node_id: str | None, visit: int | None, state: Mapping[str, Any]
) -> Origin:
    """Run an execution anew from a node on, or from its beginning.

    Raises:
        SpecificationError: The node has not run or had no such visit, or the state does not fit.
    """
    if node_id is None:
        reuse = nothing_reused(source.specification)
    else:
        reuse = reused_for_rerun(
            source.specification, source.past, source.row["last_event_seq"], node_id, visit
        )
    return _origin(source, "rerun", reuse, state, node_id=node_id, visit=visit)


def fork_of(source: Source, checkpoint: Row, state: Mapping[str, Any]) -> Origin:
    """Go another way from a checkpoint on.

    Raises:
        SpecificationError: The state does not fit.
    """
    reuse = reused_for_fork(source.specification, source.past, checkpoint["event_seq"])
    number = checkpoint["checkpoint_number"]
    return _origin(source, "fork", reuse, state, checkpoint_number=number)


def retry_of(source: Source) -> Origin:
    """Go on where an execution failed or was cancelled.

    Raises:
        Conflict: It has not ended, or it completed.
    """
    status = source.row["status"]
    if status not in (Status.FAILED, Status.CANCELLED):
        remedy = "Rerun it from one of its nodes." if status == Status.COMPLETED else (
            "Wait for its end, cancel it, or fork it from one of its checkpoints.")  # fmt: skip
        raise Conflict(f"The execution is {status}, so there is nothing to retry.", remedy)
    reuse = reused_for_retry(source.specification, source.past, source.row["last_event_seq"])
    return _origin(source, "retry", reuse, {}, node_id=source.row["error_node_id"])


def _origin(
    source: Source,
    kind: OriginKind,
    reuse: Reuse,
    state: Mapping[str, Any],
    *,
    node_id: str | None = None,
    visit: int | None = None,
    checkpoint_number: int | None = None,
) -> Origin:
    id: UUID = source.row["id"]
    asked = [kind, str(id), node_id, visit, checkpoint_number, dict(state)]
    if state:
        reuse = edited(source.specification, source.past, reuse, state)
    return Origin(id, kind, reuse, node_id, checkpoint_number, asked)


def start_of(
    source: Source,
    origin: Origin,
    *,
    user_id: UUID | None,
    user_email: str,
    user_name: str,
    input: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> Start:
    """Make the start of a new execution of what the source executed.

    Args:
        source: What it is made of.
        origin: How.
        user_id: Who starts it.
        user_email: For `{user.email}`.
        user_name: For `{user.name}`.
        input: What replaces the source's input.
        idempotency_key: As for any start.

    Raises:
        SpecificationError: The input does not fit the workflow.
    """
    row, specification = source.row, source.specification
    given = loads(row["input_data"]) if input is None else with_defaults(specification, input)
    if input is not None and (problems := validate_input(specification, given)):
        raise SpecificationError(problems)
    bounds = limits(specification, given, user_email=user_email, user_name=user_name)
    return Start(
        tenant_id=row["tenant_id"],
        organization_id=row["organization_id"],
        workflow_id=row["workflow_id"],
        workflow_name=row["workflow_name"],
        user_id=user_id,
        user_email=user_email,
        user_name=user_name,
        specification_sha256=row["specification_sha256"],
        input=given,
        total_nodes=len(specification.nodes),
        triggered_by=row["triggered_by"],
        webhook_url=row["webhook_url"],
        timeout_seconds=_timeout_seconds(row),
        idempotency_key=idempotency_key,
        priority=row["priority"],
        dedicated=row["dedicated"],
        workflow_limit=bounds.workflow_limit,
        key_limit=bounds.key_limit,
        key=bounds.key,
        origin=origin,
    )


def _timeout_seconds(row: Row) -> float | None:
    deadline_at: datetime | None = row["deadline_at"]
    if deadline_at is None:
        return None
    seconds: float = (deadline_at - row["created_at"]).total_seconds()
    return seconds


async def find_executions(
    pool: Pool,
    tenant_id: UUID,
    statuses: Sequence[str],
    *,
    workflow_id: UUID | None,
    after: datetime | None,
    before: datetime | None,
    limit: int,
) -> list[UUID]:
    """Return executions that something is to be done with, the oldest first.

    Args:
        pool: A pool of role weft_api.
        tenant_id: Whose.
        statuses: In which they may be.
        workflow_id: Of which workflow; None: of any.
        after: Created then or later.
        before: Created earlier.
        limit: How many at most.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(
            statement("find_executions"), list(statuses), workflow_id, after, before, limit
        )
    return [row["id"] for row in rows]
