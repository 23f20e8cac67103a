"""What a node touches outside the engine, as far as its parameters tell before it runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from compiler.references import parse_template, references_in, rendered, texts_in
from compiler.signature import AgentSignature, SideEffect
from compiler.specification import Node
from compiler.tools import Tool, tool_node, tools_of
from compiler.workers import worker_nodes

_READING_METHODS = ("GET", "HEAD")
_LONGEST_URL = 8192
_RECIPIENTS = ("to", "cc", "bcc")
"""How parameters are usually called that say who gets something."""
_EFFECTS: tuple[SideEffect, ...] = ("none", "reads", "writes", "sends")


@dataclass(frozen=True, slots=True)
class Outside:
    """Hosts, recipients and databases; a text in braces is known only at run time."""

    side_effect: SideEffect
    hosts: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


def outside(node: Node, signature: AgentSignature) -> Outside:
    """Read from a node's parameters what it will touch."""
    parameters = node.parameters
    return Outside(
        side_effect=effect(parameters, signature),
        hosts=_unique(_own_hosts(parameters, signature) if signature.hosts else _hosts(parameters)),
        recipients=_unique(_recipients(parameters, signature)),
        databases=_unique(_databases(parameters)) if _uses_database(signature) else (),
        secrets=_unique(_secrets(parameters, signature)),
    )


def _secrets(parameters: Mapping[str, Any], signature: AgentSignature) -> Iterator[str]:
    yield from signature.secrets
    for _, reference in references_in(parameters, signature.code_parameters):
        if reference.root == "secrets" and reference.path:
            yield str(reference.path[0])


def node_outside(node: Node, agents: Mapping[str, AgentSignature]) -> Outside:
    """Read what a node will touch, with its workers or tools; unknown agents touch nothing."""
    parts = [
        part_outside(worker, agents)
        for worker in worker_nodes(node).values()
        if worker.agent in agents
    ]
    return together(parts) if parts else part_outside(node, agents)


def part_outside(node: Node, agents: Mapping[str, AgentSignature]) -> Outside:
    """Read what a node, or a worker as one, will touch, the tools of its model included."""
    own = outside(node, agents[node.agent])
    tools = [
        _tool_outside(node, tool, agents[tool.agent])
        for tool in tools_of(node) if tool.agent in agents
    ]  # fmt: skip
    return together([own, *tools]) if tools else own


def _tool_outside(node: Node, tool: Tool, signature: AgentSignature) -> Outside:
    fixed = outside(tool_node(node, tool), signature)
    hosts = [_host(name) or name for name in tool.hosts]
    return replace(
        fixed,
        hosts=_unique(iter((*fixed.hosts, *hosts))),
        recipients=_unique(iter((*fixed.recipients, *tool.recipients))),
    )


def together(parts: Sequence[Outside]) -> Outside:
    """Return what several touch, at least one."""
    return Outside(
        side_effect=max((part.side_effect for part in parts), key=_EFFECTS.index),
        hosts=_unique(name for part in parts for name in part.hosts),
        recipients=_unique(name for part in parts for name in part.recipients),
        databases=_unique(name for part in parts for name in part.databases),
        secrets=_unique(name for part in parts for name in part.secrets),
    )


def _unique(found: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))


def effect(parameters: Mapping[str, Any], signature: AgentSignature) -> SideEffect:
    """Return what an agent does with these parameters: an HTTP call that only asks is a read."""
    properties = signature.parameters_schema.get("properties", {})
    if parameters.get("operation") and "openapi" in properties:
        # Only its document knows the method.
        return signature.side_effect
    method = parameters.get("method", properties.get("method", {}).get("default"))
    if isinstance(method, str) and method.upper() in _READING_METHODS:
        return "reads" if signature.side_effect != "none" else "none"
    return signature.side_effect


def _uses_database(signature: AgentSignature) -> bool:
    return "connection_string" in signature.parameters_schema.get("properties", {})


def _own_hosts(parameters: Mapping[str, Any], signature: AgentSignature) -> Iterator[str]:
    """Yield the hosts of an agent that is for one service."""
    for host in signature.hosts:
        filled = "".join(
            part if isinstance(part, str) else rendered(parameters.get(part.root, f"{{{part}}}"))
            for part in parse_template(host).parts
        )
        yield filled if "{" in filled else filled.lower()


def _hosts(parameters: Mapping[str, Any]) -> Iterator[str]:
    document = parameters.get("openapi")
    given = [*parameters.items()]
    for login in (parameters.get("auth"), parameters.get("document_auth")):
        given += login.items() if isinstance(login, Mapping) else ()
    container = parameters.get("container")
    if isinstance(container, Mapping):
        yield from (host for _, host in texts_in(container.get("hosts")))
    # A document that stands here whole is no address, and says none that is called.
    if isinstance(document, str) and _is_address(document):
        given.append(("url", document))
    for name, value in given:
        if name in ("url", "urls") or name.endswith("_url"):
            for _, text in texts_in(value):
                host = _host(text)
                if host:
                    yield host


def _is_address(text: str) -> bool:
    """Whether a text is a URL, or a reference that may become one."""
    is_url = text.startswith(("http://", "https://"))
    return len(text) <= _LONGEST_URL and (is_url or parse_template(text).whole is not None)


def _host(text: str) -> str | None:
    """Return a URL's host with its port, or the reference that will say it."""
    template = parse_template(text)
    if template.whole is not None:
        return text
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        place = parts.netloc.rpartition("@")[2]
    except ValueError:
        return None
    return place.lower() if "{" not in place else place


def is_recipient(name: str, signature: AgentSignature | None) -> bool:
    """Whether a parameter says who gets something: a person, a channel, a conversation.

    Args:
        name: What it is called.
        signature: Of its agent; None: only the name tells.
    """
    return name in _RECIPIENTS or (signature is not None and _is_marked(name, signature))


def _is_marked(name: str, signature: AgentSignature) -> bool:
    about = signature.parameters_schema.get("properties", {}).get(name)
    return isinstance(about, Mapping) and bool(about.get("x-recipient"))


def _recipients(parameters: Mapping[str, Any], signature: AgentSignature) -> Iterator[str]:
    usual = _RECIPIENTS if signature.side_effect == "sends" else ()
    for name in parameters:
        if name not in usual and not _is_marked(name, signature):
            continue
        value = parameters.get(name)
        # A conversation may have a number for its name.
        told = str(value) if isinstance(value, int) else value
        for _, text in texts_in(told):
            yield from (part.strip() for part in text.split(",") if part.strip())


def _databases(parameters: Mapping[str, Any]) -> Iterator[str]:
    kind = str(parameters.get("database", "postgresql"))
    connection = parameters.get("connection_string")
    if not isinstance(connection, str):
        yield f"{kind}: the tenant's default"
    elif parse_template(connection).references:
        yield f"{kind}: {connection}" if parse_template(connection).whole else f"{kind}: {{…}}"
    else:
        try:
            parts = urlsplit(connection)
        except ValueError:
            return
        # A password stays out of plans.
        yield f"{kind}: {parts.hostname or 'local'}{parts.path}"
