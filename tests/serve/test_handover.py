"""Choosing an executor: the less loaded of two, none that drains, none that is full."""

from collections import Counter
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from serve.handover import Handover
from store.postgres import Pool
from store.statements import statement


async def _executor(pool: Pool, slot: str, running: int = 0, *, dedicated: bool = False) -> UUID:
    id = uuid7()
    await pool.execute(statement("insert_executor"), id, slot, slot, 1, dedicated)
    await pool.execute(statement("beat_executor"), id, running, 0.0)
    return id


async def test_less_loaded_executor_is_chosen(api_pool: Pool, engine_pool: Pool) -> None:
    """What was given since it last told counts, so both come to have as much."""
    busy = await _executor(engine_pool, "executor-0", 30)
    idle = await _executor(engine_pool, "executor-1", 10)
    chosen = Counter(await Handover(api_pool, 30, 20_000).choose(40))
    assert chosen == {idle: 30, busy: 10}


@pytest.mark.requirement("USER.10")
async def test_nobody_is_chosen_beyond_its_capacity(api_pool: Pool, engine_pool: Pool) -> None:
    """Then starts queue."""
    one = await _executor(engine_pool, "executor-0", 8)
    two = await _executor(engine_pool, "executor-1", 9)
    chosen = await Handover(api_pool, 30, 10).choose(5)
    assert Counter(chosen) == {one: 2, two: 1, None: 2}


async def test_draining_and_dedicated_executors_are_not_chosen(
    api_pool: Pool, engine_pool: Pool
) -> None:
    """One of them hands over, the other is for somebody else."""
    leaving = await _executor(engine_pool, "executor-0")
    await engine_pool.execute(statement("drain_executor"), leaving)
    await _executor(engine_pool, "dedicated Report exec_1", dedicated=True)
    handover = Handover(api_pool, 30, 10)
    assert await handover.choose() == [None]
    assert await handover.executors() == []
