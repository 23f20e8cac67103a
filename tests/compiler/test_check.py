"""The check as a whole: every problem at once, in the order of the document."""

import json
import random
from collections.abc import Callable

import pytest

from compiler.check import check, validate_input
from compiler.errors import Problem
from compiler.signature import AgentSignature
from compiler.specification import Specification
from compiler.text import load, locate

FAULTY = """\
state_schema: {input: {properties: {urls: {type: array}}}, output: {type: strin}}
nodes:
  - {id: a, agent: web_scrapping}
  - {id: b, agent: llm, parameters: {temperature: 5}}
  - {id: b, agent: llm, parameters: {prompt: "{nope}"}}
  - {id: c, agent: router, parameters: {condition: "b ==", if_true: zz}}
edges:
  - {from: a, to: b}
  - {from: b, to: c}
  - {from: c, to: b}
  - {from: c, to: x}
settings: {monitoring: {alert_on_sla_breach: true}}
"""


@pytest.mark.requirement("FR-1.4")
def test_every_problem_is_found_at_once(problems: Callable[[str], list[Problem]]) -> None:
    """Faults of every kind in one specification are all reported, each with path and remedy."""
    found = problems(FAULTY)
    assert [(problem.rule, problem.path) for problem in found] == [
        ("invalid_schema", "state_schema.output.type"),
        ("unknown_agent", "nodes[0].agent"),
        ("wrong_parameter", "nodes[1].parameters.temperature"),
        ("missing_parameter", "nodes[1].parameters.prompt"),
        ("unknown_reference", "nodes[2].parameters.prompt"),
        ("condition_syntax", "nodes[3].parameters.condition"),
        ("duplicate_id", "nodes[2].id"),
        ("dangling_edge", "edges[3].to"),
        ("wrong_router_target", "nodes[3].parameters.if_true"),
        ("edge_never_taken", "edges[2]"),
        ("edge_never_taken", "edges[3]"),
        ("missing_sla", "settings.monitoring.sla_seconds"),
    ]
    assert all(problem.message.endswith((".", "?")) and problem.remedy for problem in found)
    assert [problem.line for problem in locate(found, FAULTY)][:3] == [1, 3, 4]


@pytest.mark.parametrize("seed", range(5))
def test_a_random_specification_never_breaks_the_check(
    seed: int, agents: dict[str, AgentSignature], randomness: Callable[[int], random.Random]
) -> None:
    """Whatever the graph and the texts are, the answer is a list of problems."""
    chooser = randomness(seed)
    names = [*agents, "nobody"]
    texts = ["{a}", "{n1.x}", "{{n2}}", "n3 > 1", "n1.y", "{item}", "{input.z}", "{", ""]
    for _ in range(60):
        count = chooser.randrange(1, 9)
        nodes = [
            {
                "id": f"n{chooser.randrange(count + 1)}",
                "agent": chooser.choice(names),
                "pattern": chooser.choice([None, None, "map"]),
                "input_keys": chooser.choices(["n1", "input.x", "{n}"], k=chooser.randrange(2)),
                "parameters": {
                    key: chooser.choice([*texts, f"n{chooser.randrange(count)}", 1, [], {}])
                    for key in ("prompt", "condition", "if_true", "if_false", "routes", "to")
                },
            }
            for _ in range(count)
        ]
        edges = [
            {
                "from": f"n{chooser.randrange(count)}",
                "to": f"n{chooser.randrange(count)}",
                "condition": chooser.choice([None, None, *texts]),
            }
            for _ in range(chooser.randrange(12))
        ]
        specification = load(json.dumps({"nodes": nodes, "edges": edges}))
        found = check(specification, agents)
        assert all(isinstance(problem, Problem) for problem in found)


def test_a_large_chain_has_no_problem(
    chain: Callable[..., Specification], agents: dict[str, AgentSignature]
) -> None:
    """The largest workflow, a thousand nodes in a row, is checked without recursion."""
    assert check(chain(*(f"n{i}" for i in range(1000))), agents) == []


SCHEMA = """
state_schema:
  input:
    type: object
    required: [url, count]
    additionalProperties: false
    properties:
      url: {type: string, minLength: 3}
      count: {type: integer, minimum: 1, maximum: 9}
      kind: {enum: [news, blog]}
      mail: {type: string, format: email}
      tags: {type: array, items: {type: string}, maxItems: 1}
      either: {anyOf: [{type: string}, {type: "null"}]}
nodes: [{id: a, agent: llm}]
"""


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"url": "abc", "count": 1, "either": None}, []),
        ({}, ["input.url: `url` is missing.", "input.count: `count` is missing."]),
        ([], ["input: The input must be an object, not a list."]),
        ({"url": 1, "count": 1}, ["input.url: `url` must be a text, not `1`."]),
        ({"url": "x", "count": 1}, ["input.url: `url` must have at least 3 characters."]),
        ({"url": "abc", "count": 99}, ["input.count: `count` must be at most 9, not `99`."]),
        ({"url": "abc", "count": 1, "kind": "blogs"}, ["input.kind: `kind` cannot be `blogs`."]),
        ({"url": "abc", "count": 1, "mail": "x"}, ["input.mail: `mail` is no valid email."]),
        ({"url": "abc", "count": 1, "more": 1}, ["input.more: `more` is not known here."]),
        (
            {"url": "abc", "count": 1, "tags": ["a", 2]},
            [
                "input.tags: `tags` must have at most 1 element.",
                "input.tags[1]: `1` must be a text, not `2`.",
            ],
        ),
        (
            {"url": "abc", "count": 1, "either": []},
            ["input.either: `either` must be a text or null, not a list."],
        ),
        (
            {"url": "a\0c", "count": float("nan")},
            [
                "input.url: This text holds a NUL character or half of a surrogate pair.",
                "input.count: This number is not finite or needs more than 64 bits.",
            ],
        ),
    ],
)
def test_an_input_is_held_against_its_schema(data: object, found: list[str]) -> None:
    """Every violation is reported with its path under `input`."""
    problems = validate_input(load(SCHEMA), data)
    assert sorted(f"{p.path}: {p.message}" for p in problems) == sorted(found)
    assert all(problem.remedy for problem in problems)


def test_without_a_schema_any_object_is_an_input() -> None:
    """An empty schema allows every field."""
    assert validate_input(load("nodes: [{id: a, agent: llm}]"), {"x": [1, {"y": None}]}) == []
