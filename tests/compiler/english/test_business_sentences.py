"""Sentences as people in business type them: nothing of them may be lost or done twice."""

from collections.abc import Callable

import pytest

from compiler.specification import Node, Specification
from tests.compiler.english.conftest import AgentsOf, EdgesOf, Read, Understand

Only = Callable[[Specification, str], Node]

SITE = "http://a.example/"


@pytest.mark.requirement("FR-1.4")
def test_an_approval_within_one_way_leaves_the_other_way_alone(
    understand: Understand, edges_of: EdgesOf
) -> None:
    """What comes after the approval belongs to its way; "otherwise" is the other."""
    specification = understand(
        "If the order amount is over 500, ask the manager for approval, then email "
        "billing@example.com; otherwise email auto@example.com"
    )
    assert [node.id for node in specification.nodes] == [
        "router", "request_approval", "send_email", "send_email_2",
    ]  # fmt: skip
    assert edges_of(specification) == [
        ("router", "request_approval"),
        ("request_approval", "send_email"),
        ("router", "send_email_2"),
    ]


def test_an_otherwise_without_an_if_is_a_question(read: Read) -> None:
    """It is not dropped, which would do both ways one after the other."""
    found = read(f"Scrape {SITE}; otherwise email me@example.com")
    assert any("otherwise" in question.text for question in found.questions if question.required)


@pytest.mark.requirement("FR-1.6")
def test_a_loop_over_a_page_reads_the_page(understand: Understand, agents_of: AgentsOf) -> None:
    """It scrapes “for each review at URL”, counts by label, and mails once."""
    specification = understand(
        f"For each review at {SITE}, classify it as praise or complaint, then count them and "
        "email the counts to me@example.com"
    )
    assert agents_of(specification) == ["web_scraping", "llm", "aggregator", "email"]
    scrape, classify, count, email = specification.nodes
    assert scrape.parameters == {"url": SITE, "items": "reviews"}
    assert classify.pattern == "map"
    assert "results.count(label)" in count.parameters["custom_script"]
    assert email.pattern is None


def test_a_loop_that_ends_in_a_list_mails_once(understand: Understand, only: Only) -> None:
    """One mail for “then email a list”, one for each with “email it”."""
    once = understand(
        f"For every review at {SITE}, extract the defects, then email a list to a@b.co"
    )
    assert only(once, "email").pattern is None
    each = understand(f"For every review at {SITE}, summarize it and email it to a@b.co")
    assert only(each, "email").pattern == "map"


@pytest.mark.requirement("FR-1.4")
@pytest.mark.parametrize(
    ("text", "agent", "condition"),
    [
        (f"Call {SITE} and if it fails email ops@b.co", "api", "source_data.status_code != 200"),
        (f"If {SITE} is down, email ops@b.co", "api", "site_status.status_code != 200"),
        (
            f"If the page {SITE} mentions Coffee, email ops@b.co",
            "web_scraping",
            "'coffee' in str(page_content).lower()",
        ),
    ],
)
def test_a_condition_on_a_url_looks_at_it(
    understand: Understand, agents_of: AgentsOf, only: Only, text: str, agent: str, condition: str
) -> None:
    """The URL is fetched first, and no reader is asked for what an expression can tell."""
    specification = understand(text)
    assert agents_of(specification) == [agent, "router", "email"]
    assert specification.nodes[0].parameters["url"] == SITE
    assert only(specification, "router").parameters["condition"] == condition


@pytest.mark.requirement("FR-1.5")
def test_parallel_findings_are_combined_under_headings(understand: Understand, only: Only) -> None:
    """Each review gets a label of its own, and a list of labels is not mixed with keywords."""
    specification = understand(
        f"Scrape the reviews at {SITE}, then in parallel extract keywords and classify them as "
        "praise or complaint, then combine both and email the result to boss@example.com"
    )
    assert specification.node("classify_reviews").pattern == "map"
    aggregator = only(specification, "aggregator")
    assert aggregator.input_keys == ("keywords", "categories")
    assert aggregator.parameters["format"] == "markdown_report"
    assert only(specification, "email").parameters["body"] == "{combined_results}"


