"""What the supervisor asks Postgres: whose lease ended, what has no owner, whose time is up."""

from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from store.postgres import Pool
from store.queue import living_executors
from store.records import MoveRecord, ProgressRecord
from store.statements import statement
from store.status import Status
from tests.factories import Account, MakeWorkflow, StartExecution
from tests.store.rows import park, write

END_LEASE = "UPDATE executors SET stopped_at = now() WHERE id = $1"
AGE_LEASE = "UPDATE executors SET heartbeat_at = now() - interval '1 minute' WHERE id = $1"

EXPIRE_QUESTION = """
UPDATE execution_approvals SET expires_at = now() - interval '1 second' WHERE execution_id = $1
"""
PASS_DEADLINE = """
UPDATE workflow_executions SET deadline_at = now() - interval '1 second' WHERE id = $1
"""


async def _executor(pool: Pool, slot: str = "executor-0") -> UUID:
    id = uuid7()
    await pool.execute(statement("insert_executor"), id, slot, slot, 1, False)
    return id


async def _started(
    make_workflow: MakeWorkflow, start: StartExecution, owner_id: UUID | None, count: int
) -> list[UUID]:
    workflow = await make_workflow()
    return [(await start(workflow, owner_id=owner_id)).execution_id for _ in range(count)]


async def _take_over(pool: Pool, *heirs: UUID, limit: int = 100) -> list[Any]:
    return list(await pool.fetch(statement("take_over_executions"), heirs, limit, 5, 2))


@pytest.mark.requirement("FR-2.6", "NFR-3.1")
async def test_executions_of_a_dead_owner_are_shared_out(
    make_workflow: MakeWorkflow, start: StartExecution, engine_pool: Pool
) -> None:
    """The living get them in turn, under the next epoch; each counts the loss of an owner."""
    dead, *heirs = [await _executor(engine_pool, f"executor-{n}") for n in range(3)]
    ids = await _started(make_workflow, start, dead, 6)
    await engine_pool.execute(END_LEASE, dead)
    taken = await _take_over(engine_pool, *heirs)
    assert {row["id"] for row in taken} == set(ids)
    assert Counter(row["owner_id"] for row in taken) == dict.fromkeys(heirs, 3)
    assert {(row["epoch"], row["owner_losses"]) for row in taken} == {(2, 1)}
    assert await _take_over(engine_pool, *heirs) == []


async def test_recovery_is_throttled(
    make_workflow: MakeWorkflow, start: StartExecution, engine_pool: Pool
) -> None:
    """So many at a time, the oldest first, until all have an owner."""
    dead, heir = await _executor(engine_pool), await _executor(engine_pool, "executor-1")
    ids = await _started(make_workflow, start, dead, 5)
    await engine_pool.execute(END_LEASE, dead)
    taken = [{row["id"] for row in await _take_over(engine_pool, heir, limit=2)} for _ in range(4)]
    assert taken == [set(ids[:2]), set(ids[2:4]), {ids[4]}, set()]


async def test_only_what_needs_an_owner_is_taken(
    make_workflow: MakeWorkflow, start: StartExecution, account: Account, engine_pool: Pool
) -> None:
    """Executions of a living owner, waiting ones and ended ones stay."""
    living, dead = await _executor(engine_pool), await _executor(engine_pool)
    await _started(make_workflow, start, living, 1)
    waiting, ended, orphan = await _started(make_workflow, start, dead, 3)
    await park(engine_pool, account.tenant_id, waiting, "only")
    await write(engine_pool, MoveRecord(ended, 1, Status.CANCELLED))
    await engine_pool.execute(END_LEASE, dead)
    assert [row["id"] for row in await _take_over(engine_pool, living)] == [orphan]


async def test_losses_count_only_without_progress(
    make_workflow: MakeWorkflow, start: StartExecution, engine_pool: Pool
) -> None:
    """An execution that gets on is not blamed for its owners' deaths."""
    owner = await _executor(engine_pool)
    [id] = await _started(make_workflow, start, owner, 1)
    await engine_pool.execute(END_LEASE, owner)
    losses = []
    for attempt in range(4):
        owner = await _executor(engine_pool)
        [row] = await _take_over(engine_pool, owner)
        losses.append(row["owner_losses"])
        await write(engine_pool, ProgressRecord(id, completed=int(attempt == 2)))
        await engine_pool.execute(END_LEASE, owner)
    assert losses == [1, 2, 3, 1]


