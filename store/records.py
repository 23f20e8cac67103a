"""What a journal writes: one frozen record per row, and the write of a whole batch.

Every record belongs to one execution of one tenant. `*_json` fields hold JSON text made by
`store.json_values.dumps`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from store.json_values import loads
from store.postgres import Connection
from store.statements import statement
from store.status import TRANSITIONS, Status


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """A checkpoint without its channel values."""

    tenant_id: UUID
    execution_id: UUID
    checkpoint_ns: str
    checkpoint_id: str
    parent_checkpoint_id: str | None
    node_id: str
    snapshot_json: str
    metadata_json: str
    epoch: int


@dataclass(frozen=True, slots=True)
class ChannelValueRecord:
    """A channel's value at one version."""

    tenant_id: UUID
    execution_id: UUID
    checkpoint_ns: str
    channel: str
    version: str
    value_json: str


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """One write of a task whose superstep has not ended."""

    tenant_id: UUID
    execution_id: UUID
    checkpoint_ns: str
    checkpoint_id: str
    task_id: str
    task_path: str
    position: int
    channel: str
    value_json: str


@dataclass(frozen=True, slots=True)
class NodeLogRecord:
    """One attempt at a node; `cost_usd` in US dollars."""

    tenant_id: UUID
    execution_id: UUID
    node_id: str
    task_id: str
    attempt: int
    agent_name: str
    status: str
    input_json: str | None
    output_json: str | None
    metadata_json: str | None
    started_at: datetime
    completed_at: datetime | None = None
    error_message: str | None = None
    error_trace: str | None = None
    llm_tokens: int = 0
    api_calls: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class MapItemRecord:
    """The result of one item of a map."""

    tenant_id: UUID
    execution_id: UUID
    node_id: str
    task_id: str
    map_index: int
    status: str
    attempt: int
    output_json: str | None
    error_message: str | None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something that happened, for the outside."""

    tenant_id: UUID
    execution_id: UUID
    event_id: UUID
    event_type: str
    node_id: str | None
    payload_json: str


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """A question to a person."""

    tenant_id: UUID
    execution_id: UUID
    id: UUID
    interrupt_id: str
    node_id: str
    message: str
    approval_type: str
    options_json: str
    timeout_seconds: float | None
    on_timeout: str


@dataclass(frozen=True, slots=True)
class ConsumedRecord:
    """An answer that a node took over."""

    execution_id: UUID
    interrupt_id: str


@dataclass(frozen=True, slots=True)
class ProgressRecord:
    """What is added to an execution's counters."""

    execution_id: UUID
    completed: int = 0
    failed: int = 0
    retried: int = 0
    llm_tokens: int = 0
    api_calls: int = 0
    cost_usd: float = 0.0
    current_node: str | None = None


@dataclass(frozen=True, slots=True)
class MoveRecord:
    """A change of status."""

    execution_id: UUID
    epoch: int
    status: Status
    waiting_reason: str | None = None
    output_json: str | None = None
    error_message: str | None = None
    error_node_id: str | None = None


