"""Routes that look back and go again: checkpoints, reruns, forks, retries, also of many at once."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from compiler.errors import SpecificationError
from serve.answers import json_answer
from serve.context import ROLES_THAT_WRITE, Caller, Context, Shared, require_role
from serve.documents import timestamp
from serve.execution_routes import IdempotencyKey, cancel
from serve.identifiers import parse, render
from serve.problems import ApiError
from serve.requests import Bulk, Fork, Rerun
from serve.travel_answers import BulkResult, Checkpoints, CheckpointState, MadeExecution
from serve.workflow_routes import Limit, Offset
from store import history, time_travel
from store.accounts import Principal
from store.errors import Conflict, NotFound, StoreError
from store.json_values import loads
from store.origins import Origin
from store.status import Status
from store.time_travel import Source

router = APIRouter(prefix="/api/v1/workflows/executions", tags=["executions"])

AT_ONCE = 16
"""How many executions of a bulk are worked on at once."""
STATUSES = {
    "cancel": (Status.PENDING, Status.RUNNING, Status.WAITING),
    "retry": (Status.FAILED, Status.CANCELLED),
    "rerun": (Status.COMPLETED, Status.FAILED, Status.CANCELLED),
}
"""What each action is for."""
UNASKED = {**STATUSES, "retry": (Status.FAILED,)}
"""What each is done with when no status is named: who cancelled something wanted its end."""
Number = Annotated[int, Path(ge=1, lt=2**31)]


@router.get("/{execution_id}/checkpoints", responses={200: {"model": Checkpoints}})
async def list_checkpoints(
    execution_id: str, context: Shared, caller: Caller, limit: Limit = 100, offset: Offset = 0
) -> Response:
    """List an execution's checkpoints, the first first."""
    rows, total = await time_travel.list_checkpoints(
        context.pool, caller.tenant_id, parse("exec", execution_id), limit, offset
    )
    checkpoints = [_checkpoint_document(row) for row in rows]
    return json_answer(
        {"checkpoints": checkpoints, "total": total, "limit": limit, "offset": offset}
    )


def _checkpoint_document(row: Any) -> dict[str, Any]:
    # A branch's namespace ends with `<first node>.branch:<task>`.
    branch = row["checkpoint_ns"].rsplit("|", 1)[-1].split(":", 1)[0].removesuffix(".branch")
    return {
        "checkpoint_number": row["checkpoint_number"],
        "checkpoint_id": row["checkpoint_id"],
        "branch": branch or None,
        "node_id": row["node_id"],
        "event_seq": row["event_seq"],
        "created_at": timestamp(row["created_at"]),
    }


@router.get(
    "/{execution_id}/checkpoints/{checkpoint_number}", responses={200: {"model": CheckpointState}}
)
async def get_checkpoint(
    execution_id: str,
    checkpoint_number: Number,
    context: Shared,
    caller: Caller,
    full: Annotated[bool, Query()] = False,
) -> Response:
    """Return the state at a checkpoint; with `full`, mapped lists whole."""
    id = parse("exec", execution_id)
    source = await time_travel.get_source(context.pool, caller.tenant_id, id)
    checkpoint = await time_travel.get_checkpoint(
        context.pool, caller.tenant_id, id, checkpoint_number
    )
    state = await time_travel.state_at(
        context.pool, caller.tenant_id, id, checkpoint["event_seq"], source.specification, full=full
    )
    return json_answer(
        {
            "execution_id": render("exec", id),
            "checkpoint_number": checkpoint_number,
            "event_seq": checkpoint["event_seq"],
            "created_at": timestamp(checkpoint["created_at"]),
            "input": loads(source.row["input_data"]),
            "state": state.values,
            "failures": state.failures,
        }
    )


_MADE: dict[int | str, dict[str, Any]] = {
    202: {"model": MadeExecution, "description": "Accepted"},
    409: {"description": "Its workflow or itself is in no state for it, or the key was used"},
}


