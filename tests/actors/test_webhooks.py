"""Webhooks: signed, repeated until they arrive, given up after eight attempts."""

import asyncio
import base64
import hmac
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest

from actors import webhooks
from actors.webhooks import (
    ATTEMPTS_LIMIT,
    WebhookSender,
    delay_seconds,
    signature,
    signing_secret,
    tenant_key,
)
from agents.services import Services
from store.executions import cancel_parked
from store.live import LiveView
from store.postgres import Pool
from tests.actors.receiver import Receiver, open_receiver
from tests.agents.test_hostile_servers import BOUND_SECONDS, SERVERS, open_hostile
from tests.eventually import eventually
from tests.factories import Account, MakeWorkflow, StartExecution

PLATFORM_KEY = b"k" * 32
DUE = "UPDATE webhook_deliveries SET next_attempt_at = now()"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver."""
    async with open_receiver() as opened:
        yield opened


@pytest.fixture
def sender(engine_pool: Pool, live: LiveView, services: Services) -> WebhookSender:
    """What the supervisor sends with."""
    return WebhookSender(engine_pool, live, services, PLATFORM_KEY)


@pytest.fixture
def ended(
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    live: LiveView,
    engine_pool: Pool,
) -> Any:
    """End an execution that asked for a call to a URL."""

    async def end(url: str) -> UUID:
        started = await start(await make_workflow(), webhook_url=url)
        await cancel_parked(engine_pool, live, account.tenant_id, started.execution_id, "enough")
        return started.execution_id

    return end


def test_signature_is_that_of_the_standard() -> None:
    """The example of the Standard Webhooks specification."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    found = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_tenant_has_a_key_of_its_own() -> None:
    """Keys differ by tenant and platform, and the receiver's secret holds the key."""
    keys = {tenant_key(k, UUID(int=t)) for k in (b"a", b"b") for t in (1, 2)}
    assert len(keys) == 4
    secret = signing_secret(b"a", UUID(int=1))
    assert secret.startswith("whsec_")
    assert base64.b64decode(secret.removeprefix("whsec_")) == tenant_key(b"a", UUID(int=1))


@pytest.mark.requirement("USER.28")
async def test_end_of_an_execution_is_delivered_signed(
    receiver: Receiver, sender: WebhookSender, ended: Any, account: Account, engine_pool: Pool
) -> None:
    """One call with the outcome, whose signature the tenant's secret confirms."""
    id = await ended(receiver.url)
    await sender.deliver_due()
    [(headers, body)] = receiver.calls
    told = json.loads(body)
    assert (told["type"], told["execution_id"]) == ("workflow_cancelled", f"exec_{id.hex}")
    assert (told["status"], told["error_message"]) == ("cancelled", "enough")
    key = tenant_key(PLATFORM_KEY, account.tenant_id)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    row = await engine_pool.fetchrow("SELECT * FROM webhook_deliveries")
    assert row["delivered_at"] is not None
    await sender.deliver_due()
    assert len(receiver.calls) == 1


@pytest.mark.requirement("USER.28")
async def test_refused_call_is_repeated_later_under_the_same_id(
    receiver: Receiver, sender: WebhookSender, ended: Any, engine_pool: Pool
) -> None:
    """A 500 postpones; when it is due again the receiver can tell that it is the same one."""
    receiver.statuses = [500, 302, 204]
    await ended(receiver.url)
    for attempt, error in enumerate(["HTTP 500", "HTTP 302"], start=1):
        await sender.deliver_due()
        await sender.deliver_due()
        row = await engine_pool.fetchrow(
            "SELECT *, extract(epoch FROM next_attempt_at - now())::float8 AS wait "
            "FROM webhook_deliveries"
        )
        assert (row["attempts"], row["last_error"]) == (attempt, error)
        assert 0 < row["wait"] <= delay_seconds(attempt)
        assert len(receiver.calls) == attempt
        await engine_pool.execute(DUE)
    await sender.deliver_due()
    row = await engine_pool.fetchrow("SELECT * FROM webhook_deliveries")
    assert row["delivered_at"] is not None
    assert row["last_error"] is None
    assert len({headers["webhook-id"] for headers, _ in receiver.calls}) == 1


