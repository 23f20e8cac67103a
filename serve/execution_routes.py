"""Routes on executions: start, look, decide, cancel."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from compiler.check import validate_input
from compiler.errors import SpecificationError
from compiler.estimate import workflow_estimate
from compiler.specification import Specification
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
from serve.requests import ExecuteWorkflow
from serve.streams import After, wait_until_ended
from serve.workflow_routes import Limit, Offset
from store import executions, history, workflows
from store.accounts import Principal
from store.errors import Conflict
from store.events import event_message
from store.status import Status

router = APIRouter(prefix="/api/v1/workflows", tags=["executions"])

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255)]
WAIT_SECONDS = 300.0
YEAR_SECONDS = 365 * 86_400.0


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
    workflow = await workflows.get_workflow(
        context.pool, caller.tenant_id, parse("wf", workflow_id)
    )
    if workflow.status != "active":
        raise Conflict(f"The workflow is {workflow.status}.", "Execute an active workflow.")
    specification = Specification.model_validate(workflow.specification)
    if problems := validate_input(specification, body.input):
        raise SpecificationError(problems)
    options = body.options
    timeout = options.timeout_seconds or specification.settings.execution.timeout_seconds
    start = executions.Start(
        tenant_id=caller.tenant_id,
        organization_id=caller.organization_id,
        workflow_id=workflow.id,
        user_id=caller.user_id,
        specification_sha256=workflow.specification_sha256,
        input=body.input,
        total_nodes=len(specification.nodes),
        webhook_url=str(options.webhook_url) if options.webhook_url else None,
        timeout_seconds=timeout,
        idempotency_key=idempotency_key,
    )
    owner_id = await context.handover.choose()
    started = await executions.start_execution(context.pool, context.live, start, owner_id)
    if started.created:
        await context.handover.give(started.execution_id, owner_id, workflow.name)
    if not options.run_async:
        await wait_until_ended(context, caller.tenant_id, started.execution_id, WAIT_SECONDS)
        return json_answer(await _status(context, caller, started.execution_id))
    document = await _accepted(context, caller, started.execution_id, specification)
    return json_answer(document, 202)


async def _accepted(
    context: Context, caller: Principal, execution_id: UUID, specification: Specification
) -> dict[str, Any]:
    row = await history.get_execution(context.pool, caller.tenant_id, execution_id)
    seconds = await history.mean_duration_seconds(
        context.pool, caller.tenant_id, row["workflow_id"]
    )
    if seconds is None:
        seconds = workflow_estimate(specification, context.signatures).seconds.high
    started_at = row["started_at"] or datetime.now(UTC)
    # Beyond a year an estimate says nothing, and far beyond it there is no date.
    estimated = started_at + timedelta(seconds=min(seconds, YEAR_SECONDS))
    name = render("exec", execution_id)
    socket_base = "ws" + context.config.base_url.removeprefix("http")
    return {
        "execution_id": name,
        "workflow_id": render("wf", row["workflow_id"]),
        # Accepted is as good as running: an executor has its lease.
        "status": "running" if row["status"] == Status.PENDING else row["status"],
        "progress": {
            **progress_document(row),
            "current_node": row["current_node_id"] or specification.nodes[0].id,
        },
        "started_at": timestamp(started_at),
        "estimated_completion": timestamp(min(estimated, row["deadline_at"] or estimated)),
        "websocket_url": f"{socket_base}/api/v1/workflows/executions/{name}/stream",
    }


@router.get("/executions", responses={200: {"model": ExecutionPage}})
async def list_executions(
    context: Shared,
    caller: Caller,
    status: ExecutionStatus | None = None,
    workflow_id: str | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """List executions across workflows, the newest first."""
    rows, totals = await history.list_executions(
        context.pool,
        caller.tenant_id,
        workflow_id=parse("wf", workflow_id) if workflow_id else None,
        status=status,
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
    return await list_executions(context, caller, status, render("wf", found.id), limit, offset)


def _totals(totals: Mapping[str, Any]) -> dict[str, Any]:
    mean = totals["avg_duration_seconds"]
    return {
        "total": totals["total"],
        "success_rate": totals["completed"] / totals["ended"] if totals["ended"] else None,
        "avg_duration_seconds": None if mean is None else round(float(mean), 3),
        "total_cost_usd": float(totals["total_cost_usd"]),
    }


@router.get("/executions/{execution_id}", responses={200: {"model": Execution}})
async def get_execution(execution_id: str, context: Shared, caller: Caller) -> Response:
    """Return an execution's status, node by node."""
    return json_answer(await _status(context, caller, parse("exec", execution_id)))


async def _status(context: Context, caller: Principal, execution_id: UUID) -> dict[str, Any]:
    whole = await history.get_execution_whole(context.pool, caller.tenant_id, execution_id)
    return execution_document(*whole)


@router.get("/executions/{execution_id}/logs", responses={200: {"model": Logs}})
async def get_logs(execution_id: str, context: Shared, caller: Caller) -> Response:
    """Return every attempt at every node: input, output, duration, error."""
    rows = await history.list_node_logs(context.pool, caller.tenant_id, parse("exec", execution_id))
    return json_answer({"logs": [log_document(row) for row in rows]})


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
    return json_answer({"events": [event_message(event) for event in events]})


@router.post(
    "/executions/{execution_id}/cancel",
    responses={200: {"model": Cancellation}, 409: {"description": "It has ended already"}},
)
async def cancel_execution(execution_id: str, context: Shared, caller: Caller) -> Response:
    """Cancel an execution; once this answers, nothing more of it starts but its last nodes.

    A second call cuts those off, too.
    """
    require_role(caller, ROLES_THAT_WRITE, "cancel executions")
    id = parse("exec", execution_id)
    row = await history.get_execution(context.pool, caller.tenant_id, id)
    reason = "Workflow execution cancelled by user"
    if not Status(row["status"]).ended:
        # The owner stops what runs; if it does not confirm in time, its epoch moves on first.
        if not await context.handover.cancel(id, row["owner_id"], reason):
            await executions.cancel_parked(context.pool, context.live, caller.tenant_id, id, reason)
        row = await history.get_execution(context.pool, caller.tenant_id, id)
    ending = ending_status(row) if row["status"] == Status.RUNNING else row["status"]
    if ending != Status.CANCELLED:
        raise Conflict(f"The execution is {row['status']} already.", "There is nothing to cancel.")
    progress = progress_document(row)
    document = {
        "execution_id": execution_id,
        "status": Status.CANCELLED,
        "cancelled_at": timestamp(row["completed_at"] or row["updated_at"]),
        "message": row["error_message"] or reason,
        "completed_nodes": progress["completed_nodes"],
        "pending_nodes": progress["total_nodes"] - progress["completed_nodes"],
    }
    return json_answer(document)
