"""Instructions that change steps of ready agents."""

import pytest

from compiler.editing.instruction import read_edit
from compiler.english.parser import parse
from compiler.specification import Specification


@pytest.fixture(scope="module")
def told() -> Specification:
    """A workflow that posts a summary to a channel of Slack."""
    found = parse("Scrape https://a.example, summarize it and post the summary to #ops on Slack")
    assert found.specification is not None
    return found.specification


@pytest.mark.requirement("FR-1.7", "FR-3.1")
@pytest.mark.parametrize(
    "text",
    [
        "Send it to #random instead",
        "Post it to #random instead of #ops",
        "Change the channel to #random",
        "Replace #ops with #random",
    ],
)
def test_a_message_goes_to_another_channel(told: Specification, text: str) -> None:
    """Only the channel of the message changes."""
    edited = read_edit(text, told).specification
    assert edited is not None
    assert edited.node("send_slack_message").parameters == {
        "token": "{secrets.slack_token}",
        "channel": "#random",
        "text": "{summary}",
    }
    assert edited.nodes[:2] == told.nodes[:2]


def test_a_new_step_is_a_ready_agent(told: Specification) -> None:
    """What is added reads the result before it, and what it lacks is an input."""
    edited = read_edit("Also create a GitHub issue in octocat/hello", told).specification
    assert edited is not None
    node = edited.node("create_github_issue")
    assert node.agent == "github_create_issue"
    assert node.parameters["repo"] == "hello"
    assert node.parameters["body"] == "{summary}"


def test_a_new_step_reads_what_a_ready_agent_gives() -> None:
    """The list that a service gave stands in a field of the node's output."""
    listed = parse("Fetch the open issues of octocat/hello from GitHub").specification
    assert listed is not None
    edited = read_edit("Then summarize them and email the summary to me@a.example", listed)
    assert edited.specification is not None
    prompts = [node.parameters.get("prompt", "") for node in edited.specification.nodes]
    assert any("{issues.issues}" in prompt for prompt in prompts)
