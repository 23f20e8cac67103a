"""What language models made of descriptions, kept for a day in Redis.

It spares a repeated question, no more: when Redis is away, nothing is remembered. Entries belong to
one tenant; the descriptions in them are the tenant's own.
"""

import asyncio
import hashlib
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

TTL_SECONDS = 24 * 3600
MOST_ENTRIES = 8
"""How many texts with the same words are kept, the newest first."""
MOST_BYTES = 256 * 1024
"""A larger entry is not kept."""
PATIENCE_SECONDS = 0.1
"""How long Redis may take before a description is read anew."""
CACHE_KEY = "workflow:parser:cache:%s"


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedPlan:
    """What a model made of one description."""

    text: str
    document: dict[str, Any]
    """The specification."""
    questions: list[dict[str, Any]]
    model: str


class ParserCache:
    """The plans of descriptions, by the words that descriptions share.

    Args:
        redis: Its client; it is connected to when it is first used.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get(self, tenant_id: UUID, words: str) -> list[CachedPlan]:
        """Return the plans of all texts with these words, the newest first."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                entries = await self._redis.lrange(_key(tenant_id, words), 0, -1)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("parser_cache.not_read", error=repr(error))
            return []
        return [CachedPlan(**orjson.loads(entry)) for entry in entries]

    async def put(self, tenant_id: UUID, words: str, plan: CachedPlan) -> None:
        """Keep a plan; the key lives for a day from its first one."""
        entry = orjson.dumps(asdict(plan))
        if len(entry) > MOST_BYTES:
            return
        key = _key(tenant_id, words)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._redis.pipeline() as commands:
                commands.lpush(key, entry)
                commands.ltrim(key, 0, MOST_ENTRIES - 1)
                commands.expire(key, TTL_SECONDS, nx=True)
                await commands.execute()
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("parser_cache.not_kept", error=repr(error))


def _key(tenant_id: UUID, words: str) -> str:
    return CACHE_KEY % hashlib.sha256(f"{tenant_id}\n{words}".encode()).hexdigest()
