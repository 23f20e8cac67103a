"""Which descriptions are taken for the same workflow, and which never are."""

import pytest

from compiler.likeness.comparison import compare

FIRST = (
    "Scrape 100 reviews from https://shop.example/reviews → analyze the sentiment of each in "
    "parallel → write a report → email it to ann@example.com"
)
SAME = [
    "scrape 100 reviews from https://shop.example/reviews, analyze the sentiment of each in "
    "parallel, write a report, email it to ann@example.com",
    "Scrape 20 reviews from https://other.example/r → analyze the sentiment of each in "
    "parallel → write a report → email it to bob@example.com",
    "Please crawl 20 reviews from https://other.example/r, then analyse the sentiment of each "
    "review in parallel, write a report and mail it to bob@example.com.",
    "I want you to scrape 100 reviews from https://shop.example/reviews, analyze the sentiment of "
    "each in parallel, write a report and finally send it to ann@example.com by email. Thanks!",
    FIRST.replace("https://shop.example/reviews", "https://SHOP.example/Reviews"),
]
DIFFERENT = [
    # another product, an opposite, a step more, a step less, other roles
    (FIRST, FIRST.replace("email it to ann@example.com", "post it to Slack")),
    (FIRST, FIRST.replace("sentiment", "language")),
    (FIRST, f"{FIRST} → save it to Notion"),
    (FIRST, FIRST.replace("write a report → ", "")),
    (FIRST, FIRST.replace("of each in parallel", "of all")),
    (
        "Check https://a.example. If it is down, email ann@example.com",
        "Check https://a.example. If it is up, email ann@example.com",
    ),
    (
        "Ask ann@example.com to approve {input.text}, then email it to bob@example.com",
        "Email {input.text} to ann@example.com, then ask bob@example.com to approve it",
    ),
    (
        "Copy new rows from Google Sheets to Notion",
        "Copy new rows from Notion to Google Sheets",
    ),
    (
        "Write the rows of {input.rows} to the Snowflake table sales",
        "Write the rows of {input.rows} to the Databricks table sales",
    ),
    ("Find 20 papers on ArXiv and summarize each", "Find 20 papers on PubMed and summarize each"),
    (
        "Write a slogan for {input.thing}, criticize it and choose the best words",
        "Write a slogan for {input.thing}, criticize it and let me choose the best words",
    ),
    (
        "Have two reviewers check {input.text} and email both results to ann@example.com",
        "Have three reviewers check {input.text} and email both results to ann@example.com",
    ),
    (
        "Get the items of https://a.example with more than 20 units and email ann@example.com",
        "Get the items of https://a.example with fewer than 20 units and email ann@example.com",
    ),
    (
        "Classify {input.text} as bug or bill. Email bugs to ann@example.com, log bills",
        "Classify {input.text} as bug or bill. Email bills to ann@example.com, log bugs",
    ),
    (
        "Above 40 USD refund {input.id} in Stripe; up to that, ask Ann to approve the refund",
        "Up to 40 USD refund {input.id} in Stripe; above that, ask Ann to approve the refund",
    ),
    (
        "Summarize {input.text}, translate the summary to German, email it to ann@example.com",
        "Translate {input.text} to German, summarize the translation, email it to ann@example.com",
    ),
]


@pytest.mark.requirement("NFR-1.5")
@pytest.mark.parametrize("text", SAME)
def test_other_words_for_the_same_steps_are_the_same_workflow(text: str) -> None:
    """Case, punctuation, empty words, synonyms and values do not make another workflow."""
    assert compare(FIRST, text) is not None


@pytest.mark.requirement("NFR-1.5")
@pytest.mark.parametrize(("older", "newer"), DIFFERENT)
def test_another_workflow_is_never_taken_for_the_same(older: str, newer: str) -> None:
    """Another product, order, condition, number of steps or role is another workflow."""
    assert compare(older, newer) is None
    assert compare(newer, older) is None


def test_each_value_stands_for_the_one_in_its_place() -> None:
    """Counts, URLs and addresses are paired by what they are and where they stand."""
    likeness = compare(FIRST, SAME[1])
    assert likeness is not None
    assert {old.text: new.text for old, new in likeness.mapping.items()} == {
        "100": "20",
        "https://shop.example/reviews": "https://other.example/r",
        "ann@example.com": "bob@example.com",
    }
    assert likeness.numbers.given == {("limit", 1.0)}


def test_two_addresses_that_change_places_are_paired_by_their_roles() -> None:
    """Who gets a mail and who approves is kept apart when a sentence is turned round."""
    older = "Email the report of https://a.example to ann@example.com and save it to Notion"
    newer = "Email the report of https://b.example to bob@example.com and save it to Notion"
    likeness = compare(older, newer)
    assert likeness is not None
    pairs = {old.text: new.text for old, new in likeness.mapping.items()}
    assert pairs["ann@example.com"] == "bob@example.com"


def test_one_value_cannot_stand_for_two() -> None:
    """A number that was the same in two places and now differs is not replaced."""
    older = "Get 5 articles from https://a.example and 5 articles from https://b.example, email me"
    newer = "Get 5 articles from https://a.example and 9 articles from https://b.example, email me"
    assert compare(older, newer) is None


def test_a_text_that_the_offline_parser_cannot_read_is_like_no_other() -> None:
    """Without a second reading nothing says that the structure is the same."""
    assert compare("Bonjour 5 amis", "Bonjour 6 amis") is None


def test_names_of_things_are_values_and_words_are_not() -> None:
    """What stands beside `repo` or `table` is a name; an ordinary word in its place is not."""
    older = "Every day at 8, summarize the commits of the repo acme/web for Ann Lee and email her"
    newer = (
        "Every day at 17:30, summarize the commits of the repo shop for Petra Holm and email her"
    )
    likeness = compare(older, newer)
    assert likeness is not None
    assert {old.text: new.text for old, new in likeness.mapping.items()} == {
        "0 8 * * * UTC": "30 17 * * * UTC",
        "acme/web": "shop",
        "Ann Lee": "Petra Holm",
    }
    assert compare(older, older.replace("commits", "issues")) is None


def test_when_it_runs_may_be_said_anywhere() -> None:
    """A schedule at the end is the one at the front."""
    front = "Every Monday at 9, summarize https://a.example and email it to ann@example.com"
    end = "Summarize https://a.example and email it to ann@example.com every Monday at 9"
    assert compare(front, end) is not None
