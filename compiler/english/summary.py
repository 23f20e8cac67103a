"""What was understood in few words: agents, edges, pattern, start, whether a person is asked.

It counts as a reader of the text counts. A ready agent is the building block that the words ask
for: a reader draws a message to Slack, not the method by which it is posted. A node that only
answers a router's question is part of that decision, so the two are one step here; a wait is none;
what is written once more for a way that cannot meet the others is one step as well. The
specification holds them all.
"""

from typing import Any

from compiler.english.parser import Parsed


def summary(parsed: Parsed) -> dict[str, Any]:
    """Return agents in order, edges as pairs of places, pattern, trigger, and `human`."""
    specification = parsed.specification
    if specification is None:
        return {"agents": [], "edges": [], "pattern": None, "trigger": None, "human": False}
    same = _originals(parsed)
    blocks = {step.node_id: step.agent for step in parsed.steps}
    hidden = parsed.judges | same.keys()
    nodes = [n for n in specification.nodes if n.id not in hidden and n.agent != "wait"]
    places = {node.id: place for place, node in enumerate(nodes)}
    edges = [
        (same.get(edge.source, edge.source), same.get(edge.target, edge.target))
        for edge in specification.edges
    ]
    for gone in [node.id for node in specification.nodes if node.id not in places]:
        before = [source for source, target in edges if target == gone]
        after = [target for source, target in edges if source == gone]
        edges = [edge for edge in edges if gone not in edge]
        edges += [(source, target) for source in before for target in after]
    pairs = sorted([places[source], places[target]] for source, target in dict.fromkeys(edges))
    return {
        "agents": [blocks.get(node.id, node.agent) for node in nodes],
        "edges": pairs,
        "pattern": specification.pattern,
        "trigger": _trigger(parsed),
        "human": any(node.agent == "human_loop" for node in nodes),
    }


def _trigger(parsed: Parsed) -> dict[str, Any] | None:
    """Return the start that the text names; its time is null while a question asks for it."""
    if any(question.id == "trigger.cron" for question in parsed.questions):
        return {"kind": "schedule", "cron": None}
    trigger = parsed.specification.trigger if parsed.specification else None
    return {"kind": trigger.kind, "cron": trigger.cron} if trigger else None


def _originals(parsed: Parsed) -> dict[str, str]:
    """Return which node each copy repeats: the one that says the same and is no copy."""
    known = {(s.agent, s.text): s.node_id for s in parsed.steps if s.node_id not in parsed.copies}
    copies = (step for step in parsed.steps if step.node_id in parsed.copies)
    found = {copy.node_id: known.get((copy.agent, copy.text)) for copy in copies}
    return {copy: original for copy, original in found.items() if original}
