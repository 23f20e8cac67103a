"""What a custom agent is: what it takes and gives, and what it is made of, as it is registered."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from agents.agent import SideEffect
from agents.api_parameters import Auth, Method, RateLimit
from agents.catalog.call import Pagination, Part, Response
from agents.container_parameters import ContainerParameters
from agents.sandbox import MAX_SOURCE_CHARACTERS
from compiler.check_schemas import validator
from compiler.specification import Name

AgentName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
"""What a node's `agent` says; `name@2` there means the second version."""
RESERVED = frozenset({"secrets", "idempotency_key"})
"""Names that no parameter may have: templates of custom agents find something else there."""
MOST_STEPS = 20


class ToolSpecification(Part):
    """JSON Schemas of what an agent takes, an object, and of what it returns.

    Parameters may also be written one by one, as `{"city": {"type": "string", "required": true}}`.
    """

    parameters: dict[str, Any]
    returns: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _as_schema(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or not isinstance(data.get("parameters", {}), Mapping):
            return data
        return {**data, "parameters": object_schema(data.get("parameters", {}))}

    @model_validator(mode="after")
    def _usable(self) -> Self:
        for name, schema in (("parameters", self.parameters), ("returns", self.returns)):
            try:
                validator(schema)
            except ValueError as error:
                reason = str(error).splitlines()[0]
                raise ValueError(f"`{name}` is no usable JSON Schema: {reason}") from None
        if taken := RESERVED & self.parameters["properties"].keys():
            raise ValueError(f"no parameter may be called {' or '.join(sorted(taken))}")
        return self


def object_schema(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of an object with these parameters and, unless it says so, no others.

    Args:
        parameters: Such a schema already, or the schemas of the parameters by name, each with
            `required: true` where it must be given.
    """
    if parameters.get("type") == "object" or isinstance(parameters.get("$schema"), str):
        return {"properties": {}, "additionalProperties": False, **parameters}
    required = [name for name, one in parameters.items() if _is_required(one)]
    return {
        "type": "object",
        "properties": {name: _without_required(one) for name, one in parameters.items()},
        "required": required,
        "additionalProperties": False,
    }


def _is_required(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("required") is True


def _without_required(schema: Any) -> Any:
    if isinstance(schema, Mapping) and isinstance(schema.get("required"), bool):
        return {name: value for name, value in schema.items() if name != "required"}
    return schema


class PythonFunction(Part):
    """Code with a function `execute`, called in the sandbox with the parameters by name."""

    type: Literal["python_function"]
    code: str = Field(min_length=1, max_length=MAX_SOURCE_CHARACTERS)


class ApiEndpoint(Part):
    """One HTTP request; its texts may refer to parameters in braces and to `{secrets.name}`."""

    type: Literal["api_endpoint"]
    url: str = Field(min_length=1, max_length=8192)
    method: Method = "POST"
    headers: dict[str, str] = Field(default_factory=dict)
    params: dict[str, Any] | None = Field(
        default=None, description="The query; none given: of a GET, what the URL does not name."
    )
    body: Any = Field(
        default=None, description="None given: of a POST, the parameters not named elsewhere."
    )
    form: dict[str, Any] | None = Field(
        default=None, description="Fields that are sent as an HTML form, instead of `body`."
    )
    multipart: dict[str, Any] | None = Field(
        default=None, description="Fields and files that are sent as multipart/form-data."
    )
    separators: dict[str, str] = Field(
        default_factory=dict, description="What joins lists that are sent as one text."
    )
    auth: Auth | None = None
    rate_limit: RateLimit | None = None
    timeout: float = Field(default=30, gt=0, le=600, description="Seconds for the whole answer.")
    response: Response = Response(output="{body}")
    pagination: Pagination | None = None
    side_effect: SideEffect | None = Field(
        default=None, description="None: a GET or HEAD reads, everything else sends."
    )
    idempotent: bool = Field(default=False, description="Whether a repeated call does no more.")


class DockerContainer(ContainerParameters):
    """A container image: the parameters come as JSON on its input, its output is the result."""

    type: Literal["docker_container"]
    timeout_seconds: float = Field(default=60, gt=0, le=3600)
    side_effect: Literal["reads", "writes", "sends"] = Field(
        default="sends",
        description="What it does at its hosts at most; without hosts it does none.",
    )


class McpTool(Part):
    """One tool of an MCP server; texts of `auth` and `headers` may name `{secrets.name}`."""

    type: Literal["mcp_tool"]
    url: str | None = Field(default=None, min_length=1, max_length=8192)
    container: ContainerParameters | None = None
    tool: str = Field(min_length=1, max_length=200)
    transport: Literal["http", "sse"] = "http"
    headers: dict[str, str] = Field(default_factory=dict)
    auth: Auth | None = None
    timeout: float = Field(default=60, gt=0, le=600, description="Seconds for the whole call.")
    side_effect: SideEffect = "sends"
    output: Literal["structured", "all"] = Field(
        default="all", description="What the tool structured, or also its texts and images."
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url is None) == (self.container is None):
            raise ValueError("give either `url` or `container`")
        return self


class Step(Part):
    """One agent of a chain; texts may refer to parameters, and to steps before it by their ids."""

    id: Name
    agent: str = Field(min_length=1, max_length=110)
    parameters: dict[str, Any] = Field(default_factory=dict)


class Chain(Part):
    """Agents one after the other, as one; for steps that are durable each, use a workflow."""

    type: Literal["chain"]
    steps: tuple[Step, ...] = Field(min_length=1, max_length=MOST_STEPS)
    output: Any = Field(default=None, description="A template; none given: the last step's output.")

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        ids = [step.id for step in self.steps]
        if twice := {id for id in ids if ids.count(id) > 1}:
            raise ValueError(f"two steps are called {', '.join(sorted(twice))}")
        return self


Implementation = Annotated[
    PythonFunction | ApiEndpoint | DockerContainer | McpTool | Chain, Field(discriminator="type")
]


class Definition(Part):
    """A custom agent as it is registered."""

    agent_name: AgentName
    description: str = Field(min_length=1, max_length=1000)
    tool_specification: ToolSpecification
    implementation: Implementation
