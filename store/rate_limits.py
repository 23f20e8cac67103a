"""Rates that all processes of a cluster keep together, in Redis and by its clock.

Nothing here is remembered that matters when it is lost: whoever asks while Redis is away gets
`LimitsUnavailable` and counts by itself.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from store.errors import StoreError

KEY = "workflow:limits:%s"
KEPT_KEY = "workflow:limits:kept:%s"
KEPT_MS = 600_000
"""How long after its time a kept permit is kept."""
TIMEOUT_SECONDS = 1.0
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local longest, kept_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = KEYS[#KEYS]
local at = tonumber(redis.call('GET', kept) or '')
if at then
    redis.call('DEL', kept)
else
    at = now
    for number = 1, #KEYS - 1 do
        local interval, tolerance = tonumber(ARGV[1 + 2 * number]), tonumber(ARGV[2 + 2 * number])
        local due = math.max(now, tonumber(redis.call('GET', KEYS[number]) or '') or now)
        at = math.max(at, due - tolerance)
        due = due + interval
        redis.call('SET', KEYS[number], string.format('%.0f', due),
                   'PX', math.ceil((due - now) / 1000) + 1000)
    end
end
local wait = math.max(0, at - now)
if wait > longest then
    redis.call('SET', kept, string.format('%.0f', at), 'PX', math.ceil(wait / 1000) + kept_ms)
end
return string.format('%.0f', wait)
"""
"""Takes a permit (generic cell rate algorithm). Keys: one for each rate, then that of the kept
permit. Arguments, in microseconds but for the second: the longest wait that needs no keeping, how
many milliseconds a permit is kept after its time, then each rate's interval and tolerance. Returns
after how many microseconds the permit holds."""
TAKE_SHA = hashlib.sha1(TAKE.encode("utf-8"), usedforsecurity=False).hexdigest()
_MICROSECONDS = 1_000_000


class LimitsUnavailable(StoreError):
    """Redis does not answer."""


@dataclass(frozen=True, slots=True)
class Interval:
    """One rate: the time between two permits, and how much earlier one may be given."""

    name: str
    interval_seconds: float
    tolerance_seconds: float


class SharedRates:
    """Takes permits from Redis.

    Args:
        redis: Its client.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def take(self, rates: Sequence[Interval], work: str, longest_seconds: float) -> float:
        """Take a permit of all the rates together; return after how many seconds it holds.

        A permit that holds later than `longest_seconds` is kept for the same `work`.

        Raises:
            LimitsUnavailable: Redis does not answer.
        """
        keys = [*(KEY % _digest(rate.name) for rate in rates), KEPT_KEY % _digest(work)]
        words: list[int] = [_micro(longest_seconds), KEPT_MS]
        for rate in rates:
            words += [_micro(rate.interval_seconds), _micro(rate.tolerance_seconds)]
        try:
            try:
                wait = await self._redis.evalsha(TAKE_SHA, len(keys), *keys, *words)
            except NoScriptError:
                wait = await self._redis.eval(TAKE, len(keys), *keys, *words)
        except (RedisError, OSError, TimeoutError) as error:
            raise LimitsUnavailable(repr(error)) from error
        return int(wait) / _MICROSECONDS


def _micro(seconds: float) -> int:
    return round(seconds * _MICROSECONDS)


def _digest(name: str) -> str:
    """Return a name of bounded length; hosts and work are named by users."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:40]


@asynccontextmanager
async def open_shared_rates(redis_url: str) -> AsyncIterator[SharedRates]:
    """Open them; Redis is connected to when they are first used."""
    redis: Redis = Redis.from_url(
        redis_url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        health_check_interval=30,
    )
    try:
        yield SharedRates(redis)
    finally:
        await redis.aclose()
