"""Steps side by side, and one step for each of many."""

import pytest

from tests.compiler.english.conftest import AgentsOf, EdgesOf, Understand


@pytest.mark.requirement("FR-2.5")
def test_listed_steps_run_side_by_side_and_join(
    understand: Understand, agents_of: AgentsOf, edges_of: EdgesOf
) -> None:
    """A list after "in parallel" has no order; the step behind it reads all of them."""
    specification = understand(
        "In parallel: summarize the text, translate it to German and extract keywords; "
        "then combine the results and email them to me"
    )
    assert agents_of(specification) == ["llm", "llm", "llm", "aggregator", "email"]
    joint = specification.nodes[3]
    assert joint.input_keys == ("summary", "translation", "keywords")
    heads = [node.id for node in specification.nodes[:3]]
    assert edges_of(specification)[:3] == [(head, joint.id) for head in heads]
    assert specification.pattern == "map_reduce"
    assert {node.parameters["prompt"][-12:] for node in specification.nodes[:3]} == {"{input.text}"}


@pytest.mark.requirement("FR-2.5")
@pytest.mark.parametrize("words", ["at the same time", "in parallel", "simultaneously"])
def test_last_actions_side_by_side(understand: Understand, edges_of: EdgesOf, words: str) -> None:
    """Two independent messages leave from the same step."""
    specification = understand(
        f"Summarize the notes, then email the summary to a@b.co and post it to Slack {words}"
    )
    assert edges_of(specification) == [
        ("summarize_notes", "send_email"),
        ("summarize_notes", "send_slack_message"),
    ]


def test_branches_may_hold_several_steps(understand: Understand, edges_of: EdgesOf) -> None:
    """Entries of a list are branches, and each goes on by itself until they join."""
    specification = understand(
        "In parallel:\n- scrape http://a.example/1, then summarize it\n"
        "- scrape http://a.example/2\nThen combine the results."
    )
    pairs = edges_of(specification)
    assert (specification.nodes[0].id, specification.nodes[1].id) in pairs
    joint = specification.nodes[-1]
    assert sorted(source for source, target in pairs if target == joint.id) == sorted(
        [specification.nodes[1].id, specification.nodes[2].id]
    )


def test_sources_are_shared_out_over_one_verb(understand: Understand, edges_of: EdgesOf) -> None:
    """One verb with two things from two places is two steps."""
    specification = understand(
        "Fetch the weather from https://api.example.com/w and the news from "
        "https://api.example.com/n in parallel, then write a report and email it to me"
    )
    assert [node.id for node in specification.nodes][:2] == ["fetch_weather", "fetch_news"]
    report = specification.nodes[2]
    assert report.agent == "aggregator"
    assert report.parameters["data"] == ["{weather.body}", "{news.body}"]
    assert edges_of(specification)[:2] == [
        ("fetch_weather", report.id),
        ("fetch_news", report.id),
    ]


@pytest.mark.requirement("FR-2.4")
@pytest.mark.parametrize(
    "part",
    [
        "analyze the sentiment of each review",
        "analyze the sentiment of every review",
        "for each review, analyze the sentiment",
        "analyze the sentiment per review",
        "analyze their sentiment in parallel",
        "analyze the sentiment one by one",
    ],
)
def test_each_item_gets_its_own_run(understand: Understand, part: str) -> None:
    """Every way of saying "each" gives a map whose prompt speaks of one item."""
    specification = understand(f"Scrape reviews from http://a.example/r, {part}")
    node = specification.nodes[1]
    assert (node.pattern, node.input_keys, node.key) == ("map", ("reviews",), "sentiments")
    assert node.parameters["prompt"].endswith("this review: {review}")


@pytest.mark.requirement("FR-2.4")
def test_rows_and_bodies_are_mapped_where_the_list_stands(understand: Understand) -> None:
    """The rows of a query and the body of an answer are the lists, not their envelopes."""
    rows = understand("Read leads from the leads table and draft a letter for each lead")
    assert rows.nodes[1].input_keys == ("leads.rows",)
    assert rows.nodes[1].parameters["prompt"] == "Draft a letter for this lead: {item}"
    body = understand("Fetch issues from https://api.example.com/i and summarize each issue")
    assert body.nodes[1].input_keys == ("issues.body",)


def test_list_of_the_caller_can_be_mapped(understand: Understand) -> None:
    """Without a list from a step, the execution's input gives it."""
    specification = understand("Summarize each document, then write a report")
    assert specification.nodes[0].pattern == "map"
    assert specification.nodes[0].input_keys == ("input.documents",)
    assert specification.state_schema.input["properties"]["documents"]["type"] == "array"
    assert specification.nodes[1].agent == "aggregator"
