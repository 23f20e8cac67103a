"""No description is taken for one that only looks like it."""

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from compiler.likeness.comparison import compare
from compiler.likeness.wording import plain_words

GROUPS: list[dict[str, Any]] = YAML(typ="safe").load(
    (Path(__file__).parents[3] / "benchmarks" / "paraphrases.yaml").read_text(encoding="utf-8")
)
LEAST_ALIKE = 0.6
OTHERWISE = [
    ("over", "under"), ("above", "below"), ("more than", "less than"), ("before", "after"),
    ("after", "before"), ("first", "last"), ("passes", "fails"), ("fails", "succeeds"),
    ("delete", "keep"), ("newest", "oldest"), ("latest", "oldest"), ("best", "worst"),
    ("with", "without"), ("if", "unless"), ("when", "unless"), ("is", "is not"),
    ("not", ""), ("each", "the first"), ("all", "only the first"), ("all", "none of the"),
    ("in parallel", "one after the other"), ("in parallel", ""), ("only", "all"),
    ("keep", "drop"), ("down", "up"), ("by email", "by SMS"), ("Slack", "Discord"),
    ("GitHub", "GitLab"), ("Postgres", "MySQL"), ("Google Sheet", "Airtable base"),
    ("Notion", "Confluence"), ("Jira", "Linear"), ("Stripe", "PayPal"), ("S3", "Azure Blob"),
    ("customer", "employee"), ("the sender", "the manager"), ("if rejected", "if approved"),
    ("higher", "lower"), ("unread", "read"), ("valid", "invalid"), ("ask", "do not ask"),
    ("until", "before"), ("two LLMs", "three LLMs"), ("three reviewers", "two reviewers"),
    ("me", "my boss"), ("stop", "start"),
    ("hide", "show"), ("positive", "negative"), ("upload", "download"), ("on", "off"),
    ("report", "draft report"), ("result", "first result"), ("reviewers", "other reviewers"),
]  # fmt: skip
"""What one word is, and what makes another workflow of it."""

NEARLY = [
    (
        "Apologize to the customer by email, then offer a voucher and open a case in Zendesk",
        "Offer a voucher, then apologize to the customer by email and open a case in Zendesk",
    ),
    (
        "Fetch all orders from Shopify and email me a summary of each",
        "Fetch all orders from Shopify and email me a summary",
    ),
    (
        "Get every review of https://a.example, summarize each and email me",
        "Get all reviews of https://a.example, summarize them and email me",
    ),
    (
        "Write a post, let Ann Lee approve it, then publish it on LinkedIn",
        "Write a post, publish it on LinkedIn, then let Ann Lee approve it",
    ),
    (
        "Write a post and send it to Ann Lee, who forwards it to Bob",
        "Write a post and send it to Bob, who forwards it to my boss",
    ),
    (
        "If the price rises above 5, sell the stock",
        "If the price falls below 5, sell the stock",
    ),
    (
        "If the price is above 5, email me",
        "If the price is not above 5, email me",
    ),
    (
        "Email the report to my manager",
        "Email the report to their manager",
    ),
    (
        "Email the report to everyone",
        "Email the report to someone",
    ),
    (
        "Send the Slack messages of #ops to ann@a.example",
        "Send ann@a.example's messages to Slack #ops",
    ),
    (
        "Post the summary to Slack #ops and email it to ann@a.example",
        "Email the summary to ann@a.example and post nothing to Slack #ops",
    ),
    (
        "Create a Jira issue from the Zendesk ticket",
        "Create a Zendesk ticket from the Jira issue",
    ),
    (
        "Copy new contacts from HubSpot to Mailchimp",
        "Copy new contacts from Mailchimp to HubSpot",
    ),
    (
        "Sync Salesforce contacts to HubSpot",
        "Sync HubSpot contacts to Salesforce",
    ),
    (
        "When a Stripe payment fails, create an invoice in Xero",
        "When a Xero invoice fails, create a payment in Stripe",
    ),
    (
        "Keep only articles about hydrogen, and email me",
        "Keep only articles without hydrogen, and email me",
    ),
    (
        "Keep articles about hydrogen, and email me",
        "Keep articles about nothing, and email me",
    ),
    (
        "Get the last 5 orders from Shopify and email me",
        "Get the first 5 orders from Shopify and email me",
    ),
    (
        "Summarize the translation of {input.text} and email me",
        "Translate the summary of {input.text} and email me",
    ),
    (
        "Check the price of https://a.example; if it is lower than 5, email me, otherwise text me",
        "Check the price of https://a.example; if it is lower than 5, text me, otherwise email me",
    ),
    (
        "Wait 3 days before emailing the reminder to ann@a.example",
        "Email the reminder to ann@a.example 3 days before",
    ),
    (
        "Send an SMS to +49 555 0100 if the server is down",
        "Send an email to +49 555 0100 if the server is down",
    ),
    (
        "Delete backups older than 30 days from S3",
        "Delete backups newer than 30 days from S3",
    ),
    (
        "Let the customer choose a date and book it",
        "Choose a date and let the customer book it",
    ),
    (
        "Ask Ann Lee for approval and then delete the user",
        "Ask Ann Lee for approval or then delete the user",
    ),
    (
        "Run the tests; if all pass, deploy to production",
        "Run the tests; if any pass, deploy to production",
    ),
    (
        "Run the tests; if they pass, deploy to production",
        "Run the tests; if none pass, deploy to production",
    ),
    (
        "Open a ticket in Jira for each bug",
        "Close a ticket in Jira for each bug",
    ),
    (
        "Publish the post on WordPress as a draft",
        "Publish the post on WordPress",
    ),
    (
        "Email the list to ann@a.example with bob@a.example in cc",
        "Email the list to ann@a.example without bob@a.example in cc",
    ),
    (
        "Score each lead and email the top 5 to ann@a.example",
        "Score each lead and email the bottom 5 to ann@a.example",
    ),
    (
        "Compare the new prices with the old prices and email me",
        "Compare the old prices with the older prices and email me",
    ),
    (
        "Have two reviewers check {input.text} in parallel and email me",
        "Have one reviewer check {input.text} twice and email me",
    ),
    (
        "Summarize one article of https://a.example and email me",
        "Summarize all articles of https://a.example and email me",
    ),
    (
        "Every day at 9 summarize https://a.example and email me",
        "Every day at 9 except Sunday summarize https://a.example and email me",
    ),
    (
        "Turn the lights on when Ann arrives",
        "Turn the lights off when Ann arrives",
    ),
    (
        "Email me the internal notes of {input.text}",
        "Email me the external notes of {input.text}",
    ),
    (
        "Get the reviews from https://a.example and reply to the negative ones",
        "Get the reviews from https://a.example and reply to the positive ones",
    ),
    (
        "Read the invoices, list the unpaid ones and email me",
        "Read the invoices, list the paid ones and email me",
    ),
    (
        "Get the orders, pack the parcels and email the parcels list",
        "Get the orders, pack the parcels and email the orders list",
    ),
    (
        "Get the orders and the returns, sum the orders, and email it to me",
        "Get the orders and the returns, sum the returns, and email it to me",
    ),
    (
        "Get the orders and the returns, and email the orders to me",
        "Get the orders and the returns, and email them to me",
    ),
    (
        "Write a report, translate it, and email the report to me",
        "Write a report, translate it, and email it to me",
    ),
    (
        "Write a report and a summary and email the summary to me",
        "Write a report and a summary and email it to me",
    ),
    (
        "Find the best 3 offers in Berlin and email me",
        "Find the worst 3 offers in Berlin and email me",
    ),
    (
        "Invite Ann to the Slack channel #a and Bob to #b",
        "Invite Ann to the Slack channel #a and remove Bob from #b",
    ),
    (
        "Assign the ticket to dkim",
        "Unassign the ticket from dkim",
    ),
    (
        "Share the doc with Ingrid for reading",
        "Share the doc with Ingrid for editing",
    ),
    (
        "Read the contract in lease.pdf and email me the risks",
        "Read the contract in lease.pdf and email me the risks and the dates",
    ),
    (
        "Pause the campaign Spring in Google Ads",
        "Start the campaign Spring in Google Ads",
    ),
    (
        "If the table grows, email me",
        "If the table shrinks, email me",
    ),
    (
        "When the queue overflows, email me",
        "When the queue empties, email me",
    ),
    (
        "When the service crashes, restart the server",
        "When the service responds, restart the server",
    ),
    (
        "Scrape the page, check the links, and report broken ones",
        "Scrape the page, check the images, and report broken ones",
    ),
]
"""What asks for something else, though most words are the same."""