@dataclass(frozen=True, slots=True)
class EndingRecord:
    """How an execution will end, once what runs at its end has run."""

    execution_id: UUID
    ending_json: str


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it stands in the outbox."""

    tenant_id: UUID
    execution_id: UUID
    seq: int
    event_id: UUID
    event_type: str
    node_id: str | None
    payload: dict[str, Any]
    created_at: datetime

    @classmethod
    def from_row(cls, row: Any) -> "Event":
        """Make an event of a row of `execution_events`."""
        return cls(**{**dict(row), "payload": loads(row["payload"])})


Record = (
    CheckpointRecord
    | ChannelValueRecord
    | WriteRecord
    | NodeLogRecord
    | MapItemRecord
    | EventRecord
    | ApprovalRecord
    | ConsumedRecord
    | ProgressRecord
    | MoveRecord
    | EndingRecord
)


@dataclass(frozen=True, slots=True)
class _Table:
    """How records of one kind are written: the statement and what makes two of them the same."""

    statement: str
    key: Callable[[Any], Any] | None = None


_TABLES: dict[type, _Table] = {
    CheckpointRecord: _Table(
        "insert_checkpoints", attrgetter("execution_id", "checkpoint_ns", "checkpoint_id")
    ),
    ChannelValueRecord: _Table(
        "insert_channel_values", attrgetter("execution_id", "checkpoint_ns", "channel", "version")
    ),
    WriteRecord: _Table(
        "insert_writes",
        attrgetter("execution_id", "checkpoint_ns", "checkpoint_id", "task_id", "position"),
    ),
    NodeLogRecord: _Table(
        "upsert_node_logs", attrgetter("execution_id", "node_id", "task_id", "attempt")
    ),
    MapItemRecord: _Table("insert_map_items", attrgetter("execution_id", "task_id", "map_index")),
    ApprovalRecord: _Table("insert_approvals", attrgetter("execution_id", "interrupt_id")),
    ConsumedRecord: _Table("consume_approvals"),
    EndingRecord: _Table("set_endings", attrgetter("execution_id")),
}


def columns(records: Sequence[Any]) -> list[list[Any]]:
    """Turn records of one kind into one list per field, in the order of the fields."""
    row = attrgetter(*(field.name for field in fields(records[0])))
    return [list(column) for column in zip(*map(row, records), strict=True)]


async def write_records(
    connection: Connection, records: Iterable[Record]
) -> tuple[list[Event], set[UUID]]:
    """Write records in the open transaction, whose executions are locked by it.

    Of two records for the same row the later one counts; events keep their order.

    Returns:
        The events with their numbers, and the executions whose change of status was refused
        because their present one does not allow it (or, for `waiting`, an answer has come).
    """
    groups: dict[type, list[Any]] = defaultdict(list)
    for record in records:
        groups[type(record)].append(record)
    for kind, table in _TABLES.items():
        if rows := groups.get(kind):
            if table.key:
                rows = list({table.key(row): row for row in rows}.values())
            await connection.execute(statement(table.statement), *columns(rows))
    if progress := groups.get(ProgressRecord):
        await connection.execute(statement("add_progress"), *columns(_summed(progress)))
    refused = await _move(connection, groups.get(MoveRecord, []))
    if not (rows := groups.get(EventRecord)):
        return [], refused
    # What an execution would have said about a move that did not happen is not said.
    if rows := [row for row in rows if row.execution_id not in refused]:
        written = await connection.fetch(statement("insert_events"), *columns(rows))
        events = sorted((Event.from_row(row) for row in written), key=attrgetter("seq"))
        return events, refused
    return [], refused


def _summed(records: list[ProgressRecord]) -> list[ProgressRecord]:
    sums: dict[UUID, ProgressRecord] = {}
    for record in records:
        if before := sums.get(record.execution_id):
            record = ProgressRecord(
                record.execution_id,
                before.completed + record.completed,
                before.failed + record.failed,
                before.retried + record.retried,
                before.llm_tokens + record.llm_tokens,
                before.api_calls + record.api_calls,
                before.cost_usd + record.cost_usd,
                record.current_node or before.current_node,
            )
        sums[record.execution_id] = record
    return list(sums.values())


async def _move(connection: Connection, records: list[MoveRecord]) -> set[UUID]:
    refused: set[UUID] = set()
    # One after the other per execution (pending, running, completed may share a flush).
    while records:
        first = {record.execution_id: record for record in reversed(records)}
        chosen = set(map(id, first.values()))
        records = [record for record in records if id(record) not in chosen]
        refused |= await _move_once(connection, list(first.values()))
    return refused


async def _move_once(connection: Connection, records: list[MoveRecord]) -> set[UUID]:
    former = {
        status: ",".join(old for old, following in TRANSITIONS.items() if status in following)
        for status in Status
    }
    moved = await connection.fetch(
        statement("move_executions"),
        [record.execution_id for record in records],
        [record.epoch for record in records],
        [record.status for record in records],
        [former[record.status] for record in records],
        [record.waiting_reason for record in records],
        [record.output_json for record in records],
        [record.error_message for record in records],
        [record.error_node_id for record in records],
    )
    done = {row["id"] for row in moved}
    now = [record for record in records if record.execution_id in done]
    if ended := [record.execution_id for record in now if record.status.ended]:
        await connection.execute(statement("withdraw_approvals"), ended)
        await connection.execute(statement("insert_webhook_deliveries"), ended)
    if failed := [record.execution_id for record in now if record.status == Status.FAILED]:
        await connection.execute(statement("insert_failure_deliveries"), failed)
    return {record.execution_id for record in records} - done
