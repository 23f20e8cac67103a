"""Agents, parameters and scripts."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from compiler.check import check
from compiler.errors import Problem
from compiler.signature import AgentSignature
from compiler.text import load

Problems = Callable[[str], list[Problem]]


def node(agent: str, parameters: str, more: str = "") -> str:
    """Write a specification of one node."""
    return (
        "state_schema: {input: {}}\n"
        f"nodes: [{{id: a, agent: {agent}, parameters: {{{parameters}}}{more}}}]"
    )


@pytest.mark.requirement("FR-1.4")
@pytest.mark.parametrize(
    ("text", "rule", "path", "said"),
    [
        (node("web_scrapping", ""), "unknown_agent", "agent", "Did you mean `web_scraping`?"),
        (node("llm", ""), "missing_parameter", "parameters.prompt", "Add `prompt`."),
        (node("llm", "prompt: 3"), "wrong_parameter", "parameters.prompt", "must be a text"),
        (
            node("llm", "prompt: x, modle: y"),
            "unknown_parameter",
            "parameters.modle",
            "Did you mean `model`?",
        ),
        (
            node("llm", "prompt: x, output_format: jsn"),
            "wrong_parameter",
            "parameters.output_format",
            "Did you mean `json`?",
        ),
        (
            node("llm", "prompt: x, temperature: 3"),
            "wrong_parameter",
            "parameters.temperature",
            "at most 2",
        ),
        (
            node("email", "to: [a@b.c, 3]"),
            "wrong_parameter",
            "parameters.to[1]",
            "must be a text",
        ),
        (
            node("human_loop", "message: x", ", pattern: map, input_keys: [input.xs]"),
            "not_mappable",
            "pattern",
            "after the map",
        ),
        (
            node("data_processing", "script: 'return data.map(x => x.id)'"),
            "script_syntax",
            "parameters.script",
            "written in Python",
        ),
        (
            node("data_processing", "where: 'item.score >'"),
            "script_syntax",
            "parameters.where",
            "written in Python",
        ),
    ],
)
def test_each_fault_of_a_node_is_named(
    problems: Problems, text: str, rule: str, path: str, said: str
) -> None:
    """One fault gives one problem with its path and what to do."""
    (problem,) = problems(text)
    assert (problem.rule, problem.path) == (rule, f"nodes[0].{path}")
    assert said in f"{problem.message} {problem.remedy}"


@pytest.mark.parametrize(
    "text",
    [
        node("llm", "prompt: '{input.text}', temperature: '{input.temperature}'"),
        node("llm", "prompt: x, output_format: '{input.format}'"),
        node("llm", "prompt: x, output_format: 'js{input.rest}'"),
        node("email", "to: '{input.people}'"),
        node("email", "to: ['{input.one}', b@c.d]"),
        node("web_scraping", "urls: '{input.urls}', limit: '{input.limit}'"),
        node("data_processing", r"script: \"return [x for x in data]\"".replace("\\", "")),
        node("data_processing", "where: \"item['score'] > 1\""),
    ],
)
def test_what_a_reference_will_be_is_not_guessed(problems: Problems, text: str) -> None:
    """A value that is a reference fits every type until it is resolved; valid code passes."""
    assert problems(text) == []


def test_text_around_a_reference_is_text(problems: Problems) -> None:
    """A number cannot be made of a reference inside a longer text."""
    (problem,) = problems(node("web_scraping", "url: x, timeout: '{input.t} seconds'"))
    assert (problem.rule, problem.path) == ("wrong_parameter", "nodes[0].parameters.timeout")


def test_a_union_is_reported_by_the_branch_that_is_meant(
    agents: dict[str, AgentSignature],
) -> None:
    """When one field says which of several shapes is meant, only its faults are named."""
    basic = {"type": {"const": "basic"}, "user": {"type": "string"}}
    bearer = {"type": {"const": "bearer"}, "token": {"type": "string"}}
    schema = {
        "properties": {
            "auth": {
                "oneOf": [
                    {"properties": basic, "required": ["user"], "type": "object"},
                    {"properties": bearer, "required": ["token"], "type": "object"},
                ]
            }
        }
    }
    changed = {"api": replace(agents["api"], parameters_schema=schema)}
    (problem,) = check(load(node("api", "auth: {type: basic}")), changed)
    assert (problem.path, problem.remedy) == ("nodes[0].parameters.auth.user", "Add `user`.")


def test_an_agents_own_rules_are_asked_when_all_values_are_there(
    agents: dict[str, AgentSignature],
) -> None:
    """Rules that no schema holds apply at check time, unless a value is still to come."""
    asked = replace(agents["api"], parameter_faults=lambda parameters: [("url", "Not that one.")])
    (problem,) = check(load(node("api", "url: x")), {"api": asked})
    assert (problem.rule, problem.path) == ("wrong_parameter", "nodes[0].parameters.url")
    assert problem.message == "api: Not that one."
    assert check(load(node("api", "url: '{input.url}'")), {"api": asked}) == []
