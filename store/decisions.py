"""Answers to questions: votes, and the decision that they come to."""

from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from store.errors import NotFound
from store.json_values import clean_text, dumps
from store.live import LiveView
from store.postgres import Pool, tenant_transaction
from store.records import EventRecord
from store.statements import statement
from store.writing import Batch, write_records


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
    timed_out: bool = False,
) -> bool:
    """Answer a question, each person once; the answer that decides it lets its execution go on.

    A question is decided by as many approvals as it requires, or by one rejection, under the lock
    of its execution: one decision, however many race.

    Args:
        pool: A pool of role weft_api or weft_engine.
        live: Told of the events.
        tenant_id: Whose execution it is.
        execution_id: The execution that asked.
        approval_id: The question.
        decision: `approve`, `reject`, or one of its options.
        value: What the person wrote or chose; any JSON value.
        comment: A remark for the log.
        decided_by: Who answers.
        owner_id: The executor to go on; None: the supervisor chooses one.
        timed_out: Its time is up, which decides it however many are required.

    Returns:
        Whether this answer counts; False when the question was decided before, this person has
        answered it, or it is not this execution's.

    Raises:
        NotFound: The tenant has no such execution.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        execution = await connection.fetchrow(statement("lock_execution"), execution_id)
        if execution is None:
            raise NotFound("execution", f"exec_{execution_id.hex}")
        row = await connection.fetchrow(
            statement("decide_approval"), execution_id, approval_id, clean_text(decision),
            dumps(value), clean_text(comment), clean_text(decided_by), timed_out,
        )  # fmt: skip
        if row is None:
            return False
        events = [
            EventRecord(tenant_id, execution_id, uuid7(), kind, row["node_id"], dumps(payload))
            for kind, payload in _told(approval_id, row, decision, decided_by, timed_out)
        ]
        written = await write_records(connection, [Batch(execution_id, execution["epoch"], events)])
        await connection.execute(statement("end_groups"), execution_id)
        await connection.execute(statement("wake_execution"), execution_id, owner_id)
    await live.publish(written.events)
    return True


def _told(
    approval_id: UUID, row: Any, decision: str, decided_by: str, timed_out: bool
) -> list[tuple[str, dict[str, Any]]]:
    name = f"appr_{approval_id.hex}"
    told: list[tuple[str, dict[str, Any]]] = []
    if row["required"] > 1 and not timed_out:
        vote = {"by": decided_by, "votes": row["votes"], "required": row["required"]}
        told.append(("approval_vote", {"approval_id": name, "decision": decision, **vote}))
    if row["status"] == "decided":
        decided = {"approval_id": name, "decision": decision, "decided_by": decided_by}
        told.append(("approval_decided", decided))
    return told
