"""Nothing that a text names is lost without a word: what no step does is asked for."""

import pytest

from compiler.english.losses import Told, losses
from tests.compiler.english.conftest import Read, Understand


@pytest.mark.requirement("FR-1.4")
@pytest.mark.parametrize(
    ("text", "place", "required"),
    [
        ("Read the invoices table and mail me the total so the accountant decides", "person", True),
        ("Send the draft to my lawyer who signs off, then mail it to me", "person", True),
        (
            "When a booking form is submitted, add the guest to Airtable."
            " Every Friday, email me the number of guests",
            "start",
            False,
        ),
    ],
)
def test_what_no_step_does_is_asked_for(read: Read, text: str, place: str, required: bool) -> None:
    """A person who decides stops the workflow; a second start is left to the reader."""
    (question,) = [one for one in read(text).questions if one.id.startswith("lost.")]
    assert (question.id, question.field) == (f"lost.{place}", "description")
    assert question.required is required


@pytest.mark.parametrize(
    ("steps", "written", "places"),
    [
        ("print the menu if the oven is hot", ("print the menu",), ["condition"]),
        ("print the menu for each oven", ("print the menu",), ["loop"]),
        ("print the menu, Trello and all", ("print the menu",), ["service.trello"]),
        ("print the menu for each oven", ("print the menu for each oven",), []),
        ("check if the oven is hot", ("check the oven",), []),
        ("print the menu if needed", ("print the menu",), []),
        ("post the menu to Trello", ("post the menu to Trello",), []),
        ("ask Claude for a menu", ("ask for a menu",), []),
    ],
)
def test_the_words_of_the_text_are_held_against_its_steps(
    understand: Understand, steps: str, written: tuple[str, ...], places: list[str]
) -> None:
    """A condition, a list and a service that no step holds are lost; a step's question is not."""
    specification = understand("Write a menu and email it to me")
    found = losses(Told(steps, steps, written), specification)
    assert [question.id for question in found] == [f"lost.{place}" for place in places]


@pytest.mark.parametrize(
    "text",
    [
        "When an order is placed, wait for approval by my boss, then email me",
        "If the site https://a.example is down, email me",
        "Read leads from the leads table and email each lead",
        "Every Friday at 5, write a joke and email it to me",
    ],
)
def test_what_the_steps_do_is_not_asked_for(read: Read, text: str) -> None:
    """A specification that says all that its text says raises no such question."""
    assert [one for one in read(text).questions if one.id.startswith("lost.")] == []


def test_words_that_are_asked_about_are_asked_about_once(read: Read) -> None:
    """A service in a part that nobody understood is part of that question."""
    found = read("Summarize the notes and email them to me. Jira and Trello users love it")
    assert [question.id for question in found.questions] == ["part.jira_and_trello_users_love_it"]


@pytest.mark.parametrize(
    ("text", "agents"),
    [
        ("Email me the menu (unless it is Sunday)", ["llm", "router", "email"]),
        ("Send the bill (only if it is paid) to me@a.co", ["llm", "router", "email"]),
    ],
)
def test_a_condition_in_brackets_holds_for_its_step(
    read: Read, text: str, agents: list[str]
) -> None:
    """Brackets do not make a condition an aside."""
    assert [node.agent for node in read(text).specification.nodes] == agents
