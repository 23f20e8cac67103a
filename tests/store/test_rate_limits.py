"""Rates that are kept in Redis, by its clock, for all processes together."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from store.rate_limits import Interval, LimitsUnavailable, SharedRates, open_shared_rates

pytestmark = pytest.mark.requirement("USER.11")


@pytest.fixture
async def rates(redis_url: str) -> AsyncIterator[SharedRates]:
    """One process's view of the rates."""
    async with open_shared_rates(redis_url) as opened:
        yield opened


@pytest.fixture
async def others(redis_url: str) -> AsyncIterator[SharedRates]:
    """Another process's."""
    async with open_shared_rates(redis_url) as opened:
        yield opened


async def test_processes_share_a_rate(rates: SharedRates, others: SharedRates) -> None:
    """What two processes take at once is spaced as if one had taken it."""
    rate = Interval(f"host {uuid4()}", interval_seconds=10, tolerance_seconds=0)
    waits = await asyncio.gather(
        *(side.take([rate], str(uuid4()), 1000) for side in (rates, others) for _ in range(10))
    )
    assert sorted(round(wait, -1) for wait in waits) == [10 * number for number in range(20)]


async def test_late_permit_is_kept(rates: SharedRates, others: SharedRates) -> None:
    """A permit that holds later than its taker waits is found again, by whichever process."""
    rate = Interval(f"host {uuid4()}", 50, 0)
    first, second, third = (str(uuid4()) for _ in range(3))
    assert await rates.take([rate], first, 1) == 0
    assert round(await rates.take([rate], second, 1)) == 50
    assert round(await others.take([rate], second, 1), -1) == 50
    assert round(await others.take([rate], third, 1), -1) == 100


async def test_burst_is_given_at_once(rates: SharedRates) -> None:
    """The tolerance is how far ahead of the even spacing permits may be."""
    rate = Interval(f"host {uuid4()}", 10, 20)
    waits = [await rates.take([rate], str(uuid4()), 1000) for _ in range(5)]
    assert [round(wait, -1) for wait in waits] == [0, 0, 0, 10, 20]


async def test_names_leave_nothing_behind(rates: SharedRates, redis_url: str) -> None:
    """Every key goes by itself, and holds no name of a user's."""
    await rates.take([Interval("secret-host", 1, 0)], "work", 0)
    await rates.take([Interval("secret-host", 1, 0)], "other", 0)
    redis: Redis = Redis.from_url(redis_url)
    keys = [key async for key in redis.scan_iter("workflow:limits:*")]
    lives = [await redis.pttl(key) for key in keys]
    await redis.aclose()
    assert keys and all(life > 0 for life in lives)
    assert not any(b"secret-host" in key for key in keys)


async def test_redis_that_is_away_is_told() -> None:
    """Whoever asks a Redis that is not there gets a typed error."""
    async with open_shared_rates("redis://127.0.0.1:1/0") as rates:
        with pytest.raises(LimitsUnavailable):
            await rates.take([Interval("x", 1, 0)], "w", 1)
