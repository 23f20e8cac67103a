"""The live view in Redis: what runs right now, for those who watch.

It only mirrors what Postgres holds. When Redis is away, events are left out with a warning and
watchers read Postgres instead.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from store.events import TERMINAL, event_text
from store.growing import GROW, growth
from store.records import Event

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of a text that grows: a message that no row holds."""

    execution_id: UUID
    message: Mapping[str, Any]


Count = Callable[[list[Event]], None]
STATE_TTL_SECONDS = 3600
QUEUED_EVENTS = 20_000
"""How many events wait for a slow Redis before further ones are left out."""
SENT_AT_ONCE = 500
EXECUTION_CHANNEL = "workflow:execution:%s:events"
TENANT_CHANNEL = "workflow:tenant:%s:events"
STATE_KEY = "workflow:execution:%s:state"
ENDINGS = "workflow:endings"
"""The channel that says which executions have ended, of all tenants, for the API itself: their ids
in a row with a space between two."""
SEND = f"""{GROW}
local endings = {{}}
for _, event in ipairs(cjson.decode(ARGV[2])) do
    local execution, tenant, text, field, value, ended, growing = unpack(event)
    redis.call('PUBLISH', string.format('{EXECUTION_CHANNEL}', execution), text)
    if tenant ~= '' then
        redis.call('PUBLISH', string.format('{TENANT_CHANNEL}', tenant), text)
    end
    if field ~= '' then
        local state = string.format('{STATE_KEY}', execution)
        redis.call('HSET', state, field, value)
        redis.call('EXPIRE', state, ARGV[1])
    end
    if growing then
        grow(execution, growing)
    end
    if ended then
        table.insert(endings, execution)
    end
end
if #endings > 0 then
    redis.call('PUBLISH', '{ENDINGS}', table.concat(endings, ' '))
end
"""
"""Publishes events: the seconds a state is kept, then a JSON list with an entry for each event: its
execution, tenant (empty: only those who watch the execution are told) and text, the field and value
of its state or two empty words, whether it is its execution's last one, and what grows with it, if
anything does."""
SEND_SHA = hashlib.sha1(SEND.encode("utf-8"), usedforsecurity=False).hexdigest()
DRAIN_SECONDS = 1.0
"""How long closing waits for events that are not sent yet."""


def execution_channel(execution_id: UUID) -> str:
    """Return the channel on which an execution's events are published."""
    return EXECUTION_CHANNEL % execution_id


def state_key(execution_id: UUID) -> str:
    """Return the key of an execution's state hash."""
    return STATE_KEY % execution_id


def tenant_channel(tenant_id: UUID) -> str:
    """Return the channel on which all events of a tenant are published."""
    return TENANT_CHANNEL % tenant_id


class LiveView:
    """Publishes events and keeps each execution's state hash.

    Nobody waits for Redis: events are queued here and sent by `run`, in order. A Redis that hangs
    costs the watchers events, which they read from Postgres, and nobody else anything.

    Args:
        redis: Its client.
        count: Called with all events that are published, for whoever counts them.
    """

    def __init__(self, redis: Redis, count: Count | None = None) -> None:
        self.redis = redis
        self._count = count
        self._queue: asyncio.Queue[Event | Said] = asyncio.Queue(QUEUED_EVENTS)

    async def publish(self, events: list[Event]) -> None:
        """Queue committed events; never raises for Redis's sake."""
        if self._count is not None:
            self._count(events)
        for number, event in enumerate(events):
            try:
                self._queue.put_nowait(event)
            except asyncio.QueueFull:
                log.warning("live_view.queue_full", events=len(events) - number)
                return

    def say(self, execution_id: UUID, message: Mapping[str, Any]) -> None:
        """Queue a piece of a text that grows; when there is no room it is left out."""
        with suppress(asyncio.QueueFull):
            self._queue.put_nowait(Said(execution_id, message))

    async def run(self) -> None:
        """Send what is queued until cancelled."""
        while True:
            events = [await self._queue.get()]
            while not self._queue.empty() and len(events) < SENT_AT_ONCE:
                events.append(self._queue.get_nowait())
            try:
                await self._send(events)
            except Exception as error:
                # Whatever it was, later events may do better, and Postgres has these.
                log.warning("live_view.not_published", events=len(events), error=repr(error))
            finally:
                for _ in events:
                    self._queue.task_done()

    async def drain(self) -> None:
        """Wait until everything queued so far has been sent, or given up."""
        await self._queue.join()

    async def _send(self, events: Sequence[Event | Said]) -> None:
        # One command with one text: a reply for each would cost more than the rest together, and
        # the client looks at every word of a command.
        told = [_told(event) for event in events]
        words = (STATE_TTL_SECONDS, orjson.dumps(told, default=str))
        try:
            await self.redis.evalsha(SEND_SHA, 0, *words)
        except NoScriptError:
            await self.redis.eval(SEND, 0, *words)


def _told(event: Event | Said) -> tuple[Any, ...]:
    """Return what `SEND` is given of an event or a message."""
    if isinstance(event, Said):
        text = orjson.dumps(event.message).decode("utf-8")
        return (event.execution_id, "", text, "", "", False, growth(event.message))
    return (
        event.execution_id,
        event.tenant_id,
        event_text(event).decode("utf-8"),
        *(_state(event) or ("", "")),
        event.event_type in TERMINAL,
        False,
    )


def _state(event: Event) -> tuple[str, str] | None:
    """Return the field of the state hash that the event changes, and its new value."""
    kind, _, move = event.event_type.partition("_")
    if kind == "workflow":
        return "status", "running" if move == "started" else move
    if event.event_type == "node_started":
        return "current_node", event.node_id or ""
    if event.event_type == "approval_requested":
        return "status", "waiting"
    return ("status", "running") if event.event_type == "approval_decided" else None


@asynccontextmanager
async def open_live_view(redis_url: str, count: Count | None = None) -> AsyncIterator[LiveView]:
    """Open the live view; Redis is connected to when it is first used."""
    redis: Redis = Redis.from_url(
        redis_url, socket_timeout=2, socket_connect_timeout=2, health_check_interval=30
    )
    view = LiveView(redis, count)
    sending = asyncio.create_task(view.run(), name="live view")
    try:
        yield view
        with suppress(TimeoutError):
            await asyncio.wait_for(view.drain(), DRAIN_SECONDS)
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await redis.aclose()
