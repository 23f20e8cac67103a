"""The pool of executors on a real Ray: it grows, shrinks in good order, and is found again."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

import actors.pool
import actors.sizing
from actors.config import ExecutorConfig, SupervisorConfig
from actors.names import NAMESPACE
from actors.pool import ExecutorPool
from agents.settings import AgentSettings
from store.postgres import Pool
from store.queue import Executor, living_executors
from tests.eventually import eventually
from tests.local_ray import local_ray

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def cluster() -> Iterator[None]:
    """A Ray of this test's own."""
    with local_ray(NAMESPACE):
        yield


@pytest.mark.usefixtures("cluster")
async def test_pool_grows_when_busy_and_shrinks_when_quiet(
    dsn: str, redis_url: str, engine_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for two cores, a second under load, which ends its lease itself when it is let go."""
    monkeypatch.setattr(actors.pool, "LOOK_SECONDS", 0.0)
    executor = ExecutorConfig(dsn, redis_url, 10, AgentSettings(sandbox_processes=1), {})
    config = SupervisorConfig(None, executor, b"k" * 32)

    async def alive() -> list[Executor]:
        return await living_executors(engine_pool, 10)

    async def slots(*wanted: str) -> bool:
        return [one.slot for one in await alive()] == list(wanted)

    pool = ExecutorPool(config)
    await pool.start()
    [only] = await alive()
    for _ in range(2):
        await pool.tend([replace(only, running=5000)])
    assert list(pool.actors) == ["executor-0", "executor-1"]
    await pool.tend(await alive())
    await eventually(lambda: slots("executor-0", "executor-1"), 60)

    heir = ExecutorPool(config)
    await heir.start()
    monkeypatch.setattr(actors.sizing, "QUIET_SECONDS", 0.0)
    await heir.tend(await alive())
    assert list(heir.actors) == ["executor-0"]
    await eventually(lambda: slots("executor-0"), 30)
    stopped = await engine_pool.fetchval(
        "SELECT draining FROM executors WHERE slot = 'executor-1' AND stopped_at IS NOT NULL"
    )
    assert stopped is True
    await heir.stop()
    assert await slots()
