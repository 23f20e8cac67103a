"""Agents that a model calls as tools, within what the specification names.

What the model says is data: a name that is not listed, a parameter that is fixed or closed, a host
or recipient beside the listed ones is refused in words that it reads, and nothing is called.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from agents.agent import Agent, AgentContext, AgentResult, Usage, checked_parameters
from agents.bound import confined, fits_any, held, holding, host_pattern
from agents.catalog.call import SECRETS
from agents.custom.runner import secrets_in
from agents.errors import AgentError
from agents.models import ToolCall, ToolSpec
from compiler.outside import is_recipient, outside
from compiler.signature import AgentSignature
from compiler.specification import Node
from compiler.tool_rules import is_address, open_names, open_schema
from compiler.tools import TOOLS, Tool, tool_node, tools_of

if TYPE_CHECKING:
    from agents.registry import Registry

RESULT_CHARACTERS = 40_000
"""How much of a tool's result the model is given."""
_TOLD_CHARACTERS = 2_000
"""How much of a call's arguments and error the log keeps."""


@dataclass(frozen=True, slots=True)
class ToolAgent:
    """A tool with its agent."""

    tool: Tool
    agent: Agent[Any]
    signature: AgentSignature
    secrets: frozenset[str]
    """The names of those that its fixed parameters and its agent name."""


@dataclass(frozen=True, slots=True)
class Toolset:
    """The tools of a node, as its specification writes them."""

    tools: tuple[ToolAgent, ...]
    elsewhere: frozenset[str]
    """The secrets that the node's other parameters name."""

    @classmethod
    def of(cls, registry: "Registry", node: Node) -> "Toolset":
        """Make it with the agents of a registry."""
        found = []
        for tool in tools_of(node):
            agent = registry.get(tool.agent)
            named = secrets_in(tool.parameters, registry.code_parameters(tool.agent))
            own: tuple[str, ...] = getattr(agent, "own_secrets", ())
            signature = registry.signatures()[tool.agent]
            found.append(ToolAgent(tool, agent, signature, frozenset((*named, *own))))
        others = {name: v for name, v in node.parameters.items() if name != TOOLS}
        return cls(tuple(found), frozenset(secrets_in(others)))

    def with_own_secrets(self, node: Node) -> Node:
        """Return a node that names, for each tool, the secrets of its agent's definition."""
        entries = list(node.parameters[TOOLS])
        for one in self.tools:
            own: tuple[str, ...] = getattr(one.agent, "own_secrets", ())
            if own:
                entry = entries[one.tool.index]
                fields = {"agent": entry} if isinstance(entry, str) else dict(entry)
                secrets = {name: f"{{secrets.{name}}}" for name in own}
                fields["parameters"] = {**one.tool.parameters, SECRETS: secrets}
                entries[one.tool.index] = fields
        return node.model_copy(update={"parameters": {**node.parameters, TOOLS: entries}})

    @property
    def secrets(self) -> frozenset[str]:
        """The secrets that are the tools' alone."""
        return frozenset().union(*(one.secrets for one in self.tools)) - self.elsewhere

    @contextmanager
    def without_secrets(self) -> Iterator[None]:
        """Let what runs in here, a request to a model, not hold what is the tools' alone."""
        with holding([one for one in held() if one.name not in self.secrets]):
            yield


