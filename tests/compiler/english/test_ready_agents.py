"""Sentences that name a service: which ready agent does it, and what its parameters become."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from agents.catalog.library import catalog_names
from compiler.english.lexicon import lexicon
from compiler.english.ready_agents import base_of, ready_agents
from compiler.english.ready_steps import ROLES
from compiler.english.ready_values import has_shape
from compiler.specification import Specification
from tests.compiler.english.conftest import AgentsOf, Read, Understand

Sentence = tuple[str, str, dict[str, Any]]

_SENTENCES: list[Sentence] = YAML(typ="safe").load(
    Path(__file__).with_name("ready_sentences.yaml").read_text(encoding="utf-8")
)


@pytest.mark.requirement("FR-1.1", "FR-3.1")
@pytest.mark.parametrize(("agent", "text", "parameters"), _SENTENCES, ids=lambda one: str(one)[:40])
def test_a_sentence_becomes_a_ready_agent(
    understand: Understand, agent: str, text: str, parameters: dict[str, Any]
) -> None:
    """Its service, verb and thing choose the agent; what the words name fills its parameters."""
    [node] = understand(text).nodes
    assert node.agent == agent
    assert {name: node.parameters.get(name) for name in parameters} == parameters


@pytest.mark.parametrize(
    "frame",
    [
        "Scrape https://a.example, summarize it, then {}",
        "Every Monday at 9, {}",
        "Fetch the orders from https://api.shop.example/orders, then for each order {}",
        "When an order arrives, {}. Then email it to a@b.example",
        "If the input is urgent, {}, otherwise email it to a@b.example",
    ],
)
def test_a_sentence_stands_in_any_workflow(read: Read, agents_of: AgentsOf, frame: str) -> None:
    """Among other steps, in a loop and in a choice it asks for the same agent."""
    for agent, text, _ in _SENTENCES:
        specification = read(frame.format(f"{text[0].lower()}{text[1:]}")).specification
        assert specification is not None
        assert agent in agents_of(specification), text


@pytest.mark.requirement("FR-3.1")
def test_every_agent_of_the_catalog_is_asked_for() -> None:
    """Each has its sentences, those without a service by their names."""
    asked = Counter(agent for agent, _, _ in _SENTENCES)
    assert set(asked) == set(ready_agents()) == set(catalog_names())
    assert min(asked.values()) >= 2


@pytest.mark.parametrize(
    ("text", "agents"),
    [
        ("Scrape Slack's blog", ["web_scraping"]),
        ("Check the GitHub status page", ["api"]),
        ("Alert Slack", ["api"]),
        ("Post the update to Slack", ["api"]),
        ("Email the GitHub issues to ada@example.com", ["github_list_issues", "email"]),
        ("Summarize the text with OpenAI", ["llm"]),
        ("Send an alert by email to ops@example.com", ["email"]),
        ("Email a warning to ops@example.com", ["email"]),
        ("Email the orders as a CSV file to ada@example.com", ["email"]),
        ("Detect the sentiment of the review", ["llm"]),
        ("Use a text summary tool on the article", ["api"]),
        ("Send the prompt to ops@example.com", ["email"]),
        ("Draft a Slack message about the launch", ["llm"]),
        ("Send an email to ada@example.com", ["email"]),
        ("Delete the Slack channel", ["api"]),
        ("Create a Notion database", ["api"]),
        ("Send an SMS to the customer", ["api"]),
        ("Create an issue in YouTrack", ["api"]),
        ("Delete the Trello board", ["api"]),
        ("Fetch the invoices from Stripe", ["api"]),
        ("Summarize our GitHub issues", ["github_list_issues", "llm"]),
        ("Search HubSpot for contacts at Acme", ["hubspot_search_contacts"]),
    ],
)
def test_what_the_catalog_lacks_stays_what_it_was(
    read: Read, agents_of: AgentsOf, text: str, agents: list[str]
) -> None:
    """A service alone, a page about it, or a deed that no agent does asks for no ready agent."""
    assert agents_of(read(text).specification) == agents


def node_of(specification: Specification, agent: str) -> Any:
    """Return the one node with this agent."""
    [found] = [node for node in specification.nodes if node.agent == agent]
    return found


@pytest.mark.requirement("FR-1.1", "FR-3.1")
def test_a_step_takes_the_results_before_it(understand: Understand) -> None:
    """The summary is the message's text, and its key an input key."""
    specification = understand(
        "Scrape https://a.example, summarize it and post the summary to Slack channel #ops"
    )
    node = node_of(specification, "slack_post_message")
    assert node.parameters == {
        "token": "{secrets.slack_token}",
        "channel": "#ops",
        "text": "{summary}",
    }
    assert node.input_keys == ("summary",)


@pytest.mark.requirement("FR-2.3", "FR-3.1")
def test_a_loop_over_a_service_maps_its_ready_agent(understand: Understand) -> None:
    """A comment on each issue runs for each, knows its number and shares the repository."""
    specification = understand(
        'For each open GitHub issue in octocat/hello, add a comment saying "Any news?"'
    )
    issues, comment = specification.nodes
    assert issues.agent == "github_list_issues"
    assert issues.parameters["state"] == "open"
    assert comment.agent == "github_comment_issue"
    assert comment.pattern == "map"
    assert comment.input_keys == ("issues.issues",)
    assert comment.parameters == {
        "token": "{secrets.github_token}",
        "owner": "octocat",
        "repo": "hello",
        "number": "{issue.number}",
        "body": "Any news?",
    }


