"""The plan: side effects, estimates and warnings, without doing anything."""

import json
from collections.abc import Callable

import pytest

from agents.registry import builtin_registry
from compiler.intervals import Interval
from compiler.plan import Plan, plan
from compiler.signature import AgentSignature
from compiler.text import load, specification_hash

Agents = dict[str, AgentSignature]
LLM = "agent: llm, retry: {max_attempts: 1}, parameters: {prompt: x}"


@pytest.mark.requirement("FR-1.10", "FIRST.3")
def test_a_plan_says_what_each_node_touches(document: Callable[[str], str], agents: Agents) -> None:
    """Hosts, databases and side effects are read from the parameters, per node and gathered."""
    specification = load(document("uptime_monitor.json"))
    found = plan(specification, agents)
    effects = {node.id: node.outside.side_effect for node in found.nodes}
    assert effects == {
        "check_uptime": "reads",
        "router": "none",
        "send_slack_alert": "writes",
        "log_to_db": "writes",
    }
    written = found.to_document()
    assert written["hosts"] == ["example.com", "hooks.slack.com"]
    assert written["databases"] == ["postgresql: the tenant's default"]
    assert written["specification_hash"] == specification_hash(specification)
    assert written["levels"][2] == ["send_slack_alert", "log_to_db"]
    assert written["runnable"] is True
    assert json.loads(json.dumps(written)) == written


def test_what_is_known_only_at_run_time_is_shown_as_written(
    document: Callable[[str], str], agents: Agents
) -> None:
    """A host and a recipient that come from the input stand as their references."""
    found = plan(load(document("linkedin_skills.yaml")), agents)
    written = found.to_document()
    assert written["hosts"] == ["{input.profile_urls}"]
    assert written["recipients"] == ["{input.user_email}"]
    assert [warning.rule for warning in found.warnings] == ["unknown_recipient", "unknown_channel"]


def test_channels_and_conversations_are_recipients() -> None:
    """Of ready agents it is marked which parameter says who gets something."""
    text = """
nodes:
- {id: a, agent: slack_post_message, parameters: {token: "{secrets.t}", channel: "#ops", text: x}}
- {id: b, agent: telegram_send_message, parameters: {api_key: "{secrets.t}", chat_id: "7", text: x}}
edges: [{from: a, to: b}]
"""
    assert plan(load(text), builtin_registry().signatures()).to_document()["recipients"] == [
        "#ops",
        "7",
    ]


def test_secrets_and_passwords_stay_out(agents: Agents) -> None:
    """Secrets are named, never shown; a literal password is not part of the plan."""
    text = """
nodes:
- id: a
  agent: database
  parameters: {query: SELECT 1, connection_string: "postgres://me:hunter2@db.example.com/sales"}
- id: b
  agent: database
  parameters: {query: SELECT 1, connection_string: "{secrets.warehouse}"}
- id: c
  agent: api
  parameters: {url: "https://me:hunter2@Api.Example.com:8443/x", headers: {A: "{secrets.key}"}}
edges: [{from: a, to: b}, {from: b, to: c}]
"""
    written = plan(load(text), agents).to_document()
    assert written["databases"] == [
        "postgresql: db.example.com/sales",
        "postgresql: {secrets.warehouse}",
    ]
    assert written["hosts"] == ["api.example.com:8443"]
    assert written["secrets"] == ["warehouse", "key"]
    assert "hunter2" not in json.dumps(written)


def _plan(agents: Agents, nodes: str, edges: str, more: str = "") -> Plan:
    return plan(
        load(f"{more}\npattern: orchestrator_worker\nnodes: [{nodes}]\nedges: [{edges}]"), agents
    )


def test_times_add_up_in_a_row_and_overlap_side_by_side(agents: Agents) -> None:
    """A row takes the sum, parallel branches the longest, money is always the sum."""
    nodes = ", ".join(f"{{id: {name}, {LLM}}}" for name in "abcd")
    row = _plan(agents, nodes, "{from: a, to: b}, {from: b, to: c}, {from: c, to: d}")
    fork = _plan(
        agents, nodes, "{from: a, to: b}, {from: a, to: c}, {from: b, to: d}, {from: c, to: d}"
    )
    assert (row.seconds, fork.seconds) == (Interval(8, 8), Interval(6, 6))
    assert row.cost_usd.high == fork.cost_usd.high == pytest.approx(0.04)


