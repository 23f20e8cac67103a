"""Edits made, and what they would leave broken mended or asked: who reads what goes."""

from collections.abc import Sequence

from compiler.check import check
from compiler.editing.operations import Operation, RemoveStep, SetField, apply
from compiler.editing.reader import Reader
from compiler.editing.reading import read_instead, reads, without_part
from compiler.errors import Problem
from compiler.specification import Node, Specification


def applied(reader: Reader, operations: Sequence[Operation]) -> Specification:
    """Make edits, and ask what those read who read the result of a step that goes.

    Raises:
        Open: Somebody reads it, and no answer says what instead.
        CannotEdit: An edit does not fit.
    """
    removed = {one.node_id: None for one in operations if isinstance(one, RemoveStep)}
    mended: list[Operation] = []
    for id in removed:
        mended += _mend_readers(reader, reader.specification.node(id).key, id, set(removed))
    return apply(reader.specification, [*mended, *operations])


def new_problems(old: Specification, new: Specification) -> list[Problem]:
    """Return what is wrong with the new specification and was not with the old.

    Agents and their parameters are not looked at: they are not known here.
    """
    before = {problem.message for problem in check(old, {})}
    return [problem for problem in check(new, {})
            if problem.rule not in _OF_AGENTS and problem.message not in before]  # fmt: skip


_OF_AGENTS = ("unknown_agent",)


def _mend_readers(
    reader: Reader, key: str, removed: str, all_removed: set[str]
) -> list[Operation]:  # fmt: skip
    edits: list[Operation] = []
    others = [node for node in reader.specification.nodes if node.id not in all_removed]
    if any(node.key == key for node in others):
        return []
    for node in others:
        left = [name for name in node.input_keys if name.split(".")[0] != key]
        needs = reads(node.parameters, key)
        if not needs and len(left) == len(node.input_keys):
            continue
        if fewer := without_part(node, key):
            edits += fewer
        elif needs or node.pattern == "map" or (not left and node.agent == "aggregator"):
            edits += _instead(reader, node, key, removed, others)
        else:
            edits.append(SetField(node.id, ("input_keys",), left or None))
    return edits


def _instead(
    reader: Reader, node: Node, key: str, removed: str, others: Sequence[Node]
) -> list[Operation]:
    """Ask what a step reads instead of a result that nobody makes any more."""
    ids = [one.id for one in reader.specification.nodes]
    earlier = [f"{{{one.key}}}" for one in others if ids.index(one.id) < ids.index(removed)]
    answer = reader.ask(
        f"instead.{node.id}.{key}",
        f"`{node.id}` reads the result of `{removed}`, which goes. What does it read "
        "instead, or is it to be removed as well?",
        [*earlier, "remove it as well"],
    )
    if answer.lower().startswith("remove"):
        return [RemoveStep(node.id)]
    return [*read_instead(node, key, answer.strip(" {}`"))]
