"""What differs between two specifications, and how much of a version that is."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from compiler.diff import Increment, diff, increment_of, next_version
from compiler.specification import Specification

BASE: dict[str, Any] = {
    "metadata": {"name": "A"},
    "trigger": {"kind": "schedule", "cron": "0 9 * * *"},
    "state_schema": {"input": {"properties": {"url": {"type": "string"}}}},
    "nodes": [
        {"id": "a", "agent": "api", "parameters": {"url": "{input.url}", "headers": {"x": "1"}}},
        {"id": "b", "agent": "llm", "parameters": {"prompt": "{a}"}},
        {"id": "c", "agent": "email", "parameters": {"to": ["x@example.com"]}},
    ],
    "edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "c"}],
}
Edit = Callable[[dict[str, Any]], Any]
Told = tuple[str | None, str, Any, Any]


def changed(edit: Edit) -> tuple[Specification, Specification]:
    """Return the base and what an edit makes of it."""
    document = copy.deepcopy(BASE)
    edit(document)
    return Specification.model_validate(BASE), Specification.model_validate(document)


def _without_last(document: dict[str, Any]) -> None:
    document["nodes"].pop()
    document["edges"].pop()


def _between(document: dict[str, Any]) -> None:
    document["nodes"].insert(1, {"id": "n", "agent": "aggregator"})
    document["edges"][0] = {"from": "a", "to": "n"}
    document["edges"].append({"from": "n", "to": "b"})


def _renamed(document: dict[str, Any]) -> None:
    document["nodes"][2]["id"] = "tell"
    document["edges"][1]["to"] = "tell"


CASES: list[tuple[Edit, list[Told], Increment]] = [
    (lambda d: d["nodes"][0]["parameters"]["headers"].update(x="2"),
     [("a", "parameters.headers.x", "1", "2")], "patch"),
    (lambda d: d["nodes"][2]["parameters"]["to"].append("y@example.com"),
     [("c", "parameters.to", ["x@example.com"], ["x@example.com", "y@example.com"])], "patch"),
    (lambda d: d["trigger"].update(cron="0 9 * * 1"),
     [(None, "trigger.cron", "0 9 * * *", "0 9 * * 1")], "patch"),
    (lambda d: d["nodes"][1].update(agent="aggregator"),
     [("b", "agent", "llm", "aggregator")], "minor"),
    (lambda d: d["nodes"][1].update(retry={"max_attempts": 3}), [], "patch"),
    (lambda d: d["nodes"][1].update(retry={"max_attempts": 5}),
     [("b", "retry", None, {"max_attempts": 5})], "patch"),
    (lambda d: d["metadata"].update(version="4.0.0"), [], "patch"),
    (_renamed, [("c", "id", "c", "tell")], "minor"),
    (_without_last, [("c", "node", BASE["nodes"][2], None),
                     ("b", "edges.c", BASE["edges"][1], None)], "major"),
    (_between, [("n", "node", None, {"id": "n", "agent": "aggregator"}),
                ("a", "edges.b", BASE["edges"][0], None),
                ("a", "edges.n", None, {"from": "a", "to": "n"}),
                ("n", "edges.b", None, {"from": "n", "to": "b"})], "minor"),
    (lambda d: d["edges"].pop(0), [("a", "edges.b", BASE["edges"][0], None)], "major"),
    (lambda d: d["edges"][0].update(condition="x > 1"),
     [("a", "edges.b.condition", None, "x > 1")], "patch"),
    (lambda d: d["state_schema"]["input"].update(required=["url"]),
     [(None, "state_schema.input.required", None, ["url"])], "major"),
    (lambda d: d["state_schema"]["input"]["properties"].update(q={}),
     [(None, "state_schema.input.properties.q", None, {})], "minor"),
    (lambda d: d["nodes"].reverse(), [(None, "nodes", ["a", "b", "c"], ["c", "b", "a"])], "patch"),
]  # fmt: skip


@pytest.mark.requirement("FR-4.10", "FR-4.4")
@pytest.mark.parametrize(("edit", "told", "increment"), CASES)
def test_each_change_is_told_once_and_weighed(
    edit: Edit, told: list[Told], increment: Increment
) -> None:
    """Fields, nodes, edges, inputs and order; defaults and the version are no change."""
    old, new = changed(edit)
    found = [(one.node_id, one.field, one.old_value, one.new_value) for one in diff(old, new)]
    assert found == told
    assert increment_of(old, new) == increment


@pytest.mark.requirement("FR-4.10")
@pytest.mark.parametrize("edit", [edit for edit, _, _ in CASES])
def test_a_diff_backwards_has_the_values_the_other_way_round(edit: Edit) -> None:
    """What one direction adds the other takes away."""
    old, new = changed(edit)
    there = {(one.field, repr(one.old_value), repr(one.new_value)) for one in diff(old, new)}
    back = {(one.field, repr(one.new_value), repr(one.old_value)) for one in diff(new, old)}
    assert there == back


def test_versions_rise() -> None:
    """The parts below the one that rises are zero again."""
    assert next_version("1.9.3", "patch") == "1.9.4"
    assert next_version("1.9.3", "minor") == "1.10.0"
    assert next_version("1.9.3", "major") == "2.0.0"
