"""Live events: from Postgres up to now, then from Redis, without a gap and each once."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from fastapi import FastAPI
from redis import Redis
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from serve import streams
from serve.context import Context
from serve.embedded import embedded_redis, socket_folder
from serve.streams import follow
from store.live import LiveView, open_live_view, tenant_channel
from store.postgres import Pool
from store.records import (
    Event,
    EventRecord,
    MoveRecord,
    Record,
)
from store.status import Status
from store.writing import Batch, write_records
from tests.eventually import eventually
from tests.factories import Account, MakeWorkflow, StartExecution
from tests.serve.conftest import BASE_URL

WORKFLOWS = "/api/v1/workflows"
MOVES = (Status.RUNNING, Status.COMPLETED)


class Execution:
    """An execution whose events a test writes, and publishes or not."""

    def __init__(self, pool: Pool, live: LiveView, tenant_id: UUID, id: UUID) -> None:
        self._pool = pool
        self._live = live
        self.tenant_id = tenant_id
        self.id = id

    async def write(self, *types: str) -> list[Event]:
        """Write events as an executor does; the last of all ends the execution."""
        records: list[Record] = [
            EventRecord(self.tenant_id, self.id, uuid4(), kind, None, "{}") for kind in types
        ]
        if "workflow_completed" in types:
            records += [MoveRecord(self.id, 1, status) for status in MOVES]
        async with self._pool.acquire() as connection:
            written = await write_records(connection, [Batch(self.id, 1, records)])
        return written.events

    async def publish(self, *events: Event) -> None:
        """Tell those who listen."""
        await self._live.publish(list(events))


@pytest.fixture
async def execution(
    engine_pool: Pool, live: LiveView, account: Account, make_workflow: MakeWorkflow,
    start: StartExecution,
) -> Execution:  # fmt: skip
    """An execution that has started: event 1."""
    started = await start(await make_workflow(), {"text": "x"})
    await live.drain()
    return Execution(engine_pool, live, account.tenant_id, started.execution_id)


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set while a watcher listens; it listens so long that only a message can wake it."""
    event, listen = asyncio.Event(), streams._listen

    async def noted(pubsub: Any) -> Any:
        event.set()
        try:
            return await listen(pubsub)
        finally:
            event.clear()

    monkeypatch.setattr(streams, "_listen", noted)
    monkeypatch.setattr(streams, "LISTEN_SECONDS", 50)
    return event


async def seqs(messages: AsyncIterator[Any], count: int | None = None) -> list[int]:
    """The numbers of the next events, all to the end when no count is given."""
    found: list[int] = []
    async for message in messages:
        if message is not None:
            found.append(message["seq"])
        if len(found) == count:
            break
    return found


@pytest.mark.requirement("FR-2.8", "API.10")
async def test_what_is_stored_comes_first_and_the_last_event_ends(
    context: Context, execution: Execution
) -> None:
    """A late watcher gets everything in order; one that comes back gets the rest."""
    await execution.write("node_started", "node_completed", "workflow_completed")
    assert await seqs(follow(context, execution.tenant_id, execution.id, 0)) == [1, 2, 3, 4]
    assert await seqs(follow(context, execution.tenant_id, execution.id, 2)) == [3, 4]


