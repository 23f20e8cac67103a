"""The shapes of the API's JSON, as typed dictionaries.

A key that the platform leaves out is absent; keys that a newer platform adds are kept.
"""

from typing import Any, Literal, TypedDict

ExecutionStatus = Literal["pending", "running", "waiting", "completed", "failed", "cancelled"]
NodeStatus = Literal[
    "pending", "running", "waiting", "retrying", "completed", "failed", "cancelled", "skipped"
]
EventType = Literal[
    "token",
    "workflow_started",
    "node_started",
    "node_progress",
    "node_completed",
    "node_failed",
    "node_retrying",
    "children_started",
    "approval_requested",
    "approval_vote",
    "approval_decided",
    "workflow_completed",
    "workflow_failed",
    "workflow_cancelled",
]

TERMINAL_STATUSES: frozenset[str] = frozenset({"completed", "failed", "cancelled"})
TERMINAL_EVENTS: frozenset[str] = frozenset(
    {"workflow_completed", "workflow_failed", "workflow_cancelled"}
)


class Problem(TypedDict, total=False):
    """One thing that is wrong with a specification."""

    path: str
    rule: str
    message: str
    remedy: str
    line: int | None


class Question(TypedDict, total=False):
    """Something a description leaves open."""

    id: str
    text: str
    field: str
    suggestions: list[str]
    required: bool


class Reading(TypedDict):
    """How a sentence was read: `by` is `offline` or a model; `notes` say why models were left."""

    by: str
    rounds: int
    llm_tokens: int
    cost_usd: float
    ms: float
    notes: list[str]


class Change(TypedDict):
    """One field that differs between two specifications."""

    node_id: str | None
    field: str
    old_value: Any
    new_value: Any


class Widening(TypedDict):
    """Something that a change brings within a workflow's reach."""

    kind: str
    value: str
    node_id: str | None


class Plan(TypedDict, total=False):
    """What a workflow would do: the answer to a dry run, or the plan of a stored workflow.

    `questions`, `problems` and `yaml` are of a dry run, `workflow_id` and `version` of a stored
    workflow.
    """

    dry_run: bool
    workflow_id: str
    version: str
    name: str
    parsed_specification: dict[str, Any]
    plan: dict[str, Any]
    diagram: str
    levels: list[list[str]]
    questions: list[Question]
    reading: Reading | None
    problems: list[Problem]
    yaml: str


class CreatedWorkflow(TypedDict, total=False):
    """A workflow that was just created."""

    workflow_id: str
    name: str
    status: str
    parsed_specification: dict[str, Any]
    yaml_config_url: str
    version: str
    created_at: str
    questions: list[Question]
    reading: Reading | None
    diagram: str
    levels: list[list[str]]


class Workflow(TypedDict, total=False):
    """A stored workflow; `specification`, `diagram` and `levels` only when fetched by its id."""

    workflow_id: str
    name: str
    description: str
    status: str
    version: str
    tags: list[str]
    specification: dict[str, Any]
    yaml_config_url: str
    diagram: str
    levels: list[list[str]]
    executions_count: int
    last_executed: str | None
    created_at: str
    updated_at: str


class WorkflowPage(TypedDict, total=False):
    """One page of the tenant's workflows."""

    workflows: list[Workflow]
    total: int
    limit: int
    offset: int


class Progress(TypedDict, total=False):
    """How far an execution is."""

    total_nodes: int
    completed_nodes: int
    failed_nodes: int
    current_node: str | None


class Items(TypedDict, total=False):
    """How far a map node is."""

    count: int
    completed: int
    failed: int


class Item(TypedDict, total=False):
    """One item of a map node that has ended; a large output only when it is fetched by itself."""

    index: int
    status: Literal["completed", "failed"]
    attempt: int
    output: Any
    output_bytes: int | None
    error: str | None


class ItemPage(TypedDict, total=False):
    """One page of a map node's items."""

    items: list[Item]
    total: int
    limit: int
    offset: int


class NodeState(TypedDict, total=False):
    """One node of an execution."""

    node_id: str
    agent: str
    status: NodeStatus
    started_at: str | None
    completed_at: str | None
    duration_seconds: float | None
    output: Any
    error: Any
    attempt: int
    llm_tokens: int
    api_calls: int
    cost_usd: float
    metadata: dict[str, Any]
    items: Items | None
    compensation: dict[str, Any]


class Vote(TypedDict, total=False):
    """One person's answer to a question."""

    by: str
    decision: str
    value: Any
    comment: str
    at: str


class Parent(TypedDict, total=False):
    """The execution that started another one, and the node that awaits it."""

    execution_id: str
    node_id: str
    map_index: int | None


class Child(TypedDict, total=False):
    """An execution that a node started."""

    execution_id: str
    workflow_id: str
    workflow_name: str
    node_id: str
    map_index: int | None
    status: ExecutionStatus


class Approval(TypedDict, total=False):
    """A question that an execution asks a person."""

    approval_id: str
    node_id: str
    message: str
    approval_type: Literal["approve_reject", "text_input", "multiple_choice", "form"]
    options: list[str]
    schema: dict[str, Any] | None
    requested_at: str
    expires_at: str | None
    on_timeout: Literal["reject", "approve", "cancel"]
    map_index: int | None
    approvers: list[str]
    required: int
    votes: list[Vote]
    status: str
    decision: str | None
    value: Any
    comment: str | None
    decided_by: str | None
    decided_at: str | None


