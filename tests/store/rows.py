"""One row of every kind that an execution leaves."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID, uuid4

from store.postgres import Pool
from store.records import (
    ApprovalRecord,
    ArtifactRecord,
    ChannelValueRecord,
    CheckpointRecord,
    EventRecord,
    MapItemRecord,
    MoveRecord,
    NodeLogRecord,
    ProgressRecord,
    Record,
    WaitRecord,
    WriteRecord,
)
from store.status import Status
from store.writing import Batch, Outcome, write_records


def records_of_each_kind(tenant_id: UUID, execution_id: UUID) -> list[Record]:
    """Return a record for each table that an execution writes to, and its counters."""
    place = (tenant_id, execution_id)
    return [
        CheckpointRecord(*place, "", "c1", None, "loop", "{}", "{}", 1),
        ChannelValueRecord(*place, "", "only", "1", '"value"'),
        WriteRecord(*place, "", "c1", "t1", "path", 0, "only", '"value"'),
        NodeLogRecord(*place, "only", "t1", 1, "llm", "running", "{}", None, None,
                      datetime.now(UTC)),
        MapItemRecord(*place, "only", "t1", 0, "completed", 1, '"item"', None),
        WaitRecord(tenant_id=tenant_id, execution_id=execution_id, interrupt_id="wait-only",
                   node_id="only", task_id="t1", event="paid"),
        EventRecord(*place, uuid4(), "node_started", "only", "{}"),
        ArtifactRecord(*place, hashlib.sha256(b"[1]").hexdigest(), b"[1]"),
        ProgressRecord(execution_id, completed=1, llm_tokens=5, cost_usd=0.25),
    ]  # fmt: skip


def question(tenant_id: UUID, execution_id: UUID, node_id: str = "only") -> ApprovalRecord:
    """Return a question that expires in an hour."""
    return ApprovalRecord(
        tenant_id, execution_id, uuid4(), f"interrupt-{node_id}", node_id, "Shall we?",
        "approve_reject", "[]", 3600, "reject",
    )  # fmt: skip


async def write(pool: Pool, *records: Record) -> set[UUID]:
    """Write records in a transaction; return the executions whose move was refused."""
    ids = {record.execution_id for record in records}
    async with pool.acquire() as connection:
        epochs = dict(
            await connection.fetch(
                "SELECT id, epoch FROM workflow_executions WHERE id = ANY($1)", list(ids)
            )
        )
        batches = [
            Batch(id, epochs[id], [record for record in records if record.execution_id == id])
            for id in ids
        ]
        written = await write_records(connection, batches)
    return {id for id, outcome in written.outcomes.items() if outcome is not Outcome.WRITTEN}


async def park(pool: Pool, tenant_id: UUID, execution_id: UUID, *nodes: str) -> list[UUID]:
    """Let an execution wait on a question of each node; return the questions' ids."""
    questions = [question(tenant_id, execution_id, node) for node in nodes]
    status = await pool.fetchval(
        "SELECT status FROM workflow_executions WHERE id = $1", execution_id
    )
    begin = [MoveRecord(execution_id, 1, Status.RUNNING)] if status == "pending" else []
    wait = MoveRecord(execution_id, 1, Status.WAITING, waiting_reason="approval")
    refused = await write(pool, *questions, *begin, wait)
    assert not refused
    return [asked.id for asked in questions]
