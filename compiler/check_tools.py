"""The tools of llm nodes: which agents they may be, and what has to be fixed of each."""

from collections.abc import Iterator, Mapping
from typing import Any

from compiler.check_schemas import describe, validator
from compiler.check_statements import statement_problems
from compiler.errors import Problem
from compiler.outside import is_recipient
from compiler.references import parse_template, references_in
from compiler.signature import AgentSignature
from compiler.specification import Node
from compiler.suggestions import did_you_mean
from compiler.tool_rules import is_address, never_open, open_names
from compiler.tools import LLM, TOOLS, Tool, tool_node, tools_of
from compiler.workers import WORKERS

_OF_ONE = "agent", "name", "open"
"""Fields of a tool in which no reference may stand."""


def tool_problems(node: Node, path: str, agents: Mapping[str, AgentSignature]) -> Iterator[Problem]:
    """Yield what is wrong with the tools of a node at a path."""
    place = f"{path}.parameters.{TOOLS}"
    written = node.parameters.get(TOOLS) if node.agent == LLM else None
    yield from _from_data(written, place)
    names: set[str] = set()
    for tool in tools_of(node):
        where = f"{place}[{tool.index}]"
        if tool.name in names:
            message = f"Two tools are named `{tool.name}`."
            yield Problem(f"{where}.name", "tool_twice", message, "Give one another `name`.")
        names.add(tool.name)
        signature = agents.get(tool.agent)
        if signature is None:
            message = f"There is no agent `{tool.agent}`."
            remedy = did_you_mean(tool.agent, agents)
            yield Problem(f"{where}.agent", "unknown_agent", message, remedy)
        elif why := _no_tool(signature):
            message = f"The agent `{tool.agent}` cannot be a tool: {why}."
            remedy = "Use it in a node of its own, after this one."
            yield Problem(f"{where}.agent", "not_a_tool", message, remedy)
        else:
            yield from _parameters(node, tool, signature, where)


def _from_data(written: Any, place: str) -> Iterator[Problem]:
    """Yield a problem for each tool that data would name."""
    message = "Which tools there are is never taken from data."
    remedy = "List them by name: `tools: [web_scraping]`."
    if isinstance(written, str):
        yield Problem(place, "tool_from_data", message, remedy)
    for index, entry in enumerate(written if isinstance(written, list) else ()):
        fields = entry if isinstance(entry, Mapping) else {"agent": entry}
        if isinstance(entry, str) and parse_template(entry).references:
            yield Problem(f"{place}[{index}]", "tool_from_data", message, remedy)
            continue
        for name in _OF_ONE:
            if isinstance(entry, Mapping) and references_in(fields.get(name)):
                yield Problem(f"{place}[{index}].{name}", "tool_from_data", message, remedy)


def _no_tool(signature: AgentSignature) -> str:
    """Say why an agent cannot be a tool; empty when it can."""
    if signature.unavailable:
        return signature.unavailable.rstrip(".")
    if signature.name == LLM:
        return "a model that calls models has no bound"
    if signature.driven or not signature.mappable or signature.name == WORKERS:
        return "it waits, chooses or runs other nodes"
    return ""


def _parameters(node: Node, tool: Tool, signature: AgentSignature, where: str) -> Iterator[Problem]:
    yield from _opened(tool, signature, where)
    opened = open_names(tool, signature)
    part = tool_node(node, tool)
    yield from statement_problems(tool.parameters, signature, f"{where}.parameters")
    for error in validator(signature.parameters_schema).iter_errors(part.parameters):
        for found in describe(error):
            place = f"{where}.parameters.{found.path}"
            if found.rule == "missing":
                if found.path not in opened:
                    yield _left(tool, found.path, signature, place)
            elif not _waits(part.parameters, found.path):
                message = f"{tool.agent}: {found.message}"
                yield Problem(place, f"{found.rule}_parameter", message, found.remedy)
    if _goes_nowhere(tool, signature, opened):
        message = f"Where the tool `{tool.name}` may go is not said."
        remedy = "Fix its `url`, or list `hosts` that the model may choose among."
        yield Problem(where, "tool_without_host", message, remedy)


def _opened(tool: Tool, signature: AgentSignature, where: str) -> Iterator[Problem]:
    """Yield what is wrong with the list of what the model sets."""
    properties = signature.parameters_schema.get("properties", {})
    for index, name in enumerate(tool.open or ()):
        place = f"{where}.open[{index}]"
        if name not in properties:
            message = f"`{tool.agent}` has no parameter `{name}`."
            yield Problem(place, "unknown_parameter", message, did_you_mean(name, properties))
        elif name in tool.parameters:
            message = f"`{name}` is fixed."
            yield Problem(place, "open_and_fixed", message, "Keep it in one of the two.")
        elif never_open(name, signature):
            message = f"`{name}` says where or how something is done, so no model sets it."
            yield Problem(place, "never_open", message, f"Fix `{name}` under `parameters`.")
        elif is_address(name) and not tool.hosts:
            message = f"With `{name}` open the model could go anywhere."
            yield Problem(place, "open_address", message, "List the `hosts` that it may choose.")
        elif is_recipient(name, signature) and not tool.recipients:
            message = f"With `{name}` open the model could write to anybody."
            remedy = "List the `recipients` that it may choose."
            yield Problem(place, "open_recipient", message, remedy)


def _left(tool: Tool, name: str, signature: AgentSignature, place: str) -> Problem:
    message = f"The tool `{tool.name}` needs `{name}`, which is neither fixed nor the model's."
    if is_address(name):
        remedy = f"Fix `{name}`, or list `hosts` that the model may choose among."
    elif is_recipient(name, signature):
        remedy = f"Fix `{name}`, or list `recipients` and `open: [{name}]`."
    else:
        remedy = f"Fix `{name}` under `parameters`, or let the model set it: `open: [{name}]`."
    return Problem(place, "tool_parameter_left", message, remedy)


def _goes_nowhere(tool: Tool, signature: AgentSignature, opened: tuple[str, ...]) -> bool:
    """Whether an agent that goes to an address has none."""
    properties = signature.parameters_schema.get("properties", {})
    addresses = [name for name in ("url", "urls") if name in properties]
    required = signature.parameters_schema.get("required", ())
    if not addresses or signature.hosts or any(name in required for name in addresses):
        return False
    # A container has hosts of its own, or none.
    fixed = {*tool.parameters, *opened}
    return not fixed & {*addresses, "container"}


def _waits(parameters: Mapping[str, Any], path: str) -> bool:
    """Whether what stands at the first step of a path holds references, whose values may fit."""
    return bool(references_in(parameters.get(path.partition(".")[0].partition("[")[0])))
