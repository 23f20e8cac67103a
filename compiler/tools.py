"""The tools of an llm node: agents that its model may call, as the specification writes them.

Which agents these are, and what of their parameters is fixed, stands in the specification alone;
nothing of it comes from data.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from compiler.specification import Node

LLM = "llm"
"""What a node's `agent` says whose model may call tools."""
TOOLS = "tools"
"""The parameter that lists them."""
_NAME = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class Tool:
    """An agent that a model may call."""

    index: int
    """Where it stands in the list."""
    agent: str
    name: str
    """What the model calls it."""
    description: str = ""
    """What the model is told of it; empty: what the agent says of itself."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What is fixed: the model neither sees nor changes it."""
    open: tuple[str, ...] | None = None
    """The parameters that the model sets; None: those that can do no harm."""
    hosts: tuple[str, ...] = ()
    """Where an address may lead that the model sets."""
    recipients: tuple[str, ...] = ()
    """Whom the model may choose as a recipient."""


def tools_of(node: Node) -> tuple[Tool, ...]:
    """Return the tools of a node; entries of another form, which the check refuses, are none."""
    entries = node.parameters.get(TOOLS) if node.agent == LLM else None
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return ()
    found = (_tool(index, entry) for index, entry in enumerate(entries))
    return tuple(tool for tool in found if tool is not None)


def node_agents(node: Node) -> tuple[str, ...]:
    """Return the agent of a node and those that its model may call, each once."""
    return tuple(dict.fromkeys((node.agent, *(tool.agent for tool in tools_of(node)))))


def tool_node(node: Node, tool: Tool) -> Node:
    """Return a node for a tool: as if what is fixed were all that there is."""
    parameters = dict(tool.parameters)
    return node.model_copy(
        update={"agent": tool.agent, "parameters": parameters, "workers": {}, "compensate": None}
    )


def _tool(index: int, entry: Any) -> Tool | None:
    if isinstance(entry, str):
        return Tool(index, entry, _NAME.sub("_", entry))
    if not isinstance(entry, Mapping) or not isinstance(entry.get("agent"), str):
        return None
    agent: str = entry["agent"]
    fixed = entry.get("parameters")
    opened = _texts(entry.get("open"))
    return Tool(
        index,
        agent,
        str(entry.get("name") or _NAME.sub("_", agent)),
        str(entry.get("description") or ""),
        fixed if isinstance(fixed, Mapping) else {},
        opened if entry.get("open") is not None else None,
        _texts(entry.get("hosts")),
        _texts(entry.get("recipients")),
    )


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        return ()
    return tuple(text for text in value if isinstance(text, str))
