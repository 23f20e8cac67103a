"""What models made of descriptions, in a real Redis, and without one."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from store.parser_cache import (
    CACHE_KEY,
    MOST_BYTES,
    MOST_ENTRIES,
    TTL_SECONDS,
    CachedPlan,
    ParserCache,
)

PLAN = CachedPlan(text="Do it", document={"nodes": []}, questions=[], model="a-model")


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of this run's Redis."""
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.mark.requirement("NFR-1.5", "DATA.2")
async def test_a_plan_is_found_by_its_tenant_and_words_alone(redis: Redis) -> None:
    """Another tenant, or other words, find nothing."""
    cache, tenant_id = ParserCache(redis), uuid4()
    await cache.put(tenant_id, "words", PLAN)
    assert await cache.get(tenant_id, "words") == [PLAN]
    assert await cache.get(tenant_id, "other words") == []
    assert await cache.get(uuid4(), "words") == []


async def test_plans_live_for_a_day_from_the_first_one(redis: Redis) -> None:
    """A further text with the same words does not lengthen the life of the first."""
    cache, tenant_id = ParserCache(redis), uuid4()
    await cache.put(tenant_id, "words", PLAN)
    key = CACHE_KEY % hashlib.sha256(f"{tenant_id}\nwords".encode()).hexdigest()
    assert TTL_SECONDS - 60 < await redis.ttl(key) <= TTL_SECONDS
    await redis.expire(key, 1000)
    await cache.put(tenant_id, "words", PLAN)
    assert 0 < await redis.ttl(key) <= 1000


async def test_the_newest_plans_of_the_same_words_are_kept(redis: Redis) -> None:
    """Few are kept, the newest first, and none that is too large."""
    cache, tenant_id = ParserCache(redis), uuid4()
    for number in range(MOST_ENTRIES + 3):
        await cache.put(tenant_id, "words", replace(PLAN, text=f"text {number}"))
    await cache.put(tenant_id, "words", replace(PLAN, text="x" * MOST_BYTES))
    found = [plan.text for plan in await cache.get(tenant_id, "words")]
    newest = MOST_ENTRIES + 2
    assert found == [f"text {newest - back}" for back in range(MOST_ENTRIES)]


async def test_without_redis_nothing_is_remembered_and_nothing_fails() -> None:
    """A lost cache costs a repeated question."""
    async with Redis.from_url("redis://127.0.0.1:1/0") as nowhere:
        cache = ParserCache(nowhere)
        await cache.put(uuid4(), "words", PLAN)
        assert await cache.get(uuid4(), "words") == []
