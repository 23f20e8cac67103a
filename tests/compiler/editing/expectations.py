"""What an instruction gives, in the few words in which `instructions.yaml` says what it should."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from agents.registry import builtin_registry
from compiler.check import check
from compiler.diff import Change, diff
from compiler.editing.instruction import Edited, read_edit
from compiler.specification import Edge, Node, Specification
from compiler.text import load

AGENTS = builtin_registry().signatures()
FOLDER = Path(__file__).parent
_FOLLOWS = ("description", "input_keys", "output_key", "parameters.if_true", "parameters.if_false")
"""Fields that say again what the edges, the parameters and the new steps say."""


def workflow(name: str) -> Specification:
    """Return one of the workflows that the instructions change."""
    return load((FOLDER / "workflows" / f"{name}.yaml").read_text("utf-8"))


def instructions(file: Path) -> list[tuple[str, str, list[str]]]:
    """Return workflow, instruction and what is expected, for each instruction of a file."""
    by_workflow = yaml.safe_load(file.read_text("utf-8"))
    return [
        (name, said, [wanted] if isinstance(wanted, str) else wanted)
        for name, all_said in by_workflow.items()
        for said, wanted in all_said.items()
    ]


def fault(
    name: str, said: str, wanted: Sequence[str], answers: Mapping[str, str] | None = None
) -> str:
    """Return what is not as it should be of one instruction; empty: nothing."""
    old = workflow(name)
    edited = read_edit(said, old, answers)
    asks = [one for one in wanted if one.startswith("asks")]
    if asks:
        return _not_asked(edited, asks[0].removeprefix("asks").strip())
    if edited.specification is None:
        return f"asks: {[one.text for one in edited.questions]}"
    problems = check(edited.specification, AGENTS)
    if problems:
        return f"problems: {[one.message for one in problems]}"
    asked = edited.questions if "open" in wanted else [one for one in edited.questions
                                                       if one.required]  # fmt: skip
    if bool(asked) != ("open" in wanted):
        return f"open: {[one.text for one in edited.questions]}"
    given = list(_given(old, edited.specification))
    expected = [one for one in wanted if one != "open"]
    missing = [one for one in expected if not any(_agree(one, text) for text in given)]
    more = [text for text in given if not any(_agree(one, text) for one in expected)]
    return f"missing {missing}, and more {more}" if missing or more else ""


def _not_asked(edited: Edited, id: str) -> str:
    if edited.specification is not None:
        return f"does not ask, does {[type(one).__name__ for one in edited.operations]}"
    if id and [one.id for one in edited.questions] != [id]:
        return f"asks {[one.id for one in edited.questions]}"
    return ""


def _agree(wanted: str, given: str) -> bool:
    if wanted.startswith("+ "):
        kind, _, parameter = wanted.partition("=")
        head, _, name = kind.rpartition(" ") if parameter else (kind, "", "")
        agent, _, parameters = given.partition("\n")
        value = json.loads(parameters).get(name) if parameter and given[:2] == "+ " else ""
        return given.startswith("+ ") and head == agent and parameter in str(value)
    field, tilde, part = wanted.partition(" ~ ")
    return given.startswith(f"{field} = ") and part in given if tilde else wanted == given


def _given(old: Specification, new: Specification) -> Iterator[str]:
    come = {node.id for node in new.nodes} - {node.id for node in old.nodes}
    renamed = {}
    for change in diff(old, new):
        if change.field == "id":
            renamed[str(change.old_value)] = str(change.new_value)
        yield from _of_change(change)
    was = {_edge(old, edge, renamed, frozenset()) for edge in old.edges}
    for edge in new.edges:
        if _edge(new, edge, {}, frozenset()) not in was:
            yield _edge(new, edge, {}, frozenset(come) - set(renamed.values()))


def _of_change(change: Change) -> Iterator[str]:
    if change.field == "node" and change.new_value is None:
        yield f"- {change.node_id}"
    elif change.field == "node":
        node = Node.model_validate(change.new_value)
        yield f"+ {node.agent}\n{json.dumps(node.parameters)}"
    elif change.field == "state_schema":
        inputs = (change.new_value or {}).get("input", {}).get("properties", {})
        yield from (f"input {name}" for name in inputs if not name.endswith(("_url", "_id")))
    elif not change.field.startswith(("edges.", "nodes", "state_schema", "pattern")) and (
        change.field not in _FOLLOWS
    ):
        field = f"{change.node_id}.{change.field}" if change.node_id else change.field
        gone = change.new_value is None
        yield f"{field} gone" if gone else f"{field} = {_said(change.new_value)}"


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _edge(
    specification: Specification, edge: Edge, renamed: dict[str, str], come: frozenset[str]
) -> str:
    source = specification.node(edge.source)
    ends = []
    for id in (edge.source, edge.target):
        node = specification.node(id)
        ends.append(f"<{node.agent}>" if id in come else renamed.get(id, id))
    ways = [way for way, to in source.parameters.items() if to == edge.target]
    label = ways[0] if source.agent == "router" and ways else edge.condition
    return f"{ends[0]} > {ends[1]}" + (f" [{label}]" if label else "")
