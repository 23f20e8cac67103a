"""Nodes with ready agents, driven by a process on real Postgres."""

from collections.abc import AsyncIterator

import pytest

from agents.registry import Registry, builtin_registry
from agents.services import Services, open_services
from agents.settings import AgentSettings
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
    """What agents share, with the stand-in in the place of Slack."""
    settings = AgentSettings(
        allow_loopback=True, sandbox_processes=1, service_urls={"Slack": slack.url("")}
    )
    async with open_services(settings) as opened:
        yield opened


@pytest.fixture
def registry() -> Registry:
    """All agents."""
    return builtin_registry()


@pytest.fixture
async def process(process_of: OpenProcess) -> Process:
    """A process that knows the token."""
    return await process_of(secrets={"slack_token": TOKEN})


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
