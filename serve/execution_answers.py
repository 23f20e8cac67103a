"""The shapes of the API's answers about executions; see `serve.answers`."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from compiler.specification import Edge, Node
from serve.answers import Answer, Levels, WorkflowId, WorkflowName

ExecutionStatus = Literal["pending", "running", "waiting", "completed", "failed", "cancelled"]
NodeStatus = Literal["pending", "running", "waiting", "retrying", "completed", "failed",
                     "cancelled", "skipped"]  # fmt: skip
ExecutionId = Annotated[str, Field(examples=["exec_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b"])]


class Progress(Answer):
    """How far an execution is."""

    total_nodes: int
    completed_nodes: int
    failed_nodes: int
    current_node: str | None


class StartedExecution(Answer):
    """An execution that was accepted."""

    execution_id: ExecutionId
    workflow_id: WorkflowId
    status: ExecutionStatus
    progress: Progress
    started_at: AwareDatetime
    estimated_completion: AwareDatetime
    websocket_url: str
    """Where its events are streamed, with `?after=` the number of the last one seen."""


class Parent(Answer):
    """The execution that started another one, and the node that awaits it."""

    execution_id: ExecutionId
    node_id: str
    map_index: int | None
    """Which item of a map it runs."""


class Child(Answer):
    """An execution that a node started."""

    execution_id: ExecutionId
    workflow_id: WorkflowId
    workflow_name: WorkflowName
    node_id: str
    map_index: int | None
    status: ExecutionStatus


class ExecutionOrigin(Answer):
    """The execution that another one was made of."""

    execution_id: ExecutionId
    kind: Literal["rerun", "fork", "retry"]
    node_id: str | None
    """From which node on it runs anew; of a retry the node that had failed."""
    checkpoint_number: int | None
    """At which checkpoint it was forked."""


class ExecutionSummary(Answer):
    """An execution as lists show it."""

    execution_id: ExecutionId
    workflow_id: WorkflowId
    workflow_name: WorkflowName
    workflow_version: str
    """The version that it runs, whatever the workflow's current one is by now."""
    status: ExecutionStatus
    waiting_reason: str | None
    progress: Progress
    duration_seconds: float | None
    cost_usd: float
    error_message: str | None
    parent: Parent | None
    origin: ExecutionOrigin | None
    """Which execution it was made of; null when it was started by itself."""
    started_at: AwareDatetime | None
    completed_at: AwareDatetime | None


class ExecutionPage(Answer):
    """One page of executions, the newest first, with figures over all that match."""

    executions: list[ExecutionSummary]
    total: int
    success_rate: float | None
    """Completed ones among those that ended, 0 to 1; null when none has."""
    avg_duration_seconds: float | None
    total_cost_usd: float
    limit: int
    offset: int


class Items(Answer):
    """How far a map node is."""

    count: int
    completed: int
    failed: int


class Item(Answer):
    """One item of a map node that has ended."""

    index: int
    """Its place in the list, from 0."""
    status: Literal["completed", "failed"]
    attempt: int
    output: Any
    """In lists null when it has more than 64 KiB of JSON: fetch the item by itself."""
    output_bytes: int | None
    """How much JSON the output has; null when the item failed."""
    error: str | None


class ItemPage(Answer):
    """A page of the items of a map node that have ended."""

    items: list[Item]
    total: int
    limit: int
    offset: int


class CompensationState(Answer):
    """What undid a node when its execution was rolled back."""

    agent: str
    status: NodeStatus
    attempt: int
    started_at: AwareDatetime
    completed_at: AwareDatetime | None
    output: Any
    error: str | None


class NodeState(Answer):
    """One node of an execution; a node without an attempt has only the first three fields."""

    node_id: str
    agent: str
    status: NodeStatus
    attempt: int | None = None
    started_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None
    duration_seconds: float | None = None
    output: Any = None
    error: str | None = None
    metadata: dict[str, Any] | None = None
    """Facts about the work itself: the model, the pages read, the message's id."""
    llm_tokens: int | None = None
    api_calls: int | None = None
    cost_usd: float | None = None
    items: Items | None = None
    compensation: CompensationState | None = None


