"""The supervisor's look: one for all who wait, and again at once when somebody wants it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from actors import lookout as module
from actors.lookout import Lookout
from store.postgres import UNREACHABLE, Pool

LEASE_SECONDS = 10.0


@pytest.fixture
async def lookout(engine_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lookout]:
    """One that looks once, and then only when it is asked to."""
    monkeypatch.setattr(module, "TICK_SECONDS", 3600.0)
    lookout = Lookout(engine_pool, LEASE_SECONDS)

    async def go_on() -> None:
        while True:
            await lookout.look()

    looking = asyncio.create_task(go_on())
    yield lookout
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


async def test_one_look_serves_all_who_wait(lookout: Lookout) -> None:
    """They are told the same."""
    seen = await asyncio.gather(*(lookout.next() for _ in range(10)))
    assert all(due is seen[0] for due in seen)


async def test_wanted_look_comes_at_once(lookout: Lookout) -> None:
    """Whoever has changed something does not wait for the next tick."""
    first = await lookout.next()
    asking = asyncio.create_task(lookout.next())
    lookout.soon()
    assert await asyncio.wait_for(asking, 30) is not first


async def test_look_that_is_wanted_during_another_comes_after_it(lookout: Lookout) -> None:
    """What changed after that one had read the rows is seen."""
    asking = asyncio.create_task(lookout.next())
    # The look has begun, since it came first, and has not been answered yet.
    await asyncio.sleep(0)
    lookout.soon()
    await asking
    await asyncio.wait_for(lookout.next(), 30)


async def test_failed_look_leaves_those_who_wait_to_the_next(engine_pool: Pool) -> None:
    """Only whoever looks hears of it."""
    lookout = Lookout(engine_pool, LEASE_SECONDS)
    asking = asyncio.create_task(lookout.next())
    await asyncio.sleep(0)
    await engine_pool.close()
    with pytest.raises(UNREACHABLE):
        await lookout.look()
    assert not asking.done()
    asking.cancel()
