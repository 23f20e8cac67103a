"""Routes on executions: start, look, decide, cancel."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from compiler.check import validate_input
from compiler.concurrency import limits
from compiler.errors import SpecificationError
from compiler.inputs import with_defaults
from serve.answers import json_answer
from serve.context import (
    ROLES_THAT_WRITE,
    Caller,
    Context,
    Shared,
    require_role,
    require_same_organization,
)
from serve.documents import (
    ending_status,
    execution_document,
    execution_summary,
    log_document,
    progress_document,
    queued_document,
    timestamp,
)
from serve.execution_answers import (
    Cancellation,
    Events,
    Execution,
    ExecutionPage,
    ExecutionStatus,
    Logs,
    StartedExecution,
)
from serve.identifiers import parse, render
from serve.references import linked_answer
from serve.requests import ExecuteWorkflow
from serve.startables import Startable
from serve.streams import After
from serve.workflow_routes import Limit, Offset
from store import executions, history, workflows
from store.accounts import Principal
from store.artifacts import ArtifactReader, PostgresArtifacts
from store.errors import Conflict, NotFound
from store.events import event_message
from store.queue import queue_place
from store.status import Status

router = APIRouter(prefix="/api/v1/workflows", tags=["executions"])

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255)]
WAIT_SECONDS = 300.0
YEAR_SECONDS = 365 * 86_400.0
CANCELLED_BY_USER = "Workflow execution cancelled by user"


@router.post(
    "/{workflow_id}/execute",
    status_code=202,
    responses={
        200: {"model": Execution, "description": "With `async: false`: how it stands now"},
        202: {"model": StartedExecution, "description": "Accepted"},
        409: {"description": "The workflow is not active, or the key had another request"},
    },
)
async def execute_workflow(
    workflow_id: str,
    body: ExecuteWorkflow,
    context: Shared,
    caller: Caller,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Start an execution; with `async: false`, wait for its end."""
    require_same_organization(caller, body.organization_id)
    require_role(caller, ROLES_THAT_WRITE, "execute workflows")
    id = parse("wf", workflow_id)
    workflow = await context.startables.get(caller.tenant_id, id)
    start = _start(workflow, body, caller, idempotency_key)
    ended = None if body.options.run_async else context.endings.expect(start.id)
    try:
        try:
            started = await context.starter.start(start)
        except NotFound:
            # It has changed since it was read: what it is now decides.
            context.startables.forget(caller.tenant_id, id)
            workflow = await context.startables.get(caller.tenant_id, id)
            start = replace(_start(workflow, body, caller, idempotency_key), id=start.id)
            started = await context.starter.start(start)
        if ended is None:
            return json_answer(await _accepted(context, caller, workflow, started), 202)
        return linked_answer(await _ended(context, caller, started, ended), started.execution_id)
    finally:
        if ended is not None:
            context.endings.forget(start.id, ended)


def _start(
    workflow: Startable, body: ExecuteWorkflow, caller: Principal, idempotency_key: str | None
) -> executions.Start:
    specification = workflow.specification
    given = with_defaults(specification, body.input)
    if problems := validate_input(specification, given):
        raise SpecificationError(problems)
    options, settings = body.options, specification.settings.execution
    bounds = limits(specification, given, user_email=caller.email, user_name=caller.user_name)
    return executions.Start(
        tenant_id=caller.tenant_id,
        organization_id=caller.organization_id,
        workflow_id=workflow.workflow_id,
        workflow_name=workflow.name,
        user_id=caller.user_id,
        user_email=caller.email,
        user_name=caller.user_name,
        specification_sha256=workflow.specification_sha256,
        input=given,
        total_nodes=len(specification.nodes),
        webhook_url=str(options.webhook_url) if options.webhook_url else None,
        timeout_seconds=options.timeout_seconds or settings.timeout_seconds,
        idempotency_key=idempotency_key,
        priority=settings.priority if options.priority is None else options.priority,
        dedicated=settings.isolation == "dedicated",
        workflow_limit=bounds.workflow_limit,
        key_limit=bounds.key_limit,
        key=bounds.key,
    )