class Cost(TypedDict, total=False):
    """What an execution used up."""

    llm_tokens: int
    api_calls: int
    total_usd: float


class Queued(TypedDict):
    """Why an execution does not run yet."""

    reason: Literal["concurrency", "capacity", "paused", "starting"]
    ahead: int
    """How many of those that are bounded like it go before it."""
    message: str
    """Both in a sentence, with the limit that is reached."""


class Origin(TypedDict, total=False):
    """The execution that another one was made of."""

    execution_id: str
    kind: Literal["rerun", "fork", "retry"]
    node_id: str | None
    checkpoint_number: int | None


class Execution(TypedDict, total=False):
    """An execution; a start answers only the fields that it knows yet."""

    execution_id: str
    workflow_id: str
    workflow_name: str
    workflow_version: str
    status: ExecutionStatus
    waiting_reason: str | None
    progress: Progress
    nodes: list[NodeState]
    approvals: list[Approval]
    parent: Parent | None
    children: list[Child]
    output: Any
    error: Any
    queued: Queued | None
    origin: Origin | None
    ending: ExecutionStatus | None
    cost: Cost
    started_at: str | None
    completed_at: str | None
    duration_seconds: float | None
    estimated_completion: str | None
    websocket_url: str
    specification: dict[str, Any]
    levels: list[list[str]]


class ExecutionRow(TypedDict, total=False):
    """An execution in a list."""

    execution_id: str
    workflow_id: str
    workflow_name: str
    workflow_version: str
    status: ExecutionStatus
    duration_seconds: float | None
    cost_usd: float
    parent: Parent | None
    origin: Origin | None
    started_at: str | None
    completed_at: str | None
    progress: Progress


class ExecutionPage(TypedDict, total=False):
    """One page of executions; the sums only for one workflow's history."""

    executions: list[ExecutionRow]
    total: int
    success_rate: float | None
    avg_duration_seconds: float | None
    total_cost_usd: float


class Cancellation(TypedDict, total=False):
    """The answer to a cancel."""

    execution_id: str
    status: str
    cancelled_at: str
    message: str
    completed_nodes: int
    pending_nodes: int


class Checkpoint(TypedDict, total=False):
    """A point in an execution that it can be forked at; `branch` null: of the whole graph."""

    checkpoint_number: int
    checkpoint_id: str
    branch: str | None
    node_id: str | None
    event_seq: int
    created_at: str


class CheckpointPage(TypedDict, total=False):
    """One page of an execution's checkpoints, the first first."""

    checkpoints: list[Checkpoint]
    total: int
    limit: int
    offset: int


class CheckpointState(TypedDict, total=False):
    """What stood in the state at a checkpoint; mapped lists as `count` and `failed`."""

    execution_id: str
    checkpoint_number: int
    event_seq: int
    created_at: str
    input: Any
    state: dict[str, Any]
    failures: dict[str, str]


class Done(TypedDict, total=False):
    """What a bulk did with one execution: what it made of it, or why nothing."""

    execution_id: str
    made: str | None
    problem: str | None


class BulkResult(TypedDict, total=False):
    """What was done with many executions."""

    action: str
    dry_run: bool
    matched: int
    done: int
    refused: int
    executions: list[Done]


class Pruning(TypedDict, total=False):
    """What deleting old executions came to: of a batch, and what is left of that age."""

    deleted: int
    left: int


class Decision(TypedDict, total=False):
    """The answer to an approval."""

    execution_id: str
    approval_id: str
    status: str
    decision: str | None
    required: int
    votes: list[Vote]


class NodeLog(TypedDict, total=False):
    """One attempt at a node, or at what undoes it."""

    node_id: str
    compensates: bool
    agent: str
    status: str
    attempt: int
    started_at: str | None
    completed_at: str | None
    duration_seconds: float | None
    input: Any
    output: Any
    error_message: str | None
    metadata: dict[str, Any]


class Event(TypedDict, total=False):
    """One thing that happened in an execution; further keys depend on `type`.

    One of type `token` is a piece of a language model's answer while it grows, and has no `seq`.
    `weft.texts.Texts` puts pieces together.
    """

    type: EventType
    seq: int
    execution_id: str
    workflow_id: str
    node_id: str
    timestamp: str
    status: str
    attempt: int
    items: int
    completed: int
    failed: int
    ended: list[list[int]]
    output: Any
    error: Any
    duration_seconds: float
    cost_usd: float
    text: str
    answer: int
    part: int
    offset: int
    map_index: int
    last: bool


class Readers(TypedDict):
    """Who reads texts: language models, the first one first; none: all is read offline."""

    models: list[str]


class Session(TypedDict, total=False):
    """Whom a token speaks for."""

    user: dict[str, str]
    organization: dict[str, str]
    role: str


class Health(TypedDict, total=False):
    """Whether the platform is alive (`health`) or can take work (`ready`)."""

    status: str
    checks: dict[str, Any]
