"""Waits between attempts that are too long to sleep through: they hold no process."""

from typing import Any
from uuid import UUID

import pytest

from store.executions import (
    cancel_parked,
    pause_execution,
    resume_execution,
)
from store.json_values import loads
from store.live import LiveView
from store.postgres import Pool
from store.waking import end_due_waits
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.pools import BreakingPool, Death
from tests.actors.process import Process, take_over
from tests.actors.testing_agent import Step
from tests.actors.workflows import Document, does, says, workflow
from tests.factories import Account

LONG = {"max_attempts": 3, "backoff": "fixed", "initial_seconds": 600, "max_seconds": 600}
LATER = "UPDATE execution_waits SET due_at = now() WHERE status = 'pending'"


def busy(id: str, failures: int, **fields: Any) -> Document:
    """A node whose first attempts fail, and which is tried again after ten minutes."""
    return does(id, value="{input}", fail="Busy.", failures=failures, retryable=True,
                retry=LONG, **fields)  # fmt: skip


async def wake(pool: Pool, owner: Process) -> list[UUID]:
    """Let the time of what waits come."""
    await pool.execute(LATER)
    return [woken.execution_id for woken in await end_due_waits(pool, [owner.id], 100)]


@pytest.mark.requirement("FR-2.10", "USER.7")
async def test_long_wait_parks_the_execution_and_attempts_go_on_in_another_process(
    begin: Begin, process_of: OpenProcess, look: Look, engine_pool: Pool, step: Step
) -> None:
    """The number of the attempt is kept, and so is the most that there may be."""
    first, second, third = [await process_of() for _ in range(3)]
    id = await begin(workflow([says("a"), busy("b", 2), says("c", "{b}")], "a b c"), {"n": 1},
                     process=first)  # fmt: skip
    await first.drive(id)
    row = await look.row(id)
    assert (row["status"], row["waiting_reason"], row["owner_id"]) == ("waiting", "retry", None)
    assert first.runs == {}
    await first.die()
    assert await end_due_waits(engine_pool, [second.id], 100) == []
    assert await wake(engine_pool, second) == [id]
    await second.drive(id)
    assert (await look.row(id))["waiting_reason"] == "retry"
    await second.die()
    assert await wake(engine_pool, third) == [id]
    await third.drive(id)
    assert await look.output(id) == {"n": 1}
    assert step.ran == ["a", "b", "b", "b", "c"]
    logs = [(log["attempt"], log["status"]) for log in await look.logs(id) if log["node_id"] == "b"]
    assert logs == [(1, "failed"), (2, "failed"), (3, "completed")]
    assert (await look.row(id))["retry_count"] == 2


async def test_last_attempt_after_long_waits_fails_for_good(
    begin: Begin, process: Process, look: Look, engine_pool: Pool, step: Step
) -> None:
    """No more attempts are made than the policy allows."""
    id = await begin(workflow([busy("b", 9)], ""))
    for _ in range(2):
        await process.drive(id)
        assert await wake(engine_pool, process) == [id]
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["error_message"]) == ("failed", "Busy.")
    assert step.ran == ["b"] * 3
    assert await wake(engine_pool, process) == []


async def test_short_waits_are_slept_through(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """They cost no checkpoint."""
    retry = {"max_attempts": 2, "backoff": "fixed", "initial_seconds": 0.01}
    node = {**busy("b", 1), "retry": retry}
    id = await begin(workflow([node], ""))
    await process.drive(id)
    assert await look.status(id) == "completed"
    assert await engine_pool.fetchval("SELECT count(*) FROM execution_waits") == 0


async def test_items_that_wait_long_are_tried_again_alone(
    begin: Begin, process: Process, process_of: OpenProcess, look: Look, step: Step,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """What has ended of the map is not run again, also in another process."""
    node = {
        **does("each", value="{item.n}", fail="Busy.", failures="{item.failures}", retryable=True,
               retry=LONG),
        "pattern": "map", "input_keys": ["input.rows"], "batch_size": 2,
    }  # fmt: skip
    rows = [{"n": n, "failures": failures} for n, failures in enumerate([0, 1, 0, 2])]
    id = await begin(workflow([node], ""), {"rows": rows})
    await process.drive(id)
    assert (await look.row(id))["waiting_reason"] == "retry"
    assert await engine_pool.fetchval("SELECT count(*) FROM execution_map_items") == 2
    await process.die()
    heir = await process_of()
    assert await wake(engine_pool, heir) == [id]
    await heir.drive(id)
    assert await wake(engine_pool, heir) == [id]
    await heir.drive(id)
    assert await look.output(id) == {"each": [0, 1, 2, 3]}
    assert sorted(step.ran) == sorted(f"each[{n}]" for n in (0, 1, 2, 3, 1, 3, 3))
    attempts = await engine_pool.fetch("SELECT attempt FROM execution_map_items ORDER BY map_index")
    assert [row["attempt"] for row in attempts] == [1, 2, 1, 3]


async def test_wait_that_is_paused_or_cancelled(
    begin: Begin, process: Process, look: Look, engine_pool: Pool, live: LiveView,
    account: Account, step: Step,
) -> None:  # fmt: skip
    """A paused execution is not woken by its time, and goes on with it when resumed."""
    id = await begin(workflow([busy("b", 1)], ""), {"n": 1})
    await process.drive(id)
    await pause_execution(engine_pool, live, account.tenant_id, id, "p@example.com")
    assert await wake(engine_pool, process) == []
    await resume_execution(engine_pool, live, account.tenant_id, id, "p@example.com", process.id)
    await process.drive(id)
    assert await look.output(id) == {"n": 1}
    assert step.ran == ["b", "b"]
    id = await begin(workflow([busy("b", 1)], ""))
    await process.drive(id)
    assert await cancel_parked(engine_pool, live, account.tenant_id, id, "over")
    assert await wake(engine_pool, process) == []


async def test_death_before_any_flush_keeps_the_count_of_attempts(
    begin: Begin, process_of: OpenProcess, look: Look, step: Step, engine_pool: Pool
) -> None:
    """Killed before its 1st, 2nd, … transaction: an attempt that is recorded is not made again."""
    number, died = 0, True
    heir = await process_of()
    while died:
        number += 1
        pool = BreakingPool(engine_pool, number + 1, Death(), for_ever=True)
        mortal = await process_of(journal_pool=pool)
        id = await begin(workflow([busy("b", 1), says("c")], "b c"), {"n": 1}, process=mortal)
        await mortal.drive_until_death(id)
        if not pool.broke:
            assert await wake(engine_pool, mortal) == [id]
            await mortal.drive_until_death(id)
        died = pool.broke
        if died:
            if (await look.row(id))["status"] == "running":
                assert await take_over(engine_pool, mortal, heir) == [id]
                await heir.drive(id)
            if await wake(engine_pool, heir):
                await heir.drive(id)
        assert await look.status(id) == "completed", number
        payloads = await engine_pool.fetch(
            "SELECT payload FROM execution_waits WHERE execution_id = $1", id
        )
        assert [loads(row["payload"]) for row in payloads] == [{"attempt": 1}]
    assert number > 4
