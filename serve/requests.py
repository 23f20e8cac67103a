"""The bodies that the API takes."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    model_validator,
)

from agents.bound import host_pattern
from agents.container_parameters import ContainerParameters
from agents.custom.definition import Definition

Host = Annotated[str, Field(min_length=1, max_length=253), AfterValidator(host_pattern)]


class Body(BaseModel):
    """Base of request bodies: unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _require_one_source(body: Body, *names: str) -> None:
    given = [name for name in names if getattr(body, name)]
    if len(given) != 1:
        told = " and ".join(given) if given else "none"
        listed = f"{', '.join(names[:-1])} and {names[-1]}"
        raise ValueError(f"send exactly one of {listed} (there is {told})")


class CreateWorkflow(Body):
    """`POST /workflows/create`: exactly one of description, specification, yaml and template."""

    organization_id: str | None = None
    description: Annotated[str, Field(max_length=20_000)] | None = None
    """What the workflow does, in English."""
    specification: dict[str, Any] | None = None
    """The specification as JSON."""
    yaml: str | None = None
    """The specification as YAML text."""
    template: Annotated[str, Field(max_length=100)] | None = None
    """The id of a template."""
    inputs: dict[str, Any] = Field(default_factory=dict)
    """Values for inputs of the template, which become their defaults."""
    name: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    tags: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        default_factory=list, max_length=50
    )
    dry_run: bool = False
    """Show what would be created and what it would do; store and call nothing."""
    input: dict[str, Any] = Field(default_factory=dict)
    """With `dry_run`: the input of the execution that is planned, or a part of it."""
    answers: dict[str, str] = Field(default_factory=dict)
    """Answers to the questions of an earlier attempt, by question id."""
    offline: bool = False
    """Read the description without a language model."""

    @model_validator(mode="after")
    def _exactly_one(self) -> "CreateWorkflow":
        _require_one_source(self, "description", "specification", "yaml", "template")
        if self.inputs and not self.template:
            raise ValueError("`inputs` are those of a template: send `template`, too")
        if self.input and not self.dry_run:
            raise ValueError("an `input` is planned with, not stored: send `dry_run`, too")
        return self


class UpdateWorkflow(Body):
    """`PUT /workflows/{id}`: exactly one of description, specification and yaml."""

    organization_id: str | None = None
    description: Annotated[str, Field(max_length=20_000)] | None = None
    """What to change, in English: `Change step 2 to use GPT-3.5 instead of GPT-4`."""
    answers: dict[str, str] = Field(default_factory=dict)
    """Answers to the questions of an earlier attempt, by question id."""
    offline: bool = False
    """Read the description without a language model."""
    specification: dict[str, Any] | None = None
    """The whole new specification as JSON; what it does not change keeps its text."""
    yaml: str | None = None
    """The whole new specification as YAML text."""
    version_increment: Literal["patch", "minor", "major"] | None = None
    """Which part of the version rises; without it, what the changes ask for."""
    base_version: Annotated[str, Field(max_length=20)] | None = None
    """The version that the change was made of: the current one, or a draft. Another answers 409."""
    draft: bool = False
    """Keep it as a draft, which nothing starts before it is published."""
    dry_run: bool = False
    """Show what would change; store nothing."""
    confirm: bool = False
    """The change may widen what the workflow touches."""
    summary: Annotated[str, Field(max_length=200)] | None = None
    """What the list of versions says of it; unset: the instruction, or the fields that differ."""

    @model_validator(mode="after")
    def _exactly_one(self) -> "UpdateWorkflow":
        _require_one_source(self, "description", "specification", "yaml")
        return self


class Rollback(Body):
    """`POST /workflows/{id}/rollback`."""

    organization_id: str | None = None
    target_version: Annotated[str, Field(max_length=20)]
    """A published version."""


class PlanWorkflow(Body):
    """`POST /workflows/{id}/plan`."""

    organization_id: str | None = None
    input: dict[str, Any] = Field(default_factory=dict)
    """The input of the execution that is planned, or a part of it."""


class ExecuteOptions(Body):
    """How an execution is started."""

    run_async: bool = Field(default=True, alias="async")
    """False: the call waits for the end, five minutes at most."""
    webhook_url: HttpUrl | None = None
    """Called when the execution has ended; signed."""
    timeout_seconds: Annotated[float, Field(gt=0, le=31_536_000)] | None = None
    """After this long the execution fails, the time in the queue included."""
    priority: Annotated[int, Field(ge=-100, le=100)] | None = None
    """Among the queued executions the highest goes first; unset: what the workflow says."""


class ExecuteWorkflow(Body):
    """`POST /workflows/{id}/execute`."""

    organization_id: str | None = None
    input: dict[str, Any] = Field(default_factory=dict)
    options: ExecuteOptions = ExecuteOptions()


class Approve(Body):
    """`POST /executions/{id}/approve`: the answer to a question."""

    approval_id: str | None = None
    """Which question; may be left out while only one is open."""
    decision: Annotated[str, Field(min_length=1, max_length=200)] = "approve"
    """`approve`, `reject`, or one of the question's options."""
    value: Any = None
    """What a text_input question asks for, or the object that answers a form."""
    comment: Annotated[str, Field(max_length=10_000)] = ""


class Signal(Body):
    """`POST /executions/{id}/signal` and `POST /events`: something that has happened."""

    event: Annotated[str, Field(min_length=1, max_length=200)]
    """Its name, as a `wait` node has it."""
    key: Annotated[str, Field(max_length=500)] | None = None
    """Which of the events of that name; a wait that names a key takes only that one."""
    payload: Any = None
    """Any JSON value; the wait's output carries it."""


