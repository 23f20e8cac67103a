"""What the compiler's tests share: the contract's documents and small agents to check against."""

import random
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from compiler.check import check
from compiler.english.own_agents import Own
from compiler.errors import Problem
from compiler.signature import AgentSignature, SideEffect
from compiler.specification import Specification
from compiler.text import load
from tests.compiler.own_agents import registered

DOCUMENTS = Path(__file__).parent / "documents"
TEXT = {"type": "string"}
NUMBER = {"type": "number"}


def signature(
    name: str,
    properties: Mapping[str, Any],
    required: tuple[str, ...] = (),
    *,
    code: tuple[str, ...] = (),
    side_effect: SideEffect = "none",
    output_fields: tuple[str, ...] = (),
    mappable: bool = True,
    cost: float = 0.0,
) -> AgentSignature:
    """Make a signature whose schema refuses unknown parameters."""
    schema = {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }
    return AgentSignature(
        name=name,
        description=f"The {name} agent.",
        parameters_schema=schema,
        code_parameters=frozenset(code),
        side_effect=side_effect,
        output_fields=output_fields,
        default_timeout_seconds=30.0,
        estimated_seconds=2.0,
        estimated_cost_usd=cost,
        mappable=mappable,
    )


def _agents() -> list[AgentSignature]:
    texts = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
    return [
        signature(
            "llm",
            {
                "prompt": TEXT,
                "model": TEXT,
                "temperature": {"type": "number", "minimum": 0, "maximum": 2},
                "output_format": {"enum": ["text", "json", "json_array", "markdown"]},
            },
            ("prompt",),
            cost=0.01,
        ),
        signature(
            "web_scraping",
            {
                "url": TEXT,
                "urls": texts,
                "selector": TEXT,
                "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "wait_for_load": {"type": "boolean"},
                "timeout": NUMBER,
            },
            side_effect="reads",
        ),
        signature(
            "email",
            {"to": texts, "cc": texts, "subject": TEXT, "body": TEXT},
            ("to",),
            side_effect="sends",
            output_fields=("email_sent", "message_id", "recipients"),
        ),
        signature(
            "router",
            {
                "condition": TEXT,
                "if_true": TEXT,
                "if_false": TEXT,
                "default": TEXT,
                "routes": {"type": "array"},
            },
            code=("condition", "routes[].when"),
            output_fields=("route",),
            mappable=False,
        ),
        signature(
            "aggregator",
            {
                "aggregation": {"enum": ["concat", "summarize"]},
                "format": TEXT,
                "custom_script": TEXT,
            },
            code=("custom_script",),
        ),
        signature(
            "api",
            {
                "url": TEXT,
                "method": {"type": "string", "default": "GET"},
                "timeout": NUMBER,
                "headers": {"type": "object"},
                "body": {},
            },
            ("url",),
            side_effect="writes",
            output_fields=("status_code", "body", "headers", "duration_ms"),
        ),
        signature(
            "database",
            {
                "database": TEXT,
                "connection_string": TEXT,
                "query": TEXT,
                "params": {"type": "array"},
            },
            ("query",),
            side_effect="writes",
            output_fields=("rows", "row_count"),
        ),
        signature(
            "human_loop",
            {"message": TEXT, "timeout": NUMBER},
            ("message",),
            output_fields=("approved", "decision", "value"),
            mappable=False,
        ),
        signature(
            "data_processing",
            {"operation": TEXT, "script": TEXT, "where": TEXT},
            code=("script", "where"),
        ),
    ]


@pytest.fixture(scope="session")
def agents() -> dict[str, AgentSignature]:
    """The agents that the tests' specifications name."""
    return {agent.name: agent for agent in _agents()}


@pytest.fixture(scope="session")
def own() -> Own:
    """An organization's own agents, as their registration makes them."""
    return registered()


@pytest.fixture(scope="session")
def document() -> Callable[[str], str]:
    """Read one of the contract's documents by file name."""
    return lambda name: (DOCUMENTS / name).read_text("utf-8")


@pytest.fixture(scope="session")
def randomness() -> Callable[[int], random.Random]:
    """Make a source of chance that gives the same choices for the same seed."""
    return random.Random


Problems = Callable[[str], list[Problem]]


@pytest.fixture
def problems(agents: dict[str, AgentSignature]) -> Problems:
    """Check the specification that a YAML text says."""
    return lambda text: check(load(text), agents)


@pytest.fixture
def rules(problems: Problems) -> Callable[[str], set[tuple[str, str]]]:
    """Check the specification that a YAML text says; return rules with their paths."""
    return lambda text: {(problem.rule, problem.path) for problem in problems(text)}


@pytest.fixture
def chain() -> Callable[..., Specification]:
    """Make a specification of llm nodes in a row."""

    def make(*ids: str) -> Specification:
        return Specification.model_validate(
            {
                "nodes": [{"id": i, "agent": "llm", "parameters": {"prompt": "x"}} for i in ids],
                "edges": [{"from": one, "to": other} for one, other in pairwise(ids)],
            }
        )

    return make
