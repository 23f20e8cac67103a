"""What is recorded of executions: one frozen record per row. `store.writing` writes them.

Every record belongs to one execution of one tenant. `*_json` fields hold JSON text made by
`store.json_values.dumps`. The fields of a record stand in the order of its composite type in the
database (see `weft_write` in the migrations).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from store.json_values import loads
from store.status import Status

WaitKind = Literal["wait", "retry", "items"]


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
    part_of: str | None = None
    """The wait of a map that this is one item of."""
    map_index: int | None = None
    approvers_json: str = "[]"
    """Who may answer; nobody named: whoever may write."""
    required: int = 1
    """How many must approve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitRecord:
    """A node that waits: for a time or an event, for its next attempt, or for its items."""

    tenant_id: UUID
    execution_id: UUID
    interrupt_id: str
    node_id: str
    task_id: str
    kind: WaitKind = "wait"
    event: str | None = None
    key: str | None = None
    until: datetime | None = None
    seconds: float | None = None
    """How long from now, when it is not until a moment."""
    payload_json: str | None = None
    part_of: str | None = None
    """The wait of a map that this is one item of."""
    map_index: int | None = None
    map_task_id: str | None = None
    """The visit of the map among whose results those of this wait's items stand."""
    attempt: int | None = None
    """The number of the attempt at the node or its items that is awaited."""
    at_once: int | None = None
    """How many of the executions that are awaited run at once."""


@dataclass(frozen=True, slots=True)
class ChildRecord:
    """An execution that is started for a node and awaited by its wait."""

    tenant_id: UUID
    execution_id: UUID
    """The one that starts it."""
    interrupt_id: str
    node_id: str
    map_index: int | None
    id: UUID
    workflow_id: UUID
    specification_sha256: str
    input_json: str
    total_nodes: int
    event_id: UUID
    payload_json: str
    """What its first event says."""
    priority: int
    lane: UUID
    workflow_limit: int | None
    key_limit: int | None


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
    | ChildRecord
    | ProgressRecord
    | MoveRecord
    | EndingRecord
)
