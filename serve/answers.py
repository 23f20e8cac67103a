"""The shapes of the API's answers, as its own description declares them.

They describe what `serve.documents` builds and do not run with a request: an answer is written as
JSON once, without being checked again. Tests check real answers against them.
"""

from typing import Annotated, Any, Literal

import orjson
from fastapi import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from compiler.specification import Edge, Node, PatternName, Specification, StateSchema, Trigger

WorkflowStatus = Literal["active", "archived", "deprecated"]
ExecutionStatus = Literal["pending", "running", "waiting", "completed", "failed", "cancelled"]
NodeStatus = Literal["pending", "running", "waiting", "retrying", "completed", "failed",
                     "cancelled", "skipped"]  # fmt: skip
Levels = Annotated[
    list[list[str]], Field(description="Node ids by how many nodes stand before them.")
]
WorkflowName = Annotated[str, Field(examples=["LinkedIn Skills Extraction"])]
WorkflowId = Annotated[str, Field(examples=["wf_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b"])]
ExecutionId = Annotated[str, Field(examples=["exec_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b"])]


def json_answer(document: Any, status: int = 200) -> Response:
    """Answer a document of plain JSON data."""
    return Response(orjson.dumps(document), status, media_type="application/json")


class Answer(BaseModel):
    """Base of the shapes; the text under a field describes it to the outside."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, populate_by_name=True)


class SpecificationProblem(Answer):
    """One thing that is wrong with a specification or a request."""

    path: str
    """Where, such as `nodes[2].parameters.prompt`."""
    rule: str
    """A stable name, such as `unknown_agent`."""
    message: str
    remedy: str
    """What to do about it."""
    line: int | None
    """The line in the YAML text, counted from 1."""


class Question(Answer):
    """Something that a description leaves open."""

    id: str
    """What `answers` calls it."""
    text: str
    field: str
    """Where the answer goes, such as `send_email.to`."""
    suggestions: list[str]
    required: bool
    """Whether the workflow can only be created with an answer."""


class ProblemDetails(Answer):
    """An error (RFC 9457): what is wrong and what to do."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str | None = None
    """What to do about it, in one sentence."""
    problems: list[SpecificationProblem] | None = None
    """Everything that is wrong with a specification or a request, at once."""
    questions: list[Question] | None = None
    """What must be known before a workflow can be built of a description."""


class ParsedSpecification(Answer):
    """A workflow's graph."""

    pattern: PatternName
    nodes: list[Node]
    edges: list[Edge]
    trigger: Trigger | None = None
    state_schema: StateSchema | None = None


class Graph(Answer):
    """A workflow's graph and ways to draw it."""

    parsed_specification: ParsedSpecification
    diagram: str
    """The graph as Mermaid text."""
    levels: Levels


class CreatedWorkflow(Graph):
    """A workflow that was just created."""

    workflow_id: WorkflowId
    name: WorkflowName
    status: WorkflowStatus
    yaml_config_url: str
    version: str
    created_at: AwareDatetime
    questions: list[Question]
    """What may be answered, though nothing must."""


class Interval(Answer):
    """An estimate."""

    low: float
    high: float
    bounded: bool
    """Whether the high end holds without an assumption about lists and loops."""


class Estimated(Answer):
    """What something may touch, take and cost."""

    hosts: list[str]
    recipients: list[str]
    databases: list[str]
    secrets: list[str]
    seconds: Interval
    cost_usd: Interval


class NodePlan(Estimated):
    """What one node would do."""

    id: str
    agent: str
    level: int
    output_key: str
    mapped: bool
    side_effect: Literal["none", "reads", "writes", "sends"]


class Plan(Estimated):
    """What a whole workflow would do, without doing it."""

    specification_hash: str
    name: WorkflowName
    pattern: PatternName
    runnable: bool
    levels: Levels
    nodes: list[NodePlan]
    problems: list[SpecificationProblem]
    warnings: list[SpecificationProblem]


class DryRun(Graph):
    """What would be created; nothing is stored or called."""

    dry_run: Literal[True]
    name: WorkflowName
    plan: Plan
    questions: list[Question]
    problems: list[SpecificationProblem]
    yaml: str


class WorkflowSummary(Answer):
    """A workflow as lists show it."""

    workflow_id: WorkflowId
    name: WorkflowName
    description: str
    status: WorkflowStatus
    version: str
    tags: list[str]
    executions_count: int
    last_executed: AwareDatetime | None
    created_at: AwareDatetime


class WorkflowPage(Answer):
    """One page of the organization's workflows, the newest first."""

    workflows: list[WorkflowSummary]
    total: int
    limit: int
    offset: int


class Workflow(WorkflowSummary):
    """A whole workflow."""

    specification: Specification
    yaml_config_url: str
    diagram: str
    levels: Levels
    updated_at: AwareDatetime


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


class ExecutionSummary(Answer):
    """An execution as lists show it."""

    execution_id: ExecutionId
    workflow_id: WorkflowId
    workflow_name: WorkflowName
    status: ExecutionStatus
    waiting_reason: str | None
    progress: Progress
    duration_seconds: float | None
    cost_usd: float
    error_message: str | None
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


class Approval(Answer):
    """A question to a person."""

    approval_id: str
    node_id: str
    message: str
    approval_type: Literal["approve_reject", "text_input", "multiple_choice"]
    options: list[str]
    requested_at: AwareDatetime
    expires_at: AwareDatetime | None
    on_timeout: Literal["reject", "approve", "cancel"]
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


class Execution(ExecutionSummary):
    """The status of an execution, node by node."""

    nodes: list[NodeState]
    approvals: list[Approval]
    input: Any
    output: Any
    error: ExecutionError | None
    cost: Cost
    retry_count: int
    specification: NodesAndEdges
    levels: Levels


class NodeLog(Answer):
    """One attempt at a node."""

    node_id: str
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


class Decision(Answer):
    """The answer that counts."""

    execution_id: ExecutionId
    approval_id: str
    status: str
    decision: str | None


class Named(Answer):
    """Something with a name."""

    id: str
    name: str


class User(Named):
    """A person."""

    email: str


class Session(Answer):
    """Whom a token speaks for."""

    user: User
    organization: Named
    role: Literal["owner", "admin", "editor", "viewer"]


class Health(Answer):
    """This process answers."""

    status: Literal["ok"]


class Checks(Answer):
    """`ok`, or what is wrong, for each part."""

    postgres: str
    redis: str
    executors: str


class Readiness(Answer):
    """Whether executions can run."""

    status: Literal["ready", "not ready"]
    checks: Checks