async def test_suspects_run_in_ever_smaller_company(
    make_workflow: MakeWorkflow, start: StartExecution, engine_pool: Pool
) -> None:
    """All that died together twice go on a few at a time, then one by one, beside all others."""
    owner = await _executor(engine_pool)
    ids = sorted(await _started(make_workflow, start, owner, 6))
    taken = []
    for _ in range(4):
        await engine_pool.execute(END_LEASE, owner)
        owner = await _executor(engine_pool)
        taken.append(sorted(row["id"] for row in await _take_over(engine_pool, owner)))
    assert taken[:2] == [ids, ids]
    assert [set(some) for some in taken[2:]] == [{ids[0], ids[1]}, {ids[0], ids[2], ids[3]}]
    neighbour = await _executor(engine_pool, "executor-1")
    [other] = await _started(make_workflow, start, neighbour, 1)
    await engine_pool.execute(END_LEASE, neighbour)
    assert [row["id"] for row in await _take_over(engine_pool, owner)] == [other]
    await write(engine_pool, ProgressRecord(ids[0], completed=1))
    assert [row["id"] for row in await _take_over(engine_pool, owner)] == [ids[1]]


async def test_owner_that_stops_in_good_order_is_no_loss(
    make_workflow: MakeWorkflow, start: StartExecution, engine_pool: Pool
) -> None:
    """It gives back what it has, and whoever takes it over blames nobody."""
    owner, heir = await _executor(engine_pool), await _executor(engine_pool, "executor-1")
    ids = await _started(make_workflow, start, owner, 3)
    await engine_pool.execute(statement("stop_executor"), owner)
    taken = await _take_over(engine_pool, heir)
    assert {row["id"] for row in taken} == set(ids)
    assert {(row["owner_losses"], row["epoch"]) for row in taken} == {(0, 2)}


async def test_lease_ends_when_it_is_not_renewed(engine_pool: Pool) -> None:
    """Database time decides; an ended lease is not renewed again."""
    fresh, stale = await _executor(engine_pool), await _executor(engine_pool, "executor-1")
    await engine_pool.execute(AGE_LEASE, stale)
    assert [one.id for one in await living_executors(engine_pool, 30)] == [fresh]
    ended = await engine_pool.fetch(statement("stop_stale_executors"), 30.0)
    assert [row["id"] for row in ended] == [stale]
    assert await engine_pool.fetchval(statement("beat_executor"), stale, 0, 0.0) is None
    assert await engine_pool.fetchval(statement("beat_executor"), fresh, 7, 1.5) == fresh
    [told] = await living_executors(engine_pool, 30)
    assert (told.running, told.lag_ms) == (7, 1.5)


async def test_new_process_of_a_slot_ends_the_former_lease(engine_pool: Pool) -> None:
    """Its executions need not wait for the lease to run out; other slots stay."""
    former, other = await _executor(engine_pool), await _executor(engine_pool, "executor-1")
    present = await _executor(engine_pool)
    await engine_pool.execute(statement("stop_former_executors"), "executor-0", present)
    living = {one.id for one in await living_executors(engine_pool, 30)}
    assert living == {other, present}
    assert former not in living


@pytest.mark.requirement("FR-2.7")
async def test_questions_and_executions_are_due_when_their_time_is_up(
    make_workflow: MakeWorkflow, start: StartExecution, account: Account, engine_pool: Pool
) -> None:
    """What is still in time, or was answered, is left out."""
    late, early = await _started(make_workflow, start, None, 2)
    for id in (late, early):
        await park(engine_pool, account.tenant_id, id, "only")
    assert await engine_pool.fetch(statement("list_due_approvals"), 100) == []
    assert await engine_pool.fetch(statement("list_overdue_executions"), 100) == []
    await engine_pool.execute(EXPIRE_QUESTION, late)
    await engine_pool.execute(PASS_DEADLINE, late)
    due = await engine_pool.fetch(statement("list_due_approvals"), 100)
    assert [(row["execution_id"], row["on_timeout"]) for row in due] == [(late, "reject")]
    overdue = await engine_pool.fetch(statement("list_overdue_executions"), 100)
    assert [row["id"] for row in overdue] == [late]
