"""What language models made of descriptions, kept for a day in Redis.

It spares a repeated question, no more: when Redis is away, nothing is remembered. Plans belong to
one tenant, since the descriptions in them are the tenant's own. Beside each plan stands the set of
words of its description, by which those that may be alike are found without reading them all.
"""

import asyncio
import hashlib
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

TTL_SECONDS = 24 * 3600
MOST_PLANS = 500
"""How many plans of a tenant can be found by their words; the newest are kept."""
MOST_BYTES = 256 * 1024
"""A larger plan is not kept."""
PATIENCE_SECONDS = 0.2
"""How long Redis may take before a description is read anew."""
PLAN_KEY = "workflow:parser:cache:%s"
WORDS_KEY = "workflow:parser:words:%s"


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedPlan:
    """What a model made of one description."""

    text: str
    document: dict[str, Any]
    """The specification."""
    questions: list[dict[str, Any]]
    model: str


class ParserCache:
    """The plans of a tenant's descriptions.

    All methods take a `scope`: the circumstances under which a plan holds, such as the models and
    the agents.

    Args:
        redis: Its client; it is connected to when it is first used.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get(self, tenant_id: UUID, scope: str, name: str) -> CachedPlan | None:
        """Return the plan that was kept under a name."""
        found = await self._patiently(self._redis.get(PLAN_KEY % _digest(tenant_id, scope, name)))
        return CachedPlan(**orjson.loads(found)) if found else None

    async def words(self, tenant_id: UUID, scope: str) -> list[tuple[str, frozenset[str]]]:
        """Return the names of all plans and the words of their descriptions, the newest first."""
        key = WORDS_KEY % _digest(tenant_id, scope)
        lines = await self._patiently(self._redis.lrange(key, 0, -1))
        entries = {name: frozenset(words) for name, words in map(orjson.loads, lines or ())}
        return list(entries.items())

    async def put(
        self, tenant_id: UUID, scope: str, name: str, words: frozenset[str], plan: CachedPlan
    ) -> None:
        """Keep a plan under a name, for a day."""
        entry = orjson.dumps(asdict(plan))
        if len(entry) > MOST_BYTES:
            return
        key = WORDS_KEY % _digest(tenant_id, scope)
        async with self._redis.pipeline() as commands:
            commands.set(PLAN_KEY % _digest(tenant_id, scope, name), entry, ex=TTL_SECONDS)
            commands.lpush(key, orjson.dumps([name, sorted(words)]))
            commands.ltrim(key, 0, MOST_PLANS - 1)
            commands.expire(key, TTL_SECONDS)
            await self._patiently(commands.execute())

    async def _patiently(self, answer: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await answer
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("parser_cache.unavailable", error=repr(error))
            return None


def _digest(tenant_id: UUID, *parts: str) -> str:
    return hashlib.sha256("\n".join([str(tenant_id), *parts]).encode()).hexdigest()
