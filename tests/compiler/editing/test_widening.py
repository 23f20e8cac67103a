"""What a changed workflow may touch that it could not before."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from agents.registry import builtin_registry
from compiler.editing.widening import widens
from compiler.specification import Specification

AGENTS = builtin_registry().signatures()
BASE: dict[str, Any] = {
    "nodes": [
        {"id": "read", "agent": "api",
         "parameters": {"url": "https://a.example/x", "method": "GET"}},
        {"id": "tell", "agent": "email",
         "parameters": {"to": "x@a.example", "subject": "s", "body": "b"}},
    ],
    "edges": [{"from": "read", "to": "tell"}],
}  # fmt: skip
Edit = Callable[[dict[str, Any]], Any]


def found(edit: Edit) -> list[tuple[str, str, str | None]]:
    """Return what an edit of the base widens."""
    document = copy.deepcopy(BASE)
    edit(document)
    old, new = Specification.model_validate(BASE), Specification.model_validate(document)
    return [(one.kind, one.value, one.node_id) for one in widens(old, new, AGENTS)]


def _parameters(node: int, **values: Any) -> Edit:
    return lambda document: document["nodes"][node]["parameters"].update(values)


def _settings(**values: Any) -> Edit:
    return lambda document: document.update(settings={"error_handling": values})


@pytest.mark.requirement("FIRST.2")
@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (_parameters(0, url="https://b.example/x"), [("host", "b.example", "read")]),
        (_parameters(0, url="{input.url}"), [("host", "{input.url}", "read")]),
        (_parameters(0, method="POST"), [("effect", "api sends", "read")]),
        (_parameters(0, headers={"key": "{secrets.token}"}), [("secret", "token", "read")]),
        (_parameters(1, to=["x@a.example", "y@a.example"]), [("recipient", "y@a.example", "tell")]),
        (_parameters(1, cc="{input.boss}"), [("recipient", "{input.boss}", "tell")]),
        (lambda d: d["nodes"].append({"id": "save", "agent": "database", "parameters": {
            "query": "SELECT 1", "connection_string": "postgresql://db.example/shop"}}),
         [("agent", "database", "save"), ("database", "postgresql: db.example/shop", "save")]),
        (lambda d: d["nodes"].append({"id": "go", "agent": "workflow",
                                      "parameters": {"workflow": "Other"}}),
         [("agent", "workflow", "go"), ("workflow", "Other", "go")]),
        (lambda d: d["nodes"][0].update(compensate={
            "agent": "api", "parameters": {"url": "https://c.example/undo", "method": "GET"}}),
         [("host", "c.example", "read")]),
        (_settings(notify_on_failure=True, notification_channel="mailto:z@a.example"),
         [("recipient", "mailto:z@a.example", None)]),
        (_settings(error_workflow=f"wf_{'0' * 32}"), [("workflow", f"wf_{'0' * 32}", None)]),
    ],
)  # fmt: skip
def test_everything_new_within_reach_is_told(
    edit: Edit, expected: list[tuple[str, str, str | None]]
) -> None:
    """Hosts, recipients, databases, secrets, agents, workflows, and what an agent does there."""
    assert found(edit) == expected


@pytest.mark.requirement("FIRST.2")
@pytest.mark.parametrize(
    "edit",
    [
        _parameters(0, url="https://a.example/other"),
        _parameters(1, body="otherwise"),
        lambda document: document["nodes"].pop(),
        lambda document: document["nodes"][0].update(id="fetch"),
        lambda document: document["nodes"].append({**document["nodes"][1], "id": "again"}),
        _settings(notification_channel="mailto:z@a.example"),
    ],
)
def test_what_was_within_reach_before_is_not_told(edit: Edit) -> None:
    """The same host, recipient or agent elsewhere, less of them, or none of them."""
    document = copy.deepcopy(BASE)
    edit(document)
    document["edges"] = []
    old, new = Specification.model_validate(BASE), Specification.model_validate(document)
    assert widens(old, new, AGENTS) == []
