"""Nodes with ready agents, driven by a process on real Postgres."""

from collections.abc import AsyncIterator

import pytest

from agents.registry import Registry, builtin_registry
from agents.services import Services, open_services
from agents.settings import AgentSettings
from compiler.english.parser import parse
from compiler.text import to_document
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.process import Process
from tests.agents.website import Asked, Reply, Site, json_reply, open_site

TOKEN = "xoxb-very-secret"
TELL = {
    "id": "tell",
    "agent": "slack_post_message",
    "parameters": {"token": "{secrets.slack_token}", "channel": "C1", "text": "{input.text}"},
}


@pytest.fixture
async def slack() -> AsyncIterator[Site]:
    """Slack's stand-in."""
    async with open_site() as opened:
        yield opened


@pytest.fixture
async def services(slack: Site) -> AsyncIterator[Services]:
    """What agents share, with the stand-in in the place of Slack and GitHub."""
    settings = AgentSettings(
        allow_loopback=True,
        sandbox_processes=1,
        service_urls={name: slack.url("") for name in ("Slack", "GitHub")},
    )
    async with open_services(settings) as opened:
        yield opened


@pytest.fixture
def registry() -> Registry:
    """All agents."""
    return builtin_registry()


@pytest.fixture
async def process(process_of: OpenProcess) -> Process:
    """A process that knows the tokens."""
    return await process_of(secrets={"slack_token": TOKEN, "github_token": "ghp-very-secret"})


@pytest.mark.requirement("FR-3.1", "FR-3.8")
async def test_a_node_tells_slack(begin: Begin, process: Process, look: Look, slack: Site) -> None:
    """The service gets the secret and the input; the node's output has the file's fields."""
    slack.replies["/api/chat.postMessage"] = json_reply({"ok": True, "channel": "C1", "ts": "1.2"})
    id = await begin({"name": "Tell", "nodes": [TELL]}, {"text": "Deployed {secrets.slack_token}"})
    await process.drive(id)
    assert await look.output(id) == {"channel": "C1", "ts": "1.2"}
    [asked] = slack.asked
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.json == {"channel": "C1", "text": "Deployed {secrets.slack_token}"}


async def test_a_busy_service_is_tried_again(
    begin: Begin, process: Process, look: Look, slack: Site
) -> None:
    """After 429 the node's own policy counts; the token stands in no error."""
    answers = [Reply(f"slow down, {TOKEN}", 429), json_reply({"ok": True, "ts": "1.2"})]

    def reply(asked: Asked) -> Reply:
        return answers.pop(0)

    slack.replies["/api/chat.postMessage"] = reply
    node = {**TELL, "retry": {"max_attempts": 2, "initial_seconds": 0.01}}
    id = await begin({"name": "Tell", "nodes": [node]}, {"text": "Hi"})
    await process.drive(id)
    assert await look.status(id) == "completed"
    assert len(slack.asked) == 2


@pytest.mark.requirement("FR-1.1", "FR-2.3", "FR-3.1")
async def test_a_sentence_comments_on_each_issue_and_tells_slack(
    begin: Begin, process: Process, look: Look, slack: Site
) -> None:
    """What English made runs: the open issues are read, each gets its comment, Slack is told."""
    specification = parse(
        'For each open GitHub issue in octocat/hello, add a comment saying "Any news?". '
        'Then post "Asked for news" to #dev on Slack.'
    ).specification
    assert specification is not None
    slack.replies |= {
        "/repos/octocat/hello/issues": json_reply([{"number": 7}, {"number": 9}]),
        "/repos/octocat/hello/issues/7/comments": json_reply({"id": 70}, 201),
        "/repos/octocat/hello/issues/9/comments": json_reply({"id": 90}, 201),
        "/api/chat.postMessage": json_reply({"ok": True, "channel": "C1", "ts": "1.2"}),
    }
    id = await begin(to_document(specification), {})
    await process.drive(id)
    assert await look.status(id) == "completed"
    listed, *comments, told = slack.asked
    assert "state=open" in listed.path
    assert {asked.path: asked.json for asked in comments} == {
        f"/repos/octocat/hello/issues/{number}/comments": {"body": "Any news?"} for number in (7, 9)
    }
    assert listed.headers["authorization"] == "Bearer ghp-very-secret"
    assert told.headers["authorization"] == f"Bearer {TOKEN}"
    assert told.json == {"channel": "#dev", "text": "Asked for news"}
