"""What a model is told: an example that is right, and of the agents only those that matter."""

from dataclasses import replace

import pytest

from agents.planner_output import WorkflowAnswer
from agents.planner_prompt import (
    ALWAYS,
    EXAMPLE,
    EXAMPLE_TEXT,
    MOST_AGENTS,
    catalogue,
    plan_instructions,
    relevant,
)
from agents.registry import builtin_registry
from compiler.check import check
from compiler.signature import AgentSignature

SIGNATURES = builtin_registry().signatures()


def many_agents() -> dict[str, AgentSignature]:
    """The built-in agents among 150 others."""
    others = {
        f"{word}_{number}": replace(
            SIGNATURES["api"], name=f"{word}_{number}", description=f"Works with {word}."
        )
        for word in ("jira", "salesforce", "zoom", "stripe", "shopify")
        for number in range(30)
    }
    return {**others, **SIGNATURES}


@pytest.mark.requirement("FR-1.2", "FR-1.4")
def test_the_example_is_right() -> None:
    """What the model is shown passes the check as it stands."""
    specification = WorkflowAnswer.model_validate(EXAMPLE).specification(EXAMPLE_TEXT, None)
    assert check(specification, SIGNATURES) == []


@pytest.mark.requirement("FR-1.2")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mail the report to me", "email"),
        ("E-mail it", "email"),
        ("Scrape a page", "web_scraping"),
        ("Look at the website", "web_scraping"),
        ("Insert the rows", "database"),
        ("Store it in Postgres", "database"),
        ("Ask Olivia for approval", "human_loop"),
        ("Wait three days", "wait"),
        ("Run the workflow Payroll", "workflow"),
        ("Take a Zoom call", "zoom_0"),
    ],
)
def test_agents_are_found_by_the_words_of_a_text(text: str, expected: str) -> None:
    """Verbs, places, products, names and descriptions lead to an agent, however many there are."""
    assert expected in relevant(text, many_agents())


def test_basic_and_used_agents_are_always_there() -> None:
    """Whatever the text says, and in an edit whatever the workflow has."""
    found = relevant("Nothing", many_agents(), {"zoom_7"})
    assert {*ALWAYS, "zoom_7"} == set(found)


def test_what_a_model_is_told_does_not_grow_with_the_catalogue() -> None:
    """A text that fits very many agents gets the nearest ones."""
    text = "With Jira, Salesforce, Zoom, Stripe and Shopify, mail, scrape and store it"
    agents = many_agents()
    assert len(relevant(text, agents)) == MOST_AGENTS
    assert {"email", "web_scraping", "database"} <= set(relevant(text, agents))
    assert len(plan_instructions(text, agents)) < 16_000


def test_parameters_are_told_in_short() -> None:
    """Each parameter has its type, whether it may be left out, its default and its meaning."""
    told = catalogue("Mail it", SIGNATURES)
    assert "  to: string|[string] - One address" in told
    assert '  output_format?: "text"|"json"|"json_array"|"markdown" = "text"' in told
    assert "  routes?: [{when: string, to: string}]" in told
    assert "  result: status_code, body, headers, duration_ms, error" in told


def test_services_are_told_with_their_secrets() -> None:
    """A model need not guess how Slack is called, and is not told of what nobody names."""
    assert "{secrets.slack_webhook_url}" in catalogue("Post it to Slack", SIGNATURES)
    assert "secrets." not in catalogue("Post it", SIGNATURES)


def test_the_form_of_the_answer_explains_itself() -> None:
    """What a field of a specification means stands in the schema that a model has to fill in."""
    fields = WorkflowAnswer.model_json_schema()["$defs"]["Node"]["properties"]
    assert "leaves null" in fields["on_item_error"]["description"].replace("\n", " ")
    assert fields["compensate"]["description"].startswith("What undoes this node")
