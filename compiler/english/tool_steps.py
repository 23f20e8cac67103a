"""Tools of a model's node, and calls of MCP servers: what a text gives, bounded as it says.

A tool is an agent with what is fixed of it. What a model may set is open; a host, a recipient, a
key or a table that the text does not name is asked for, never left to the model.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from compiler.english.clauses import cut
from compiler.english.draft import Output, escaped_url, nouns_in
from compiler.english.links import Reading
from compiler.english.messages import copies, recipients
from compiler.english.normalise import MARK
from compiler.english.own_steps import named_agent, write_own
from compiler.english.placing import Place, Written, output_key, wanted_id
from compiler.english.reading_steps import write_database_read
from compiler.english.ready_agents import ReadyAgent
from compiler.english.ready_choice import choose_ready
from compiler.english.ready_steps import write_ready
from compiler.english.ready_values import written_literal
from compiler.english.sending_steps import write_api_send, write_store
from compiler.english.steps import Step, read_step
from compiler.english.tool_phrases import (
    ARGUMENT,
    DEEDS,
    NAMES,
    SERVER,
    SSE,
    WITH_DATA,
    call_of,
    listed,
)
from compiler.inflection import singular
from compiler.outside import is_recipient
from compiler.signature import AgentSignature
from compiler.tool_rules import is_address, never_open

_NOTHING = Reading(())
_CONTENT = frozenset({"title", "text", "title_or_text", "data", "record", "list", "texts", "said"})
"""Roles of parameters that hold what is said, not where it goes."""


def with_tools(place: Place, written: Written) -> Written:
    """Return a model's node with the tools that its words give; any other has a question."""
    if place.step.agent != "llm" or place.step.named:
        place.draft.ask(
            f"{place.node_id}.tools",
            f"“{place.step.text}” is no step of a model, which could use tools. Which step is?",
            default="",
        )
        return written
    tools: list[dict[str, Any]] = []
    for phrase in place.step.tools:
        if phrase.startswith(SERVER):
            found = _of_server(place, phrase.removeprefix(SERVER))
        elif phrase.startswith(NAMES):
            found = _by_name(place, phrase.removeprefix(NAMES))
        else:
            found = _for_deeds(place, phrase.removeprefix(DEEDS))
        tools += found
    if not tools:
        return written
    return replace(written, parameters={**written.parameters, "tools": _named_apart(tools)})


