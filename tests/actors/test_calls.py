"""Calls, mails and their limits in executions, driven by a process on real Postgres."""

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import orjson
import pytest

from agents import api
from agents.registry import Registry, builtin_registry
from agents.services import Services, open_services
from agents.settings import AgentSettings
from store.artifacts import Reference
from store.json_values import loads
from store.postgres import Pool
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.process import Process
from tests.agents.test_mail import read
from tests.agents.website import Asked, Reply, Site, json_reply
from tests.mailbox import Mailbox

SECRET = "client-very-secret"
LONG = "x,y\n" + "1,2\n" * 30_000


@pytest.fixture
async def services(mailbox: Mailbox) -> AsyncIterator[Services]:
    """What agents share, with a mail server."""
    settings = AgentSettings(allow_loopback=True, sandbox_processes=1, smtp_url=mailbox.url)
    async with open_services(settings) as opened:
        yield opened


@pytest.fixture
def registry() -> Registry:
    """All agents."""
    return builtin_registry()


@pytest.fixture
async def process(process_of: OpenProcess) -> Process:
    """A process that knows the secret."""
    return await process_of(secrets={"client_secret": SECRET})


def chain(*nodes: dict[str, Any]) -> dict[str, Any]:
    """Return a workflow of nodes one after the other."""
    edges = [{"from": before["id"], "to": after["id"]} for before, after in pairwise(nodes)]
    return {"name": "Calls", "nodes": list(nodes), "edges": edges}


@pytest.mark.requirement("FR-3.4", "FR-3.8", "DATA.3")
async def test_large_values_become_whole_files(
    begin: Begin, process: Process, look: Look, site: Site, mailbox: Mailbox
) -> None:
    """What is kept as an artifact is attached and uploaded whole, not as its reference."""
    site.replies["/big.csv"] = Reply(LONG, headers={"Content-Type": "text/csv"})
    site.replies["/up"] = json_reply({})
    file = {"filename": "big.csv", "content": "{get.body}"}
    up = {"url": site.url("/up"), "method": "POST", "multipart": {"file": file}}
    mail = {"to": "ops@example.com", "subject": "Rows", "body": "-", "attachments": [file]}
    id = await begin(
        chain(
            {"id": "get", "agent": "api", "parameters": {"url": site.url("/big.csv")}},
            {"id": "up", "agent": "api", "parameters": up},
            {"id": "mail", "agent": "email", "parameters": mail},
        )
    )
    await process.drive(id)
    assert await look.status(id) == "completed"
    assert LONG.encode() in site.asked[1].body
    [part] = read(mailbox.mails[0]).iter_attachments()
    assert part.get_content().splitlines() == LONG.splitlines()


@pytest.mark.requirement("FR-2.10", "FR-3.8")
async def test_busy_api_is_called_again(
    begin: Begin, process: Process, look: Look, site: Site
) -> None:
    """A status of `retry_on` is another attempt with the same key; its last one fails the node."""
    answers = [Reply(status=503, headers={"Retry-After": "0"}), json_reply({"ok": True})]
    site.replies["/"] = lambda asked: answers.pop(0) if answers else Reply(status=503)
    parameters = {"url": site.url(), "method": "POST", "retry_on": [503]}
    node = {
        "id": "call", "agent": "api", "parameters": parameters,
        "retry": {"max_attempts": 2, "initial_seconds": 0.01},
    }  # fmt: skip
    first, second = [await begin({"name": "Busy", "nodes": [node]}) for _ in range(2)]
    await process.drive(first)
    await process.drive(second)
    assert (await look.status(first), await look.status(second)) == ("completed", "failed")
    keys = [asked.headers["idempotency-key"] for asked in site.asked]
    assert keys[0] == keys[1] != keys[2] == keys[3]


@pytest.mark.requirement("USER.11")
async def test_items_beyond_a_limit_keep_their_turns(
    begin: Begin,
    process: Process,
    look: Look,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An item that cannot wait comes back for its own turn, so one more attempt is enough."""
    monkeypatch.setattr(api, "LONGEST_WAIT_SECONDS", 0.0)
    site.replies["/"] = json_reply({})
    parameters = {"url": site.url(), "rate_limit": {"requests": 5, "seconds": 1}}
    each = {
        "id": "each", "agent": "api", "pattern": "map", "input_keys": ["rows"],
        "parameters": parameters, "retry": {"max_attempts": 2, "initial_seconds": 0.01},
    }  # fmt: skip
    rows = {
        "id": "rows", "agent": "data_processing",
        "parameters": {"data": "{input.rows}"},
    }  # fmt: skip
    id = await begin(chain(rows, each), {"rows": [1, 2, 3, 4, 5]})
    await process.drive(id)
    assert await look.status(id) == "completed"
    assert len(site.asked) == 5


@pytest.mark.requirement("FR-4.9", "NFR-4.4")
async def test_token_is_recorded_nowhere(
    begin: Begin, process: Process, look: Look, site: Site, engine_pool: Pool
) -> None:
    """Neither the secret nor the token that it brought stands in what an execution leaves."""

    def echo(asked: Asked) -> Reply:
        return json_reply({"sent": asked.headers["authorization"]})

    site.replies["/token"] = json_reply({"access_token": "token-of-mine", "expires_in": 60})
    site.replies["/"] = echo
    auth = {
        "type": "oauth2", "token_url": site.url("/token"), "client_id": "me",
        "client_secret": "{secrets.client_secret}",
    }  # fmt: skip
    node = {"id": "call", "agent": "api", "parameters": {"url": site.url(), "auth": auth}}
    id = await begin({"name": "Token", "nodes": [node]})
    await process.drive(id)
    assert (await look.output(id))["body"] == {"sent": "Bearer ***"}
    left = [*map(dict, await look.logs(id)), dict(await look.row(id))]
    left += map(dict, await engine_pool.fetch(
        "SELECT payload FROM execution_events WHERE execution_id = $1", id
    ))  # fmt: skip
    text = orjson.dumps(left, default=str).decode()
    assert "oauth2" in text
    assert SECRET not in text and "token-of-mine" not in text


@pytest.mark.requirement("FR-3.8")
async def test_a_downloaded_file_is_an_artifact_that_is_sent_on(
    begin: Begin, process: Process, look: Look, site: Site
) -> None:
    """Its name, media type and size stand where it is named; who takes it has all of it."""
    content = bytes(range(256)) * 400
    site.replies["/report.pdf"] = Reply(content, headers={"Content-Type": "application/pdf"})
    site.replies["/keep"] = json_reply({})
    load = {"id": "load", "agent": "api", "parameters": {"url": site.url("/report.pdf")}}
    keep = {"id": "keep", "agent": "api", "parameters": {
        "url": site.url("/keep"), "method": "PUT", "file": "{load.body}",
    }}  # fmt: skip
    id = await begin(chain(load, keep))
    await process.drive(id)
    assert await look.status(id) == "completed"
    assert site.asked[1].body == content
    assert site.asked[1].headers["content-type"] == "application/pdf"
    logs = {log["node_id"]: loads(log["output_data"]) for log in await look.logs(id)}
    body = logs["load"]["body"]
    assert (body["filename"], body["content_type"], body["size_bytes"]) == (
        "report.pdf", "application/pdf", len(content),
    )  # fmt: skip
    assert Reference.of(body["base64"]) is not None