def test_a_choice_takes_one_of_its_ways(agents: Agents) -> None:
    """The low end is the shortest way, the high end the longest."""
    nodes = ", ".join(f"{{id: {name}, {LLM}}}" for name in "abcd")
    choice = _plan(
        agents,
        nodes,
        "{from: a, to: b, condition: a.x}, {from: a, to: c}, {from: b, to: d}",
    )
    assert choice.seconds == Interval(4, 6)


def test_attempts_and_waits_count_to_the_high_end(agents: Agents) -> None:
    """Three attempts of two seconds with waits of one and two, spread by a tenth."""
    found = _plan(agents, "{id: a, agent: llm, parameters: {prompt: x}}", "")
    assert found.seconds.low == 2
    assert found.seconds.high == pytest.approx(6 + 3 * 1.1)


def test_what_has_no_bound_says_so(document: Callable[[str], str], agents: Agents) -> None:
    """A loop and a list of unknown length rest on assumptions; a limit or a timeout ends that."""
    nodes = f"{{id: a, {LLM}}}, {{id: b, {LLM}}}"
    loop = "{from: a, to: b}, {from: b, to: a, condition: b.again}"
    found = _plan(agents, nodes, loop)
    assert (found.seconds.bounded, found.seconds.low) == (False, 4)
    bound = "settings: {execution: {timeout_seconds: 60}}"
    assert _plan(agents, nodes, loop, bound).seconds == Interval(4, 60)
    text = document("customer_feedback.json")
    limited, unlimited = load(text), load(text.replace('"limit": 100', '"wait_for_load": true'))
    assert plan(limited, agents).seconds.bounded
    assert not plan(unlimited, agents).seconds.bounded


def test_a_person_may_take_their_whole_time(agents: Agents) -> None:
    """An approval takes from nothing to its own timeout."""
    found = _plan(agents, "{id: a, agent: human_loop, parameters: {message: x, timeout: 99}}", "")
    assert found.seconds == Interval(0, 99)


def test_a_faulty_specification_has_problems_and_no_estimate(agents: Agents) -> None:
    """What cannot run is said; its nodes are planned as far as their agents are known."""
    found = _plan(agents, "{id: a, agent: nobody}, {id: b, agent: llm}", "{from: a, to: b}")
    assert not found.runnable
    assert {problem.rule for problem in found.problems} == {"unknown_agent", "missing_parameter"}
    assert [node.id for node in found.nodes] == ["b"]
    assert found.seconds == Interval()
    assert found.warnings == ()
    assert found.to_document()["problems"][0]["remedy"]


@pytest.mark.parametrize(
    ("nodes", "edges", "more", "rule"),
    [
        (
            "{id: a, agent: email, pattern: map, input: input.people, "
            "parameters: {to: '{person}'}}",
            "",
            "",
            "sends_in_map",
        ),
        ("{id: a, agent: email, parameters: {to: '{input.x}'}}", "", "", "unknown_recipient"),
        ("{id: a, agent: api, parameters: {url: 'x{secrets.k}'}}", "", "", "needs_secret"),
        (f"{{id: a, {LLM}}}", "", "", "no_timeout"),
        (
            f"{{id: a, timeout: 99, {LLM}}}",
            "",
            "settings: {execution: {timeout_seconds: 9}}",
            "timeout_never_reached",
        ),
        (
            "{id: a, agent: api, parameters: {url: x}}",
            "",
            "state_schema: {output: {properties: {body: {}, nope: {}}}}",
            "unproven_output",
        ),
        (
            f"{{id: a, {LLM}}}, {{id: b, {LLM}}}, "
            "{id: c, agent: llm, parameters: {prompt: '{a} {b}'}}",
            "{from: a, to: b, condition: a.x}, {from: a, to: c}, {from: b, to: c}",
            "",
            "may_be_absent",
        ),
    ],
)
def test_warnings_say_what_a_person_should_know(
    agents: Agents, nodes: str, edges: str, more: str, rule: str
) -> None:
    """A workflow that can run may still hold surprises; each is named once."""
    found = _plan(agents, nodes, edges, more)
    assert found.problems == ()
    assert [warning.rule for warning in found.warnings].count(rule) == 1
    assert all(warning.remedy for warning in found.warnings)
