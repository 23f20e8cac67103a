"""What is recorded of executions: one frozen record per row, and the write of a whole batch.

Every record belongs to one execution of one tenant. `*_json` fields hold JSON text made by
`store.json_values.dumps`. The fields of a record stand in the order of its composite type in the
database (see `weft_write` in the migrations).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
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
class ArtifactRecord:
    """A large value, kept once for its execution; other records name it by its digest."""

    tenant_id: UUID
    execution_id: UUID
    sha256: str
    content: bytes


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
class WaitRecord:
    """A node that waits for a time, an event, or an event until a time."""

    tenant_id: UUID
    execution_id: UUID
    interrupt_id: str
    node_id: str
    event: str | None
    key: str | None
    until: datetime | None
    seconds: float | None
    """How long from now, when it is not until a moment."""


@dataclass(frozen=True, slots=True)
class ConsumedRecord:
    """An answer, or a wait's end, that a node took over."""

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
    payload_json: str
    created_at: datetime

    @property
    def payload(self) -> dict[str, Any]:
        """What the event says beside its type and its place."""
        found: dict[str, Any] = loads(self.payload_json)
        return found

    @classmethod
    def from_row(cls, row: Any) -> "Event":
        """Make an event of a row of `execution_events`."""
        values = dict(row)
        return cls(payload_json=values.pop("payload"), **values)


Record = (
    CheckpointRecord
    | ChannelValueRecord
    | WriteRecord
    | NodeLogRecord
    | MapItemRecord
    | EventRecord
    | ArtifactRecord
    | ApprovalRecord
    | WaitRecord
    | ConsumedRecord
    | ProgressRecord
    | MoveRecord
    | EndingRecord
)


class Outcome(StrEnum):
    """What became of one execution's records."""

    WRITTEN = "written"
    ANSWERED = "answered"
    """All is recorded, but the execution does not wait: an answer has come meanwhile."""
    REFUSED = "refused"
    """Nothing is recorded: the execution's status does not allow the move."""
    LOST = "lost"
    """Nothing is recorded: the epoch has moved, or the execution is gone."""
    BUSY = "busy"
    """Nothing is recorded yet: somebody else holds the execution just now."""
    REPEATED = "repeated"
    """All was recorded by an earlier try whose answer was lost."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be recorded of one execution, in order, under one epoch."""

    execution_id: UUID
    epoch: int
    records: Sequence[Record]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write: an outcome for each execution, and the events in order."""

    outcomes: dict[UUID, Outcome]
    events: list[Event]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A table's records.

    Attributes:
        key: What makes the later of two replace the earlier, where it does.
        placed: Whether their place among their execution's counts.
    """

    key: Callable[[Any], Any] | None = None
    placed: bool = False


_KINDS: dict[type, _Kind] = {
    CheckpointRecord: _Kind(
        attrgetter("execution_id", "checkpoint_ns", "checkpoint_id"), placed=True
    ),
    ChannelValueRecord: _Kind(),
    WriteRecord: _Kind(
        attrgetter("execution_id", "checkpoint_ns", "checkpoint_id", "task_id", "position")
    ),
    NodeLogRecord: _Kind(attrgetter("execution_id", "node_id", "task_id", "attempt")),
    MapItemRecord: _Kind(),
    ApprovalRecord: _Kind(),
    WaitRecord: _Kind(),
    ConsumedRecord: _Kind(),
    EventRecord: _Kind(placed=True),
    ArtifactRecord: _Kind(attrgetter("execution_id", "sha256")),
}
"""The kinds of rows, in the order in which `weft_write` takes them."""
_ROW: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    # The tenant of a row is its execution's, whatever the record says.
    kind: attrgetter(*(field.name for field in fields(kind) if field.name != "tenant_id"))
    for kind in _KINDS
}