def _named_apart(tools: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return tools of which no two are called the same."""
    taken: dict[str, int] = {}
    apart: list[dict[str, Any]] = []
    for tool in tools:
        name = str(tool.get("name", tool["agent"])).partition("@")[0]
        taken[name] = taken.get(name, 0) + 1
        again = taken[name] > 1
        apart.append({**tool, "name": f"{name}_{taken[name]}"} if again else dict(tool))
    return apart


def _of_server(place: Place, phrase: str) -> list[dict[str, Any]]:
    """Return the tools of an MCP server, whose names are asked for where none is said."""
    transport = {"transport": "sse"} if phrase.startswith(SSE) else {}
    server, _, told = phrase.removeprefix(SSE).partition(" ")
    url = written_literal(place.text, server)
    names = [written_literal(place.text, name) for name in listed(told)]
    if not names:
        answer = place.draft.ask(
            f"{place.node_id}.tools",
            f"Which tools of the MCP server {url} may the model call? Give their names.",
            default="",
            suggestions=("search_docs, get_page",),
        )
        names = [name for name in re.split(r"[\s,]+", answer) if name]
    return [
        {
            "agent": "mcp",
            "name": re.sub(r"[^A-Za-z0-9_-]", "_", name),
            "parameters": {"url": url, "tool": name, **transport},
            "open": ["arguments"],
        }
        for name in names
    ]


def _by_name(place: Place, names: str) -> list[dict[str, Any]]:
    """Return agents that are listed by their names as tools."""
    found: list[dict[str, Any]] = []
    for name in listed(names):
        words = f"run {name}" if MARK.fullmatch(name) else _BY_NAME.get(name.lower(), "")
        step = read_step(words, place.text) if words else None
        if step is None or (MARK.fullmatch(name) and not step.own):
            _refuse(place, place.text.restore(name))
            continue
        found += tool_of(place, step)
    return found


_BY_NAME = {
    "web_scraping": "scrape the page",
    "api": "fetch the api",
    "email": "email me",
}
"""What a building block does as a tool that is only named."""


_BLOCK = re.compile(r"\b(web_scraping|api|email) (?:agent|tool)\b", re.IGNORECASE)


def _for_deeds(place: Place, deeds: str) -> list[dict[str, Any]]:
    """Return the tools for what a model may do: "look up orders in the database and email me"."""
    found: list[dict[str, Any]] = []
    for clause in cut(deeds):
        if block := _BLOCK.search(clause.text):
            found += _by_name(place, block[1])
            continue
        step = read_step(re.sub(r"^to ", "", clause.text), place.text)
        if clause.kind == "action" and step is not None:
            found += tool_of(place, step)
        else:
            _refuse(place, place.text.restore(clause.text))
    return found


def _refuse(place: Place, words: str) -> None:
    place.draft.ask(
        f"{place.node_id}.tools",
        f"“{words}” is nothing that a model can be given as a tool. Say it as a step of its own, "
        "or name an agent, an address or a database.",
        default="",
    )


def tool_of(place: Place, step: Step) -> list[dict[str, Any]]:
    """Return the tool for a deed; none for what a model does by itself, or while it is asked."""
    node_id = f"{place.node_id}_{wanted_id(step, _NOTHING)}"
    part = Place(step, _NOTHING, place.draft, place.text, node_id)
    agent = named_agent(step, place.text.own) or choose_ready(step, _NOTHING, ())
    if agent is not None:
        return [_of_agent(part, agent, place.text.own.agents.get(agent.name))]
    if step.agent == "llm":
        return []
    if step.agent == "email":
        copied = {"cc": cc} if (cc := copies(part)) else {}
        to = {"to": recipients(part), **copied}
        return [{"agent": "email", "parameters": to, "open": ["subject", "body"]}]
    if step.agent == "database":
        return [_described(part, _of_database(part))]
    if step.agent in ("api", "web_scraping"):
        return [_described(part, tool) for tool in _of_address(place, part)]
    _refuse(place, step.text)
    return []


def _described(part: Place, tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool with a name and a description of what the text wants it for."""
    text = f"{part.step.text[:1].upper()}{part.step.text[1:]}"[:200]
    name = re.sub(r"[^a-z0-9_]", "_", wanted_id(part.step, _NOTHING).lower())[:60]
    return {"agent": tool["agent"], "name": name, "description": text, **tool}


def _of_agent(part: Place, agent: ReadyAgent, signature: AgentSignature | None) -> dict[str, Any]:
    """Return a named or ready agent as a tool: what the words fix, and what the model sets."""
    reads = signature.side_effect in ("none", "reads") if signature else agent.reads
    may_open = [
        name for name, one in agent.parameters.items()
        if not (one.secret or one.shared or is_address(name) or is_recipient(name, signature))
        and not (signature and never_open(name, signature))
        and (signature or one.role in _CONTENT or one.value is not None
             or (reads and bool(one.required or one.role or one.names)))
    ]  # fmt: skip
    parameters = {
        name: replace(one, required=one.required and name not in may_open)
        for name, one in agent.parameters.items()
    }
    bounded = replace(agent, parameters=parameters)
    own = part.text.own
    written = write_own(part, bounded, (), own) if part.step.own else write_ready(part, bounded, ())
    fixed = dict(written.parameters)
    opened = [name for name in may_open if name not in fixed]
    tool: dict[str, Any] = {"agent": agent.name}
    if fixed:
        tool["parameters"] = fixed
    return {**tool, "open": opened} if opened and not (reads and signature) else tool


def _of_database(part: Place) -> dict[str, Any]:
    """Return a statement as a tool; of one that writes the model sets the values."""
    if part.step.role == "source":
        fixed = dict(write_database_read(part).parameters)
        return {"agent": "database", "parameters": fixed, "open": []}
    fixed = dict(write_store(part).parameters)
    part.draft.questions[:] = [
        one for one in part.draft.questions if one.id != f"{part.node_id}.text"
    ]
    fixed.pop("params", None)
    return {"agent": "database", "parameters": fixed, "open": ["params"]}


def _of_address(place: Place, part: Place) -> list[dict[str, Any]]:
    """Return requests as a tool: to an address that is said, or to any of the hosts that are."""
    step = part.step
    looks = step.verb in ("use", "query", "consult")
    if step.role == "sink" and not looks and (step.urls or (step.product and step.product.write)):
        sent = write_api_send(part).parameters
        part.draft.questions[:] = [
            one for one in part.draft.questions if one.id != f"{part.node_id}.text"
        ]
        fixed = {name: value for name, value in sent.items() if name != "body"}
        return [{"agent": "api", "parameters": fixed, "open": ["body"]}]
    asks = step.words & {"http", "api", "request", "requests", "endpoint"}
    agent = "api" if asks or step.agent == "api" else "web_scraping"
    further = ["params"] if agent == "api" else []
    whole = [url for url in step.urls if urlsplit(url).path.strip("/")]
    if len(step.urls) == 1 and whole:
        return [{"agent": agent, "parameters": {"url": escaped_url(whole[0])}, "open": further}]
    hosts = [urlsplit(url).hostname or "" for url in step.urls]
    if not hosts:
        answer = place.draft.ask(
            f"{place.node_id}.hosts",
            f"Which hosts may the model reach to “{step.text}”? It reaches no others.",
            default="",
            suggestions=("docs.example.com", "*.example.com"),
        )
        hosts = [host for host in re.split(r"[\s,]+", answer) if host]
    return [{"agent": agent, "open": ["url", *further], "hosts": hosts}] if hosts else []


def write_call(place: Place) -> Written:
    """Return the parameters of an mcp node."""
    call = call_of(place.step.call)
    parameters: dict[str, Any] = {"url": written_literal(place.text, call.server)}
    if call.sse:
        parameters["transport"] = "sse"
    mapped = place.reading.mapped
    if not call.tool:
        key = output_key(place, "tools")
        parameters["operation"] = "list_tools"
        return Written(parameters, Output(key, "object", frozenset({"tool"}), place.node_id))
    tool = written_literal(place.text, call.tool)
    parameters["tool"] = tool
    if arguments := _arguments(place, call.arguments):
        parameters["arguments"] = arguments
    key = output_key(place, f"{re.sub(r'[^a-z0-9_]', '_', tool.lower())}_result")
    field = "" if mapped else "text"
    return Written(parameters, Output(
        key, "list" if mapped else "text", nouns_in(key, "answer"), place.node_id, mapped,
        field=field, service="MCP",
    ))  # fmt: skip


def _arguments(place: Place, told: str) -> dict[str, Any]:
    """Return a call's arguments: values that are said, and what steps before give."""
    found: dict[str, Any] = {}
    for match in ARGUMENT.finditer(told):
        found[match["name"]] = _value(place, match["value"])
    outputs = place.reading.outputs
    for match in WITH_DATA.finditer(told):
        word = singular(match["what"].lower())
        meant = next((one for one in outputs if word in one.words), None)
        output = meant or (outputs[-1] if outputs else None)
        if output:
            value = output.item if place.reading.mapped and output == outputs[0] else output.value
            found[match["name"] or match["what"]] = f"{{{value}}}"
    return found


def _value(place: Place, token: str) -> Any:
    if token.lower() in ("true", "false"):
        return token.lower() == "true"
    if re.fullmatch(r"-?\d+(?:\.\d+)?", token):
        return float(token) if "." in token else int(token)
    return written_literal(place.text, token)