class Vote(Answer):
    """One person's answer to a question."""

    by: str
    decision: str
    value: Any
    comment: str
    at: AwareDatetime


class Approval(Answer):
    """A question to a person."""

    approval_id: str
    node_id: str
    message: str
    approval_type: Literal["approve_reject", "text_input", "multiple_choice", "form"]
    options: list[str]
    form: dict[str, Any] | None = Field(alias="schema")
    """The JSON Schema of the value that answers a form."""
    requested_at: AwareDatetime
    expires_at: AwareDatetime | None
    on_timeout: Literal["reject", "approve", "cancel"]
    map_index: int | None
    """Which item of a map it is asked for."""
    approvers: list[str]
    """Who may answer; nobody named: whoever may write."""
    required: int
    """How many must approve; one rejection is enough to reject."""
    votes: list[Vote]
    status: str
    decision: str | None
    value: Any
    comment: str | None
    decided_by: str | None
    decided_at: AwareDatetime | None


class ExecutionError(Answer):
    """Why an execution failed or was cancelled."""

    node_id: str | None
    message: str


class Cost(Answer):
    """What an execution used up."""

    llm_tokens: int
    api_calls: int
    total_usd: float


class NodesAndEdges(Answer):
    """The graph that an execution follows."""

    nodes: list[Node]
    edges: list[Edge]


class Queued(Answer):
    """Why an execution does not run yet."""

    reason: Literal["concurrency", "capacity", "paused", "starting"]
    """A limit is reached; all executors are full; it is paused; or its own executor starts."""
    ahead: int
    """How many of those that are bounded like it go before it, counted to a thousand."""
    message: str
    """Both in a sentence, with the limit that is reached."""


class Execution(ExecutionSummary):
    """The status of an execution, node by node."""

    queued: Queued | None
    nodes: list[NodeState]
    approvals: list[Approval]
    children: list[Child]
    """The first hundred; the list of executions takes `parent` to show all."""
    input: Any
    output: Any
    error: ExecutionError | None
    ending: Literal["completed", "failed", "cancelled"] | None
    """How it will end, while compensations and last nodes still run."""
    cost: Cost
    retry_count: int
    specification: NodesAndEdges
    levels: Levels


class NodeLog(Answer):
    """One attempt at a node, or at what undoes it."""

    node_id: str
    compensates: bool
    """Whether it undid what the node had done."""
    agent: str
    status: NodeStatus
    attempt: int
    started_at: AwareDatetime | None
    completed_at: AwareDatetime | None
    duration_seconds: float | None
    input: Any
    output: Any
    error_message: str | None
    error_trace: str | None
    metadata: dict[str, Any]
    llm_tokens: int
    api_calls: int
    cost_usd: float


class Logs(Answer):
    """Every attempt at every node, in the order of time."""

    logs: list[NodeLog]


class Event(Answer):
    """One thing that happened; further fields depend on `type`. The WebSocket sends the same."""

    model_config = ConfigDict(extra="allow")

    type: str
    seq: int
    """Counted from 1 without a gap in each execution."""
    event_id: str
    execution_id: ExecutionId
    timestamp: AwareDatetime
    node_id: str | None = None


class Events(Answer):
    """What happened after a number, in order."""

    events: list[Event]


class Cancellation(Answer):
    """An execution that was cancelled."""

    execution_id: ExecutionId
    status: Literal["cancelled"]
    cancelled_at: AwareDatetime
    message: str
    completed_nodes: int
    pending_nodes: int


class Pruning(Answer):
    """What deleting old executions came to."""

    deleted: int
    """How many this call deleted; a call deletes a batch."""
    left: int
    """How many are still there that are as old."""


class Pause(Answer):
    """What pausing or resuming an execution came to."""

    execution_id: ExecutionId
    status: ExecutionStatus
    waiting_reason: str | None
    message: str


class Signalled(Answer):
    """Whom a signal reached."""

    event: str
    execution_ids: list[ExecutionId]
    kept: bool
    """Whether the execution does not wait for it yet, and gets it when it does."""


class Decision(Answer):
    """The answer that counts, or how far it is."""

    execution_id: ExecutionId
    approval_id: str
    status: str
    decision: str | None
    required: int
    votes: list[Vote]
    """Who has answered so far."""
