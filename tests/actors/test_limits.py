"""Rate limits of a process in a cluster: shared, and kept alone while Redis is away."""

from dataclasses import replace
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from actors.limits import SharedLimiter, open_shared_services
from agents.agent import AgentContext
from agents.errors import AgentError
from agents.limits import Rate
from agents.settings import AgentSettings
from store.rate_limits import open_shared_rates

pytestmark = pytest.mark.requirement("USER.11")


def local_permits() -> float:
    """Return how many permits this process gave by itself."""
    return REGISTRY.get_sample_value("weft_local_permits_total") or 0.0


async def test_process_keeps_the_rate_while_redis_is_away() -> None:
    """Without Redis the rate holds for each process by itself, and the metric says so."""
    before, rate = local_permits(), Rate("host", 1, 10)
    async with open_shared_rates("redis://127.0.0.1:1/0") as rates:
        limiter = SharedLimiter(rates)
        waits = [await limiter.take([rate], str(number), 100) for number in range(2)]
    assert [round(wait) for wait in waits] == [0, 10]
    assert local_permits() == before + 2


async def test_agents_of_two_processes_share_a_rate(redis_url: str) -> None:
    """What processes of a cluster open keeps rates together."""
    settings = AgentSettings(redis_url=SecretStr(redis_url))
    rate = Rate("shared by two", 1, 100)
    async with open_shared_services(settings) as one, open_shared_services(settings) as other:
        assert await one.limiter.take([rate], "a", 1000) == 0
        assert round(await other.limiter.take([rate], "b", 1000), -1) == 100


async def test_pages_of_a_host_keep_their_distance_in_the_cluster(redis_url: str) -> None:
    """The distance between two pages of a host holds for all processes together."""
    settings = AgentSettings(redis_url=SecretStr(redis_url))
    url = "http://distance.example/"
    async with open_shared_services(settings) as one, open_shared_services(settings) as other:
        first = AgentContext(UUID(int=1), UUID(int=2), UUID(int=3), "first", one)
        await (await one.manners()).turn(url, first, respect_robots=False, gap_seconds=100)
        second = replace(first, node_id="second", services=other)
        with pytest.raises(AgentError, match=r"in (99|100) s") as late:
            await (await other.manners()).turn(url, second, respect_robots=False, gap_seconds=100)
        assert late.value.retryable
