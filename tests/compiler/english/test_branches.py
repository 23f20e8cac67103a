"""Choices: if, else, otherwise, unless, several ways, and ways that meet again."""

from typing import Any

import pytest

from tests.compiler.english.conftest import AgentsOf, EdgesOf, Read, Understand


@pytest.mark.requirement("FR-2.3")
@pytest.mark.parametrize(
    "text",
    [
        "Check https://a.example. If it is down, alert Slack, otherwise log to the database",
        "Check https://a.example. If it's down, alert Slack. Otherwise, log to the database.",
        "Check https://a.example -> if down alert Slack else log to the database",
        "Check https://a.example; if it is down alert Slack; if it is up log to the database",
        "Check https://a.example. Alert Slack if it is down, otherwise log to the database",
        "Check if https://a.example is down. If so, alert Slack; if not, log to the database",
        "Check whether https://a.example is down, if yes alert Slack, if not log to the database",
    ],
)
def test_two_ways_become_one_router(understand: Understand, agents_of: AgentsOf, text: str) -> None:
    """Each way of saying if and else gives a router with both targets."""
    specification = understand(text)
    assert agents_of(specification) == ["api", "router", "api", "database"]
    router = specification.node("router").parameters
    assert (router["if_true"], router["if_false"]) == ("send_slack_alert", "log_to_db")
    assert router["condition"] == "site_status.status_code != 200"


def test_unless_turns_the_condition_around(understand: Understand, only: Any) -> None:
    """What follows "unless" must not hold for the step to run."""
    specification = understand("Fetch https://a.example/api/x and email it to me unless it fails")
    router = only(specification, "router")
    assert router.parameters["condition"] == "not (source_data.status_code != 200)"
    assert router.parameters["if_true"] == "send_email"


@pytest.mark.requirement("FR-2.3")
def test_ways_meet_again(understand: Understand, edges_of: EdgesOf) -> None:
    """A step that always follows is the next one of both ways."""
    specification = understand(
        "Check https://a.example. If it is down, alert Slack, otherwise log to the database, "
        "then always email me"
    )
    assert edges_of(specification)[-2:] == [
        ("send_slack_alert", "send_email"),
        ("log_to_db", "send_email"),
    ]


def test_next_sentence_follows_a_single_way_and_its_absence(
    understand: Understand, edges_of: EdgesOf
) -> None:
    """Without an else, the router goes to the next step itself."""
    specification = understand(
        "Check https://a.example. If it is down, alert Slack. Then log to the database."
    )
    assert ("router", "log_to_db") in edges_of(specification)
    assert ("send_slack_alert", "log_to_db") in edges_of(specification)
    assert specification.node("router").parameters["if_false"] == "log_to_db"


def test_ways_that_make_something_share_its_key(understand: Understand) -> None:
    """The step behind a choice reads the result of whichever way was taken."""
    specification = understand(
        "Scrape http://a.example/p; if there are more than 10 items summarize it, otherwise "
        "translate it to German; then email the result to me"
    )
    short, long, email = specification.nodes[2:]
    assert short.key == long.key == "result"
    assert email.parameters["body"] == "{result}"
    assert specification.node("router").parameters["condition"] == "len(page_content) > 10"


@pytest.mark.requirement("FR-2.3")
def test_labels_route_to_several_ways(read: Read) -> None:
    """Three labels and a rest become routes in their order."""
    found = read(
        "Classify the ticket as billing, technical or praise. If it is billing, email "
        "money@example.com; if it is technical, post it to Slack; otherwise email team@example.com"
    )
    specification = found.specification
    classify = specification.nodes[0].parameters
    assert classify["labels"] == ["billing", "technical", "praise"]
    router = specification.node("router").parameters
    assert router["routes"] == [
        {"when": "category.lower() == 'billing'", "to": "send_email"},
        {"when": "category.lower() == 'technical'", "to": "send_slack_message"},
    ]
    assert router["default"] == "send_email_2"
    assert "{input.ticket}" in specification.node("send_email").parameters["body"]


def test_numbers_of_extracted_fields_are_compared(understand: Understand) -> None:
    """A condition on a field that was extracted reads that field as a number."""
    specification = understand(
        "Extract the total and the vendor from the invoice. If the total is over 1,000 euros, "
        "email boss@example.com"
    )
    condition = specification.node("router").parameters["condition"]
    assert "details.total" in condition
    assert condition.endswith("> 1000")


def test_sentiment_routes(understand: Understand) -> None:
    """A sentiment is compared with its own field, in a map with any of them."""
    one = understand("Analyze the sentiment of the message. If it is negative, email a@b.co")
    assert one.node("router").parameters["condition"] == "sentiment.sentiment == 'negative'"
    many = understand(
        "Scrape http://a.example/r, analyze the sentiment of each review, and if any is negative "
        "alert Slack"
    )
    assert many.node("router").parameters["condition"] == (
        "any(s.sentiment == 'negative' for s in sentiments)"
    )


def test_words_on_a_page_are_looked_for(understand: Understand) -> None:
    """A condition on contained words becomes a search in the text."""
    specification = understand('Scrape http://a.example/p. If it contains "sold out", email me')
    assert specification.node("router").parameters["condition"] == (
        "'sold out' in str(page_content).lower()"
    )


def test_judgements_are_made_by_a_model(understand: Understand, agents_of: AgentsOf) -> None:
    """What no expression can tell is decided by a step of its own before the router."""
    specification = understand(
        "Fetch https://a.example/api/mail. If it sounds like a complaint, email care@example.com"
    )
    assert agents_of(specification) == ["api", "llm", "router", "email"]
    judge = specification.nodes[1]
    assert judge.parameters["labels"] == ["yes", "no"]
    assert "it sounds like a complaint" in judge.parameters["prompt"]
    assert specification.node("router").parameters["condition"] == "decision == 'yes'"


def test_doing_nothing_is_the_other_way_around(understand: Understand) -> None:
    """A way that does nothing is left out, and the condition fits the way that remains."""
    specification = understand(
        "Check https://a.example. If it is up, do nothing; if it is down, alert Slack"
    )
    router = specification.node("router").parameters
    assert router == {"condition": "site_status.status_code != 200", "if_true": "send_slack_alert"}
