"""What a specification says of a model's tools is checked before anything runs."""

from typing import Any

import pytest

from agents.custom.build import definition_problems
from agents.custom.definition import Definition
from agents.registry import Registry
from compiler.check import check
from compiler.editing.widening import widens
from compiler.outside import node_outside
from compiler.plan import plan
from compiler.specification import Specification
from compiler.workers import agent_names
from tests.agents.custom.making import definition

MAIL = {"agent": "email", "parameters": {"to": "boss@example.com"}, "open": ["body"]}
SEARCH = {
    "agent": "api",
    "name": "search",
    "parameters": {
        "url": "https://api.example.com/search",
        "auth": {"type": "bearer", "token": "{secrets.search}"},
    },
}


def thinks(*tools: Any, **parameters: Any) -> Specification:
    """A workflow whose model may call tools."""
    given = {"prompt": "Do {input.task}", "tools": list(tools), **parameters}
    return Specification.model_validate(
        {"nodes": [{"id": "think", "agent": "llm", "parameters": given}],
         "state_schema": {"input": {"properties": {"task": {}, "agent": {}, "host": {}}}}}
    )  # fmt: skip


@pytest.mark.requirement("FR-1.4")
@pytest.mark.parametrize(
    "tools",
    [
        ["data_processing"],
        [MAIL],
        [SEARCH],
        [{"agent": "web_scraping", "hosts": ["*.example.com", "{input.host}"]}],
        [{"agent": "web_scraping", "parameters": {"url": "{input.task}"}}],
        [{"agent": "email", "open": ["to", "body"], "recipients": ["{user.email}"]}],
        [
            {
                "agent": "slack_post_message",
                "parameters": {"token": "{secrets.slack}", "channel": "C1"},
                "open": ["text"],
            }
        ],
        [{"agent": "database", "parameters": {"query": "SELECT $1"}, "open": ["params"]}],
    ],
)
def test_tools_that_can_be_used(registry: Registry, tools: list[Any]) -> None:
    """Names, fixed parameters with references and secrets, and what is left open."""
    assert check(thinks(*tools), registry.signatures()) == []


@pytest.mark.requirement("FR-1.4")
@pytest.mark.parametrize(
    ("tool", "rule", "path"),
    [
        ("llm", "not_a_tool", "[0].agent"),
        ("human_loop", "not_a_tool", "[0].agent"),
        ("wait", "not_a_tool", "[0].agent"),
        ("workflow", "not_a_tool", "[0].agent"),
        ("workers", "not_a_tool", "[0].agent"),
        ("router", "not_a_tool", "[0].agent"),
        ("web_scrapping", "unknown_agent", "[0].agent"),
        ("{input.agent}", "tool_from_data", "[0]"),
        ({"agent": "{input.agent}"}, "tool_from_data", "[0].agent"),
        ({"agent": "web_scraping", "hosts": ["a.b"], "open": ["{input.agent}"]},
         "tool_from_data", "[0].open"),
        ("api", "tool_parameter_left", "[0].parameters.url"),
        ("web_scraping", "tool_without_host", "[0]"),
        ({"agent": "web_scraping", "open": ["url"]}, "open_address", "[0].open[0]"),
        ({"agent": "email", "open": ["to"]}, "open_recipient", "[0].open[0]"),
        ({"agent": "email", "open": ["body"]}, "tool_parameter_left", "[0].parameters.to"),
        ({"agent": "slack_post_message", "parameters": {"token": "{secrets.slack}"},
          "open": ["channel", "text"]}, "open_recipient", "[0].open[0]"),
        ({**MAIL, "open": ["bodi"]}, "unknown_parameter", "[0].open[0]"),
        ({**MAIL, "open": ["to"]}, "open_and_fixed", "[0].open[0]"),
        ({**SEARCH, "open": ["method"]}, "never_open", "[0].open[0]"),
        ({**SEARCH, "open": ["headers"]}, "never_open", "[0].open[0]"),
        ({"agent": "slack_post_message", "open": ["token", "channel", "text"]},
         "never_open", "[0].open[0]"),
        ({"agent": "email", "parameters": {"to": 3}}, "wrong_parameter", "[0].parameters.to"),
        ({"agent": "email", "parameters": {"to": "a@b.c", "bdy": ""}}, "unknown_parameter",
         "[0].parameters.bdy"),
    ],
)  # fmt: skip
def test_each_fault_of_a_tool_is_named(registry: Registry, tool: Any, rule: str, path: str) -> None:
    """With its path, before anything runs."""
    problems = check(thinks(tool), registry.signatures())
    found = {(problem.rule, problem.path) for problem in problems}
    assert (rule, f"nodes[0].parameters.tools{path}") in found


