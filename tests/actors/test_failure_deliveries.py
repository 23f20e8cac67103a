"""What a failed execution sets off: a channel is told, another workflow is started."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from actors.webhooks import ATTEMPTS_LIMIT, WebhookSender, tenant_key
from agents.services import Services, open_services
from agents.settings import AgentSettings
from store.json_values import loads
from store.live import LiveView
from store.postgres import Pool
from store.queue import UNBOUNDED, admit
from store.writing import Woken
from tests.actors.conftest import Begin, Look
from tests.actors.pools import BreakingPool, connection_lost
from tests.actors.process import Process
from tests.actors.receiver import Receiver, open_receiver
from tests.actors.workflows import Document, does, says, workflow
from tests.factories import Account, MakeWorkflow
from tests.mailbox import Mailbox

PLATFORM_KEY = b"k" * 32
DUE = "UPDATE webhook_deliveries SET next_attempt_at = now()"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Whoever is told."""
    async with open_receiver() as opened:
        yield opened


@pytest.fixture
async def services(mailbox: Mailbox) -> AsyncIterator[Services]:
    """What agents share, with a mail server."""
    settings = AgentSettings(allow_loopback=True, sandbox_processes=1, smtp_url=mailbox.url)
    async with open_services(settings) as opened:
        yield opened


@pytest.fixture
def sender(engine_pool: Pool, live: LiveView, services: Services) -> WebhookSender:
    """What the supervisor sends with."""
    return WebhookSender(engine_pool, live, services, PLATFORM_KEY)


def failing(**handling: Any) -> Document:
    """A workflow that fails, named `Import <daily>`."""
    document = workflow([does("a", fail="No."), says("b")], "a b", error_handling=handling)
    return {**document, "name": "Import <daily>"}


async def _deliveries(pool: Pool) -> list[Any]:
    return list(await pool.fetch("SELECT * FROM webhook_deliveries ORDER BY kind"))


@pytest.mark.requirement("USER.28")
async def test_channel_is_told_signed(
    receiver: Receiver, sender: WebhookSender, begin: Begin, process: Process, account: Account
) -> None:
    """Who failed, where and why, under the tenant's signature; not what it was given."""
    channel = {"notify_on_failure": True, "notification_channel": receiver.url}
    id = await begin(failing(**channel), {"card": "4111"})
    await process.drive(id)
    await sender.deliver_due()
    [(headers, body)] = receiver.calls
    told = json.loads(body)
    assert (told["type"], told["execution_id"]) == ("workflow_failed", f"exec_{id.hex}")
    assert (told["workflow_name"], told["error_node_id"]) == ("Import <daily>", "a")
    assert told["error_message"] == "No."
    assert b"4111" not in body
    key = tenant_key(PLATFORM_KEY, account.tenant_id)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


@pytest.mark.requirement("USER.28")
async def test_slack_is_told_in_its_own_form(
    receiver: Receiver, sender: WebhookSender, begin: Begin, process: Process, engine_pool: Pool
) -> None:
    """One text without markup, repeated until it arrives."""
    receiver.statuses = [503]
    channel = {"notify_on_failure": True, "notification_channel": f"slack:{receiver.url}"}
    id = await begin(failing(**channel))
    await process.drive(id)
    await sender.deliver_due()
    [row] = await _deliveries(engine_pool)
    assert (row["last_error"], row["delivered_at"]) == ("HTTP 503", None)
    await engine_pool.execute(DUE)
    await sender.deliver_due()
    text = f"Import &lt;daily&gt; failed at `a`: No. (exec_{id.hex})"
    assert [json.loads(body) for _, body in receiver.calls] == [{"text": text}] * 2


@pytest.mark.requirement("USER.28")
async def test_mail_is_sent(
    mailbox: Mailbox, sender: WebhookSender, begin: Begin, process: Process, engine_pool: Pool
) -> None:
    """Every attempt is the same message."""
    channel = {"notify_on_failure": True, "notification_channel": "mailto:ops@example.com"}
    await process.drive(await begin(failing(**channel)))
    await sender.deliver_due()
    await engine_pool.execute("UPDATE webhook_deliveries SET delivered_at = NULL")
    await engine_pool.execute(DUE)
    await sender.deliver_due()
    contents = [mail.content for mail in mailbox.mails]
    assert [mail.rcpt_tos for mail in mailbox.mails] == [["ops@example.com"]] * 2
    heads = [
        [line for line in content.split(b"\r\n") if line.startswith(b"Message-ID")]
        for content in contents
        if isinstance(content, bytes)
    ]
    assert heads[0] == heads[1]
    assert isinstance(contents[0], bytes)
    assert b"Subject: Import <daily> failed" in contents[0]


@pytest.mark.parametrize(
    ("channel", "fail"), [("slack", "No."), ("https://example.com", None), (None, "No.")]
)
async def test_nobody_is_told_without_address_or_failure(
    channel: str | None, fail: str | None, begin: Begin, process: Process, engine_pool: Pool
) -> None:
    """A channel's name alone leads nowhere, and an execution that completes is no news."""
    handling = {"notify_on_failure": channel is not None, "notification_channel": channel}
    id = await begin(workflow([does("a", fail=fail)], "", error_handling=handling))
    await process.drive(id)
    assert await _deliveries(engine_pool) == []


