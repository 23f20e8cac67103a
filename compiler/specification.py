"""The models of a workflow specification: what its YAML and JSON may say.

The format is that of the product's contract ("Workflow Specification Format"). The JSON of its
parsed examples is accepted as it stands: a top-level name and description move into `metadata`,
a node's `input` and `output` are `input_keys` and `output_key`, and a map node's `batch_size`
may stand among its parameters. Models are frozen and refuse unknown fields.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
"""An identifier that a reference in braces can carry: letters, digits, underscores."""

PatternName = Literal["sequential", "conditional", "map_reduce", "orchestrator_worker"]


class Model(BaseModel):
    """Base of all specification models: frozen, unknown fields refused, described in schemas."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True
    )


class Metadata(Model):
    """Who the workflow is."""

    id: str | None = None
    name: str = Field(default="Workflow", min_length=1, max_length=255)
    description: str = ""
    version: str = Field(default="1.0.0", pattern=r"^\d+\.\d+\.\d+$")
    created_by: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    tags: tuple[str, ...] = ()


class StateSchema(Model):
    """JSON Schemas of an execution's input and output; an empty one allows anything."""

    input: dict[str, Any] = Field(default_factory=dict)
    output: dict[str, Any] = Field(default_factory=dict)


class Retry(Model):
    """How often and after how long a failed attempt is repeated.

    The delay before attempt n (n > 1) is `initial_seconds` for `fixed`, times n - 1 for `linear`,
    times factor^(n - 2) for `exponential`; never above `max_seconds`; then spread by +-`jitter`.
    """

    max_attempts: int = Field(default=3, ge=1, le=100)
    backoff: Literal["exponential", "linear", "fixed"] = "exponential"
    initial_seconds: float = Field(default=1.0, ge=0, le=3600)
    factor: float = Field(default=2.0, ge=1, le=10)
    max_seconds: float = Field(default=60.0, ge=0, le=86_400)
    jitter: float = Field(default=0.1, ge=0, le=1)

    def delay_seconds(self, attempt: int) -> float:
        """Return the wait before an attempt, the first being 1, without its jitter."""
        if attempt <= 1:
            return 0.0
        # Beyond 64 doublings the cap holds anyway, and a float would overflow.
        growth = {
            "fixed": 1.0,
            "linear": attempt - 1.0,
            "exponential": self.factor ** min(attempt - 2, 64),
        }[self.backoff]
        return min(self.initial_seconds * growth, self.max_seconds)


OnItemError = Literal["fail", "collect"]
"""What a map does once all its items have ended and some failed: fail, or go on without these."""

OnFailure = Literal["rollback", "continue", "stop"]
"""What a failure means: undo what was done and fail, go on without a value, or fail."""


class Compensation(Model):
    """How what a node did is undone when its execution is rolled back."""

    agent: str = Field(min_length=1, max_length=100)
    parameters: dict[str, Any] = Field(default_factory=dict)
    """They may refer to whatever the node's own may, and to its output."""
    retry: Retry = Retry()
    timeout: float | None = Field(default=None, gt=0, le=604_800)
    """Seconds one attempt may take; None: the agent's default."""


class Worker(Model):
    """How the items of a map are done that name this worker."""

    agent: str = Field(min_length=1, max_length=100)
    parameters: dict[str, Any] = Field(default_factory=dict)
    """They may refer to the item, as those of any map node."""
    retry: Retry = Retry()
    timeout: float | None = Field(default=None, gt=0, le=604_800)
    """Seconds one attempt may take; None: the agent's default."""