async def _ended(
    context: Context, caller: Principal, started: executions.Started, ended: asyncio.Event
) -> dict[str, Any]:
    """Wait for an execution's end and return how it stands then."""
    id = started.execution_id
    if not started.created:
        # It was started by an earlier request, and may have ended before this one began to wait.
        ended = context.endings.expect(id)
        document = await _status(context, caller, id)
        if Status(document["status"]).ended:
            context.endings.forget(id, ended)
            return document
    await context.endings.wait(caller.tenant_id, id, ended, WAIT_SECONDS)
    return await _status(context, caller, id)


async def _accepted(
    context: Context, caller: Principal, workflow: Startable, started: executions.Started
) -> dict[str, Any]:
    specification = workflow.specification
    status: str = Status.RUNNING if started.owner_id else Status.PENDING
    progress = {
        "total_nodes": len(specification.nodes),
        "completed_nodes": 0,
        "failed_nodes": 0,
        "current_node": specification.nodes[0].id,
    }
    if not started.created:
        row = await history.get_execution(context.pool, caller.tenant_id, started.execution_id)
        status = row["status"]
        progress |= progress_document(row)
        progress["current_node"] = progress["current_node"] or specification.nodes[0].id
    # Beyond a year an estimate says nothing, and far beyond it there is no date.
    seconds = min(workflow.estimated_seconds, YEAR_SECONDS)
    estimated = started.created_at + timedelta(seconds=seconds)
    name = render("exec", started.execution_id)
    socket_base = "ws" + context.config.base_url.removeprefix("http")
    return {
        "execution_id": name,
        "workflow_id": render("wf", workflow.workflow_id),
        "status": status,
        "progress": progress,
        "started_at": timestamp(started.created_at),
        "estimated_completion": timestamp(min(estimated, started.deadline_at or estimated)),
        "websocket_url": f"{socket_base}/api/v1/workflows/executions/{name}/stream",
    }