@router.post("/{execution_id}/rerun", status_code=202, responses=_MADE)
async def rerun_execution(
    execution_id: str,
    body: Rerun,
    context: Shared,
    caller: Caller,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Run an execution anew from a node on, with edited input or state; what is before is reused.

    It is a new execution of the same specification; this one stays as it is.
    """
    require_role(caller, ROLES_THAT_WRITE, "execute workflows")
    id = parse("exec", execution_id)
    source = await time_travel.get_source(context.pool, caller.tenant_id, id)
    origin = time_travel.rerun_of(source, body.node_id, body.visit, body.state)
    return await _answer(context, caller, source, origin, idempotency_key, body.input)


@router.post("/{execution_id}/fork", status_code=202, responses=_MADE)
async def fork_execution(
    execution_id: str,
    body: Fork,
    context: Shared,
    caller: Caller,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Go on from a checkpoint in a new execution, with edited state; this one may still run."""
    require_role(caller, ROLES_THAT_WRITE, "execute workflows")
    id = parse("exec", execution_id)
    source = await time_travel.get_source(context.pool, caller.tenant_id, id)
    checkpoint = await time_travel.get_checkpoint(
        context.pool, caller.tenant_id, id, body.checkpoint_number
    )
    origin = time_travel.fork_of(source, checkpoint, body.state)
    return await _answer(context, caller, source, origin, idempotency_key)


@router.post("/{execution_id}/retry", status_code=202, responses=_MADE)
async def retry_execution(
    execution_id: str, context: Shared, caller: Caller, idempotency_key: IdempotencyKey = None
) -> Response:
    """Go on in a new execution where one failed or was cancelled; all that it did is reused."""
    require_role(caller, ROLES_THAT_WRITE, "execute workflows")
    id = parse("exec", execution_id)
    source = await time_travel.get_source(context.pool, caller.tenant_id, id)
    return await _answer(context, caller, source, time_travel.retry_of(source), idempotency_key)


async def _answer(
    context: Context,
    caller: Principal,
    source: Source,
    origin: Origin,
    idempotency_key: str | None,
    input: dict[str, Any] | None = None,
) -> Response:
    made = await _make(context, caller, source, origin, idempotency_key, input)
    row = await history.get_execution(context.pool, caller.tenant_id, made)
    name = render("exec", made)
    socket_base = "ws" + context.config.base_url.removeprefix("http")
    document = {
        "execution_id": name,
        "workflow_id": render("wf", row["workflow_id"]),
        # Accepted is as good as running: an executor has its lease.
        "status": Status.RUNNING if row["status"] == Status.PENDING else row["status"],
        "origin": origin.document(),
        "started_at": timestamp(row["created_at"]),
        "websocket_url": f"{socket_base}/api/v1/workflows/executions/{name}/stream",
    }
    return json_answer(document, 202)


async def _make(
    context: Context,
    caller: Principal,
    source: Source,
    origin: Origin,
    idempotency_key: str | None,
    input: dict[str, Any] | None = None,
) -> UUID:
    """Start a new execution of what the source executed; return its id."""
    start = time_travel.start_of(
        source,
        origin,
        user_id=caller.user_id,
        user_email=caller.email,
        user_name=caller.user_name,
        input=input,
        idempotency_key=idempotency_key,
    )
    try:
        started = await context.starter.start(start)
    except NotFound:
        raise Conflict(
            "The execution's workflow was archived or deleted, so it starts no more.",
            "Create the workflow again and execute that one.",
        ) from None
    return started.execution_id


@router.post("/bulk", responses={200: {"model": BulkResult}})
async def act_on_executions(
    body: Bulk, context: Shared, caller: Caller, idempotency_key: IdempotencyKey = None
) -> Response:
    """Cancel, retry or rerun up to 1,000 executions that match a filter.

    Repeating it makes no second execution of the same one, unless under another Idempotency-Key.
    """
    require_role(caller, ROLES_THAT_WRITE, "execute and cancel workflows")
    ids = await _matching(context, caller, body)
    key = idempotency_key or f"bulk {body.action}"
    gate = asyncio.Semaphore(AT_ONCE)

    async def act(id: UUID) -> dict[str, Any]:
        document = {"execution_id": render("exec", id), "made": None, "problem": None}
        if body.dry_run:
            return document
        async with gate:
            try:
                made = await _act(context, caller, body.action, id, key)
            except (StoreError, SpecificationError) as error:
                return {**document, "problem": str(error)}
        return {**document, "made": made and render("exec", made)}

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(act(id)) for id in ids]
    except ExceptionGroup as failed:
        # What is to blame is the same for all, such as a database that is away.
        raise failed.exceptions[0] from None
    results = [task.result() for task in tasks]
    refused = sum(1 for result in results if result["problem"])
    return json_answer(
        {
            "action": body.action,
            "dry_run": body.dry_run,
            "matched": len(results),
            "done": 0 if body.dry_run else len(results) - refused,
            "refused": refused,
            "executions": results,
        }
    )


async def _matching(context: Context, caller: Principal, body: Bulk) -> list[UUID]:
    """Return the executions that a bulk is about.

    Raises:
        ApiError: 422 for a status that the action is not for.
    """
    wanted = body.filter
    statuses: tuple[str, ...] = STATUSES[body.action]
    if wanted.status is not None and wanted.status not in statuses:
        raise ApiError(
            422,
            f"An execution that is {wanted.status} cannot be {_PAST[body.action]}.",
            f"Filter by one of {', '.join(statuses)}.",
        )
    return await time_travel.find_executions(
        context.pool,
        caller.tenant_id,
        [wanted.status] if wanted.status else UNASKED[body.action],
        workflow_id=parse("wf", wanted.workflow_id) if wanted.workflow_id else None,
        after=wanted.after,
        before=wanted.before,
        limit=wanted.limit,
    )


_PAST: Mapping[str, str] = {"cancel": "cancelled", "retry": "retried", "rerun": "rerun"}


async def _act(context: Context, caller: Principal, action: str, id: UUID, key: str) -> UUID | None:
    if action == "cancel":
        await cancel(context, caller, id)
        return None
    source = await time_travel.get_source(context.pool, caller.tenant_id, id)
    if action == "retry":
        origin = time_travel.retry_of(source)
    else:
        origin = time_travel.rerun_of(source, None, None, {})
    return await _make(context, caller, source, origin, f"{key} {render('exec', id)}")