@pytest.mark.requirement("FR-2.8")
async def test_pages_follow_each_other(
    context: Context, execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More events than one page holds come without a gap."""
    monkeypatch.setattr(streams, "PAGE", 3)
    await execution.write(*["node_progress"] * 9, "workflow_completed")
    assert await seqs(follow(context, execution.tenant_id, execution.id, 0)) == [*range(1, 12)]


def piece(execution_id: UUID, offset: int, text: str, **more: Any) -> dict[str, Any]:
    """A piece of a text that grows."""
    return {"type": "token", "execution_id": f"exec_{execution_id.hex}", "node_id": "write",
            "attempt": 1, "answer": 1, "offset": offset, "text": text, **more}  # fmt: skip


async def texts(messages: AsyncIterator[Any], count: int) -> list[tuple[int, str]]:
    """Where the next pieces begin, and what they say."""
    found: list[tuple[int, str]] = []
    async for message in messages:
        if message is not None and message["type"] == "token":
            found.append((message["offset"], message["text"]))
            if len(found) == count:
                break
    return found


@pytest.mark.requirement("USER.17")
async def test_who_comes_in_the_middle_of_a_text_is_told_all_of_it(
    context: Context, execution: Execution, live: LiveView, listening: asyncio.Event
) -> None:
    """What was written before comes first, in one; then piece by piece, each once."""
    live.say(execution.id, piece(execution.id, 0, "The 🐳 "))
    live.say(execution.id, piece(execution.id, 6, "is "))
    live.say(execution.id, piece(execution.id, 0, "ended", node_id="other"))
    live.say(execution.id, piece(execution.id, 5, "", node_id="other", last=True))
    await live.drain()
    async with aclosing(follow(context, execution.tenant_id, execution.id, 0)) as messages:
        assert await texts(messages, 1) == [(0, "The 🐳 is ")]
        rest = asyncio.create_task(texts(messages, 2))
        await listening.wait()
        live.say(execution.id, piece(execution.id, 6, "is "))
        live.say(execution.id, piece(execution.id, 6, "is wide"))
        live.say(execution.id, piece(execution.id, 0, "Anew", answer=2))
        assert await asyncio.wait_for(rest, 20) == [(9, "wide"), (0, "Anew")]


@pytest.mark.requirement("USER.17")
async def test_a_piece_that_was_missed_is_told_with_the_next(
    context: Context, execution: Execution, live: LiveView, listening: asyncio.Event
) -> None:
    """A subscription that was lost for a moment leaves no gap."""
    async with aclosing(follow(context, execution.tenant_id, execution.id, 0)) as messages:
        assert await seqs(messages, 1) == [1]
        rest = asyncio.create_task(texts(messages, 2))
        await listening.wait()
        live.say(execution.id, piece(execution.id, 0, "The "))
        await live.drain()
        heads = f"workflow:execution:{execution.id}:texts"
        await live.redis.append(f"{heads}:write", "sea ")
        live.say(execution.id, piece(execution.id, 8, "is wide"))
        assert await asyncio.wait_for(rest, 20) == [(0, "The "), (4, "sea is wide")]


@pytest.mark.requirement("FR-2.8", "NFR-1.6")
async def test_a_published_event_comes_live(
    context: Context, execution: Execution, listening: asyncio.Event
) -> None:
    """Whoever listens hears of each event when it is published, and of the end."""
    async with aclosing(follow(context, execution.tenant_id, execution.id, 0)) as messages:
        assert await seqs(messages, 1) == [1]
        rest = asyncio.create_task(seqs(messages))
        await listening.wait()
        await execution.publish(*await execution.write("node_started"))
        await execution.publish(*await execution.write("workflow_completed"))
        assert await asyncio.wait_for(rest, 20) == [2, 3]


@pytest.mark.requirement("FR-2.8")
async def test_a_gap_is_filled_from_postgres(
    context: Context, execution: Execution, listening: asyncio.Event
) -> None:
    """When a published event was lost, the next one makes the watcher read what is stored."""
    async with aclosing(follow(context, execution.tenant_id, execution.id, 0)) as messages:
        assert await seqs(messages, 1) == [1]
        rest = asyncio.create_task(seqs(messages, 3))
        await listening.wait()
        events = await execution.write("node_started", "node_progress", "node_completed")
        await execution.publish(events[2])
        assert await asyncio.wait_for(rest, 20) == [2, 3, 4]


@pytest.mark.requirement("FR-2.8")
async def test_a_repeated_event_is_dropped(
    context: Context, execution: Execution, listening: asyncio.Event
) -> None:
    """What was seen is not seen again, though it is published twice and late."""
    events = await execution.write("node_started")
    async with aclosing(follow(context, execution.tenant_id, execution.id, 0)) as messages:
        assert await seqs(messages, 2) == [1, 2]
        rest = asyncio.create_task(seqs(messages))
        await listening.wait()
        await execution.publish(*events, *events)
        events += await execution.write("node_completed", "workflow_completed")
        await execution.publish(*events)
        assert await asyncio.wait_for(rest, 20) == [3, 4]


@pytest.mark.requirement("USER.17")
async def test_pieces_of_a_text_come_between_events(
    context: Context, execution: Execution, live: LiveView, listening: asyncio.Event
) -> None:
    """They have no number, hold nothing back, and only those who watch the execution are told."""
    async with (
        aclosing(follow(context, execution.tenant_id, execution.id, 0)) as messages,
        live.redis.pubsub(ignore_subscribe_messages=True) as everybody,
    ):
        await everybody.subscribe(tenant_channel(execution.tenant_id))
        assert await seqs(messages, 1) == [1]
        rest = asyncio.create_task(_types(messages))
        await listening.wait()
        await execution.publish(*await execution.write("node_started"))
        live.say(execution.id, piece(execution.id, 0, "Hel"))
        live.say(execution.id, piece(execution.id, 3, "lo"))
        await execution.publish(*await execution.write("workflow_completed"))
        assert await asyncio.wait_for(rest, 20) == [
            "node_started", "token", "token", "workflow_completed"
        ]  # fmt: skip
        told: list[int] = []

        async def hear() -> bool:
            if message := await everybody.get_message(timeout=1):
                told.append(orjson.loads(message["data"]).get("seq"))
            return len(told) == 2

        await eventually(hear)
        assert told == [2, 3]


async def _types(messages: AsyncIterator[Any]) -> list[str]:
    return [message["type"] async for message in messages if message is not None]


@pytest.mark.requirement("FR-2.8", "NFR-3.2")
async def test_without_redis_a_stream_is_complete(
    context: Context, execution: Execution, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A Redis that is not there makes watching slower, and nothing else."""
    monkeypatch.setattr(streams, "POLL_SECONDS", 0.01)
    async with open_live_view(f"unix://{tmp_path}/none.sock") as nowhere:
        away = replace(context, live=nowhere)
        async with aclosing(follow(away, execution.tenant_id, execution.id, 0)) as messages:
            assert await seqs(messages, 1) == [1]
            rest = asyncio.create_task(seqs(messages))
            await execution.write("node_started")
            await execution.write("workflow_completed")
            assert await asyncio.wait_for(rest, 20) == [2, 3]


@pytest.mark.requirement("FR-2.8", "NFR-3.2")
async def test_a_redis_that_dies_while_one_watches_is_not_missed(
    context: Context, execution: Execution, listening: asyncio.Event,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    """The watcher goes on with Postgres when its connection breaks."""
    monkeypatch.setattr(streams, "POLL_SECONDS", 0.01)
    (tmp_path / "logs").mkdir()
    server = embedded_redis(tmp_path, dict(os.environ))
    async with open_live_view(server.__enter__()) as other:
        dying = replace(context, live=other)
        async with aclosing(follow(dying, execution.tenant_id, execution.id, 0)) as messages:
            assert await seqs(messages, 1) == [1]
            rest = asyncio.create_task(seqs(messages))
            await listening.wait()
            server.__exit__(None, None, None)
            await execution.write("node_started", "workflow_completed")
            assert await asyncio.wait_for(rest, 20) == [2, 3]
    sockets = socket_folder(tmp_path)
    shutil.rmtree(sockets.with_name(f"{sockets.name}-r"))


@pytest.mark.requirement("API.2")
async def test_waiting_ends_with_the_execution_or_with_the_time(
    context: Context, execution: Execution
) -> None:
    """A waiting call comes back when the execution has ended, and otherwise in time."""
    endings = context.endings
    listening = asyncio.create_task(endings.run())
    place = (execution.tenant_id, execution.id)
    await endings.wait(*place, endings.expect(execution.id), 0.05)
    waiting = asyncio.create_task(endings.wait(*place, endings.expect(execution.id), 50))
    await execution.publish(*await execution.write("workflow_completed"))
    await asyncio.wait_for(waiting, 20)
    listening.cancel()


def received(client: TestClient, path: str, account: Account) -> tuple[list[int], int]:
    """The numbers that a WebSocket sends, and the code with which it closes."""
    found: list[int] = []
    headers = {"Authorization": f"Bearer {account.token}"}
    with client.websocket_connect(path, headers=headers) as socket:
        try:
            while True:
                found.append(socket.receive_json()["seq"])
        except WebSocketDisconnect as closed:
            return found, closed.code


@pytest.mark.requirement("API.10", "USER.17")
async def test_a_websocket_resumes_after_a_number(
    app: FastAPI, account: Account, execution: Execution
) -> None:
    """It sends what came after the number, closes in good order, and refuses what is none."""
    await execution.write("node_started", "workflow_completed")
    path = f"{WORKFLOWS}/executions/exec_{execution.id.hex}/stream"
    with TestClient(app, base_url=BASE_URL) as client:
        assert received(client, path, account) == ([1, 2, 3], 1000)
        assert received(client, f"{path}?after=2", account) == ([3], 1000)
        assert received(client, f"{path}?after=3", account) == ([], 1000)
        assert received(client, f"{path}?after=9", account) == ([], 1000)
        for wrong in ("-1", "x", str(2**63)):
            with pytest.raises(WebSocketDisconnect) as refused:
                received(client, f"{path}?after={wrong}", account)
            assert refused.value.code == 1008


@pytest.mark.requirement("API.10")
async def test_a_number_that_was_never_given_does_not_hide_the_end(
    app: FastAPI, account: Account, execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for what comes after a later number gets what comes from now on."""
    monkeypatch.setattr(streams, "LISTEN_SECONDS", 0.01)
    headers = {"Authorization": f"Bearer {account.token}"}
    path = f"{WORKFLOWS}/executions/exec_{execution.id.hex}/stream?after=1000"
    with (
        TestClient(app, base_url=BASE_URL) as client,
        client.websocket_connect(path, headers=headers) as socket,
    ):
        await execution.write("workflow_completed")
        assert socket.receive_json()["seq"] == 2


@pytest.mark.requirement("API.10", "FR-7.1")
async def test_the_organization_s_stream_pings_and_tells(
    app: FastAPI, account: Account, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In silence a ping says that the connection lives; events of all executions come live."""
    monkeypatch.setattr(streams, "LISTEN_SECONDS", 0.01)
    monkeypatch.setattr(streams, "PING_SECONDS", 0)
    headers = {"Authorization": f"Bearer {account.token}"}
    with (
        TestClient(app, base_url=BASE_URL) as client,
        client.websocket_connect(f"{WORKFLOWS}/stream", headers=headers) as socket,
        Redis.from_url(redis_url) as redis,
    ):
        assert socket.receive_json() == {"type": "ping"}
        redis.publish(tenant_channel(account.tenant_id), json.dumps({"type": "node_started"}))
        messages = iter(socket.receive_json, {"type": "ping"})
        while (told := next(messages, None)) is None:
            messages = iter(socket.receive_json, {"type": "ping"})
        assert told == {"type": "node_started"}
