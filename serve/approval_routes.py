"""The route on which people answer questions."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response

from compiler.check_schemas import below, schema_errors, validator
from compiler.errors import SpecificationError
from compiler.values import value_problems
from serve.answers import json_answer
from serve.context import ROLES_THAT_WRITE, Caller, Shared, require_role
from serve.documents import vote_documents
from serve.execution_answers import Decision
from serve.identifiers import parse, render
from serve.problems import ApiError
from serve.requests import Approve
from store import history
from store.accounts import Principal
from store.decisions import decide_approval
from store.errors import Conflict
from store.json_values import loads

NAMED_QUESTIONS = 20
"""Of so many open questions an error names the ids."""

router = APIRouter(prefix="/api/v1/workflows", tags=["executions"])


@router.post(
    "/executions/{execution_id}/approve",
    responses={200: {"model": Decision}, 409: {"description": "Nothing is open, or too much is"}},
)
async def approve(execution_id: str, body: Approve, context: Shared, caller: Caller) -> Response:
    """Answer a question; it is decided by as many approvals as it requires, or by one rejection.

    Each person answers once; the same answer again changes nothing.
    """
    id = parse("exec", execution_id)
    row = await history.get_execution(context.pool, caller.tenant_id, id)
    rows = await history.pending_approvals(context.pool, caller.tenant_id, id)
    if not any(_is_named(question, caller) for question in rows):
        require_role(caller, ROLES_THAT_WRITE, "answer questions")
    approval = _question(rows, body)
    _require_approver(approval, caller)
    _refuse_wrong_answer(approval, body)
    [owner_id] = await context.handover.choose()
    counts = await decide_approval(
        context.pool, context.live, caller.tenant_id, id, approval["id"],
        decision=body.decision, value=body.value, comment=body.comment,
        decided_by=caller.email, owner_id=owner_id,
    )  # fmt: skip
    rows = await history.pending_approvals(context.pool, caller.tenant_id, id)
    [approval] = [question for question in rows if question["id"] == approval["id"]]
    if not counts:
        _refuse_other_answer(approval, caller, body)
    elif approval["status"] == "decided":
        await context.handover.give(id, owner_id, row["workflow_name"])
    document = {
        "execution_id": execution_id,
        "approval_id": render("appr", approval["id"]),
        "status": approval["status"],
        "decision": approval["decision"],
        "required": approval["required"],
        "votes": vote_documents(approval),
    }
    return json_answer(document)


def _is_named(approval: Mapping[str, Any], caller: Principal) -> bool:
    names = {caller.email.lower(), render("user", caller.user_id), str(caller.user_id)}
    return not names.isdisjoint(name.lower() for name in loads(approval["approvers"]))


def _require_approver(approval: Mapping[str, Any], caller: Principal) -> None:
    """Refuse whoever is not named, when some are; those who are may answer in any role."""
    approvers = loads(approval["approvers"])
    if not approvers:
        require_role(caller, ROLES_THAT_WRITE, "answer questions")
    elif not _is_named(approval, caller):
        raise ApiError(
            403, "This question is not yours to answer.", f"Ask one of: {', '.join(approvers)}."
        )


def _refuse_other_answer(approval: Mapping[str, Any], caller: Principal, body: Approve) -> None:
    """Refuse an answer that came too late, unless it is the caller's own once more."""
    own = [vote for vote in loads(approval["votes"]) if vote["by"] == caller.email]
    if own and own[0]["decision"] == body.decision:
        return
    if own:
        raise Conflict(
            f"{caller.email} has answered it: {own[0]['decision']}.", "Each person answers once."
        )
    raise Conflict(
        f"It was answered before: {approval['decision'] or approval['status']}"
        f"{' by ' + approval['decided_by'] if approval['decided_by'] else ''}.",
        "Look at the execution; what was decided first counts.",
    )


def _question(rows: Sequence[Mapping[str, Any]], body: Approve) -> Mapping[str, Any]:
    """Return the question of an execution that an answer is meant for."""
    if body.approval_id:
        wanted = parse("appr", body.approval_id)
        for row in rows:
            if row["id"] == wanted:
                return row
        raise ApiError(404, f"This execution has no question {body.approval_id!r}.")
    pending = [row for row in rows if row["status"] == "pending"]
    if len(pending) > 1:
        names = ", ".join(
            f"{render('appr', row['id'])} ({row['node_id']})" for row in pending[:NAMED_QUESTIONS]
        )
        raise Conflict(f"{len(pending)} questions are open: {names}.", "Name one in approval_id.")
    if pending:
        return pending[0]
    if rows:
        return rows[-1]
    raise Conflict("This execution asks nothing.", "Look at its status.")


def _refuse_wrong_answer(approval: Mapping[str, Any], body: Approve) -> None:
    kind, options = approval["approval_type"], loads(approval["options"])
    answers = ["approve", "reject", "answer"]
    allowed = {
        "approve_reject": ["approve", "reject"],
        "text_input": answers,
        "form": answers,
        "multiple_choice": [str(option) for option in options],
    }[kind]
    if body.decision not in allowed:
        raise ApiError(
            422, f"{body.decision!r} is not an answer to this question.",
            f"Send one of: {', '.join(allowed)}.",
        )  # fmt: skip
    if kind == "text_input" and body.decision != "reject" and not isinstance(body.value, str):
        raise ApiError(422, "This question asks for a text.", "Send it as `value`.")
    problems = value_problems(body.value)
    if kind == "form" and body.decision != "reject" and not problems:
        problems = schema_errors(validator(options), body.value)
    if problems:
        raise SpecificationError([below("value", problem) for problem in problems])
