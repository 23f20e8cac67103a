"""Agents that are told by their roles, in crews and in lists."""

import pytest

from compiler.english.casting import cast, crew, listed_agents
from compiler.specification import Specification
from tests.compiler.english.conftest import AgentsOf, EdgesOf, Understand


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "A planner agent splits the menu, and an editor merges the parts",
            "one agent splits the menu, and one agent merges the parts",
        ),
        (
            "Two agents: the first drafts a toast, the second polishes it",
            "Two agents: one agent drafts a toast, one agent polishes it",
        ),
        (
            "Split the songs, hand each song to a worker that hums it",
            "Split the songs, for each song, one agent hums it",
        ),
        ("The editor reads the menu, and the planner prints it", None),
        ("The agent is a planner", None),
    ],
)
def test_a_role_is_an_agent_where_agents_are_spoken_of(text: str, wanted: str | None) -> None:
    """Elsewhere an editor is a person, whose deeds are no steps of a model."""
    assert cast(text) == (wanted or text)


@pytest.mark.parametrize(
    ("clause", "found"),
    [
        ("five agents draft a toast", (5, "draft a toast")),
        ("run three reviewers in parallel that check the menu", (3, "check the menu")),
        ("ask three models the riddle", (3, "answer the riddle")),
        ("five agents of the state", None),
        ("forty cooks", None),
    ],
)
def test_a_crew_does_one_thing_side_by_side(clause: str, found: tuple[int, str] | None) -> None:
    """Its number and its deed are read; a number of people without a deed is no crew."""
    assert crew(clause) == found


def test_agents_that_get_work_are_listed_by_name() -> None:
    """Each named agent is one; a friend is none."""
    clause = "give the menu to a sweets agent, a wine agent and a cost agent"
    assert listed_agents(clause) == ["a sweets agent", "a wine agent", "a cost agent"]
    assert listed_agents("give the menu to a friend and an aunt") == []


def _into_one(specification: Specification, edges: list[tuple[str, str]]) -> int:
    return sum(target == specification.nodes[-1].id for _, target in edges)


@pytest.mark.requirement("FR-2.4", "FR-2.5")
@pytest.mark.parametrize(
    ("text", "agents"),
    [
        ("Ask three models the riddle and combine the answers", "llm llm llm aggregator"),
        (
            "Give the menu to a sweets agent, a wine agent and a cost agent, then combine it",
            "llm llm llm aggregator",
        ),
        ("Two agents draft a toast in parallel and a judge picks the best", "llm llm aggregator"),
    ],
)
def test_a_crew_is_drawn_side_by_side(
    understand: Understand, agents_of: AgentsOf, edges_of: EdgesOf, text: str, agents: str
) -> None:
    """Every agent of it leads into the step that takes their answers together."""
    specification = understand(text)
    found = agents_of(specification)
    assert " ".join(found) == agents
    assert _into_one(specification, edges_of(specification)) == len(found) - 1
