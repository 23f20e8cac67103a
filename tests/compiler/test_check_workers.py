"""Workers and other parts of a map: what may be said of them, and what the plan tells."""

import json
from typing import Any

import pytest

from agents.registry import builtin_registry
from compiler.check import check
from compiler.diagram import mermaid
from compiler.plan import plan
from compiler.schema import json_schema
from compiler.specification import Specification
from compiler.text import dump, load

AGENTS = builtin_registry().signatures()
SEND = {"agent": "email", "parameters": {"to": ["a@example.com"], "subject": "{item.about}",
                                         "body": "x"}}  # fmt: skip
ASK = {"agent": "api", "parameters": {"url": "https://api.example.com/{item.path}"}}


def specification(workers: dict[str, Any], **fields: Any) -> Specification:
    """Return a workflow of one node with workers."""
    node = {"id": "work", "pattern": "map", "input_keys": ["input.tasks"], "workers": workers}
    return load(json.dumps({"nodes": [{**node, **fields}]}))


def found(workers: dict[str, Any], **fields: Any) -> list[tuple[str, str]]:
    """Return where the problems are, and their rules."""
    return [(p.path, p.rule) for p in check(specification(workers, **fields), AGENTS)]


@pytest.mark.requirement("USER.11")
def test_workers_are_checked_as_nodes_are() -> None:
    """Their agents, parameters and references, each under its own path."""
    assert found({"ask": ASK, "send": SEND}) == []
    assert found({"ask": {"agent": "apj"}}) == [("nodes[0].workers.ask.agent", "unknown_agent")]
    assert found({"ask": {"agent": "api", "parameters": {}}}) == [
        ("nodes[0].workers.ask.parameters.url", "missing_parameter")
    ]
    named = {"agent": "api", "parameters": {"url": "{nobody.url}"}}
    assert found({"ask": named}) == [("nodes[0].workers.ask.parameters.url", "unknown_reference")]


@pytest.mark.requirement("USER.11")
@pytest.mark.parametrize(
    ("workers", "fields", "rule"),
    [
        ({}, {"agent": "workers"}, "missing_workers"),
        ({"ask": ASK}, {"agent": "api", "parameters": ASK["parameters"]}, "contradictory_workers"),
        ({"ask": ASK}, {"pattern": None}, "map_field_without_map"),
        ({"w": {"agent": "wait", "parameters": {"seconds": 5}}}, {}, "waiting_worker"),
        ({"w": {"agent": "router", "parameters": {"condition": "True"}}}, {}, "not_mappable"),
        ({"w": {"agent": "workers"}}, {}, "workers_in_workers"),
    ],
)
def test_workers_where_they_mean_nothing(
    workers: dict[str, Any], fields: dict[str, Any], rule: str
) -> None:
    """Each contradiction has a rule of its own."""
    assert rule in [rule for _, rule in found(workers, **fields)]


def test_plan_tells_what_all_workers_touch() -> None:
    """The strongest side effect counts, and what each names is gathered."""
    one = plan(specification({"ask": ASK, "send": SEND}), AGENTS).to_document()
    [node] = one["nodes"]
    assert (node["side_effect"], node["recipients"]) == ("sends", ["a@example.com"])
    assert one["hosts"] == ["api.example.com"]
    assert "sends_in_map" in [warning["rule"] for warning in one["warnings"]]


def test_workers_stand_in_text_diagram_and_schema() -> None:
    """A specification with workers is written and read back; editors know the field."""
    one = specification({"ask": ASK, "send": SEND})
    assert load(dump(one)) == one
    assert "one of ask, send" in mermaid(one)
    assert "workers" in json.dumps(json_schema())


def test_a_workflow_node_is_no_last_node_and_hides_no_secret() -> None:
    """What an execution is given is stored, so it cannot hold a secret."""
    node = {"id": "a", "agent": "workflow",
            "parameters": {"workflow": "other", "input": {"key": "{secrets.key}"}}}  # fmt: skip
    problems = check(load(json.dumps({"nodes": [node]})), AGENTS)
    assert [problem.rule for problem in problems] == ["exposed_secret"]
    last = {"id": "b", "agent": "workflow", "parameters": {"workflow": "other"}}
    settings = {"error_handling": {"finally": ["b"]}}
    first = {"id": "a", "agent": "aggregator"}
    text = json.dumps({"nodes": [first, last], "settings": settings})
    assert "waits for another workflow" in " ".join(map(str, check(load(text), AGENTS)))
