"""Waiting for executions to end: one subscription for all who wait.

Redis says which executions have ended; without Redis, and for what it may have missed, Postgres is
asked every few seconds.
"""

import asyncio
from collections.abc import Iterable
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from store import history
from store.live import ENDINGS, LiveView
from store.postgres import Pool
from store.status import Status

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
"""How often Postgres is asked for what Redis has not said."""
AGAIN_SECONDS = 0.5


class Endings:
    """Tells those who wait that an execution has ended; `run` must run meanwhile."""

    def __init__(self, pool: Pool, live: LiveView) -> None:
        self._pool = pool
        self._live = live
        self._waiting: dict[str, list[asyncio.Event]] = {}

    def expect(self, execution_id: UUID) -> asyncio.Event:
        """Return what is set when the execution ends; `wait` must follow."""
        event = asyncio.Event()
        self._waiting.setdefault(str(execution_id), []).append(event)
        return event

    async def wait(
        self, tenant_id: UUID, execution_id: UUID, ended: asyncio.Event, seconds: float
    ) -> None:
        """Wait until an expected execution has ended, or for a time."""
        try:
            async with asyncio.timeout(seconds):
                while not ended.is_set():
                    try:
                        await asyncio.wait_for(ended.wait(), LOOK_SECONDS)
                    except TimeoutError:
                        row = await history.get_execution(self._pool, tenant_id, execution_id)
                        if Status(row["status"]).ended:
                            return
        except TimeoutError:
            return
        finally:
            self.forget(execution_id, ended)

    def forget(self, execution_id: UUID, ended: asyncio.Event) -> None:
        """Stop expecting an execution's end."""
        waiting = self._waiting.get(str(execution_id), [])
        if ended in waiting:
            waiting.remove(ended)
        if not waiting:
            self._waiting.pop(str(execution_id), None)

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                async with self._live.redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(ENDINGS)
                    while True:
                        message = await pubsub.get_message(timeout=LOOK_SECONDS)
                        if message is not None:
                            self._tell(message["data"].decode("ascii").split())
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("endings.without_redis", error=repr(error))
                await asyncio.sleep(AGAIN_SECONDS)

    def _tell(self, execution_ids: Iterable[str]) -> None:
        for execution_id in execution_ids:
            for event in self._waiting.get(execution_id, ()):
                event.set()
