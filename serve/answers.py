"""The shapes of the API's answers, as its own description declares them.

They describe what `serve.documents` builds and do not run with a request: an answer is written as
JSON once, without being checked again. Tests check real answers against them.
"""

from typing import Annotated, Any, Literal

import orjson
from fastapi import Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from compiler.specification import Edge, Node, PatternName, Specification, StateSchema, Trigger

WorkflowStatus = Literal["active", "archived", "deprecated"]
Levels = Annotated[
    list[list[str]], Field(description="Node ids by how many nodes stand before them.")
]
WorkflowName = Annotated[str, Field(examples=["LinkedIn Skills Extraction"])]
WorkflowId = Annotated[str, Field(examples=["wf_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b"])]


def json_answer(document: Any, status: int = 200) -> Response:
    """Answer a document of plain JSON data."""
    return Response(orjson.dumps(document), status, media_type="application/json")


def asks_for_yaml(request: Request, format: Literal["json", "yaml"] | None) -> bool:
    """Whether a request wants YAML: by `format`, or without one by its `Accept` header."""
    return format == "yaml" or (format is None and "yaml" in request.headers.get("accept", ""))


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


class Reading(Answer):
    """How a text was read."""

    by: str
    """`offline`, or the language model whose answer is used."""
    rounds: int
    """How many answers models gave; more than one: an answer had to be mended, or was left."""
    llm_tokens: int
    cost_usd: float
    ms: float
    cached: bool
    """Whether it was read before, in these words or in like ones with other values."""
    notes: list[str]
    """Why models were left."""


class Readers(Answer):
    """Who reads texts that are not to be read offline."""

    models: list[str]
    """Language models, the one that is asked first before the others; none: all is read offline."""


class Change(Answer):
    """One field that differs."""

    node_id: str | None
    """The node, by its former id if it was renamed; null: the workflow itself."""
    field: str
    """A dotted path, such as `parameters.model`; `node` for a whole node, `edges.<target>` for an
    edge that leaves the node."""
    old_value: Any
    new_value: Any


class Widening(Answer):
    """Something that comes within the workflow's reach."""

    kind: Literal["agent", "host", "recipient", "database", "secret", "workflow", "effect"]
    value: str
    node_id: str | None
    """The node that brings it; null: the workflow's settings."""


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
    """What must be known before a workflow can be built or changed."""
    reading: Reading | None = None
    """How the text that leaves questions open was read."""
    changes: list[Change] | None = None
    """What a change would do that has to be confirmed."""
    widens: list[Widening] | None = None
    """What a change adds to that which the workflow may touch, and so has to be confirmed."""


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
    reading: Reading | None
    """How the description was read; null: there was none."""


class Interval(Answer):
    """An estimate."""

    low: float
    high: float
    bounded: bool
    """Whether the high end holds without an assumption about lists and loops."""
    source: Literal["input", "history", "agent", "catalogue"]
    """The input itself, former executions of the workflow, those of its agent in the organization,
    or the agent's own figures; of several, the least firm."""
    samples: int
    """How many former runs it is made of."""


class Estimated(Answer):
    """What something may touch, take and cost."""

    hosts: list[str]
    recipients: list[str]
    databases: list[str]
    secrets: list[str]
    seconds: Interval
    cost_usd: Interval


class PartPlan(Answer):
    """What a worker, or undoing a node, may touch."""

    agent: str
    parameters: dict[str, Any]
    side_effect: Literal["none", "reads", "writes", "sends"]
    hosts: list[str]
    recipients: list[str]
    databases: list[str]
    secrets: list[str]


class Callee(Answer):
    """A workflow that a node runs, as it is now."""

    name: str
    specification_hash: str


class NodePlan(Estimated):
    """What one node would do."""

    id: str
    agent: str
    level: int
    output_key: str
    parameters: dict[str, Any]
    """With the values of the input; what comes later stands as references, secrets by name."""
    workers: dict[str, PartPlan]
    """Those of a map whose items name their workers."""
    mapped: bool
    items: Interval | None
    """How many elements its list has; null: it is no map."""
    on_item_error: Literal["fail", "collect"] | None
    """What failed items of a map mean; null: it is no map."""
    side_effect: Literal["none", "reads", "writes", "sends"]
    on_failure: Literal["branch", "default", "continue", "stop", "rollback"]
    """What follows when it fails for good: its failure edge, its default, or `on_failure`."""
    compensation: PartPlan | None
    calls: Callee | None
    """What it touches is counted to the node; null: none is run, or which is not known."""


class Plan(Estimated):
    """What a whole workflow would do, without doing it."""

    specification_hash: str
    name: WorkflowName
    pattern: PatternName
    runnable: bool
    missing_input: list[str]
    """Names of the input that have neither a value nor a default."""
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
    reading: Reading | None
    """How the description was read; null: there was none."""
    problems: list[SpecificationProblem]
    yaml: str


class PlannedWorkflow(Graph):
    """What an execution of a workflow would do; nothing is started or called."""

    workflow_id: WorkflowId
    name: WorkflowName
    version: str
    plan: Plan


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


class Secret(Answer):
    """What is told of a secret; what it holds is not."""

    name: str
    hosts: list[str]
    """The only hosts that it is sent to."""
    version: int
    """How often it was set."""
    created_at: AwareDatetime
    updated_at: AwareDatetime
    last_used_at: AwareDatetime | None
    """When a node last got it, to the minute."""


class SecretList(Answer):
    """An organization's secrets, by name."""

    secrets: list[Secret]


class Egress(Answer):
    """Which hosts an organization's workflows may reach."""

    hosts: list[str] | None
    """Names, `*.example.com`, or addresses; null: every public host."""
    updated_at: AwareDatetime | None
    operator_hosts: list[str] | None
    """What the operator allows all organizations; null: every public host."""
    loopback: bool
    """Whether workflows may reach the machine that the platform runs on, where the lists allow."""


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