def test_each_item_of_a_list_is_a_record(understand: Understand) -> None:
    """What one service lists becomes records of another, one for each."""
    specification = understand(
        "Fetch the customers from Stripe and add each customer to HubSpot as a contact"
    )
    contact = node_of(specification, "hubspot_create_contact")
    assert contact.pattern == "map"
    assert contact.parameters["properties"] == "{customer}"


def test_what_was_made_is_meant_later(understand: Understand) -> None:
    """“It” is the issue that was just opened: its number is read from the node's output."""
    specification = understand(
        'Create a GitHub issue titled "Disk full" in octocat/hello, then add the label bug to it'
    )
    created, labelled = specification.nodes
    assert labelled.parameters == {
        "token": "{secrets.github_token}",
        "owner": "octocat",
        "repo": "hello",
        "number": f"{{{created.key}.number}}",
        "labels": ["bug"],
    }
    assert created.key in labelled.input_keys


@pytest.mark.parametrize(
    ("text", "agent", "parameters"),
    [
        ("close it", "github_close_issue", {"number": "{create_github_issue.number}"}),
        ("comment on it", "github_comment_issue", {"body": "{input.comment_data_body}"}),
        ("post it to #dev on Slack", "slack_post_message", {"text": "{create_github_issue}"}),
    ],
)
def test_it_is_what_was_just_made(
    understand: Understand, text: str, agent: str, parameters: dict[str, Any]
) -> None:
    """Where no data stands before a step, “it” is the issue, in its own service and in others."""
    specification = understand(f'Create a GitHub issue titled "Disk full" in a/b, then {text}')
    node = node_of(specification, agent)
    assert {name: node.parameters[name] for name in parameters} == parameters
    assert node.input_keys == ("create_github_issue",)


def test_ways_that_give_one_result_share_no_field(understand: Understand) -> None:
    """A translation by a service and one by a model meet in one key, without the former's field."""
    specification = understand(
        "If the input is formal, translate the text to German with DeepL, otherwise translate the "
        "text to German. Then email it to a@b.example"
    )
    assert specification.nodes[-1].parameters["body"] == "{translation}"


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("Read the last 500 messages from Discord", "limit", 100),
        ("Charge the customer $0 with Stripe", "amount", "{input.charge_stripe_record_amount}"),
        ("Charge the customer 500 yen with Stripe", "amount", 500),
        ("Charge the customer with Stripe", "currency", "{input.charge_stripe_record_currency}"),
    ],
)
def test_a_value_fits_its_schema(understand: Understand, text: str, name: str, value: Any) -> None:
    """A page holds what it can, an amount is in its smallest unit, and nothing is made up."""
    [node] = understand(text).nodes
    assert node.parameters[name] == value


def test_what_is_not_said_is_an_input_and_a_question(read: Read) -> None:
    """Nothing is made up: the schema asks for it, and a question may be answered instead."""
    found = read('Create a GitHub issue titled "Disk full"')
    schema = found.specification.state_schema.input
    assert schema["required"] == ["github_owner", "github_repo"]
    assert schema["properties"]["github_owner"]["type"] == "string"
    assert [(one.id, one.required) for one in found.questions] == [
        ("create_github_issue.owner", False),
        ("create_github_issue.repo", False),
    ]


def test_an_answer_fills_a_parameter(read: Read) -> None:
    """What was answered is a value of the parameter's type, and is asked no more."""
    answers = {"close_github_issue.number": "12", "close_github_issue.owner": "octocat"}
    found = read("Close the GitHub issue", answers)
    [node] = found.specification.nodes
    assert node.parameters["number"] == 12
    assert node.parameters["owner"] == "octocat"
    assert [one.id for one in found.questions] == ["close_github_issue.repo"]


def test_steps_of_a_service_share_its_inputs(understand: Understand) -> None:
    """Two steps in one repository ask for it once."""
    specification = understand("Fetch the issues from GitHub and fetch the commits from GitHub")
    assert set(specification.state_schema.input["required"]) == {"github_owner", "github_repo"}


def test_a_condition_on_an_answer_of_a_service_is_judged(
    understand: Understand, agents_of: AgentsOf
) -> None:
    """No expression guesses the fields of an answer: a model reads it."""
    specification = understand(
        "Check our Stripe balance. If it is below 1000, post it to #finance on Slack"
    )
    assert agents_of(specification) == [
        "stripe_get_balance", "llm", "router", "slack_post_message",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(ready_agents()))
def test_an_agent_speaks_words_that_the_compiler_knows(name: str) -> None:
    """Its verbs are verbs or groups of the lexicon, its roles are known, its building block too."""
    groups = lexicon().names("ready", "verbs")
    agent = ready_agents()[name]
    assert base_of(name) in ("api", "database", "email", "llm")
    for form in agent.forms:
        known = {*groups, *lexicon().verbs, *lexicon().agents}
        assert set(form.verbs) <= known
    for parameter in agent.parameters.values():
        assert not parameter.role or parameter.role in ROLES or has_shape(parameter.role)
