"""Live events to those who watch: from Postgres up to now, then from Redis, without a gap.

Texts that grow are in no row; whoever comes late, or has missed a piece, is told them as a whole.

A watcher subscribes first, then reads what is stored after its last number, then listens; a
message whose number does not follow makes it read Postgres again, and so does every ping. Without
Redis the pings alone carry it, somewhat later.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import orjson
import structlog
from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from redis.asyncio import Redis
from redis.exceptions import RedisError

from serve.context import Context, get_socket_principal
from serve.identifiers import parse
from serve.problems import ApiError, as_api_error
from store import history
from store.errors import NotFound
from store.events import TERMINAL, TOKEN, event_message
from store.executions import events_after
from store.growing import growing_texts, text_name
from store.live import execution_channel, tenant_channel
from store.postgres import UNREACHABLE
from store.status import Status

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api/v1/workflows")

PING_SECONDS = 10.0
LISTEN_SECONDS = 5.0
"""How long a watcher listens before it looks into Postgres for what may have been missed."""
POLL_SECONDS = 0.5
"""The same without Redis."""
PAGE = 500

Message = dict[str, Any]
After = Annotated[int, Query(ge=0, le=2**53 - 1)]
"""The number of the last event seen."""


@asynccontextmanager
async def _subscription(context: Context, channel: str) -> AsyncIterator[Any]:
    """Subscribe to a channel; yields None when Redis is away."""
    pubsub = context.live.redis.pubsub(ignore_subscribe_messages=True)
    try:
        try:
            await pubsub.subscribe(channel)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("stream.without_redis", error=repr(error))
            yield None
        else:
            yield pubsub
    finally:
        try:
            await pubsub.aclose()
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("stream.not_closed", error=repr(error))


async def _listen(pubsub: Any) -> Message | None:
    """Return the next published message; None when there was none in time."""
    if pubsub is None:
        await asyncio.sleep(POLL_SECONDS)
        return None
    try:
        message = await pubsub.get_message(timeout=LISTEN_SECONDS)
    except (RedisError, OSError, TimeoutError):
        await asyncio.sleep(POLL_SECONDS)
        return None
    if message is None or message["type"] != "message":
        return None
    found: Message = orjson.loads(message["data"])
    return found


async def follow(
    context: Context, tenant_id: UUID, execution_id: UUID, after: int
) -> AsyncGenerator[Message | None, None]:
    """Yield an execution's events after a number, in order and each once, to the last one.

    Yields None every few seconds in which nothing happened.
    """
    seq = after
    async with _subscription(context, execution_channel(execution_id)) as pubsub:
        growing = _Growing(context.live.redis if pubsub else None, execution_id)
        while True:
            while events := await events_after(context.pool, tenant_id, execution_id, seq, PAGE):
                for event in events:
                    seq = event.seq
                    yield event_message(event)
                    if event.event_type in TERMINAL:
                        return
            for piece in await growing.begun():
                yield piece
            message = await _listen(pubsub)
            while message is not None and message.get("seq", seq + 1) == seq + 1:
                # A piece of a text has no number, and follows whatever came before it.
                seq += message["type"] != TOKEN
                for told in await growing.told(message):
                    yield told
                if message["type"] in TERMINAL:
                    return
                message = await _listen(pubsub)
            if message is None:
                yield None


class _Growing:
    """The texts that grow in an execution, as far as one watcher has been told them."""

    def __init__(self, redis: Redis | None, execution_id: UUID) -> None:
        self._redis = redis
        self._execution_id = execution_id
        self._told: dict[str, tuple[tuple[int, int], int]] = {}
        """By name: which answer, and how many characters of it."""
        self._begun = False

    async def begun(self) -> list[Message]:
        """Return, once, what had been written before the watcher came."""
        if self._begun:
            return []
        self._begun = True
        return [piece for text in await self._texts() for piece in self._new(text)]

    async def told(self, message: Message) -> list[Message]:
        """Return what the watcher is told of a message: of a piece what it was not told yet.

        What it missed before the piece is in Redis.
        """
        if message["type"] != TOKEN:
            return [message]
        if message["offset"] <= self._end(message):
            return self._new(message)
        name, answer = text_name(message), _answer(message)
        for text in await self._texts():
            if text_name(text) == name and _answer(text) == answer:
                return self._new(text)
        return self._new(message)

    def _end(self, message: Message) -> int:
        answer, end = self._told.get(text_name(message), ((0, 0), 0))
        return end if answer == _answer(message) else 0

    def _new(self, message: Message) -> list[Message]:
        """Return a message without what was told already; nothing when all of it was."""
        name, end, offset = text_name(message), self._end(message), message["offset"]
        text = message["text"][max(0, end - offset) :]
        if message.get("last"):
            self._told.pop(name, None)
        elif not text:
            return []
        else:
            self._told[name] = _answer(message), max(end, offset) + len(text)
        return [{**message, "offset": max(end, offset), "text": text}]

    async def _texts(self) -> list[Message]:
        if self._redis is None:
            return []
        try:
            return await growing_texts(self._redis, self._execution_id)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("stream.texts_missed", error=repr(error))
            return []


def _answer(message: Message) -> tuple[int, int]:
    return message["attempt"], message["answer"]


@router.websocket("/executions/{execution_id}/stream")
async def stream_execution(socket: WebSocket, execution_id: str, after: After = 0) -> None:
    """Send an execution's events after a number, then live ones; ends with the last."""
    context: Context = socket.app.state.context
    try:
        principal = await get_socket_principal(socket)
        id = parse("exec", execution_id)
        row = await history.get_execution(context.pool, principal.tenant_id, id)
    except (ApiError, NotFound, *UNREACHABLE) as error:
        await _refuse(socket, error)
        return
    await socket.accept()
    if Status(row["status"]).ended and after >= row["last_event_seq"]:
        await socket.close(1000)
        return
    # A number that was never given would be waited for beyond the last event.
    after = min(after, row["last_event_seq"])
    await _send_all(socket, follow(context, principal.tenant_id, id, after))