def test_two_tools_of_one_name_are_refused(registry: Registry) -> None:
    """A model could not tell them apart."""
    rules = [problem.rule for problem in check(thinks(MAIL, MAIL), registry.signatures())]
    assert rules == ["tool_twice"]


def test_tools_are_never_taken_from_data(registry: Registry) -> None:
    """A reference in the place of the list is refused."""
    specification = thinks(MAIL, tools="{input.task}")
    rules = {problem.rule for problem in check(specification, registry.signatures())}
    assert "tool_from_data" in rules


def test_a_secret_stands_in_fixed_parameters_only(registry: Registry) -> None:
    """The prompt, and what the model is told of a tool, hold none."""
    tool = {**SEARCH, "description": "Use {secrets.search}"}
    (problem,) = check(thinks(tool), registry.signatures())
    assert (problem.rule, problem.path) == (
        "exposed_secret", "nodes[0].parameters.tools[0].description"
    )  # fmt: skip


@pytest.mark.requirement("FR-1.6")
def test_a_plan_shows_what_tools_touch(registry: Registry) -> None:
    """The strongest tool's effect, all hosts, recipients and secrets."""
    specification = thinks(MAIL, SEARCH, {"agent": "web_scraping", "hosts": ["news.example.com"]})
    touched = node_outside(specification.nodes[0], registry.signatures())
    assert touched.side_effect == "sends"
    assert touched.hosts == ("api.example.com", "news.example.com")
    assert touched.recipients == ("boss@example.com",)
    assert touched.secrets == ("search",)
    warned = [one.rule for one in plan(specification, registry.signatures()).warnings]
    assert "needs_secret" in warned


def test_one_more_tool_widens_a_workflow(registry: Registry) -> None:
    """The agent, its effect and its recipients have to be confirmed."""
    told = widens(thinks(SEARCH), thinks(SEARCH, MAIL), registry.signatures())
    assert {(one.kind, one.value) for one in told} == {
        ("agent", "email"), ("recipient", "boss@example.com"), ("effect", "llm sends")
    }  # fmt: skip


def test_the_agents_of_tools_are_the_specifications(registry: Registry) -> None:
    """They are looked up as those of nodes are."""
    assert agent_names(thinks("score@2", MAIL)) == ("llm", "score@2", "email")


def test_values_are_not_written_into_sql(registry: Registry) -> None:
    """A text from outside could change what the statement does; it is bound instead."""

    def reads(**parameters: Any) -> Specification:
        node = {"id": "find", "agent": "database", "parameters": parameters}
        given: dict[str, Any] = {"input": {"properties": {"name": {}}}}
        return Specification.model_validate({"nodes": [node], "state_schema": given})

    (problem,) = check(reads(query="SELECT '{input.name}'"), registry.signatures())
    assert (problem.rule, problem.path) == ("reference_in_sql", "nodes[0].parameters.query")
    assert 'params: ["{input.name}"]' in problem.remedy
    bound = reads(query="SELECT $1", params=["{input.name}"])
    assert check(bound, registry.signatures()) == []
    whole = plan(reads(query="{input.name}"), registry.signatures())
    assert "unknown_statement" in {warning.rule for warning in whole.warnings}


def test_a_step_of_a_chain_has_no_tools(registry: Registry) -> None:
    """They belong to a node, whose specification names them."""
    step = {"id": "a", "agent": "llm", "parameters": {"prompt": "x", "tools": ["data_processing"]}}
    made = Definition.model_validate(definition({"type": "chain", "steps": [step]}))
    rules = [problem.rule for problem in definition_problems(made, registry.signatures())]
    assert rules == ["not_in_chain"]