def texts_of(group: dict[str, Any]) -> list[str]:
    """Return the texts of a group."""
    return [text["text"] for text in group["texts"]]


def told_otherwise(text: str) -> Iterator[str]:
    """Give texts that have one word otherwise, outside of quotes and addresses."""
    bare = re.sub(r'"[^"]*"|\S*://\S*|\S*[@/]\S*', lambda found: "\0" * len(found[0]), text)
    for word, other in OTHERWISE:
        found = re.search(rf"(?<![\w-]){word}(?![\w-])", bare)
        if found is not None:
            yield f"{text[: found.start()]}{other}{text[found.end() :]}"


@pytest.mark.requirement("NFR-1.5")
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: f"{group['split']}-{group['id']}")
def test_what_is_almost_the_same_is_not_taken_for_it(group: dict[str, Any]) -> None:
    """Texts that were written to be mistaken for a group's are like none of it."""
    taken = [
        (text, similar)
        for similar in group["different"]
        for text in texts_of(group)
        if compare(text, similar) is not None or compare(similar, text) is not None
    ]
    assert taken == []


@pytest.mark.requirement("NFR-1.5")
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: f"{group['split']}-{group['id']}")
def test_an_opposite_or_another_product_makes_another_workflow(group: dict[str, Any]) -> None:
    """One word that means something else is never passed over."""
    text = group["texts"][0]["text"]
    taken = [
        other
        for other in told_otherwise(text)
        if compare(text, other) is not None or compare(other, text) is not None
    ]
    assert taken == []


@pytest.mark.requirement("NFR-1.5")
@pytest.mark.parametrize(("text", "other"), NEARLY)
def test_a_text_that_is_nearly_the_same_is_another_workflow(text: str, other: str) -> None:
    """Order, direction, roles, amounts, opposites and what `it` is are told apart."""
    assert compare(text, other) is None
    assert compare(other, text) is None


@pytest.mark.requirement("NFR-1.5")
def test_no_two_groups_are_alike() -> None:
    """Descriptions of different workflows are like none of each other."""
    words = [
        (place, text, plain_words(text))
        for place, group in enumerate(GROUPS)
        for text in texts_of(group)
    ]
    taken = [
        (one[1], other[1])
        for one, other in combinations(words, 2)
        if one[0] != other[0]
        and len(one[2] & other[2]) >= LEAST_ALIKE * len(one[2] | other[2])
        and compare(one[1], other[1]) is not None
    ]
    assert taken == []