@dataclass(slots=True)
class _Change:
    """What a batch changes on its execution's own row; fields as in `weft_change`."""

    execution_id: UUID
    epoch: int
    checkpoints: int = 0
    events: int = 0
    completed: int = 0
    failed: int = 0
    retried: int = 0
    llm_tokens: int = 0
    api_calls: int = 0
    cost_usd: float = 0.0
    current_node: str | None = None
    status: str | None = None
    former: list[str] | None = None
    waiting_reason: str | None = None
    output_json: str | None = None
    error_message: str | None = None
    error_node_id: str | None = None
    ending_json: str | None = None
    places: dict[type, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, progress: ProgressRecord) -> None:
        """Add to the counters."""
        self.completed += progress.completed
        self.failed += progress.failed
        self.retried += progress.retried
        self.llm_tokens += progress.llm_tokens
        self.api_calls += progress.api_calls
        self.cost_usd += progress.cost_usd
        self.current_node = progress.current_node or self.current_node

    def move(self, move: MoveRecord) -> None:
        """Change the status; of several moves the first says from where, the last says where to."""
        if self.former is None:
            self.former = [old for old in Status if move.status in TRANSITIONS[old]]
        self.status = move.status
        self.waiting_reason = move.waiting_reason
        self.output_json = move.output_json or self.output_json
        self.error_message = move.error_message
        self.error_node_id = move.error_node_id

    def row(self) -> tuple[Any, ...]:
        """Return the fields as the database takes them."""
        self.checkpoints = self.places[CheckpointRecord]
        self.events = self.places[EventRecord]
        return _CHANGED(self)


_CHANGED: Callable[[_Change], tuple[Any, ...]] = attrgetter(
    *[field.name for field in fields(_Change)][:-1]
)


async def write_records(
    connection: Connection,
    batches: Iterable[Batch],
    *,
    executor_id: UUID | None = None,
    flush_id: UUID | None = None,
    again: bool = False,
) -> Written:
    """Write records of several executions in one statement.

    Each execution's batch is written whole or not at all, under the execution's lock and only
    while its epoch holds. Of two records for the same row the later one counts; events keep their
    order.

    Args:
        connection: In a transaction or not.
        batches: At most one for an execution.
        executor_id: The journal's executor, which remembers the flush.
        flush_id: What the flush is remembered by.
        again: The flush was tried before and may have been committed unheard.
    """
    changes: list[tuple[Any, ...]] = []
    rows: dict[type, dict[Any, tuple[Any, ...]]] = {kind: {} for kind in _KINDS}
    for batch in batches:
        changes.append(_add(rows, batch))
    found = await connection.fetch(
        statement("write_records"),
        executor_id,
        flush_id,
        again,
        changes,
        *(list(kind.values()) for kind in rows.values()),
    )
    outcomes = {row["execution_id"]: Outcome(row["outcome"]) for row in found}
    return Written(outcomes, _events(rows[EventRecord].values(), found))


def _add(rows: dict[type, dict[Any, tuple[Any, ...]]], batch: Batch) -> tuple[Any, ...]:
    change = _Change(batch.execution_id, batch.epoch)
    for record in batch.records:
        if isinstance(record, ProgressRecord):
            change.add(record)
        elif isinstance(record, MoveRecord):
            change.move(record)
        elif isinstance(record, EndingRecord):
            change.ending_json = record.ending_json
        else:
            cls = type(record)
            kind = _KINDS[cls]
            row = _ROW[cls](record)
            if kind.placed:
                change.places[cls] += 1
                row = (*row, change.places[cls])
            rows[cls][kind.key(record) if kind.key else len(rows[cls])] = row
    return change.row()


def _events(rows: Iterable[tuple[Any, ...]], found: Iterable[Any]) -> list[Event]:
    """Return the written events; their number is their place after the execution's last one."""
    before = {
        row["execution_id"]: (row["tenant_id"], row["event_base"], row["written_at"])
        for row in found
        if row["event_base"] is not None
    }
    events = []
    for execution_id, event_id, event_type, node_id, payload_json, place in rows:
        if execution_id in before:
            tenant_id, base, at = before[execution_id]
            events.append(
                Event(tenant_id, execution_id, base + place, event_id, event_type, node_id,
                      payload_json, at)
            )  # fmt: skip
    return events
