"""The write of a whole batch of records of many executions, in one statement."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

from store.postgres import Connection
from store.records import (
    ApprovalRecord,
    ArtifactRecord,
    ChannelValueRecord,
    CheckpointRecord,
    ChildRecord,
    ConsumedRecord,
    EndingRecord,
    Event,
    EventRecord,
    MapItemRecord,
    MoveRecord,
    NodeLogRecord,
    ProgressRecord,
    Record,
    WaitRecord,
    WriteRecord,
)
from store.statements import statement
from store.status import TRANSITIONS, Status


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
class Woken:
    """An execution that goes on."""

    execution_id: UUID
    owner_id: UUID | None
    """The executor that it was given to; None: it queues, or an executor is started for it."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write: an outcome for each execution, and the events in order."""

    outcomes: dict[UUID, Outcome]
    events: list[Event]
    woken: list[Woken]
    """Other executions that go on now."""


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
    MapItemRecord: _Kind(attrgetter("execution_id", "task_id", "map_index")),
    ApprovalRecord: _Kind(),
    WaitRecord: _Kind(),
    ConsumedRecord: _Kind(),
    ChildRecord: _Kind(),
    EventRecord: _Kind(placed=True),
    ArtifactRecord: _Kind(attrgetter("execution_id", "sha256")),
}
"""The kinds of rows, in the order in which `weft_write` takes them."""
_ROW: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    # The tenant of a row is its execution's, whatever the record says.
    kind: attrgetter(*(field.name for field in fields(kind) if field.name != "tenant_id"))
    for kind in _KINDS
}

_CHILD_FIELDS = [field.name for field in fields(ChildRecord) if field.name != "tenant_id"]
_FIRST_EVENT: Callable[[tuple[Any, ...]], tuple[UUID, UUID, str]] = itemgetter(
    *map(_CHILD_FIELDS.index, ("id", "event_id", "payload_json"))
)


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
    outcomes = {
        row["execution_id"]: Outcome(row["outcome"])
        for row in found
        if row["outcome"] not in ("child", "woken")
    }
    woken = [
        Woken(row["execution_id"], row["owner_id"]) for row in found if row["outcome"] == "woken"
    ]
    events = _events(rows[EventRecord].values(), found)
    return Written(outcomes, [*events, *_first_events(rows[ChildRecord].values(), found)], woken)


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
            if cls is CheckpointRecord:
                row = (*row, change.places[EventRecord])
            rows[cls][kind.key(record) if kind.key else len(rows[cls])] = row
    return change.row()


def _events(rows: Iterable[tuple[Any, ...]], found: Iterable[Any]) -> list[Event]:
    """Return the written events; their number is their place after the execution's last one."""
    before = {
        row["execution_id"]: (row["tenant_id"], row["event_base"], row["written_at"])
        for row in found
        if row["event_base"] is not None and row["outcome"] != "child"
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


def _first_events(rows: Iterable[tuple[Any, ...]], found: Iterable[Any]) -> list[Event]:
    """Return the first events of executions that were started for nodes."""
    started = {
        row["execution_id"]: (row["tenant_id"], row["written_at"])
        for row in found
        if row["outcome"] == "child"
    }
    events = []
    for row in rows:
        id, event_id, payload_json = _FIRST_EVENT(row)
        if id in started:
            tenant_id, at = started[id]
            events.append(
                Event(tenant_id, id, 1, event_id, "workflow_started", None, payload_json, at)
            )
    return events
