"""The route on which people answer questions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from compiler.errors import SpecificationError
from compiler.values import value_problems
from serve.answers import json_answer
from serve.context import ROLES_THAT_WRITE, Caller, Context, Shared, require_role
from serve.execution_answers import Decision
from serve.identifiers import parse, render
from serve.problems import ApiError
from serve.requests import Approve
from store import history
from store.accounts import Principal
from store.decisions import decide_approval
from store.errors import Conflict
from store.json_values import loads

router = APIRouter(prefix="/api/v1/workflows", tags=["executions"])


@router.post(
    "/executions/{execution_id}/approve",
    responses={200: {"model": Decision}, 409: {"description": "Nothing is open, or too much is"}},
)
async def approve(execution_id: str, body: Approve, context: Shared, caller: Caller) -> Response:
    """Answer a question; of several answers the first one counts."""
    require_role(caller, ROLES_THAT_WRITE, "answer questions")
    id = parse("exec", execution_id)
    row = await history.get_execution(context.pool, caller.tenant_id, id)
    approval = await _question(context, caller, id, body)
    _refuse_wrong_answer(approval, body)
    [owner_id] = await context.handover.choose()
    decided = await decide_approval(
        context.pool, context.live, caller.tenant_id, id, approval["id"],
        decision=body.decision, value=body.value, comment=body.comment,
        decided_by=caller.email, owner_id=owner_id,
    )  # fmt: skip
    approval = await _question(context, caller, id, body, approval["id"])
    if not decided and (approval["decision"], approval["decided_by"]) != (
        body.decision, caller.email,
    ):  # fmt: skip
        raise Conflict(
            f"It was answered before: {approval['decision'] or approval['status']}"
            f"{' by ' + approval['decided_by'] if approval['decided_by'] else ''}.",
            "Look at the execution; the first answer counts.",
        )
    if decided:
        await context.handover.give(id, owner_id, row["workflow_name"])
    document = {
        "execution_id": execution_id,
        "approval_id": render("appr", approval["id"]),
        "status": approval["status"],
        "decision": approval["decision"],
    }
    return json_answer(document)


async def _question(
    context: Context,
    caller: Principal,
    execution_id: UUID,
    body: Approve,
    known: UUID | None = None,
) -> Any:
    rows = await history.pending_approvals(context.pool, caller.tenant_id, execution_id)
    if wanted := known or (parse("appr", body.approval_id) if body.approval_id else None):
        for row in rows:
            if row["id"] == wanted:
                return row
        raise ApiError(404, f"This execution has no question {body.approval_id!r}.")
    pending = [row for row in rows if row["status"] == "pending"]
    if len(pending) > 1:
        names = ", ".join(f"{render('appr', row['id'])} ({row['node_id']})" for row in pending)
        raise Conflict(f"{len(pending)} questions are open: {names}.", "Name one in approval_id.")
    if pending:
        return pending[0]
    if rows:
        return rows[-1]
    raise Conflict("This execution asks nothing.", "Look at its status.")


def _refuse_wrong_answer(approval: Mapping[str, Any], body: Approve) -> None:
    kind, options = approval["approval_type"], loads(approval["options"])
    allowed = {
        "approve_reject": ["approve", "reject"],
        "text_input": ["approve", "reject", "answer"],
        "multiple_choice": [str(option) for option in options],
    }[kind]
    if body.decision not in allowed:
        raise ApiError(
            422, f"{body.decision!r} is not an answer to this question.",
            f"Send one of: {', '.join(allowed)}.",
        )  # fmt: skip
    if kind == "text_input" and body.decision != "reject" and not isinstance(body.value, str):
        raise ApiError(422, "This question asks for a text.", "Send it as `value`.")
    if problems := value_problems(body.value):
        raise SpecificationError(
            [replace(problem, path=f"value.{problem.path}".rstrip(".")) for problem in problems]
        )
