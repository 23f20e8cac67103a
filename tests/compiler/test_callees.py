"""Plans of workflows that run others: what those touch counts, as far as it is known."""

from dataclasses import replace
from typing import Any

import pytest

from compiler.callees import Callees, callee_names
from compiler.plan import Plan, plan
from compiler.signature import AgentSignature
from compiler.text import load
from tests.compiler.conftest import signature

Agents = dict[str, AgentSignature]
TEXT = """
state_schema: {input: {properties: {which: {default: child}, rows: {}}}}
nodes:
- id: a
  agent: workflow
  parameters: {workflow: "{input.which}", input: {site: shop.example}}
settings: {execution: {timeout_seconds: 99}}
"""
CHILD = """
metadata: {name: Child}
state_schema: {input: {properties: {site: {type: string}, more: {}}, required: [site, more]}}
nodes:
- {id: x, agent: api, parameters: {url: "https://{input.site}/"}, retry: {max_attempts: 1},
   compensate: {agent: api, parameters: {url: "https://undo.example/{secrets.key}"}}}
- {id: y, agent: email, parameters: {to: boss@example.com}, retry: {max_attempts: 1}}
edges: [{from: x, to: y}]
"""


@pytest.fixture
def known(agents: Agents) -> Agents:
    """The agents, with the one that runs workflows."""
    runs = signature("workflow", {"workflow": {"type": "string"}, "input": {}}, ("workflow",))
    return {**agents, "workflow": replace(runs, side_effect="writes", driven=True)}


def planned(known: Agents, text: str, input: Any = None, **texts: str) -> Plan:
    """Plan a text with the workflows that there are, by name; `gone` there is not."""
    specifications = {name: load(child) for name, child in texts.items()}
    return plan(load(text), known, input, callees=Callees(specifications, frozenset(["gone"])))


@pytest.mark.requirement("FIRST.3", "USER.6")
def test_what_a_called_workflow_touches_counts(known: Agents) -> None:
    """Its hosts, recipients and secrets are those of the node that runs it; its time as well."""
    found = planned(known, TEXT, child=CHILD)
    written = found.to_document()
    assert written["hosts"] == ["shop.example", "undo.example"]
    assert (written["recipients"], written["secrets"]) == (["boss@example.com"], ["key"])
    [node] = written["nodes"]
    assert node["side_effect"] == "sends"
    assert node["calls"]["name"] == "Child"
    assert (found.seconds.low, found.seconds.high) == (4, 4)
    alone = plan(load(TEXT), known)
    assert (alone.nodes[0].calls, alone.to_document()["hosts"]) == (None, [])


def test_a_map_takes_as_long_as_its_workflows(known: Agents) -> None:
    """Each element is an execution of its own."""
    text = TEXT.replace("agent: workflow", "agent: workflow\n  pattern: map\n  input: input.rows")
    text = text.replace("shop.example", 'shop.example, more: "{row}"')
    found = planned(known, text, {"rows": [1] * 20}, child=CHILD)
    assert (found.problems, found.seconds.high) == ((), 8)
    assert found.to_document()["hosts"] == ["shop.example", "undo.example"]


def test_which_workflow_may_be_said_by_the_input(known: Agents) -> None:
    """A name that only the execution will know is followed nowhere."""
    assert callee_names(load(TEXT), known, {"which": "other"}) == ("other",)
    assert callee_names(load(TEXT), known, {}) == ()
    assert planned(known, TEXT, {"which": "other"}, child=CHILD).nodes[0].calls is None


def test_a_workflow_that_is_not_there_is_warned_of(known: Agents) -> None:
    """It may still come; nobody is warned where nobody has looked."""
    found = planned(known, TEXT, {"which": "gone"}, child=CHILD)
    assert [warning.rule for warning in found.warnings] == ["unknown_callee"]
    assert plan(load(TEXT), known, {"which": "gone"}).warnings == ()


def test_a_workflow_that_refuses_its_input_is_warned_of(known: Agents) -> None:
    """What is wrong with it is said; what it lacks may come at run time."""
    found = planned(known, TEXT.replace("shop.example", "5"), child=CHILD)
    [warning] = found.warnings
    assert warning.rule == "refused_call"
    assert "`site` must be a text" in warning.message
    assert found.runnable


def test_a_workflow_that_runs_itself_has_a_plan(known: Agents) -> None:
    """It is followed once, and the number of nodes that are followed has an end."""
    found = planned(known, TEXT, child=TEXT)
    assert found.nodes[0].calls is not None
    assert found.nodes[0].calls.nodes[0].calls is None
    node = "{{id: n{0}, agent: workflow, parameters: {{workflow: {1}}}}}"
    many = [
        "nodes: [" + ", ".join(node.format(n, f"w{level + 1}") for n in range(20)) + "]\n"
        "pattern: orchestrator_worker"
        for level in range(8)
    ]
    callees = Callees({f"w{level}": load(text) for level, text in enumerate(many)})
    plan(load(many[0]), known, callees=callees)
    assert callees.left == 0
