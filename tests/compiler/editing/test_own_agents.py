"""Instructions that name an organization's own agents."""

from typing import Any

import pytest

from compiler.editing.instruction import read_edit
from compiler.english.own_agents import Own
from compiler.english.parser import parse
from compiler.specification import Specification

PLAIN = (
    "Scrape the reviews at https://a.example/reviews, score each review, then email me the scores"
)
OWN = (
    "Scrape the reviews at https://a.example/reviews, score each review with score_text, then "
    "email me the scores"
)
SCRAPED = "Scrape the reviews at https://a.example/reviews, then email them to me"


def edited(own: Own, description: str, instruction: str) -> Specification:
    """Return what an instruction makes of a described workflow; it must leave nothing open."""
    former = parse(description, own=own).specification
    assert former is not None
    found = read_edit(instruction, former, None, own)
    assert [one.text for one in found.questions if one.required] == []
    assert found.specification is not None
    return found.specification


@pytest.mark.requirement("FR-1.3", "FR-3.10")
@pytest.mark.parametrize(
    ("description", "instruction", "agent"),
    [
        (PLAIN, "Use score_text instead", "score_text"),
        (PLAIN, "Score each review with score_text instead", "score_text"),
        (PLAIN, "In step 2, use the score text agent instead", "score_text"),
        (PLAIN, "Change step 2 to use scorer", "scorer"),
        (PLAIN, "Use score_text for step 2", "score_text"),
        (OWN, "Replace score_text with scorer", "scorer"),
        (OWN, "Use scorer instead of score_text", "scorer"),
        (OWN, "Use score_text@2 instead", "score_text@2"),
    ],
)
def test_an_own_agent_takes_the_place_of_a_step(
    own: Own, description: str, instruction: str, agent: str
) -> None:
    """Of the one that is named, or of the only one whose work it may be; its readers stay."""
    scrape, score, mail = edited(own, description, instruction).nodes
    assert (score.agent, score.pattern) == (agent, "map")
    assert score.parameters == {"text": "{review}"}
    assert score.input_keys == (scrape.key,)
    assert score.key in str(mail.parameters["body"])


@pytest.mark.requirement("FR-1.3")
@pytest.mark.parametrize(
    "instruction",
    [
        "Add a step that scores each review with score_text after scraping",
        "After step 1, score each review with score_text",
        "Before emailing, run score_text on each review",
    ],
)
def test_a_step_of_an_own_agent_is_added(own: Own, instruction: str) -> None:
    """It reads what the step before it makes, for each item."""
    nodes = edited(own, SCRAPED, instruction).nodes
    assert [node.agent for node in nodes] == ["web_scraping", "score_text", "email"]
    assert nodes[1].parameters == {"text": "{review}"}


@pytest.mark.parametrize(
    ("instruction", "name", "value"),
    [
        ("Set the threshold of step 2 to 0.7", "threshold", 0.7),
        ("Change the threshold to 3", "threshold", 3),
        ("Set the language of the scoring step to de", "language", "de"),
    ],
)
def test_a_parameter_of_an_own_agent_is_set(
    own: Own, instruction: str, name: str, value: Any
) -> None:
    """It need not have been set before: the agent has it."""
    assert edited(own, OWN, instruction).nodes[1].parameters[name] == value


def test_several_steps_that_an_agent_may_do_are_a_question(own: Own) -> None:
    """Nobody guesses which of two models' steps is meant."""
    former = parse("Summarize the article and translate the summary to German", own=own)
    assert former.specification is not None
    found = read_edit("Use scorer instead", former.specification, None, own)
    assert found.specification is None
    assert [one.id for one in found.questions] == ["step.scorer"]


def test_other_instructions_stay_what_they_were(own: Own) -> None:
    """An address, an item of a list and a schedule are changed as ever."""
    changed = edited(own, OWN, "Email the scores to a@b.example instead")
    assert changed.nodes[2].parameters["to"] == "a@b.example"
    assert changed.nodes[1].agent == "score_text"
