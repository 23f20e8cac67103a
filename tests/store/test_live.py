"""The live view: what Redis is told, and that nobody depends on it."""

import json
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from serve.embedded import embedded_redis, socket_folder
from store.json_values import dumps
from store.live import (
    QUEUED_EVENTS,
    STATE_TTL_SECONDS,
    LiveView,
    execution_channel,
    open_live_view,
    state_key,
    tenant_channel,
)
from store.records import Event
from tests.eventually import eventually
from tests.factories import Account, MakeWorkflow, StartExecution

MakeEvent = Callable[..., Event]


@pytest.fixture
def tenant_id() -> UUID:
    """A tenant of this test alone."""
    return uuid4()


@pytest.fixture
def execution_id() -> UUID:
    """An execution of this test alone."""
    return uuid4()


@pytest.fixture
def event(tenant_id: UUID, execution_id: UUID) -> MakeEvent:
    """Make an event: `event(seq, type, node_id, **payload)`."""

    def make(seq: int, event_type: str, node_id: str | None = None, **payload: Any) -> Event:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return Event(
            tenant_id, execution_id, seq, UUID(int=seq), event_type, node_id, dumps(payload), at
        )

    return make


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the test's own."""
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.mark.requirement("FR-2.8")
async def test_events_are_published_in_order_to_both_channels(
    live: LiveView, redis: Redis, event: MakeEvent, tenant_id: UUID, execution_id: UUID
) -> None:
    """Who watches the execution and who watches the tenant hear the same messages."""
    async with redis.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(execution_channel(execution_id), tenant_channel(tenant_id))
        await live.publish([event(1, "workflow_started"), event(2, "node_started", "a", x=1)])
        messages: list[dict[str, Any]] = []

        async def all_heard() -> bool:
            if message := await heard.get_message(timeout=0):
                messages.append(message)
            return len(messages) == 4

        await eventually(all_heard)
    for channel in (execution_channel(execution_id), tenant_channel(tenant_id)):
        told = [json.loads(one["data"]) for one in messages if one["channel"] == channel]
        assert [one["seq"] for one in told] == [1, 2]
    assert told[1] == {
        "type": "node_started", "seq": 2, "event_id": f"evt_{UUID(int=2).hex}", "x": 1,
        "execution_id": f"exec_{execution_id.hex}", "node_id": "a",
        "timestamp": "2026-01-01T00:00:00Z",
    }  # fmt: skip


@pytest.mark.requirement("FR-2.8")
async def test_start_is_published(
    live: LiveView,
    redis: Redis,
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
) -> None:
    """The first event of an execution is heard, as those of its owner are."""
    workflow = await make_workflow()
    async with redis.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(tenant_channel(account.tenant_id))
        started = await start(workflow)
        message = await eventually(lambda: heard.get_message(timeout=0))
    told = json.loads(message["data"])
    assert (told["type"], told["seq"]) == ("workflow_started", 1)
    assert told["execution_id"] == f"exec_{started.execution_id.hex}"


@pytest.mark.requirement("DATA.2")
async def test_state_follows_the_events(
    live: LiveView, redis: Redis, event: MakeEvent, execution_id: UUID
) -> None:
    """The hash holds status and current node, and goes away by itself."""
    seen = []
    for seq, (kind, node) in enumerate(
        [("workflow_started", None), ("node_started", "ask"), ("approval_requested", "ask"),
         ("approval_decided", "ask"), ("workflow_completed", None)], start=1,
    ):  # fmt: skip
        await live.publish([event(seq, kind, node)])
        await live.drain()
        state = await redis.hgetall(state_key(execution_id))
        seen.append((state["status"], state.get("current_node")))
    assert seen == [
        ("running", None), ("running", "ask"), ("waiting", "ask"), ("running", "ask"),
        ("completed", "ask"),
    ]  # fmt: skip
    assert 0 < await redis.ttl(state_key(execution_id)) <= STATE_TTL_SECONDS


@pytest.mark.requirement("NFR-3.2")
async def test_publishing_without_redis_raises_nothing(tmp_path: Path, event: MakeEvent) -> None:
    """Events are left out when nothing answers; opening and closing work all the same."""
    async with open_live_view(f"unix://{tmp_path}/nothing.sock") as live:
        await live.publish([event(1, "workflow_started")])
        await live.drain()


@pytest.mark.requirement("NFR-3.2")
async def test_redis_that_hangs_delays_nobody(event: MakeEvent) -> None:
    """Publishing never waits for a server that takes connections and answers nothing."""
    with (
        tempfile.TemporaryDirectory(prefix="weft-t-") as folder,
        socket.socket(socket.AF_UNIX) as server,
    ):
        server.bind(f"{folder}/s")
        server.listen()
        async with open_live_view(f"unix://{folder}/s") as live:
            publishing = live.publish([event(n, "node_started") for n in range(QUEUED_EVENTS + 9)])
            with pytest.raises(StopIteration):
                publishing.send(None)


@pytest.mark.requirement("NFR-3.2")
async def test_publishing_goes_on_when_redis_returns(event: MakeEvent, execution_id: UUID) -> None:
    """After a restart of Redis the next events are heard again."""
    home = Path(tempfile.mkdtemp(prefix="weft-t-"))
    (home / "logs").mkdir()
    try:
        with embedded_redis(home, dict(os.environ)) as url:
            pass
        async with open_live_view(url) as live:
            await live.publish([event(1, "workflow_started")])
            await live.drain()
            with embedded_redis(home, dict(os.environ)):
                await live.publish([event(2, "workflow_completed")])
                await live.drain()
                assert await live.redis.hget(state_key(execution_id), "status") == b"completed"
    finally:
        shutil.rmtree(home)
        shutil.rmtree(socket_folder(home).with_name(f"{socket_folder(home).name}-r"))