async def test_channel_inside_the_network_is_refused(
    sender: WebhookSender, begin: Begin, process: Process, engine_pool: Pool
) -> None:
    """It goes through the same guard as every agent's request."""
    channel = {"notify_on_failure": True, "notification_channel": "http://169.254.169.254/latest"}
    await process.drive(await begin(failing(**channel)))
    await sender.deliver_due()
    [row] = await _deliveries(engine_pool)
    assert "169.254.169.254" in row["last_error"]


# The error workflow.

HANDLER = workflow([says("tell", "{input.workflow_name}: {input.error_message}")], "")


async def _started(pool: Pool, workflow_id: UUID) -> list[Any]:
    return list(
        await pool.fetch("SELECT * FROM workflow_executions WHERE workflow_id = $1", workflow_id)
    )


@pytest.mark.requirement("FR-7.5")
async def test_error_workflow_is_started_once(
    sender: WebhookSender,
    begin: Begin,
    process: Process,
    look: Look,
    make_workflow: MakeWorkflow,
    engine_pool: Pool,
    live: LiveView,
    services: Services,
) -> None:
    """It is given what failed, runs, and is not started again when that was not noted."""
    handler = await make_workflow(HANDLER)
    id = await begin(failing(error_workflow=f"wf_{handler.id.hex}"), {"n": 1})
    await process.drive(id)
    # The first call takes what is due; the one that notes the delivery is lost, wherever it is.
    for number in range(2, 12):
        broken: Any = BreakingPool(engine_pool, number, connection_lost())
        await WebhookSender(broken, live, services, PLATFORM_KEY).deliver_due()
        await engine_pool.execute(DUE)
    await engine_pool.execute("UPDATE webhook_deliveries SET delivered_at = NULL")
    await asyncio.gather(*(sender.deliver_due() for _ in range(3)))
    [row] = await _started(engine_pool, handler.id)
    assert (row["triggered_by"], row["idempotency_key"]) == ("error", f"error:{id}")
    assert loads(row["input_data"]) == {
        "execution_id": f"exec_{id.hex}",
        "workflow_id": f"wf_{(await look.row(id))['workflow_id'].hex}",
        "workflow_name": "Import <daily>",
        "error_message": "No.",
        "error_node_id": "a",
        "input": {"n": 1},
    }
    assert await admit(engine_pool, [process.id], UNBOUNDED, 10) == [Woken(row["id"], process.id)]
    await process.drive(row["id"])
    assert await look.output(row["id"]) == {"tell": "Import <daily>: No."}


async def test_failure_of_an_error_workflow_starts_none(
    begin: Begin, process: Process, make_workflow: MakeWorkflow, engine_pool: Pool
) -> None:
    """There is no chain of error workflows."""
    handler = await make_workflow(HANDLER)
    document = failing(error_workflow=f"wf_{handler.id.hex}")
    await process.drive(await begin(document, triggered_by="error"))
    assert await _deliveries(engine_pool) == []


@pytest.mark.parametrize("known", [True, False])
async def test_error_workflow_that_cannot_start_is_given_up_at_once(
    known: bool,
    sender: WebhookSender,
    begin: Begin,
    process: Process,
    make_workflow: MakeWorkflow,
    engine_pool: Pool,
) -> None:
    """One that is not there, or wants another input; the reason is kept."""
    schema = {"input": {"type": "object", "required": ["customer"]}}
    handler = await make_workflow({**HANDLER, "state_schema": schema})
    name = handler.id.hex if known else "0" * 32
    await process.drive(await begin(failing(error_workflow=f"wf_{name}")))
    await sender.deliver_due()
    [row] = await _deliveries(engine_pool)
    assert row["abandoned_at"] is not None
    assert ("customer" if known else name) in row["last_error"]
    assert row["attempts"] == 1 < ATTEMPTS_LIMIT
    assert await _started(engine_pool, handler.id) == []


@pytest.mark.requirement("NFR-4.1")
async def test_error_workflow_of_another_tenant_is_not_there(
    sender: WebhookSender,
    begin: Begin,
    process: Process,
    make_workflow: MakeWorkflow,
    make_account: Any,
    engine_pool: Pool,
) -> None:
    """Naming it starts nothing, and tells nothing of it."""
    schema = {"input": {"type": "object", "required": ["customer"]}}
    other = await make_account("Other")
    handler = await make_workflow({**HANDLER, "state_schema": schema}, other)
    await process.drive(await begin(failing(error_workflow=f"wf_{handler.id.hex}")))
    await sender.deliver_due()
    assert await _started(engine_pool, handler.id) == []
    [row] = await _deliveries(engine_pool)
    assert row["abandoned_at"] is not None
    assert row["last_error"] == (
        f"The error workflow cannot be started: There is no workflow wf_{handler.id.hex}."
    )
