"""Owners that lose their executions, frozen, late or with a wrong clock, can write nothing."""

from typing import Any
from uuid import UUID

import pytest

from tests.eventually import eventually
from tests.faults.conftest import Begin, Crew
from tests.faults.nursery import Worker
from tests.faults.specifications import ask, posts, row, says

ROWS = """
SELECT (SELECT count(*) FROM execution_checkpoints) AS checkpoints,
    (SELECT count(*) FROM execution_writes) AS writes,
    (SELECT count(*) FROM execution_channel_values) AS channel_values,
    (SELECT count(*) FROM execution_approvals) AS approvals,
    (SELECT count(*) FROM execution_events) AS events,
    (SELECT count(*) FROM execution_node_logs) AS logs,
    (SELECT string_agg(xmin::text, ',' ORDER BY id) FROM workflow_executions) AS versions
"""


async def _left_by(worker: Worker, execution_id: UUID) -> dict[str, Any]:
    """Wait until a process says that it has left an execution; returns what it said."""
    entries = await eventually(
        lambda: [
            entry
            for entry in worker.logged("execution.left")
            if entry["execution_id"] == str(execution_id)
        ],
        20,
    )
    found: dict[str, Any] = entries[0]
    return found


async def test_frozen_owner_that_thaws_can_write_nothing(begin: Begin, crew: Crew) -> None:
    """Its result, checkpoint and events are refused with LeaseLost, and it ends itself."""
    old = await crew.executor()
    gate = crew.effects.hold("b")
    document = row([posts(name, crew.effects.url) for name in "abc"])
    [id] = await begin(document, old)
    await eventually(lambda: gate.held)
    await crew.begun("b", id)
    async with crew.fault():
        old.freeze()
        heir = await crew.executor()
        crew.effects.let_pass("b")
        crew.recoverer()
        await crew.expire(old)
        await crew.until("completed", id)
        before = await crew.database.fetchrow(ROWS)
        gate.opened.set()
        old.thaw()
        left = await _left_by(old, id)
    assert left["reason"] == f"Execution {id} is no longer held under epoch 1."
    assert await old.ended() == 70
    [end] = old.logged("executor.ends")
    assert end["reason"] == "The lease was taken away."
    assert await crew.database.fetchrow(ROWS) == before
    pids = [(effect["node_id"], effect["worker_pid"]) for effect in await crew.effects.rows()]
    assert pids == [("a", old.pid), ("b", old.pid), ("b", heir.pid), ("c", heir.pid)]
    await crew.check(*"abc")


async def test_question_of_a_former_owner_is_not_asked(begin: Begin, crew: Crew) -> None:
    """Thawed before a human_loop node, it adds no second question and no event."""
    old = await crew.executor()
    gate = crew.effects.hold("a")
    [id] = await begin(row([posts("a", crew.effects.url), ask("ok"), says("z")]), old)
    await eventually(lambda: gate.held)
    await crew.begun("a", id)
    async with crew.fault():
        old.freeze()
        await crew.executor()
        crew.effects.let_pass("a")
        crew.recoverer()
        await crew.expire(old)
        await crew.until("waiting", id)
        before = await crew.database.fetchrow(ROWS)
        gate.opened.set()
        old.thaw()
        await _left_by(old, id)
    assert await crew.database.fetchrow(ROWS) == before
    assert await crew.database.fetchval("SELECT count(*) FROM execution_approvals") == 1
    await crew.check("a")


