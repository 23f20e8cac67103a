"""A specification's graph as Mermaid text."""

import re
from collections.abc import Iterator

from compiler.specification import Edge, Node, Specification
from compiler.topology import layout

__all__ = ["layout", "mermaid"]

_WORDS_OF_MERMAID = frozenset(
    (
        "call", "class", "classdef", "click", "default", "direction", "end", "flowchart", "graph",
        "href", "interpolate", "linkstyle", "style", "subgraph",
    )
)  # fmt: skip
_LONGEST_LABEL = 80
_UNSAFE = re.compile(r"[^\w .,:!?()+*/=%$@^~'{}\[\]-]")


def mermaid(specification: Specification) -> str:
    """Write the graph as a Mermaid flowchart.

    Nodes that choose are diamonds, map nodes have double sides, questions to people are rounded,
    nodes that run at the end are slanted; conditions and routes stand on the edges, and failure
    edges are dotted.
    """
    lines = ["flowchart TD"]
    nodes = {node.id: node for node in specification.nodes}
    lines += [f"    {_name(node.id)}{_shape(specification, node)}" for node in nodes.values()]
    for edge in specification.edges:
        if edge.source in nodes and edge.target in nodes:
            label = _label(edge, nodes[edge.source])
            line = "-.->" if edge.type == "failure" else "-->"
            arrow = f'{line}|"{_escaped(label)}"|' if label else line
            lines.append(f"    {_name(edge.source)} {arrow} {_name(edge.target)}")
    return "\n".join(lines) + "\n"


def _name(node_id: str) -> str:
    return f"{node_id}_" if node_id.lower() in _WORDS_OF_MERMAID else node_id


def _shape(specification: Specification, node: Node) -> str:
    agent = f"one of {', '.join(node.workers)}" if node.workers else node.agent
    text = f"{_escaped(node.id)}<br/>{_escaped(agent)}"
    if node.compensate is not None:
        text = f"{text}<br/>undone by {_escaped(node.compensate.agent)}"
    if node.id in specification.final_ids:
        return f'[/"{text}<br/>at the end"/]'
    if node.pattern == "map":
        over = _escaped(node.input_keys[0]) if node.input_keys else "?"
        return f'[["{text}<br/>for each of {over}"]]'
    if _decides(specification, node):
        return f'{{"{text}"}}'
    return f'(["{text}"])' if node.agent == "human_loop" else f'["{text}"]'


def _decides(specification: Specification, node: Node) -> bool:
    return node.agent == "router" or any(
        edge.condition for edge in specification.edges if edge.source == node.id
    )


def _label(edge: Edge, source: Node) -> str:
    if edge.type == "failure":
        return "when it fails"
    if edge.condition or source.agent != "router":
        return edge.condition or ""
    return " / ".join(_routes(edge, source))


def _routes(edge: Edge, router: Node) -> Iterator[str]:
    names = {"if_true": "true", "if_false": "false", "default": "else"}
    for parameter, label in names.items():
        if router.parameters.get(parameter) == edge.target:
            yield label
    routes = router.parameters.get("routes")
    for route in routes if isinstance(routes, list) else ():
        if isinstance(route, dict) and route.get("to") == edge.target:
            yield str(route.get("when", ""))


def _escaped(text: str) -> str:
    """Write a label so that nothing in it is taken for Mermaid or HTML."""
    line = " ".join(text.split())
    if len(line) > _LONGEST_LABEL:
        line = line[: _LONGEST_LABEL - 1] + "…"
    return _UNSAFE.sub(lambda match: f"#{ord(match.group())};", line)
