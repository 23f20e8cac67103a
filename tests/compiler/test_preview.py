"""Plans with an input: resolved parameters, what stays a reference, what nobody may read."""

import json
from typing import Any

import pytest

from compiler.plan import Plan, plan
from compiler.preview import HIDDEN
from compiler.signature import AgentSignature
from compiler.text import load

Agents = dict[str, AgentSignature]
TEXT = """
state_schema:
  input:
    properties:
      site: {type: string, default: shop.example}
      to: {type: array, items: {type: string}}
      note: {}
    required: [to]
nodes:
- {id: a, agent: api, parameters: {url: "https://{input.site}/x", headers: {A: "{secrets.key}"}}}
- {id: b, agent: email, parameters:
    {to: "{input.to}", subject: "{input.note} of {a.status_code}", body: "{a.body}"}}
edges: [{from: a, to: b}]
settings: {execution: {timeout_seconds: 9}}
"""


def planned(agents: Agents, text: str, **input: Any) -> Plan:
    """Plan a text with an input."""
    return plan(load(text), agents, input)


def parameters(agents: Agents, text: str, **input: Any) -> dict[str, Any]:
    """Return the parameters of the first node as the plan shows them."""
    return dict(planned(agents, text, **input).nodes[0].parameters)


@pytest.mark.requirement("FR-1.10", "FIRST.3")
def test_values_of_the_input_stand_in_the_parameters(agents: Agents) -> None:
    """Given values and defaults are filled in; outputs stay references, secrets names."""
    found = planned(agents, TEXT, to=["x@example.com"], note=3)
    first, second = (node.parameters for node in found.nodes)
    assert first == {"url": "https://shop.example/x", "headers": {"A": "{secrets.key}"}}
    assert second == {
        "to": ["x@example.com"], "subject": "3 of {a.status_code}", "body": "{a.body}",
    }  # fmt: skip
    assert found.missing_input == ()


def test_what_is_touched_is_known_with_the_input(agents: Agents) -> None:
    """Hosts and recipients are those of the execution; nobody is unknown any more."""
    found = planned(agents, TEXT, to=["x@example.com"], note="n", site="other.example")
    written = found.to_document()
    assert (written["hosts"], written["recipients"]) == (["other.example"], ["x@example.com"])
    assert [warning.rule for warning in found.warnings] == ["needs_secret"]
    unknown = planned(agents, TEXT)
    assert unknown.to_document()["recipients"] == ["{input.to}"]
    assert {warning.rule for warning in unknown.warnings} == {"needs_secret", "unknown_recipient"}


def test_what_the_input_lacks_is_no_problem_of_the_workflow(agents: Agents) -> None:
    """It is named; a value of another type is a problem, with its path."""
    found = planned(agents, TEXT)
    assert (found.runnable, found.missing_input) == (True, ("to",))
    wrong = planned(agents, TEXT, to="x@example.com")
    assert [problem.path for problem in wrong.problems] == ["input.to"]
    assert not wrong.runnable


@pytest.mark.parametrize("note", ["{secrets.other}", "}{secrets.other}{", {"a": "{input.to}"}])
def test_no_value_passes_for_a_reference(agents: Agents, note: Any) -> None:
    """Braces in a value are text: it is shown, and names no secret and no host."""
    text = TEXT.replace("https://{input.site}/x", "https://x.example/{input.note}")
    found = planned(agents, text, to=["x@example.com"], note=note)
    written = found.to_document()
    assert written["secrets"] == ["key"]
    assert written["hosts"] == ["x.example"]
    shown = note if isinstance(note, str) else '{"a":"{input.to}"}'
    assert found.nodes[0].parameters["url"] == f"https://x.example/{shown}"


def test_braces_of_the_text_stay_text(agents: Agents) -> None:
    """A doubled brace is one brace, also where a value stands beside it."""
    text = "nodes: [{id: a, agent: api, parameters: {url: x, body: '{{secrets.x}} {input.b}'}}]"
    found = planned(agents, text, b="y")
    assert found.nodes[0].parameters["body"] == "{secrets.x} y"
    assert found.to_document()["secrets"] == []


