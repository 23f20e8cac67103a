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
REWORDED = [
    (
        "When a new Zendesk ticket comes in, create a PagerDuty incident and post it to Slack #ops",
        "Whenever a new ticket comes in on Zendesk, create an incident in PagerDuty and then post "
        "it in Slack #ops",
    ),
    (
        "Every day at 9, email the customer a reminder about {input.order}",
        "Daily at 9 am, send the customer a reminder about {input.order} by email",
    ),
    (
        "Export the table orders from Postgres and let Ann Lee review it",
        "Export the orders table from Postgres, then have Ann Lee review it",
    ),
    (
        "Get errors from the service payments-api, summarize the errors and email me",
        "Get errors from the payments-api service, summarize them and email me",
    ),
    (
        "Check whether {input.text} is fine. If yes, email it to ann@example.com; if not, hand the "
        "case over to bob@example.com",
        "Check if {input.text} is fine. If so, email it to ann@example.com; otherwise, hand over "
        "the case to bob@example.com",
    ),
    (
        "In parallel get revenue from Stripe and spend from Google Ads, then email me a sum",
        "In parallel, fetch the revenue from Stripe and the spend from Google Ads and email me a "
        "sum",
    ),
    (
        "Write a newsletter in HTML and email it to ann@example.com",
        "Write an HTML newsletter and email it to ann@example.com",
    ),
    (
        "Cluster the free-text answers of {input.text} and email the result to ann@example.com",
        "Cluster the free text answers of {input.text} and email the results to ann@example.com",
    ),
]
DIFFERENT = [
    # where it comes from and where it goes, what has it and what gets it, all and any
    (
        "Export the table orders from Postgres and email me",
        "Export the table orders to Postgres and email me",
    ),
    (
        "Load the files into the Snowflake table sales",
        "Load the files from the Snowflake table sales",
    ),
    ("Save the HubSpot leads in Notion", "Save the leads of {input.text} in HubSpot and Notion"),
    ("Save the HubSpot leads", "Save the leads in HubSpot"),
    ("Copy the Notion pages to Slack", "Copy the Slack messages to Notion"),
    (
        "Get the prices of https://a.example; if any price is too high, email me",
        "Get the prices of https://a.example; if all prices are too high, email me",
    ),
    (
        "Write a checklist and email it to their manager",
        "Write a checklist and email it to my manager",
    ),
    ("Turn on the fan of {input.room}", "Turn off the fan of {input.room}"),
    (
        "Extract vendor, amount and date of {input.text}. If the amount is over 90, email me",
        "Extract vendor and date of {input.text}. If the amount is over 90, email me",
    ),
    (
        "Classify {input.text} as bug or bill and file a report and send a text",
        "Classify {input.text} as bug or bill and file a report or send a text",
    ),
    (
        "Flag values in {input.rows} and email all the results to ann@example.com",
        "Flag values in {input.rows} and email the flagged results to ann@example.com",
    ),
    (
        "Take 5 rows from the MySQL table feedback, have two LLMs label each row",
        "Take 9 rows from the MySQL table chat_logs, have three LLMs label each row",
    ),
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
@pytest.mark.parametrize(("older", "newer"), REWORDED)
def test_another_way_to_say_a_step_is_the_same_step(older: str, newer: str) -> None:
    """A product before its thing or after it, who gets what, `it` for its noun."""
    assert compare(older, newer) is not None
    assert compare(newer, older) is not None


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


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("Check the weather in {} and text me", "Lisbon", "Aarhus"),
        ("Write a plan and wait for approval from {}", "Diego", "Annika"),
        ("Keep articles about {}, and email me", "hydrogen", "milk prices"),
        ("Translate {{input.text}} to {} and email me", "German", "Polish"),
        ("Put {{input.list}} on my Todoist project {}.", "Groceries", "Cabin trip"),
        ("Write {{input.n}} to the Google Sheet {}", "Moderation Log", "Comments 2025"),
        ("Ask Baltic Paper, {} and Ovalis for a quote", "Rheinpack", "Kettle & Co"),
        ("Review {{input.text}} and assign it to {}", "dkim", "sandra-w"),
        ("Load {} into Postgres", "s3://acme/orders", "s3://lake/clicks"),
        ("Plan {{input.post}} for {} in Buffer", "10:00", "15:30"),
        ("Export the table {} from Postgres", "orders", "shipments"),
    ],
)
def test_what_is_a_name_is_seen_by_what_stands_around_it(text: str, old: str, new: str) -> None:
    """Places, people, topics, languages, titles, paths and times stand for each other."""
    likeness = compare(text.format(old), text.format(new))
    assert likeness is not None
    changed = {before.text: after.text for before, after in likeness.mapping.items()}
    assert changed == {**changed, old: new}


def test_when_it_runs_may_be_said_anywhere() -> None:
    """A schedule at the end is the one at the front."""
    front = "Every Monday at 9, summarize https://a.example and email it to ann@example.com"
    end = "Summarize https://a.example and email it to ann@example.com every Monday at 9"
    assert compare(front, end) is not None
