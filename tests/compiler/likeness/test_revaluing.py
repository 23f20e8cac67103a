"""A stored specification with the values of another description."""

from typing import Any

import pytest

from compiler.likeness.comparison import compare
from compiler.likeness.revaluing import NotSure, revalued

OLDER = (
    "Scrape 3 pages about Acme Corp from https://shop.example/x → summarize them → email "
    "ann@example.com"
)
NEWER = (
    "Scrape 8 pages about Globex from https://b.example/y → summarize them → email bob@example.com"
)


def document(**parameters: Any) -> dict[str, Any]:
    """Return a specification as a language model may write it for the older description."""
    return {
        "metadata": {"name": "Acme Corp pages"},
        "nodes": [
            {"id": "scrape_acme_corp", "agent": "web_scraping",
             "parameters": {"url": "https://shop.example/x", "limit": 3, **parameters}},
            {"id": "sum_up", "agent": "llm", "input_keys": ["acme_corp_pages"],
             "parameters": {"prompt": "Summarize the 3 pages on Acme Corp: {acme_corp_pages}"}},
            {"id": "mail", "agent": "email",
             "parameters": {"to": "ann@example.com", "subject": "ACME CORP"}},
        ],
    }  # fmt: skip


def with_new_values(old: dict[str, Any]) -> Any:
    """Return the document for the newer description."""
    likeness = compare(OLDER, NEWER)
    assert likeness is not None
    return revalued(old, likeness)


@pytest.mark.requirement("NFR-1.5")
def test_every_place_of_a_value_gets_the_new_one() -> None:
    """Parameters, prompts, names and ids follow; what comes from elsewhere stays."""
    assert with_new_values(document()) == {
        "metadata": {"name": "Globex pages"},
        "nodes": [
            {"id": "scrape_globex", "agent": "web_scraping",
             "parameters": {"url": "https://b.example/y", "limit": 8}},
            {"id": "sum_up", "agent": "llm", "input_keys": ["globex_pages"],
             "parameters": {"prompt": "Summarize the 8 pages on Globex: {globex_pages}"}},
            {"id": "mail", "agent": "email",
             "parameters": {"to": "bob@example.com", "subject": "GLOBEX"}},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"max_attempts": 3}, "max_attempts is 3"),
        ({"prompt": "Answer in 3 sentences"}, "may be another 3"),
        ({"selector": "li:nth-child(3)"}, "selector holds 3"),
        ({"headers": {"Referer": "https://shop.example/"}}, "shop"),
        ({"prompt": "What Corp sells"}, "corp"),
    ],
)
def test_a_value_that_may_mean_something_else_is_refused(
    parameters: dict[str, Any], told: str
) -> None:
    """A number of another field, or what is left of an old value, is no guess."""
    with pytest.raises(NotSure, match=told):
        with_new_values(document(**parameters))


def test_a_value_that_the_document_does_not_hold_is_refused() -> None:
    """What a model made of the value is not known, so it cannot be replaced."""
    changed = document()
    changed["nodes"][2]["parameters"]["to"] = "{input.recipient}"
    with pytest.raises(NotSure, match=r"ann@example\.com"):
        with_new_values(changed)


def test_a_schedule_is_replaced_only_where_it_is_the_trigger() -> None:
    """The trigger follows the text; another cron expression is refused."""
    older = "Every Monday at 9, summarize https://a.example and email it to ann@example.com"
    likeness = compare(older, older.replace("Monday at 9", "day at 7"))
    assert likeness is not None
    old = {"trigger": {"kind": "schedule", "cron": "0 9 * * 1"}}
    assert revalued(old, likeness)["trigger"]["cron"] == "0 7 * * *"
    with pytest.raises(NotSure, match="schedule"):
        revalued({"trigger": {"cron": "0 10 * * 1"}}, likeness)


def test_a_time_in_words_follows_the_schedule() -> None:
    """What a model wrote of the old time is replaced, or the document is refused."""
    older = "Every Monday at 9:15, summarize https://a.example and email it to ann@example.com"
    likeness = compare(older, older.replace("Monday at 9:15", "day at 7"))
    assert likeness is not None
    trigger = {"kind": "schedule", "cron": "15 9 * * 1"}
    told = {"trigger": trigger, "nodes": [{"description": "Sum up every Monday at 9:15"}]}
    assert revalued(told, likeness)["nodes"][0]["description"] == "Sum up every day at 7"
    told["nodes"] = [{"description": "Sum up on Mondays, 9:15"}]
    with pytest.raises(NotSure, match="9:15"):
        revalued(told, likeness)