def test_code_is_shown_as_it_is(agents: Agents) -> None:
    """Braces in a script are Python's."""
    text = "nodes: [{id: a, agent: data_processing, parameters: {script: 'return {input.x}'}}]"
    assert parameters(agents, text, x=1) == {"script": "return {input.x}"}


def test_long_values_are_not_shown(agents: Agents) -> None:
    """Where a person reads it a long text stays its reference."""
    text = "nodes: [{id: a, agent: llm, parameters: {prompt: 'Sum up: {input.x}'}}]"
    assert parameters(agents, text, x="short")["prompt"] == "Sum up: short"
    assert parameters(agents, text, x="x" * 5000)["prompt"] == "Sum up: {input.x}"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"url": "https://me:hunter2@x.example/"}, {"url": "https://me:***@x.example/"}),
        ({"url": "{input.u}"}, {"url": "postgres://me:***@db/x"}),
        ({"url": "x", "headers": {"Authorization": "Bearer hunter2"}},
         {"url": "x", "headers": {"Authorization": HIDDEN}}),
        ({"url": "x", "headers": {"X-API-Key": "hunter2", "Accept": "text/html"}},
         {"url": "x", "headers": {"X-API-Key": HIDDEN, "Accept": "text/html"}}),
        ({"url": "x", "headers": {"X-Token": "{secrets.t}"}},
         {"url": "x", "headers": {"X-Token": "{secrets.t}"}}),
        ({"url": "x", "body": [{"password": "hunter2", "user": "me"}]},
         {"url": "x", "body": [{"password": HIDDEN, "user": "me"}]}),
        ({"url": "x", "body": {"auth": {"key": "hunter2", "name": "K"}, "key": "paid"}},
         {"url": "x", "body": {"auth": {"key": HIDDEN, "name": "K"}, "key": "paid"}}),
        ({"url": "x", "body": {"token": "{input.u}"}}, {"url": "x", "body": {"token": HIDDEN}}),
        ({"url": "x", "body": {"accessToken": "hunter2", "Cookie": "hunter2", "tokens": "5"}},
         {"url": "x", "body": {"accessToken": HIDDEN, "Cookie": HIDDEN, "tokens": "5"}}),
    ],
)  # fmt: skip
def test_passwords_are_hidden(agents: Agents, given: Any, shown: Any) -> None:
    """Of an address, of credentials and of what an input brings; a secret's name is none."""
    text = json.dumps({"nodes": [{"id": "a", "agent": "api", "parameters": given}]})
    found = planned(agents, text, u="postgres://me:hunter2@db/x")
    assert found.nodes[0].parameters == shown
    assert "hunter2" not in json.dumps(found.to_document())


def test_workers_and_compensations_are_shown_as_nodes_are(agents: Agents) -> None:
    """Their parameters hold the input's values as well, and what they touch is counted."""
    workers = {**agents, "workers": agents["aggregator"]}
    text = """
state_schema: {input: {properties: {rows: {}, to: {}, host: {}}}}
nodes:
- id: a
  agent: workers
  pattern: map
  input: input.rows
  workers: {mail: {agent: email, parameters: {to: "{input.to}", body: "{row}"}}}
- id: b
  agent: api
  parameters: {url: "https://x.example"}
  compensate: {agent: api, parameters: {url: "https://{input.host}/", method: DELETE}}
edges: [{from: a, to: b}]
"""
    found = planned(workers, text, to="x@example.com", host="undo.example")
    first, second = found.to_document()["nodes"]
    assert first["workers"]["mail"]["parameters"] == {"to": "x@example.com", "body": "{row}"}
    assert first["workers"]["mail"]["recipients"] == first["recipients"] == ["x@example.com"]
    assert second["compensation"]["parameters"]["url"] == "https://undo.example/"
    assert found.to_document()["hosts"] == ["x.example", "undo.example"]
