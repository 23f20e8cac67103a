"""Routes that stop and go: pausing, resuming, signals and events."""

from uuid import UUID

from fastapi import APIRouter, Response

from compiler.errors import SpecificationError
from compiler.values import value_problems
from serve.answers import json_answer
from serve.context import ROLES_THAT_WRITE, Caller, Context, Shared, require_role
from serve.execution_answers import Pause, Signalled
from serve.identifiers import parse, render
from serve.requests import Signal
from store import executions, history
from store.accounts import Principal
from store.errors import Conflict
from store.status import Status
from store.waking import send_signal

router = APIRouter(prefix="/api/v1", tags=["executions"])


@router.post(
    "/workflows/executions/{execution_id}/pause",
    responses={200: {"model": Pause}, 409: {"description": "It has ended"}},
)
async def pause_execution(execution_id: str, context: Shared, caller: Caller) -> Response:
    """Pause an execution: what runs may end, and no further node begins until it is resumed."""
    require_role(caller, ROLES_THAT_WRITE, "pause executions")
    id = parse("exec", execution_id)
    paused = await executions.pause_execution(
        context.pool, context.live, caller.tenant_id, id, caller.email
    )
    if paused is None:
        raise Conflict("The execution has ended.", "There is nothing to pause.")
    if paused.owner_id is not None:
        await context.handover.pause(id, paused.owner_id)
    return await _answer(
        context, caller, id, "Paused.", "It pauses as soon as the nodes that run now have ended."
    )


@router.post(
    "/workflows/executions/{execution_id}/resume",
    responses={200: {"model": Pause}, 409: {"description": "It is not paused"}},
)
async def resume_execution(execution_id: str, context: Shared, caller: Caller) -> Response:
    """Let a paused execution go on."""
    require_role(caller, ROLES_THAT_WRITE, "resume executions")
    id = parse("exec", execution_id)
    row = await history.get_execution(context.pool, caller.tenant_id, id)
    [owner_id] = await context.handover.choose()
    resumed = await executions.resume_execution(
        context.pool, context.live, caller.tenant_id, id, caller.email, owner_id
    )
    if resumed is None:
        raise Conflict("The execution is not paused.", "Pause it first.")
    if resumed.owner_id is not None:
        await context.handover.give(id, resumed.owner_id, row["workflow_name"])
    return await _answer(context, caller, id, "It waits on.", "It goes on.")


async def _answer(context: Context, caller: Principal, id: UUID, waits: str, runs: str) -> Response:
    row = await history.get_execution(context.pool, caller.tenant_id, id)
    document = {
        "execution_id": render("exec", id),
        "status": row["status"],
        "waiting_reason": row["waiting_reason"],
        "message": waits if row["status"] in (Status.PENDING, Status.WAITING) else runs,
    }
    return json_answer(document)


@router.post(
    "/workflows/executions/{execution_id}/signal",
    responses={200: {"model": Signalled}, 409: {"description": "It has ended"}},
)
async def signal_execution(
    execution_id: str, body: Signal, context: Shared, caller: Caller
) -> Response:
    """Tell one execution of an event; kept for it when it does not wait for it yet."""
    return await _send(context, caller, body, parse("exec", execution_id))


@router.post("/events", responses={200: {"model": Signalled}})
async def send_event(body: Signal, context: Shared, caller: Caller) -> Response:
    """Tell all executions that wait for an event that it has happened."""
    return await _send(context, caller, body, None)


async def _send(
    context: Context, caller: Principal, body: Signal, execution_id: UUID | None
) -> Response:
    require_role(caller, ROLES_THAT_WRITE, "send events")
    if problems := value_problems(body.payload):
        raise SpecificationError(problems)
    owners = [executor.id for executor in await context.handover.executors()]
    woken, kept = await send_signal(
        context.pool, caller.tenant_id, body.event, execution_id=execution_id, key=body.key,
        payload=body.payload, owners=owners,
    )  # fmt: skip
    await context.handover.give_all(woken)
    told = [render("exec", execution.execution_id) for execution in woken]
    return json_answer({"event": body.event, "execution_ids": told, "kept": kept})