@router.get("/executions", responses={200: {"model": ExecutionPage}})
async def list_executions(
    context: Shared,
    caller: Caller,
    status: ExecutionStatus | None = None,
    workflow_id: str | None = None,
    parent: str | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """List executions across workflows, the newest first."""
    rows, totals = await history.list_executions(
        context.pool,
        caller.tenant_id,
        workflow_id=parse("wf", workflow_id) if workflow_id else None,
        status=status,
        parent_id=parse("exec", parent) if parent else None,
        limit=limit,
        offset=offset,
    )
    return json_answer(
        {"executions": [execution_summary(row) for row in rows], **_totals(totals),
         "limit": limit, "offset": offset}
    )  # fmt: skip


@router.get("/{workflow_id}/executions", responses={200: {"model": ExecutionPage}})
async def workflow_executions(
    workflow_id: str,
    context: Shared,
    caller: Caller,
    status: ExecutionStatus | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """List one workflow's executions with their success rate, mean duration and cost."""
    found = await workflows.get_workflow(context.pool, caller.tenant_id, parse("wf", workflow_id))
    return await list_executions(
        context, caller, status, render("wf", found.id), None, limit, offset
    )


def _totals(totals: Mapping[str, Any]) -> dict[str, Any]:
    mean = totals["avg_duration_seconds"]
    return {
        "total": totals["total"],
        "success_rate": totals["completed"] / totals["ended"] if totals["ended"] else None,
        "avg_duration_seconds": None if mean is None else round(float(mean), 3),
        "total_cost_usd": float(totals["total_cost_usd"]),
    }


@router.get("/executions/{execution_id}", responses={200: {"model": Execution}})
async def get_execution(
    execution_id: str, context: Shared, caller: Caller, full: bool = False
) -> Response:
    """Return an execution's status, node by node; with `full` its output is whole, however large.

    Elsewhere a large value is a reference with a preview and the `url` of the whole.
    """
    id = parse("exec", execution_id)
    document = await _status(context, caller, id)
    if full:
        reader = ArtifactReader(PostgresArtifacts(context.pool), caller.tenant_id, id)
        document["output"] = await reader.recorded(document["output"])
    return linked_answer(document, id)


async def _status(context: Context, caller: Principal, execution_id: UUID) -> dict[str, Any]:
    whole = await context.readings.read(caller.tenant_id, execution_id)
    row, queued = whole.execution, None
    if row["status"] == Status.PENDING or (row["dedicated"] and row["status"] == Status.RUNNING):
        queued = await queue_place(
            context.pool, caller.tenant_id, execution_id, context.config.bounds.tenant_most
        )
    return {**execution_document(*whole), "queued": queued_document(queued)}


@router.get("/executions/{execution_id}/logs", responses={200: {"model": Logs}})
async def get_logs(execution_id: str, context: Shared, caller: Caller) -> Response:
    """Return every attempt at every node: input, output, duration, error."""
    id = parse("exec", execution_id)
    rows = await history.list_node_logs(context.pool, caller.tenant_id, id)
    return linked_answer({"logs": [log_document(row) for row in rows]}, id)


@router.get("/executions/{execution_id}/events", responses={200: {"model": Events}})
async def get_events(
    execution_id: str,
    context: Shared,
    caller: Caller,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> Response:
    """Return what happened after an event's number, in order."""
    id = parse("exec", execution_id)
    await history.get_execution(context.pool, caller.tenant_id, id)
    events = await executions.events_after(context.pool, caller.tenant_id, id, after, limit)
    return linked_answer({"events": [event_message(event) for event in events]}, id)


@router.post(
    "/executions/{execution_id}/cancel",
    responses={200: {"model": Cancellation}, 409: {"description": "It has ended already"}},
)
async def cancel_execution(execution_id: str, context: Shared, caller: Caller) -> Response:
    """Cancel an execution; once this answers, nothing more of it starts but its last nodes.

    A second call cuts those off, too.
    """
    require_role(caller, ROLES_THAT_WRITE, "cancel executions")
    row = await cancel(context, caller, parse("exec", execution_id))
    progress = progress_document(row)
    document = {
        "execution_id": execution_id,
        "status": Status.CANCELLED,
        "cancelled_at": timestamp(row["completed_at"] or row["updated_at"]),
        "message": row["error_message"] or CANCELLED_BY_USER,
        "completed_nodes": progress["completed_nodes"],
        "pending_nodes": progress["total_nodes"] - progress["completed_nodes"],
    }
    return json_answer(document)


async def cancel(context: Context, caller: Principal, id: UUID) -> Mapping[str, Any]:
    """Cancel an execution and return its row.

    Raises:
        NotFound: The tenant has no such execution.
        Conflict: It has ended already.
    """
    row = await history.get_execution(context.pool, caller.tenant_id, id)
    if not Status(row["status"]).ended:
        await _stop(context, caller.tenant_id, id, row["owner_id"])
        row = await history.get_execution(context.pool, caller.tenant_id, id)
    ending = ending_status(row) if row["status"] == Status.RUNNING else row["status"]
    if ending != Status.CANCELLED:
        raise Conflict(f"The execution is {row['status']} already.", "There is nothing to cancel.")
    found: Mapping[str, Any] = row
    return found


async def _stop(context: Context, tenant_id: UUID, id: UUID, owner_id: UUID | None) -> None:
    """Stop an execution and then, from above, all that it started: so nothing starts meanwhile."""
    # The owner stops what runs; if it does not confirm in time, its epoch moves on first.
    if not await context.handover.cancel(id, owner_id, CANCELLED_BY_USER):
        await executions.cancel_parked(context.pool, context.live, tenant_id, id, CANCELLED_BY_USER)
    for child in await executions.unfinished_children(context.pool, tenant_id, id):
        await _stop(context, tenant_id, child.execution_id, child.owner_id)