@router.websocket("/stream")
async def stream_tenant(socket: WebSocket) -> None:
    """Send the live events of all executions of the caller's organization."""
    context: Context = socket.app.state.context
    try:
        principal = await get_socket_principal(socket)
    except (ApiError, *UNREACHABLE) as error:
        await _refuse(socket, error)
        return
    await socket.accept()
    await _send_all(socket, _tenant_events(context, principal.tenant_id))


async def _tenant_events(context: Context, tenant_id: UUID) -> AsyncGenerator[Message | None, None]:
    async with _subscription(context, tenant_channel(tenant_id)) as pubsub:
        while True:
            yield await _listen(pubsub)


async def _refuse(socket: WebSocket, error: Exception) -> None:
    """Accept and close with a reason: a browser cannot read the status of a refused handshake."""
    told = as_api_error(error)
    await socket.accept()
    await socket.close(4000 + told.status, told.detail[:120])


async def _send_all(socket: WebSocket, messages: AsyncGenerator[Message | None, None]) -> None:
    """Send messages until there are no more or the watcher goes."""

    async def receive() -> None:
        while (await socket.receive())["type"] != "websocket.disconnect":
            # What a watcher says means nothing here; listening shows when it goes.
            continue
        raise WebSocketDisconnect

    try:
        async with aclosing(messages), asyncio.TaskGroup() as group:
            receiving = group.create_task(receive())
            await _send(socket, messages)
            receiving.cancel()
    except* (WebSocketDisconnect, RuntimeError) as gone:
        # Starlette raises a RuntimeError when something is sent to one that is gone.
        log.debug("stream.watcher_gone", errors=[repr(error) for error in gone.exceptions])


async def _send(socket: WebSocket, messages: AsyncIterator[Message | None]) -> None:
    loop = asyncio.get_running_loop()
    sent_at = loop.time()
    async for message in messages:
        if message is not None:
            await socket.send_text(orjson.dumps(message).decode("utf-8"))
            sent_at = loop.time()
        elif loop.time() - sent_at >= PING_SECONDS:
            await socket.send_text('{"type":"ping"}')
            sent_at = loop.time()
    await socket.close(1000)
