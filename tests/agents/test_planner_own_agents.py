"""What a model is told of an organization's own agents, and what it may do with them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from agents.grounding import named_in, unnamed
from agents.planner_plan import with_own
from agents.planner_prompt import (
    MOST_OWN_AGENTS,
    plan_instructions,
    plan_message,
    told_own,
)
from agents.registry import builtin_registry
from compiler.english.own_agents import Own
from compiler.signature import AgentSignature
from compiler.specification import Node, Specification
from tests.agents.test_planner_prompt import many_agents

BASE = builtin_registry().signatures()["api"]


def own_agent(name: str, **changes: Any) -> AgentSignature:
    """An agent of the organization, as its registration makes it."""
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    base = replace(BASE, name=name, description="Scores.", parameters_schema=schema,
                   side_effect="none", hosts=(), service="")  # fmt: skip
    return replace(base, **changes)


@pytest.mark.requirement("FR-1.2", "FR-3.10")
def test_own_agents_are_data_with_their_parameters() -> None:
    """They stand in the message and not among the instructions; the rule about them does."""
    schema = {
        "type": "object",
        "properties": {"tone": {"enum": ["warm", "cold"]}, "text": {"type": "string",
                       "description": "What is scored."}},
        "required": ["text"],
    }  # fmt: skip
    agent = own_agent("score_text", parameters_schema=schema, output_fields=("score",))
    own = Own({"score_text": agent})
    told = json.loads(plan_message("Score it", {}, own))
    assert told["own_agents"] == [
        {
            "name": "score_text",
            "description": "Scores.",
            "parameters": {
                "text": "string - What is scored.",
                "tone": '["warm", "cold"], optional',
            },
            "result": "score",
        }
    ]
    instructions = plan_instructions("Score it", many_agents(), own)
    assert "own_agents" in instructions
    assert "score_text" not in instructions
    assert "own_agents" not in plan_instructions("Score it", many_agents())


def test_what_own_agents_say_of_themselves_has_its_bounds() -> None:
    """However many and however long they are, a request stays within 16,000 characters."""
    properties = {f"parameter_{n}": {"type": "string", "description": "x" * 900} for n in range(99)}
    schema = {"type": "object", "properties": properties, "required": list(properties)[50:]}
    own = Own({
        f"agent_{n}": own_agent(f"agent_{n}", description="d" * 1000, parameters_schema=schema)
        for n in range(40)
    })  # fmt: skip
    text = "With Jira, Salesforce, Zoom, Stripe and Shopify, mail, scrape and store it"
    assert len(told_own(own)) == MOST_OWN_AGENTS
    told = plan_instructions(text, many_agents(), own) + plan_message(text, {}, own)
    assert len(told) < 16_000


def test_an_inactive_agent_is_not_told() -> None:
    """A model cannot plan with what the check would refuse."""
    own = Own({"gone": own_agent("gone", unavailable="The agent `gone` is inactive.")})
    assert told_own(own) == []


@pytest.mark.parametrize(
    ("text", "effect", "refused"),
    [
        ("Tell the CRM with tell_crm", "sends", False),
        ("Tell the CRM with the tell crm agent", "sends", False),
        ("Summarize it", "sends", True),
        ("Summarize it", "reads", False),
    ],
)
def test_where_an_own_agent_goes_is_named_with_it(text: str, effect: Any, refused: bool) -> None:
    """One that sends must be named; where one that reads goes was said when it was registered."""
    agent = own_agent("tell_crm", side_effect=effect, hosts=("crm.example.com",), secrets=("crm",))
    own = Own({"tell_crm": agent})
    node = Node(id="tell", agent="tell_crm", parameters={"text": "a"})
    specification = Specification(nodes=(node,))
    named = named_in(text, {})
    agents = with_own(builtin_registry().signatures(), own)
    found = unnamed(specification, named, agents, own=own)
    assert bool(found) is refused
