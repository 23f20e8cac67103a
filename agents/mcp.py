"""The mcp agent: one tool of a server that speaks the Model Context Protocol over HTTP."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from agents.agent import (
    AgentContext,
    AgentResult,
    Parameters,
    SideEffect,
    Usage,
    checked_parameters,
)
from agents.api_parameters import Auth
from agents.container_parameters import ContainerParameters
from agents.errors import AgentError
from agents.scope import RARE


class McpParameters(Parameters):
    """Which server, and which of its tools."""

    url: str | None = Field(
        default=None, min_length=1, max_length=8192, description="The server, http or https."
    )
    container: ContainerParameters | None = Field(
        default=None,
        json_schema_extra=RARE,
        description="Instead of `url`: an image whose program speaks MCP on its standard streams.",
    )
    operation: Literal["call_tool", "list_tools"] = "call_tool"
    tool: str | None = Field(default=None, min_length=1, max_length=200)
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        description="As the tool's input schema asks; checked before the call.",
    )
    transport: Literal["http", "sse"] = Field(
        default="http", description="Streamable HTTP, or the older one by server-sent events."
    )
    headers: dict[str, str] = Field(default_factory=dict)
    auth: Auth | None = None
    timeout: float = Field(default=60, gt=0, le=3600, description="Seconds for all of it.")

    @model_validator(mode="after")
    def _names_a_tool(self) -> Self:
        if (self.url is None) == (self.container is None):
            raise ValueError("give either `url` or `container`")
        if self.operation == "call_tool" and self.tool is None:
            raise ValueError(
                "`tool` names the tool that is called; `list_tools` tells which are there"
            )
        return self


class Mcp:
    """Calls a tool of an MCP server, or lists its tools."""

    name: ClassVar[str] = "mcp"
    description: ClassVar[str] = "Calls a tool of an MCP server."
    parameters: ClassVar[type[Parameters]] = McpParameters
    side_effect: ClassVar[SideEffect] = "sends"
    closed: ClassVar[tuple[str, ...]] = (
        "operation", "tool", "container", "transport", "headers", "auth", "timeout"
    )  # fmt: skip
    default_timeout_seconds: ClassVar[float] = 120.0
    output_fields: ClassVar[tuple[str, ...]] = ("text", "structured", "images", "resources")
    estimated_seconds: ClassVar[float] = 2.0

    async def run(self, parameters: McpParameters, context: AgentContext) -> AgentResult:
        """Return `{"text", "structured", "images", "resources"}`, or `{"server", "tools"}`.

        Raises:
            AgentError: There is no such tool, the arguments do not fit it, the tool reports an
                error or the server refuses (final); it does not answer (retryable).
        """
        servers = await context.services.mcp()
        if parameters.url is not None:
            await context.services.turns.wait(parameters.url, context.idempotency_key)
        if parameters.tool is None or parameters.operation == "list_tools":
            tools = await servers.tools(parameters, context.tenant_id)
            return AgentResult(tools, Usage(api_calls=1))
        output = await servers.call(parameters, context.tenant_id, context.idempotency_key)
        return AgentResult(output, Usage(api_calls=1), {"tool": parameters.tool})

    async def as_tool(
        self, fixed: Mapping[str, Any], context: AgentContext
    ) -> tuple[str, dict[str, Any]]:
        """Return what a model is told of a tool: its description, and schemas of parameters.

        Raises:
            AgentError: There is no such tool, or the server does not answer.
        """
        parameters = checked_parameters(McpParameters, {"arguments": {}, **fixed})
        if not isinstance(parameters, McpParameters) or parameters.tool is None:
            raise AgentError("An mcp tool of a model fixes `tool`.")
        servers = await context.services.mcp()
        told = await servers.tool(parameters, context.tenant_id)
        return told["description"], {"arguments": told["input_schema"]}
