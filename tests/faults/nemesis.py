"""Breaks things at random, and heals what does not heal by itself."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from redis.asyncio import Redis

from tests.faults.conftest import Crew, Kept
from tests.faults.nursery import Worker
from tests.faults.proxy import Proxy

PAUSE_SECONDS = 0.4
"""How long at most between two faults."""
FROZEN_SECONDS = 1.0
END_CONNECTIONS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'weft weft_engine'
"""


@dataclass
class Nemesis:
    """What may befall the processes of a test.

    Attributes:
        proxy: Between one of the executors and Postgres.
    """

    dice: random.Random
    crew: Crew
    kept: Kept
    proxy: Proxy
    recoverers: list[Worker]
    done: Counter[str] = field(default_factory=Counter)

    async def rage(self, stopped: asyncio.Event) -> None:
        """Do one thing after the other until stopped; then everything works again."""
        acts = {
            "kill": self.kill, "freeze": self.freeze, "end connections": self.end_connections,
            "cut": self.cut, "swallow": self.swallow, "flush": self.flush_redis,
            "kill recoverer": self.kill_recoverer,
        }  # fmt: skip
        while not await _passed(stopped, self.dice.random() * PAUSE_SECONDS):
            name = self.dice.choice([*acts, "kill", "freeze"])
            self.done[name] += 1
            await acts[name]()

    def _victim(self) -> Worker:
        return self.kept.workers[self.dice.choice(sorted(self.kept.workers))]

    async def kill(self) -> None:
        """Kill an executor."""
        victim = self._victim()
        if victim.code is None:
            victim.kill()

    async def freeze(self) -> None:
        """Freeze an executor past the end of its lease, and let it go on after that."""
        victim = self._victim()
        if victim.code is None:
            victim.freeze()
            await self.crew.expire(victim)
            await _passed(asyncio.Event(), self.dice.random() * FROZEN_SECONDS)
            if victim.code is None:
                victim.thaw()

    async def end_connections(self) -> None:
        """End every connection of executors and recoverers."""
        await self.crew.database.fetchval(END_CONNECTIONS)

    async def cut(self) -> None:
        """Break one executor's connections."""
        self.proxy.cut()

    async def swallow(self) -> None:
        """Carry nothing for one executor, for a moment."""
        self.proxy.swallow()
        await _passed(asyncio.Event(), self.dice.random() * FROZEN_SECONDS)
        self.proxy.flow()

    async def flush_redis(self) -> None:
        """Let Redis forget everything."""
        async with Redis.from_url(self.crew.redis_url) as redis:
            await redis.flushall()
            await redis.script_flush()

    async def kill_recoverer(self) -> None:
        """Kill a recoverer; another one comes."""
        victim = self.recoverers.pop(self.dice.randrange(len(self.recoverers)))
        victim.kill()
        self.recoverers.append(self.crew.recoverer())


async def _passed(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event for a time; returns whether it came."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
