"""Which recorded results of an execution a new one of the same specification reuses.

A result is reused whole or not at all. Whatever is reused, all that it was made of is reused as
well: results are left out together with everything that stands after their node.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from compiler.errors import Problem, SpecificationError
from compiler.failures import STOPPING, final_nodes
from compiler.regions import is_chooser
from compiler.specification import Specification
from compiler.topology import topology
from compiler.values import value_problems
from store.origins import Reuse


@dataclass(frozen=True, slots=True)
class Result:
    """A visit of a node that has come to its end."""

    seq: int
    """The number of its event."""
    node_id: str
    stops: bool
    """Whether it failed, and nothing came after it."""


@dataclass(frozen=True, slots=True)
class Past:
    """What an execution has recorded of its nodes."""

    results: tuple[Result, ...]
    """In order."""
    begun: frozenset[str]
    undone: frozenset[str]
    """The nodes whose compensation completed."""

    @classmethod
    def of(cls, rows: Iterable[Any]) -> "Past":
        """Make it of rows of `list_results`."""
        results, begun, undone = [], set(), set()
        for row in rows:
            begun.add(row["node_id"])
            if row["event_type"] == "compensation_completed":
                undone.add(row["node_id"])
            elif row["event_type"] != "node_started":
                stops = row["follows"] in STOPPING
                results.append(Result(row["seq"], row["node_id"], stops))
        return cls(tuple(results), frozenset(begun), frozenset(undone))


def nothing_reused(specification: Specification) -> Reuse:
    """Begin at the beginning."""
    return Reuse(0, dict.fromkeys((node.id for node in specification.nodes), 0))


def reused_for_fork(specification: Specification, past: Past, until_seq: int) -> Reuse:
    """Reuse what was recorded until an event.

    What was undone meanwhile is not reused, nor what came after it: its effects are gone.
    """
    cuts = dict.fromkeys((node.id for node in final_nodes(specification)), 0)
    for node_id in past.undone:
        cuts |= dict.fromkeys(_from(specification, node_id), 0)
    maps = tuple(node.id for node in specification.body if node.pattern == "map")
    return Reuse(until_seq, cuts, maps)


def reused_for_retry(specification: Specification, past: Past, until_seq: int) -> Reuse:
    """Reuse all that went well, and the items of maps that did not complete."""
    return replace(reused_for_fork(specification, past, until_seq), unfinished=True)


def reused_for_rerun(
    specification: Specification, past: Past, until_seq: int, node_id: str, visit: int | None
) -> Reuse:
    """Reuse all but what a visit of a node led to.

    Args:
        specification: What both execute.
        past: The source's.
        until_seq: Its last event.
        node_id: The node to run anew.
        visit: Which of its visits in a loop, from 1; None: the last.

    Raises:
        SpecificationError: There is no such node, or it has had no such visit.
    """
    visits = [result.seq for result in past.results if result.node_id == node_id]
    names = [node.id for node in specification.body if node.id in past.begun]
    if node_id not in names:
        message = f"`{node_id:.100}` has not run in this execution."
        raise _refused("node_id", "unknown_node", message, f"Name one of {', '.join(names)}.")
    if visit is not None and not 1 <= visit <= max(1, len(visits)):
        message = f"`{node_id}` has {len(visits)} visits, so there is no visit {visit}."
        raise _refused("visit", "unknown_visit", message, "Leave it out for the last one.")
    reuse = reused_for_fork(specification, past, until_seq)
    if not visits:
        return reuse
    cut = visits[(visit or len(visits)) - 1]
    # What was recorded before it in earlier rounds of a loop does not come of it.
    cuts = dict.fromkeys(_from(specification, node_id), cut)
    return replace(reuse, cuts={**cuts, **reuse.cuts})


def edited(
    specification: Specification, past: Past, reuse: Reuse, state: Mapping[str, Any]
) -> Reuse:
    """Replace results that are reused.

    Args:
        specification: What both execute.
        past: The source's.
        reuse: What is reused.
        state: New values by state key.

    Raises:
        SpecificationError: A key is of no reused result, or a value has no place there.
    """
    owners = _owners(specification, past, reuse)
    problems = [
        problem
        for key, value in state.items()
        for problem in _edit_problems(specification, owners, key, value)
    ]
    if problems:
        raise SpecificationError(problems)
    edits = {owners[key]: value for key, value in state.items()}
    behind = {name for node_id in edits for name in _from(specification, node_id)}
    anew = [
        node.id
        for node in specification.body
        if node.id in behind
        and is_chooser(specification, node)
        # A router's way is part of its result, so an edited one says it itself.
        and not (node.agent == "router" and node.id in edits)
    ]
    return replace(reuse, edits=edits, anew=tuple(anew))


def _owners(specification: Specification, past: Past, reuse: Reuse) -> dict[str, str]:
    """Return whose reused result each key holds: the last one's."""
    keys = {node.id: node.key for node in specification.body}
    return {
        keys[result.node_id]: result.node_id
        for result in past.results
        if result.node_id in keys and not result.stops and result.seq <= reuse.until_seq
        and result.seq < reuse.cuts.get(result.node_id, result.seq + 1)
    }  # fmt: skip


def _edit_problems(
    specification: Specification, owners: Mapping[str, str], key: str, value: Any
) -> list[Problem]:
    path = f"state.{key:.100}"
    if key not in owners:
        known = ", ".join(owners) or "none"
        message = f"No result that is reused stands under `{key:.100}`; there are: {known}."
        return [Problem(path, "unknown_key", message, "Edit one of those.")]
    if specification.node(owners[key]).pattern == "map" and not isinstance(value, list):
        message = f"`{key}` is made by a node that runs over a list, so it holds a list."
        return [Problem(path, "wrong_type", message, "Send a list.")]
    return [
        replace(problem, path=f"{path}.{problem.path}" if problem.path else path)
        for problem in value_problems(value)
    ]


def _from(specification: Specification, node_id: str) -> list[str]:
    """Return a node and all that some path from it leads to."""
    order = topology(specification)
    if node_id not in order.nodes:
        return [node_id]
    return [node_id, *(other for other in order.nodes if order.precedes(node_id, other))]


def _refused(path: str, rule: str, message: str, remedy: str) -> SpecificationError:
    return SpecificationError([Problem(path, rule, message, remedy)])
