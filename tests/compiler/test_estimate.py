"""Estimates: from the workflow's own history, its agents', or the catalogue."""

from dataclasses import replace
from typing import Any

import pytest

from compiler.estimate import Estimator
from compiler.history import Counted, History, Measured, Spread
from compiler.intervals import Interval
from compiler.plan import Plan, plan
from compiler.signature import AgentSignature
from compiler.text import load

Agents = dict[str, AgentSignature]
ONE = "parameters: {prompt: x}, retry: {max_attempts: 1}"
ROW = f"""
nodes: [{{id: a, agent: llm, {ONE}}}, {{id: b, agent: llm, {ONE}}}]
edges: [{{from: a, to: b}}]
settings: {{execution: {{timeout_seconds: 7}}}}
"""
MAP = """
pattern: map_reduce
state_schema: {input: {properties: {texts: {}}}}
nodes:
- {id: a, agent: llm, pattern: map, input: input.texts, parameters: {prompt: "{text}"},
   retry: {max_attempts: 1}}
"""


def took(low: float, high: float, samples: int = 9, cost: float = 0.5) -> Measured:
    """So many runs that took from so long to so long."""
    return Measured(samples, Spread(low, high), Spread(cost, 2 * cost))


def planned(known: Agents, text: str, input: Any = None, **history: Any) -> Plan:
    """Plan a text with a history."""
    return plan(load(text), known, input, History(**history))


@pytest.mark.requirement("FIRST.3")
def test_each_node_takes_what_is_known_of_it_best(agents: Agents) -> None:
    """Its own runs go before those of its agent, and these before the catalogue."""
    found = planned(agents, ROW, nodes={("a", "llm"): took(1, 2)}, agents={"llm": took(3, 4, 7)})
    first, second = (node.estimate.seconds for node in found.nodes)
    assert first == Interval(1, 2, source="history", samples=9)
    assert second == Interval(3, 4, source="agent", samples=7)
    assert found.seconds == Interval(4, 6, source="agent", samples=7)
    catalogue = planned(agents, ROW)
    assert catalogue.seconds == Interval(4, 4, source="catalogue")
    assert catalogue.seconds.to_document()["source"] == "catalogue"


@pytest.mark.parametrize("samples", [0, 4])
def test_few_runs_say_nothing(agents: Agents, samples: int) -> None:
    """Less than five are an accident."""
    few = took(1, 2, samples)
    nodes, lately = {("a", "llm"): few}, {"llm": few}
    assert planned(agents, ROW, nodes=nodes, agents=lately, workflow=few) == planned(agents, ROW)


def test_runs_of_another_agent_do_not_count(agents: Agents) -> None:
    """A node that was changed to another agent has no history any more."""
    assert planned(agents, ROW, nodes={("a", "email"): took(1, 2)}) == planned(agents, ROW)


def test_whole_executions_say_how_long_the_whole_takes(agents: Agents) -> None:
    """They go before any sum, and before the time limit, which they have kept."""
    found = planned(agents, ROW, workflow=took(5, 8), agents={"llm": took(1, 2)})
    assert found.seconds == Interval(5, 8, source="history", samples=9)
    assert found.cost_usd == Interval(0.5, 1.0, source="history", samples=9)


def test_what_waits_is_not_like_others_of_its_kind(agents: Agents) -> None:
    """How long a person takes depends on the question; the same question's own history counts."""
    text = "nodes: [{id: a, agent: human_loop, parameters: {message: x, timeout: 99}}]"
    human = {**agents, "human_loop": replace(agents["human_loop"], driven=True)}
    assert planned(human, text, agents={"human_loop": took(1, 2)}).seconds == Interval(0, 99)
    own = planned(human, text, nodes={("a", "human_loop"): took(1, 2)})
    assert (own.seconds.high, own.seconds.source) == (2, "history")


def test_map_is_as_long_as_its_input(agents: Agents) -> None:
    """Of a list that is given the number of rounds is known."""
    found = planned(agents, MAP, {"texts": ["x"] * 25})
    assert found.nodes[0].items == Interval(25, 25, True, "input")
    assert found.seconds == Interval(6, 6)
    assert found.cost_usd == Interval(0.25, 0.25)


def test_map_is_as_long_as_before(agents: Agents) -> None:
    """Former lists say how long the next may be; what one item takes is its agent's."""
    items = {"a": Counted(5, Spread(9.5, 30.2))}
    found = planned(agents, MAP, items=items, agents={"llm": took(1, 2)})
    assert found.nodes[0].items == Interval(9, 31, True, "history", 5)
    assert found.seconds == Interval(1, 8, True, "agent", 9)
    assert (found.cost_usd.low, found.cost_usd.high) == (9 * 0.5, 31 * 1.0)


def test_map_takes_what_it_took_and_costs_what_its_items_cost(agents: Agents) -> None:
    """Its own row knows the time of all items, and of their cost nothing."""
    items = {"a": Counted(5, Spread(10, 20))}
    nodes = {("a", "llm"): took(3, 4, cost=0.0)}
    found = planned(agents, MAP, items=items, nodes=nodes)
    assert found.seconds == Interval(3, 4, True, "history", 9)
    assert found.cost_usd == Interval(0.1, 0.2, True, "catalogue")


def test_items_cost_what_they_cost_before(agents: Agents) -> None:
    """Of the only map that is known; of several only what they cost together, which says little."""
    nodes = {("a", "llm"): took(3, 4), ("b", "llm"): took(3, 4)}
    cost = Counted(5, Spread(0.2, 0.3))
    found = planned(agents, MAP, nodes=nodes, maps_cost_usd=cost)
    assert found.cost_usd == Interval(0.2, 0.3, True, "history", 5)
    two = (
        MAP
        + """
- {id: b, agent: llm, pattern: map, input: input.texts, parameters: {prompt: "{text}"}}
edges: [{from: a, to: b}]
"""
    )
    assert planned(agents, two, nodes=nodes, maps_cost_usd=cost).cost_usd.source == "catalogue"
    few = Counted(4, Spread(0.2, 0.3))
    assert planned(agents, MAP, nodes=nodes, maps_cost_usd=few).cost_usd.source == "catalogue"


def test_map_of_unknown_length_rests_on_an_assumption(agents: Agents) -> None:
    """Without any history it says so."""
    found = planned(agents, MAP)
    assert found.nodes[0].items == Interval(0, 100, False)
    assert not found.seconds.bounded


def test_ways_and_sums_come_from_the_least_firm(agents: Agents) -> None:
    """What adds nothing takes no part: a free agent's catalogue price is no doubt."""
    free = {**agents, "router": replace(agents["router"], estimated_cost_usd=0.0)}
    text = f"""
nodes:
- {{id: r, agent: router, parameters: {{condition: 1 > 0, if_true: a, if_false: b}}}}
- {{id: a, agent: llm, {ONE}}}
- {{id: b, agent: llm, {ONE}}}
edges: [{{from: r, to: a}}, {{from: r, to: b}}]
"""
    nodes = {("a", "llm"): took(1, 2, 9), ("b", "llm"): took(3, 4, 6)}
    found = planned(free, text, nodes=nodes)
    assert (found.cost_usd.source, found.cost_usd.samples) == ("history", 6)
    assert (found.seconds.source, found.seconds.samples) == ("catalogue", 0)


def test_an_estimator_needs_no_history(agents: Agents) -> None:
    """A start's estimate is made without one."""
    assert Estimator(load(ROW), agents).workflow().seconds == Interval(4, 4)
