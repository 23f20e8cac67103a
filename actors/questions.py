"""Nodes that wait for a person, a time or an event: what they ask, and the rows of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from langgraph.types import interrupt
from uuid_utils.compat import uuid7

from actors.attempts import Attempt
from actors.journal import Lease
from actors.scope import Known, scope
from actors.standing import WaitsFor
from agents.errors import AgentError
from agents.wait import WaitParameters
from compiler.graph import Update
from compiler.references import UnresolvedReference, resolve
from compiler.specification import Node
from store.json_values import clean_text, dumps, loads
from store.records import ApprovalRecord, ConsumedRecord, WaitRecord

if TYPE_CHECKING:
    from actors.run import Run


async def ask(run: Run, node: Node, task_id: str, known: Known, state: Mapping[str, Any]) -> Update:
    """Ask what a node asks, or go on with the answer."""
    # Answering one question runs every unanswered one again, so nothing happens before this.
    begun = datetime.now(UTC)
    try:
        shown, asked = asked_of(run, node, scope(run.facts, known))
    except (UnresolvedReference, ValueError) as error:
        failed = Attempt(1, begun, None, begun, error=str(error))
        return await run.fail(node, task_id, failed, state)
    question = {"node_id": node.id, "task_id": task_id, **asked}
    answer = interrupt(question)
    while not answer:
        # That was the end of a pause which this node stood through.
        answer = interrupt(question)
    run.leave(task_id, [ConsumedRecord(run.lease.execution_id, answer["interrupt_id"])])
    output = answer["output"]
    try:
        route = await run.route(node, output, state)
    except AgentError as error:
        failed = Attempt(1, begun, shown, begun, error=str(error))
        return await run.fail(node, task_id, failed, state)
    run.ended(node, task_id, run.notes.answered(node, task_id, shown, output, route))
    return {node.key: output, **route}


def asked_of(run: Run, node: Node, variables: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return a node's resolved parameters, and what it asks: a wait stands under `wait`.

    Raises:
        UnresolvedReference: A reference names nothing.
        ValueError: A parameter has the wrong form.
    """
    shown = resolve(node.parameters, variables)
    asked = run.host.registry.get(node.agent).parameters.model_validate(shown)
    if isinstance(asked, WaitParameters):
        return shown, {"wait": asked.model_dump(mode="json")}
    return shown, asked.model_dump(mode="json")


def approval_record(
    lease: Lease,
    wait_id: str,
    node_id: str,
    asked: Mapping[str, Any],
    part_of: str | None = None,
    map_index: int | None = None,
) -> ApprovalRecord:
    """Make the row of a question to a person."""
    return ApprovalRecord(
        lease.tenant_id,
        lease.execution_id,
        uuid7(),
        wait_id,
        node_id,
        clean_text(asked["message"]),
        asked["approval_type"],
        dumps(asked.get("form") or asked.get("options") or []),
        asked.get("timeout"),
        asked["on_timeout"],
        part_of,
        map_index,
        dumps(asked.get("approvers") or []),
        asked.get("required", 1),
    )


def wait_record(
    lease: Lease,
    wait_id: str,
    node_id: str,
    task_id: str,
    wait: Mapping[str, Any],
    part_of: str | None = None,
    map_index: int | None = None,
) -> WaitRecord:
    """Make the row of a wait for a time or an event."""
    return WaitRecord(
        tenant_id=lease.tenant_id,
        execution_id=lease.execution_id,
        interrupt_id=wait_id,
        node_id=node_id,
        task_id=task_id,
        event=wait["event"],
        key=wait["key"],
        until=datetime.fromisoformat(wait["until"]) if wait["until"] else None,
        seconds=wait["seconds"],
        part_of=part_of,
        map_index=map_index,
    )


def waits_for(asked: Mapping[str, Any]) -> WaitsFor:
    """Return what an execution waits for that asks this."""
    if "wait" not in asked:
        return "approval"
    return "event" if asked["wait"]["event"] else "time"


def decided_output(row: Any) -> dict[str, Any]:
    """Return the output of a question that was decided."""
    votes, required = loads(row["votes"]), row["required"]
    decision, value = row["decision"], loads(row["value"])
    if required > 1:
        counted = [vote for vote in votes if vote["decision"] != "reject"]
        value = [vote["value"] for vote in counted]
        if row["approval_type"] == "multiple_choice" and counted:
            # The option that most chose; of several the one that was chosen first.
            value = [vote["decision"] for vote in counted]
            decision = Counter(value).most_common(1)[0][0]
    return {
        "approved": row["decision"] not in ("reject", "cancel"),
        "decision": decision,
        "value": value,
        "comment": row["comment"] or "",
        "by": row["decided_by"],
        "votes": votes,
    }


def ended_output(row: Any) -> dict[str, Any]:
    """Return the output of a wait for a time or an event that has ended."""
    return {
        "event": row["event"],
        "timed_out": row["timed_out"],
        "payload": loads(row["payload"]),
        "at": row["ended_at"].isoformat(),
    }