@pytest.mark.faults
async def test_lease_that_really_runs_out_is_taken_over(begin: Begin, crew: Crew) -> None:
    """Nothing but time passes: a frozen process's executions go on elsewhere."""
    old = await crew.executor(lease_seconds=3.0)
    gate = crew.effects.hold("a")
    ids = await begin(row([posts(name, crew.effects.url) for name in "ab"]), old, count=3)
    await eventually(lambda: len(gate.held) == 3)
    await crew.begun("a", *ids)
    async with crew.fault():
        old.freeze()
        crew.effects.let_pass("a")
        heir = await crew.executor(lease_seconds=3.0)
        crew.recoverer(lease_seconds=3.0)
        await crew.until("completed", *ids, seconds=30)
        gate.opened.set()
        old.thaw()
        assert await old.ended() == 70
    epochs = await crew.database.fetch("SELECT DISTINCT epoch FROM workflow_executions")
    assert {row["epoch"] for row in epochs} == {2}
    assert {row["worker_pid"] for row in await crew.effects.rows("b")} == {heir.pid}
    await crew.check("a", "b")


async def test_two_recoverers_take_each_execution_once(begin: Begin, crew: Crew) -> None:
    """However they interleave, an execution changes hands once per death."""
    old = await crew.executor()
    gate = crew.effects.hold("a")
    ids = await begin(row([posts("a", crew.effects.url)]), old, count=40)
    await eventually(lambda: len(gate.held) == 40)
    async with crew.fault():
        heirs = [await crew.executor() for _ in range(2)]
        for _ in range(2):
            crew.recoverer(look_seconds=0.001)
        crew.effects.let_pass("a")
        old.kill()
        await crew.expire(old)
        await crew.until("completed", *ids)
    rows = await crew.database.fetch("SELECT epoch, owner_losses FROM workflow_executions")
    assert {row["epoch"] for row in rows} == {2}
    again = [effect for effect in await crew.effects.rows() if effect["attempt"] > 1]
    assert {effect["worker_pid"] for effect in again} == {heir.pid for heir in heirs}
    assert len(again) == 40
    await crew.check("a")


@pytest.mark.parametrize("ahead_seconds", [3600.0, -3600.0], ids=["ahead", "behind"])
async def test_wrong_clock_of_an_executor_changes_nothing(
    ahead_seconds: float, begin: Begin, crew: Crew
) -> None:
    """Leases follow the database's time: an hour off, an owner keeps its own and takes no other."""
    wrong = await crew.executor(clock_ahead_seconds=ahead_seconds)
    right = await crew.executor()
    crew.recoverer()
    crew.recoverer(clock_ahead_seconds=ahead_seconds)
    document = row([posts(name, crew.effects.url) for name in "ab"])
    ids = [*await begin(document, wrong, count=3), *await begin(document, right, count=3)]
    await crew.until("completed", *ids)
    rows = await crew.database.fetch("SELECT DISTINCT epoch FROM workflow_executions")
    assert [row["epoch"] for row in rows] == [1]
    assert (wrong.code, right.code) == (None, None)
    await crew.check("a", "b")


async def test_line_goes_on_after_an_owner_whose_clock_was_ahead(begin: Begin, crew: Crew) -> None:
    """What a resume loads is the end of the line, not what carries the latest time."""
    wrong = await crew.executor(clock_ahead_seconds=3600)
    gate = crew.effects.hold("b")
    document = row([*(posts(name, crew.effects.url) for name in "abc"), ask("ok"), says("z")])
    [id] = await begin(document, wrong)
    await eventually(lambda: gate.held)
    await crew.begun("b", id)
    async with crew.fault():
        await crew.executor()
        crew.recoverer()
        crew.effects.let_pass("b")
        wrong.kill()
        await crew.expire(wrong)
        await crew.until("waiting", id)
    await crew.check(*"abc")
    await crew.answer(id, "approve")
    await crew.until("completed", id)
    await crew.check(*"abc")


async def test_deadline_is_the_databases(begin: Begin, crew: Crew) -> None:
    """An owner whose clock is an hour ahead does not end an execution that has half an hour."""
    wrong = await crew.executor(clock_ahead_seconds=3600)
    [id] = await begin(row([posts("a", crew.effects.url)]), wrong, timeout_seconds=1800.0)
    await crew.until("completed", id)
    await crew.check("a")