class Node(Model):
    """One step: an agent with its parameters."""

    id: Name
    agent: str = Field(min_length=1, max_length=100)
    description: str = ""
    pattern: Literal["map"] | None = None
    """`map`: the agent runs once for each element of the list that `input_keys[0]` names."""
    workers: dict[Name, Worker] = Field(default_factory=dict, max_length=100)
    """Of a map with the agent `workers`: each element names one of them in its field `worker`."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    input_keys: tuple[str, ...] = ()
    output_key: Name | None = None
    retry: Retry = Retry()
    timeout: float | None = Field(default=None, gt=0, le=604_800)
    """Seconds one attempt may take; None: the agent's default."""
    batch_size: int | None = Field(default=None, ge=1, le=10_000)
    """Items in one chunk of a map; None: chosen from the length of the list."""
    item_concurrency: int | None = Field(default=None, ge=1, le=256)
    """How many items of one chunk of a map run at once; None: 16."""
    on_item_error: OnItemError | None = None
    """What failed items mean for a map: `fail` (None as well) fails it, `collect` leaves null in
    their places, and `{failures.<node>.items}` says why."""
    on_failure: OnFailure | None = None
    """What it means that this node fails for good; None: what the workflow's settings say."""
    default: Any = None
    """The output of this node when it fails for good; null: none, its failure counts."""
    compensate: Compensation | None = None
    """What undoes this node when the execution is rolled back."""

    @model_validator(mode="before")
    @classmethod
    def _accept_parsed_names(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        for short, name in (("input", "input_keys"), ("output", "output_key")):
            if short in data and name not in data:
                data[name] = data.pop(short)
        if isinstance(data.get("input_keys"), str):
            data["input_keys"] = [data["input_keys"]]
        if data.get("workers"):
            data.setdefault("agent", "workers")
        parameters = data.get("parameters")
        if data.get("pattern") != "map" or not isinstance(parameters, dict):
            return data
        if "batch_size" in parameters and "batch_size" not in data:
            data["parameters"] = {k: v for k, v in parameters.items() if k != "batch_size"}
            data["batch_size"] = parameters["batch_size"]
        return data

    @property
    def key(self) -> str:
        """The name under which the node's output stands in the state."""
        return self.output_key or self.id


class Edge(Model):
    """A step from one node to the next.

    On the edges of a router `condition` is a label; elsewhere it is an expression, and the edges of
    one node are tried in the order in which they are written: the first that holds is taken.
    An edge of type `failure` is taken when its node fails for good, which is then handled.
    """

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    type: Literal["sequential", "conditional", "parallel", "failure"] | None = None
    condition: str | None = None


class Trigger(Model):
    """What starts the workflow beside a call."""

    kind: Literal["manual", "schedule", "event", "webhook"] = "manual"
    cron: str | None = None
    timezone: str = "UTC"
    event: str | None = None


class Checkpointing(Model):
    """When state is committed."""

    enabled: bool = True
    frequency: str = Field(
        default="every_node", pattern=r"^(every_node|every_[1-9]\d{0,3}_nodes|on_failure)$"
    )


class ErrorHandling(Model):
    """What a failed node means for the execution."""

    on_failure: OnFailure = "stop"
    finally_nodes: tuple[Name, ...] = Field(default=(), alias="finally", max_length=100)
    """Nodes without edges that run at the end, in this order, however the execution ends."""
    error_workflow: str | None = Field(default=None, pattern=r"^wf_[0-9a-f]{32}$")
    """A workflow that is started, once, when an execution of this one failed."""
    notify_on_failure: bool = False
    notification_channel: str | None = None
    """Who is told: `https://…`, `slack:https://…` or `mailto:ops@example.com`."""


class Monitoring(Model):
    """What is measured and when someone is told."""

    track_cost: bool = True
    track_duration: bool = True
    alert_on_sla_breach: bool = False
    sla_seconds: float | None = Field(default=None, gt=0)


class Concurrency(Model):
    """How many executions of the workflow may be in progress at once; the others queue."""

    limit: int = Field(ge=1, le=10_000)
    key: str | None = Field(default=None, min_length=1, max_length=500)
    """A text such as `{input.customer}`: the limit holds for each of its values; None: for all."""


class ExecutionSettings(Model):
    """Bounds of one execution, and how it stands to others."""

    max_concurrent_nodes: int = Field(default=5, ge=1, le=1000)
    timeout_seconds: float | None = Field(default=None, gt=0, le=31_536_000)
    """From the acknowledged start, the time in the queue included."""
    isolation: Literal["shared", "dedicated"] = "shared"
    """`dedicated`: a process of its own, for as long as it runs."""
    priority: int = Field(default=0, ge=-100, le=100)
    """Among the tenant's queued executions the highest goes first."""
    concurrency: tuple[Concurrency, ...] = Field(default=(), max_length=2)
    """One limit, or two of which one has a key; a single one needs no list."""

    @model_validator(mode="before")
    @classmethod
    def _accept_one_limit(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("concurrency"), dict):
            return {**data, "concurrency": [data["concurrency"]]}
        return data


class Settings(Model):
    """The workflow's settings."""

    checkpointing: Checkpointing = Checkpointing()
    error_handling: ErrorHandling = ErrorHandling()
    monitoring: Monitoring = Monitoring()
    execution: ExecutionSettings = ExecutionSettings()
    retention_days: float | None = Field(default=None, ge=0.01, le=3650)
    """How long an ended execution is kept; unset: as the platform says."""


class Specification(Model):
    """A whole workflow."""

    metadata: Metadata = Metadata()
    pattern: PatternName = "sequential"
    trigger: Trigger | None = None
    state_schema: StateSchema = StateSchema()
    nodes: tuple[Node, ...] = Field(min_length=1, max_length=1000)
    edges: tuple[Edge, ...] = Field(default=(), max_length=10_000)
    settings: Settings = Settings()

    @model_validator(mode="before")
    @classmethod
    def _accept_parsed_names(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "metadata" in data:
            return data
        moved = {k: data[k] for k in ("name", "description", "tags") if k in data}
        rest = {k: v for k, v in data.items() if k not in moved}
        return {**rest, "metadata": moved} if moved else data

    @property
    def final_ids(self) -> tuple[str, ...]:
        """The ids in `finally`, in order."""
        return self.settings.error_handling.finally_nodes

    @property
    def body(self) -> tuple[Node, ...]:
        """The nodes that the edges order: all but those of `finally`."""
        final = frozenset(self.final_ids)
        if not final:
            return self.nodes
        return tuple(node for node in self.nodes if node.id not in final)

    def node(self, node_id: str) -> Node:
        """Return the node with this id.

        Raises:
            KeyError: There is none.
        """
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)