State = Annotated[dict[str, Any], Field(max_length=1000)]


class Rerun(Body):
    """`POST /executions/{id}/rerun`: a new execution of the same, from a node on."""

    node_id: Annotated[str, Field(max_length=100)] | None = None
    """The first node to run anew; without it, all of them."""
    visit: Annotated[int, Field(ge=1)] | None = None
    """Which of its visits in a loop; without it, the last."""
    input: dict[str, Any] | None = None
    """What replaces the input, for the nodes that run anew."""
    state: State = Field(default_factory=dict)
    """What replaces results that are reused, by state key."""

    @model_validator(mode="after")
    def _visit_of_a_node(self) -> "Rerun":
        if self.visit is not None and self.node_id is None:
            raise ValueError("a visit is one of a node: send node_id, too")
        return self


class Fork(Body):
    """`POST /executions/{id}/fork`: a new execution that goes on from a checkpoint."""

    checkpoint_number: Annotated[int, Field(ge=1, lt=2**31)]
    state: State = Field(default_factory=dict)
    """What replaces results that are reused, by state key."""


class Filter(Body):
    """Which executions something is to be done with, the oldest first."""

    status: Literal["pending", "running", "waiting", "completed", "failed", "cancelled"] | None = (
        None
    )
    """Without it: cancel what has not ended, retry what failed, rerun what has ended."""
    workflow_id: str | None = None
    after: AwareDatetime | None = None
    """Created then or later."""
    before: AwareDatetime | None = None
    """Created earlier."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class Bulk(Body):
    """`POST /executions/bulk`: one thing done with many executions."""

    action: Literal["cancel", "retry", "rerun"]
    filter: Filter
    dry_run: bool = False
    """Only say which executions it would be."""


class OpenSession(Body):
    """`POST /session`."""

    token: Annotated[str, Field(min_length=1, max_length=500)]


class SetSecret(Body):
    """`PUT /secrets/{name}`."""

    value: Annotated[SecretStr, Field(min_length=8, max_length=65_536)]
    """At least 8 characters: a shorter one could not be told from other text in answers."""
    hosts: Annotated[list[Host], Field(min_length=1, max_length=50)]
    """Where it may be sent: names, `*.example.com`, or addresses, without ports."""


class RegisterAgent(Definition):
    """`POST /workflows/agents/register`: a custom agent, or the next version of one."""

    organization_id: str | None = None


class McpServer(Body):
    """An MCP server whose tools become agents."""

    url: Annotated[str, Field(min_length=1, max_length=8192)] | None = None
    container: ContainerParameters | None = None
    """Instead of `url`: an image whose program speaks MCP on its standard streams."""
    transport: Literal["http", "sse"] = "http"
    headers: dict[str, str] = Field(default_factory=dict, max_length=50)
    auth: dict[str, str] | None = None
    """As of the agent `mcp`; with headers the only place for `{secrets.x}`."""


class ImportAgents(Body):
    """`POST /workflows/agents/import`: an agent for each operation of a document or each tool."""

    document: str | dict[str, Any] | None = None
    """OpenAPI 3.0 or 3.1, as text in JSON or YAML, or as JSON."""
    mcp: McpServer | None = None
    """An MCP server, instead of a document."""
    trust_hints: bool = False
    """Whether to believe an MCP server which of its tools only read."""
    server_url: Annotated[str, Field(max_length=8192)] | None = None
    """Where the operations are called, instead of the document's own servers."""
    prefix: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{0,39})?$")] = ""
    """How the agents' names begin, instead of the document's title or the server's name."""
    operations: list[Annotated[str, Field(max_length=500)]] = Field(
        default_factory=list, max_length=500
    )
    """The operations that are wanted, by their ids, or the tools; without them, all."""
    secrets: dict[str, Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,99}$")]] = Field(
        default_factory=dict, max_length=50
    )
    """Names of secrets by the parameters that they stand for."""
    dry_run: bool = False
    """Only say which agents there would be."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.document is None) == (self.mcp is None):
            raise ValueError("give either `document` or `mcp`")
        if self.mcp and (self.server_url or self.secrets):
            raise ValueError("`server_url` and `secrets` go with `document`")
        return self


class ChangeAgent(Body):
    """`PATCH /agents/{name}`: what is left out stays."""

    status: Literal["active", "inactive", "deprecated"] | None = None
    owner_id: str | None = None
    """The user who owns it from now on."""
    current_version: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    """The version that nodes use which name none."""


class TryAgent(Body):
    """`POST /agents/{name}/test`: one attempt, of which nothing is kept."""

    input: dict[str, Any] = Field(default_factory=dict, max_length=1000)
    """Its parameters; texts may name `{secrets.x}`."""
    version: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    """Without it, the current one."""
    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 60


class SetEgress(Body):
    """`PUT /egress`."""

    hosts: Annotated[list[Host], Field(max_length=1000)] | None
    """The only hosts that workflows may reach: names, `*.example.com`, or addresses, without ports;
    an empty list: none; null: every public one."""


class Prune(Body):
    """`POST /workflows/executions/prune`."""

    older_than_days: Annotated[float, Field(ge=0.01, le=3650)]
    """Executions that ended longer ago than this."""
    dry_run: bool = False
    """Only count them."""
