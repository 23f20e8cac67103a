"""Maps: what may be said of their items, and of those that failed."""

import itertools
import json
from typing import Any

import pytest

from agents.registry import builtin_registry
from compiler.check import check
from compiler.plan import plan
from compiler.schema import json_schema
from compiler.text import load

AGENTS = builtin_registry().signatures()


def found(each: dict[str, Any], after: dict[str, Any], *more: dict[str, Any]) -> list[Any]:
    """The problems of a map and a node after it."""
    mapped = {"id": "each", "agent": "aggregator", "pattern": "map", "input_keys": ["input.rows"]}
    nodes = [{**mapped, **each}, {"id": "after", "agent": "aggregator", **after}, *more]
    ids = [node["id"] for node in nodes]
    edges = [{"from": a, "to": b} for a, b in itertools.pairwise(ids)]
    specification = load(json.dumps({"nodes": nodes, "edges": edges}))
    return [(p.path, p.rule, p.remedy) for p in check(specification, AGENTS)]


@pytest.mark.requirement("USER.9")
@pytest.mark.parametrize("field", ["on_item_error", "item_concurrency"])
def test_items_are_spoken_of_on_map_nodes_only(field: str) -> None:
    """A node that runs once has no items, and the remedy says so."""
    value = {"on_item_error": "collect", "item_concurrency": 4}[field]
    assert found({field: value}, {}) == []
    [(path, rule, remedy)] = found({}, {field: value})
    assert (path, rule) == (f"nodes[1].{field}", "map_field_without_map")
    assert f"remove `{field}`" in remedy


@pytest.mark.requirement("USER.9")
@pytest.mark.parametrize("reference", ["{failures.each.items}", "{failures.each.items[0].message}"])
def test_failed_items_that_are_collected_have_names(reference: str) -> None:
    """A node after the map may name them, and what they hold."""
    after = {"parameters": {"data": reference}}
    assert found({"on_item_error": "collect"}, after) == []


@pytest.mark.parametrize("each", [{}, {"on_item_error": "fail"}])
def test_failed_items_that_end_the_execution_have_none(each: dict[str, Any]) -> None:
    """Nothing after the map runs when an item failed, unless the map says otherwise."""
    [(_, rule, remedy)] = found(each, {"parameters": {"data": "{failures.each.items}"}})
    assert rule == "impossible_failure"
    assert "on_item_error: collect" in remedy


def test_failed_items_of_a_survivable_failure_have_names() -> None:
    """A map that fails and is survived tells its items as well as its message."""
    after = {"parameters": {"data": ["{failures.each.items}", "{failures.each.message}"]}}
    assert found({"on_failure": "continue"}, after) == []


def test_a_node_that_is_no_map_has_no_failed_items() -> None:
    """Its failure has a message only."""
    last = {"id": "last", "agent": "aggregator", "parameters": {"data": "{failures.after.items}"}}
    [(_, rule, remedy)] = found({}, {"on_failure": "continue"}, last)
    assert (rule, remedy) == ("unknown_reference", "There is: `failures.after.message`.")


@pytest.mark.parametrize("said", ["fail", "collect", None])
def test_plan_says_what_failed_items_mean(said: str | None) -> None:
    """A map fails with its items unless it says otherwise; other nodes have none."""
    each = {"id": "each", "agent": "aggregator", "pattern": "map", "input_keys": ["input.rows"],
            "on_item_error": said}  # fmt: skip
    nodes = [each, {"id": "after", "agent": "aggregator"}]
    specification = load(json.dumps({"nodes": nodes, "edges": [{"from": "each", "to": "after"}]}))
    shown = plan(specification, AGENTS).to_document()["nodes"]
    assert [node["on_item_error"] for node in shown] == [said or "fail", None]


def test_schema_knows_the_fields_of_maps() -> None:
    """Editors offer both ways and the bounds."""
    node = json_schema()["$defs"]["Node"]["properties"]
    assert {"fail", "collect"} <= set(node["on_item_error"]["anyOf"][0]["enum"])
    assert node["item_concurrency"]["anyOf"][0]["maximum"] == 256