def test_a_first_name_alone_follows_the_full_one() -> None:
    """A greeting that uses one word of a name gets that word of the new one."""
    older = "Ask Petra Holm to approve {input.text}, then email it to ann@example.com"
    likeness = compare(older, older.replace("Petra Holm", "Yuki Tanaka"))
    assert likeness is not None
    message = {"message": "Dear Petra, please look (Petra Holm)"}
    assert revalued(message, likeness) == {"message": "Dear Yuki, please look (Yuki Tanaka)"}


def test_a_number_of_days_is_followed_in_seconds() -> None:
    """Where the specification holds a time in seconds, the unit of the text is taken along."""
    older = "Wait 3 days, then email a reminder about the invoice to ann@example.com"
    likeness = compare(older, older.replace("3 days", "5 days"))
    assert likeness is not None
    node = {"agent": "wait", "parameters": {"seconds": 3 * 86_400}}
    assert revalued(node, likeness)["parameters"] == {"seconds": 5 * 86_400}


def test_an_address_is_replaced_without_its_scheme_as_well() -> None:
    """A text names hosts with and without `https://`."""
    older = "Fetch pull request 7 from git.example.com/acme/core and email me"
    likeness = compare(older, older.replace("acme/core", "lumen/kit"))
    assert likeness is not None
    node = {"description": "Look at git.example.com/acme/core"}
    assert revalued(node, likeness) == {"description": "Look at git.example.com/lumen/kit"}


def test_a_value_in_the_name_of_a_part_is_written_as_names_are() -> None:
    """Names of parts stay valid, and those that refer to them follow."""
    older = "Restart the service gateway, and if more than 500 calls fail, email ann@example.com"
    likeness = compare(older, older.replace("gateway", "payments-api").replace("500", "900"))
    assert likeness is not None
    old = {"nodes": [
        {"id": "restart_gateway", "description": "Restart gateway", "output_key": "gateway"},
        {"id": "over_500", "description": "More than 500 calls",
         "parameters": {"text": "{gateway} {restart_gateway.body}"}},
    ]}  # fmt: skip
    assert revalued(old, likeness) == {"nodes": [
        {"id": "restart_payments_api", "description": "Restart payments-api",
         "output_key": "payments_api"},
        {"id": "over_900", "description": "More than 900 calls",
         "parameters": {"text": "{payments_api} {restart_payments_api.body}"}},
    ]}  # fmt: skip


def test_a_long_number_that_would_stay_is_refused() -> None:
    """Where nothing says what a large number counts, it is not kept by mistake."""
    older = "Get items from https://a.example with more than 5000 units, email me"
    likeness = compare(older, older.replace("5000", "700"))
    assert likeness is not None
    with pytest.raises(NotSure, match="5000"):
        revalued({"a": "More than 5000 units", "b": "x5000"}, likeness)


def test_a_language_is_replaced_by_name_and_by_code() -> None:
    """A code is replaced in fields of languages, and refused elsewhere."""
    older = "Translate {input.text} to German and email it to ann@example.com"
    likeness = compare(older, older.replace("German", "Polish"))
    assert likeness is not None
    old = {"prompt": "Translate to German", "target_language": "de"}
    assert revalued(old, likeness) == {"prompt": "Translate to Polish", "target_language": "pl"}
    with pytest.raises(NotSure, match="holds de"):
        revalued({"prompt": "Translate to German", "title": "de"}, likeness)


def test_part_of_another_value_that_stays_is_left_alone() -> None:
    """`infra` of a channel does not follow the `infra` of a repository."""
    older = "Run the plan in acme/infra and post it to Slack #infra"
    likeness = compare(older, older.replace("acme/infra", "acme/dns"))
    assert likeness is not None
    old = {"repository": "acme/infra", "channel": "#infra"}
    assert revalued(old, likeness) == {"repository": "acme/dns", "channel": "#infra"}


def test_words_of_the_language_are_no_values() -> None:
    """The name of an agent stays, whatever a channel is called."""
    older = "Sort the rows of {input.rows} and alert #data on Slack"
    likeness = compare(older, older.replace("#data", "#ops"))
    assert likeness is not None
    old = {"agent": "data_processing", "channel": "data"}
    assert revalued(old, likeness) == {"agent": "data_processing", "channel": "ops"}


def test_a_title_that_is_also_a_word_is_replaced_only_as_it_was_written() -> None:
    """The candidates of a text are not renamed with the sheet that is called after them."""
    older = 'Rank the candidates of {input.text} and write them to the Google Sheet "Candidates"'
    likeness = compare(older, older.replace('"Candidates"', '"Pipeline"'))
    assert likeness is not None
    old = {"range": "Candidates", "prompt": "Rank the candidates"}
    assert revalued(old, likeness) == {"range": "Pipeline", "prompt": "Rank the candidates"}
