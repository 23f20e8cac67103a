"""What models made of descriptions, in a real Redis, and without one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from store.parser_cache import MOST_BYTES, MOST_PLANS, TTL_SECONDS, CachedPlan, ParserCache

PLAN = CachedPlan(text="Do it", document={"nodes": []}, questions=[], model="a-model")
WORDS = frozenset({"do"})


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of this run's Redis, with nothing of others in it."""
    async with Redis.from_url(redis_url) as client:
        await client.flushdb()
        yield client


@pytest.mark.requirement("NFR-1.5", "DATA.2")
async def test_a_plan_is_found_only_by_its_tenant_and_scope(redis: Redis) -> None:
    """Another tenant, or other circumstances, find nothing."""
    cache, tenant_id = ParserCache(redis), uuid4()
    await cache.put(tenant_id, "scope", "name", WORDS, PLAN)
    assert await cache.get(tenant_id, "scope", "name") == PLAN
    assert await cache.words(tenant_id, "scope") == [("name", WORDS)]
    for other in ((uuid4(), "scope"), (tenant_id, "other")):
        assert await cache.get(*other, "name") is None
        assert await cache.words(*other) == []


async def test_all_that_is_kept_ends_after_a_day(redis: Redis) -> None:
    """No key is without a life time."""
    await ParserCache(redis).put(uuid4(), "scope", "name", WORDS, PLAN)
    keys = [key async for key in redis.scan_iter()]
    assert len(keys) == 2
    for key in keys:
        assert TTL_SECONDS - 60 < await redis.ttl(key) <= TTL_SECONDS


async def test_the_newest_plans_are_found_by_their_words(redis: Redis) -> None:
    """The oldest fall out, and what is too large is not kept at all."""
    cache, tenant_id = ParserCache(redis), uuid4()
    for number in range(MOST_PLANS + 3):
        await cache.put(tenant_id, "scope", f"name {number}", WORDS, PLAN)
    large = replace(PLAN, text="x" * MOST_BYTES)
    await cache.put(tenant_id, "scope", "large", WORDS, large)
    names = [name for name, _ in await cache.words(tenant_id, "scope")]
    assert names == [f"name {MOST_PLANS + 2 - back}" for back in range(MOST_PLANS)]


async def test_without_redis_nothing_is_remembered_and_nothing_fails() -> None:
    """A lost cache costs a repeated question."""
    async with Redis.from_url("redis://127.0.0.1:1/0") as nowhere:
        cache = ParserCache(nowhere)
        await cache.put(uuid4(), "scope", "name", WORDS, PLAN)
        assert await cache.get(uuid4(), "scope", "name") is None
        assert await cache.words(uuid4(), "scope") == []
