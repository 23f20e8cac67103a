"""The live view in Redis: what runs right now, for those who watch.

It only mirrors what Postgres holds. When Redis is away, publishing is skipped with a warning and
watchers read Postgres instead.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from store.events import event_message
from store.records import Event

log = structlog.get_logger(__name__)

STATE_TTL_SECONDS = 3600


def execution_channel(execution_id: UUID) -> str:
    """Return the channel on which an execution's events are published."""
    return f"workflow:execution:{execution_id}:events"


def tenant_channel(tenant_id: UUID) -> str:
    """Return the channel on which all events of a tenant are published."""
    return f"workflow:tenant:{tenant_id}:events"


class LiveView:
    """Publishes events and keeps each execution's state hash."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    async def publish(self, events: list[Event]) -> None:
        """Publish committed events; never raises for Redis's sake."""
        try:
            pipeline = self.redis.pipeline(transaction=False)
            for event in events:
                text = orjson.dumps(event_message(event))
                pipeline.publish(execution_channel(event.execution_id), text)
                pipeline.publish(tenant_channel(event.tenant_id), text)
                if fields := _state(event):
                    key = f"workflow:execution:{event.execution_id}:state"
                    pipeline.hset(key, mapping=fields)
                    pipeline.expire(key, STATE_TTL_SECONDS)
            await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("live_view.not_published", events=len(events), error=repr(error))


def _state(event: Event) -> dict[Any, Any]:
    kind, _, move = event.event_type.partition("_")
    if kind == "workflow":
        return {"status": "running" if move == "started" else move}
    if event.event_type == "node_started":
        return {"current_node": event.node_id or ""}
    if event.event_type == "approval_requested":
        return {"status": "waiting"}
    return {"status": "running"} if event.event_type == "approval_decided" else {}


@asynccontextmanager
async def open_live_view(redis_url: str) -> AsyncIterator[LiveView]:
    """Open the live view; Redis is connected to when it is first used."""
    redis: Redis = Redis.from_url(
        redis_url, socket_timeout=2, socket_connect_timeout=2, health_check_interval=30
    )
    try:
        yield LiveView(redis)
    finally:
        await redis.aclose()
