"""Turns of phrase as the plain words that they stand for."""

import pytest

from compiler.english.idioms import plain_words


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("mail it (if it is paid) to the buyer", "mail it to the buyer if it is paid"),
        ("open a ticket per bug", "open a ticket for each bug"),
        ("Each finding becomes a Linear issue", "for each finding, create a Linear issue"),
        ("rate it and route it to the right team: a goes to b", "rate it. a goes to b"),
        (
            "runs two parallel tasks: one reads the logs and another reads the metrics, then waits",
            "in parallel: reads the logs; reads the metrics, then waits",
        ),
        ("rate it, then branches: if it is old, drop it", "rate it. if it is old, drop it"),
        (
            "find it and update it, or create it when there is none",
            "find it, if there is none, create it, otherwise update it",
        ),
        ("it rings, and whatsapps me", "it rings, and sends a whatsapp message to me"),
        ("The customer receives a receipt.", "send The customer a receipt."),
        ("It runs daily and can be started by hand.", "It runs daily."),
        ("run a price check on Etsy", "check the price on Etsy"),
        ("Results go to Slack", "send Results to Slack"),
    ],
)
def test_a_turn_of_phrase_is_made_plain(text: str, plain: str) -> None:
    """What it stands for is what the stages after it know."""
    assert plain_words(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        "mail it (if needed) to the buyer",
        "send a report per week",
        "when the customer receives a receipt",
        "post it to the Slack channel",
        "wait 5 minutes for the deployment",
    ],
)
def test_plain_words_stay(text: str) -> None:
    """What only looks like one is left alone."""
    assert plain_words(text) == text