def test_waits_between_attempts_grow() -> None:
    """From two seconds to more than two hours."""
    waits = [delay_seconds(attempt) for attempt in range(1, ATTEMPTS_LIMIT)]
    assert waits == [2, 8, 32, 128, 512, 2048, 8192]


@pytest.mark.requirement("USER.28")
async def test_call_is_given_up_after_the_last_attempt(
    sender: WebhookSender, ended: Any, engine_pool: Pool
) -> None:
    """A receiver that never answers is left alone, with the reason kept."""
    async with open_receiver() as gone:
        pass
    await ended(gone.url)
    for _ in range(ATTEMPTS_LIMIT):
        await engine_pool.execute(DUE)
        await sender.deliver_due()
    row = await engine_pool.fetchrow("SELECT * FROM webhook_deliveries")
    assert (row["attempts"], row["delivered_at"]) == (ATTEMPTS_LIMIT, None)
    assert row["abandoned_at"] is not None
    assert row["last_error"]
    await engine_pool.execute(DUE)
    await sender.deliver_due()
    assert await engine_pool.fetchval("SELECT attempts FROM webhook_deliveries") == ATTEMPTS_LIMIT


async def test_slow_receiver_delays_no_other(
    receiver: Receiver,
    sender: WebhookSender,
    ended: Any,
    engine_pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Calls go out side by side, and one without an answer counts as failed after its time."""
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        await ended(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        await ended(receiver.url)
        delivering = asyncio.create_task(sender.deliver_due())
        await eventually(lambda: receiver.calls)
        assert not delivering.done()
        await delivering
    errors = await engine_pool.fetch("SELECT last_error FROM webhook_deliveries")
    assert {row["last_error"] for row in errors} == {None, "No answer within 0.5 s."}


async def test_two_senders_deliver_once(
    receiver: Receiver, engine_pool: Pool, live: LiveView, services: Services, ended: Any
) -> None:
    """A call that one has taken is not due for another."""
    await ended(receiver.url)
    senders = [WebhookSender(engine_pool, live, services, PLATFORM_KEY) for _ in range(5)]
    await asyncio.gather(*(sender.deliver_due() for sender in senders))
    assert len(receiver.calls) == 1


async def test_address_inside_the_network_is_refused(
    sender: WebhookSender, ended: Any, engine_pool: Pool
) -> None:
    """A webhook goes through the same guard as every agent's request."""
    await ended("http://169.254.169.254/latest/meta-data")
    await sender.deliver_due()
    row = await engine_pool.fetchrow("SELECT * FROM webhook_deliveries")
    assert row["delivered_at"] is None
    assert "169.254.169.254" in row["last_error"]


@pytest.mark.requirement("NFR-4.5")
async def test_hostile_receivers_are_given_up(
    sender: WebhookSender, ended: Any, engine_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a receiver does without end, the attempt ends, says how, and lets go of it."""
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 1.0)
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(open_hostile(serve)) for serve in SERVERS.values()
        ]
        for hostile in opened:
            await ended(hostile.url())
        async with asyncio.timeout(BOUND_SECONDS):
            await sender.deliver_due()
    rows = await engine_pool.fetch(
        "SELECT attempts, delivered_at, last_error FROM webhook_deliveries"
    )
    assert [row["attempts"] for row in rows] == [1] * len(SERVERS)
    # Of an answer only its status counts, however long its body is.
    arrived = [row for row in rows if row["delivered_at"] is not None]
    assert len(arrived) < len(SERVERS)
    assert all(len(row["last_error"].split()) >= 2 for row in rows if row not in arrived)