class Toolbox:
    """The tools of one attempt: what a model is told of them, and the calls that it wants made.

    Args:
        toolset: The tools as they are written.
        resolved: Their entries with references resolved, in the same order.
        context: The attempt's.
        most_calls: How many calls there may be.
    """

    def __init__(
        self,
        toolset: Toolset,
        resolved: Sequence[Tool],
        context: AgentContext,
        most_calls: int,
    ) -> None:
        self.toolset = toolset
        self.usage = Usage()
        self.told: list[dict[str, Any]] = []
        """What became of each call."""
        self.written = False
        """Whether one has begun that writes or sends."""
        self._context = replace(context, tools=None, telling=None)
        self._most_calls = most_calls
        self._seen: dict[str, int] = {}
        self._specs: tuple[ToolSpec, ...] | None = None
        self._tools = {
            one.tool.name: replace(one, tool=tool)
            for one, tool in zip(toolset.tools, resolved, strict=True)
        }
        for one in toolset.tools:
            _check_use(one)

    async def specs(self) -> tuple[ToolSpec, ...]:
        """Return what the model is told.

        Raises:
            AgentError: A service that knows more of its tool does not tell it.
        """
        if self._specs is None:
            self._specs = tuple([await self._spec(one) for one in self._tools.values()])
        return self._specs

    async def _spec(self, one: ToolAgent) -> ToolSpec:
        schema, description = open_schema(one.tool, one.signature), one.agent.description
        as_tool = getattr(one.agent, "as_tool", None)
        if as_tool is not None:
            with self._bounds(one):
                description, schemas = await as_tool(one.tool.parameters, self._context)
            known = {name: schemas[name] for name in schemas if name in schema["properties"]}
            schema = {**schema, "properties": {**schema["properties"], **known},
                      "required": [*schema["required"], *known]}  # fmt: skip
        return ToolSpec(one.tool.name, one.tool.description or description, schema)

    @property
    def spent(self) -> bool:
        """Whether all calls are used up."""
        return len(self.told) >= self._most_calls

    async def call(self, call: ToolCall) -> str:
        """Do what a model wants, if the specification allows it; return what the model is told."""
        entry: dict[str, Any] = {"tool": call.name, "arguments": _cut(call.arguments_json)}
        self.told.append(entry)
        began = time.monotonic()
        try:
            one, parameters = self._allowed(call)
        except AgentError as error:
            entry["refused"] = _cut(str(error))
            return f"Refused: {error}"
        entry["agent"] = one.tool.agent
        try:
            result = await self._run(one, parameters, call)
        except AgentError as error:
            entry["error"] = _cut(self._shown(str(error)))
            return f"The tool failed: {self._shown(str(error))}"
        finally:
            entry["seconds"] = round(time.monotonic() - began, 3)
        self.usage += result.usage
        redaction = self._context.redaction
        output = redaction.value(result.output) if redaction else result.output
        text = output if isinstance(output, str) else orjson.dumps(output, default=str).decode()
        if len(text) > RESULT_CHARACTERS:
            return f"{text[:RESULT_CHARACTERS]}… (cut; it has {len(text)} characters)"
        return text

    def _allowed(self, call: ToolCall) -> tuple[ToolAgent, dict[str, Any]]:
        """Return which tool is meant, and all of its parameters.

        Raises:
            AgentError: The specification does not allow this call.
        """
        if len(self.told) > self._most_calls:
            raise AgentError(
                f"All {self._most_calls} calls of tools are used up. Answer with what you know."
            )
        one = self._tools.get(call.name)
        if one is None:
            raise AgentError(f"There is no such tool. There are: {', '.join(self._tools)}.")
        arguments = _arguments(call.arguments_json)
        tool = one.tool
        allowed = open_names(tool, one.signature)
        for name, value in arguments.items():
            if name not in allowed:
                raise AgentError(
                    f"`{name}` is not yours to set. You set: {', '.join(allowed) or 'nothing'}."
                )
            if is_address(name):
                _check_hosts(value, tool.hosts)
            if is_recipient(name, one.signature):
                _check_recipients(value, tool.recipients)
        return one, {**arguments, **tool.parameters}

    async def _run(
        self, one: ToolAgent, parameters: Mapping[str, Any], call: ToolCall
    ) -> AgentResult:
        checked = checked_parameters(one.agent.parameters, parameters)
        agent = one.agent
        context = replace(
            self._context,
            node_id=self._work_name(one.tool, call),
            inputs={},
            timeout_seconds=agent.default_timeout_seconds,
        )
        self.written = self.written or agent.side_effect in ("writes", "sends")
        with self._bounds(one):
            try:
                async with asyncio.timeout(agent.default_timeout_seconds):
                    return await agent.run(checked, context)
            except TimeoutError as error:
                late = f"It took longer than {agent.default_timeout_seconds:g} s."
                raise AgentError(late) from error

    @contextmanager
    def _bounds(self, one: ToolAgent) -> Iterator[None]:
        """Let what runs in here hold a tool's own secrets and reach its own hosts only."""
        kept = [
            secret for secret in held()
            if secret.name in one.secrets or secret.name not in self.toolset.secrets
        ]  # fmt: skip
        with holding(kept), confined(self._hosts(one)):
            yield

    def _hosts(self, one: ToolAgent) -> list[str] | None:
        """Return the hosts that a tool may reach; None: its agent knows them better."""
        signature = one.signature
        if not one.tool.hosts and (signature.chain or not _has_address(signature)):
            return None
        part = tool_node(Node(id="tool", agent=one.tool.agent), one.tool)
        gateway = self._context.services.settings.service_urls.get(signature.service, "")
        places = [*outside(part, signature).hosts, *one.tool.hosts, gateway]
        return [host for place in places if (host := _host(place))]

    def _work_name(self, tool: Tool, call: ToolCall) -> str:
        """Name a call for its idempotency key: the same call of another attempt has the same."""
        said = json.dumps(_arguments(call.arguments_json), sort_keys=True)
        digest = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        name = f"{self._context.node_id}.{tool.name}.{digest}"
        self._seen[name] = self._seen.get(name, 0) + 1
        return name if self._seen[name] == 1 else f"{name}.{self._seen[name]}"

    def _shown(self, text: str) -> str:
        redaction = self._context.redaction
        return redaction.text(text) if redaction else text


def _check_use(one: ToolAgent) -> None:
    """Refuse a secret for an agent that calls nobody, and could only give it to the model."""
    named = [secret.name for secret in held() if secret.name in one.secrets]
    if named and one.agent.side_effect == "none":
        raise AgentError(
            f"The secret `{named[0]}` is for calls of its hosts, and the tool `{one.tool.name}` "
            "calls none.",
            remedy="Use it in the tool that logs in there.",
        )


def _arguments(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise AgentError(f"The arguments are not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise AgentError("The arguments are no JSON object.")
    return found


def _check_hosts(value: Any, hosts: Sequence[str]) -> None:
    for text in _texts(value):
        host = _host(text)
        if not host or not fits_any(map(_host, hosts), host):
            raise AgentError(
                f"{_cut(text)} is not among the hosts that you may choose: {', '.join(hosts)}."
            )


def _check_recipients(value: Any, recipients: Sequence[str]) -> None:
    known = {recipient.strip().casefold() for recipient in recipients}
    for text in _texts(value):
        for part in text.split(","):
            if part.strip().casefold() not in known:
                raise AgentError(
                    f"{_cut(part.strip())} is not among the recipients that you may choose: "
                    f"{', '.join(recipients)}."
                )


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in values):
        raise AgentError("It is no text, nor a list of texts.")
    return values


def _host(place: str) -> str:
    """Return the host of an address, or of a host with a port; empty when it has none."""
    text = place.strip()
    try:
        return host_pattern(urlsplit(text if "://" in text else f"//{text}").hostname or "")
    except ValueError:
        return ""


def _has_address(signature: AgentSignature) -> bool:
    properties = signature.parameters_schema.get("properties", {})
    return bool(signature.hosts) or any(map(is_address, properties))


def _cut(text: str) -> str:
    return text if len(text) <= _TOLD_CHARACTERS else f"{text[:_TOLD_CHARACTERS]}…"
