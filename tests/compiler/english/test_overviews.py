"""First sentences that only sum up what the next ones tell."""

import pytest

from compiler.english.summary import summary
from tests.compiler.english.conftest import Read


@pytest.mark.parametrize(
    ("text", "agents"),
    [
        ("Create the invoice in Xero. Once the invoice is created, tweet it.", 2),
        ("Fetch the orders from Shopify. First filter the paid ones, then mail them to me.", 3),
        ("Reset the password. First ask the owner, then reset it and log it.", 3),
        ("Create a ticket in Jira. If the mail is urgent, the ticket is created in Jira.", 2),
    ],
)
def test_only_a_sentence_that_is_told_again_is_left_out(read: Read, text: str, agents: int) -> None:
    """A first sentence that sums up goes; one that only the next refers to stays."""
    assert len(summary(read(text))["agents"]) == agents