def test_the_most_negative_ones_are_found(understand: Understand, agents_of: AgentsOf) -> None:
    """They are judged, sorted and cut before they are sent."""
    specification = understand(
        f"Get the reviews from {SITE} and send me the three most negative ones"
    )
    assert agents_of(specification) == [
        "web_scraping", "llm", "data_processing", "data_processing", "email",
    ]  # fmt: skip
    _, judge, sort, keep, _ = specification.nodes
    assert (judge.pattern, judge.parameters["task"]) == ("map", "sentiment")
    assert (sort.parameters["sort_by"], keep.parameters["limit"]) == ("score", 3)


def test_a_report_of_a_loop_is_written_before_it_is_sent(
    understand: Understand, agents_of: AgentsOf
) -> None:
    """After a look at each item, “post the report” means a report of all of them."""
    specification = understand(
        f"Scrape the reviews at {SITE}, analyze the sentiment of each, and post the report to Slack"
    )
    assert agents_of(specification) == ["web_scraping", "llm", "aggregator", "api"]
    assert specification.nodes[3].parameters["body"] == {"text": "{insights_report}"}


def test_given_data_is_not_fetched(understand: Understand, only: Only, agents_of: AgentsOf) -> None:
    """Taking “the feedback in {input.feedback}” is no step; the input may be of any type."""
    specification = understand(
        "Take the customer feedback in {input.feedback}, find the main topics and email a report "
        "to product@example.com"
    )
    assert agents_of(specification) == ["llm", "email"]
    assert only(specification, "llm").parameters["task"] == "keywords"
    assert "type" not in specification.state_schema.input["properties"]["feedback"]


@pytest.mark.parametrize(
    ("text", "agents"),
    [
        (f"Fetch the reviews from {SITE}, remove duplicates and save as CSV",
         ["web_scraping", "data_processing", "data_processing"]),
        ("Extract name and email from {input.text} and save it as JSON",
         ["llm", "data_processing"]),
        (f"Download the reviews from {SITE}, keep only those that mention coffee, and email them "
         "to lab@example.com", ["web_scraping", "data_processing", "email"]),
    ],
)  # fmt: skip
def test_lists_are_worked_on_without_questions(
    understand: Understand, agents_of: AgentsOf, text: str, agents: list[str]
) -> None:
    """Duplicates, files and words that items mention need neither a service nor a table."""
    assert agents_of(understand(text)) == agents


def test_a_filter_by_a_word_is_an_expression(understand: Understand) -> None:
    """What items mention, or do not, is a condition on the item."""
    keep = understand(f"Scrape the reviews at {SITE} and keep those that mention coffee")
    assert keep.nodes[1].parameters["where"] == "'coffee' in str(item).lower()"
    drop = understand(f"Scrape the reviews at {SITE} and keep those that do not mention coffee")
    assert drop.nodes[1].parameters["where"] == "'coffee' not in str(item).lower()"


def test_what_a_mail_says_without_quotes(understand: Understand, only: Only) -> None:
    """The words after “saying” are the text of the mail."""
    specification = understand("Ask me to approve, then email bob@example.com saying hello")
    assert only(specification, "email").parameters["body"] == "Hello"


def test_the_reviews_of_a_page_are_its_items(understand: Understand, only: Only) -> None:
    """For “the sentiment of the reviews at URL” reviews are read, not the text of the page."""
    specification = understand(f"Analyze the sentiment of the reviews at {SITE} and email it to me")
    assert only(specification, "web_scraping").parameters["items"] == "reviews"


def test_a_tweet_is_not_lost(read: Read) -> None:
    """A service without a known address is asked for."""
    found = read(f"Scrape the reviews at {SITE}, pick the 5 newest and tweet them")
    assert [question.id for question in found.questions if question.required] == ["tweet_data.url"]


def test_a_query_suggests_the_table_that_is_spoken_of(read: Read) -> None:
    """The question about rows proposes the noun of the sentence."""
    found = read("Query the database for orders over 100 and email the result to a@b.co")
    (question,) = [question for question in found.questions if question.required]
    assert question.suggestions == ("SELECT * FROM orders",)


def test_a_name_ends_at_a_word(understand: Understand) -> None:
    """A name made of a long sentence is cut between words."""
    specification = understand(
        "Send an email to bob@example.com with the subject 'A rather long subject' and the body "
        "'Lunch at noon?'"
    )
    assert len(specification.metadata.name) <= 81
    assert specification.metadata.name.endswith("…")
    assert (
        specification.metadata.name[:-1].split()[-1] in specification.metadata.description.split()
    )
