"""Limits, the queue and draining, with executors that die or are told to stop."""

import os
import signal
from typing import Any

import pytest

from tests.actors.workflows import call
from tests.eventually import eventually
from tests.factories import MakeWorkflow
from tests.faults.conftest import Begin, Crew
from tests.faults.specifications import posts, row, says

THREE = {"execution": {"concurrency": {"limit": 3}}}
ORPHANS = """
INSERT INTO workflow_executions (id, tenant_id, organization_id, workflow_id, specification_sha256,
    workflow_version, total_nodes, epoch, last_event_seq, status, owner_id, started_at)
SELECT gen_random_uuid(), e.tenant_id, e.organization_id, e.workflow_id, e.specification_sha256,
    e.workflow_version, 1, 1, 1, 'running', $2, now()
FROM workflow_executions AS e CROSS JOIN generate_series(1, 2000) WHERE e.id = $1
"""
UNRECOVERED = "SELECT count(*) FROM workflow_executions WHERE owner_id = $1 AND status = 'running'"


async def _statuses(crew: Crew) -> list[str]:
    rows = await crew.database.fetch("SELECT status FROM workflow_executions ORDER BY id")
    return [row["status"] for row in rows]


@pytest.mark.requirement("USER.10", "FR-2.6")
async def test_owner_that_dies_with_all_places_leaks_none(begin: Begin, crew: Crew) -> None:
    """Its three of three go on elsewhere, and then the three that queued behind them."""
    old = await crew.executor()
    gate = crew.effects.hold("a")
    document = row([posts(name, crew.effects.url) for name in "ab"], **THREE)
    ids = await begin(document, old, count=6, workflow_limit=3)
    await eventually(lambda: len(gate.held) == 3)
    assert await _statuses(crew) == ["running"] * 3 + ["pending"] * 3
    async with crew.fault():
        await crew.executor()
        crew.effects.let_pass("a")
        crew.recoverer()
        old.kill()
        await crew.expire(old)
        await crew.until("completed", *ids)
    await crew.check("a", "b")


@pytest.mark.requirement("USER.6", "USER.10", "FR-2.6")
async def test_owner_that_dies_with_limited_children_leaks_none(
    begin: Begin, crew: Crew, make_workflow: MakeWorkflow
) -> None:
    """Two run, three queue and one stands in its map's line: all go on elsewhere, two at once."""
    old = await crew.executor()
    gate = crew.effects.hold("a")
    child = row([posts("a", crew.effects.url)], execution={"concurrency": {"limit": 2}})
    await make_workflow(child, name="child")
    each = call("each", "child", pattern="map", input_keys=["input.rows"])
    [id] = await begin(row([each]), old, input={"rows": list(range(6))})
    await eventually(lambda: len(gate.held) == 2)
    assert sorted(await _statuses(crew)) == ["pending"] * 3 + ["running"] * 2 + ["waiting"] * 2
    async with crew.fault():
        await crew.executor()
        crew.effects.let_pass("a")
        crew.recoverer()
        old.kill()
        await crew.expire(old)
        await crew.until("completed", id)
    assert await _statuses(crew) == ["completed"] * 7
    await crew.check("a")


@pytest.mark.requirement("USER.10")
async def test_end_lets_the_next_in_without_a_supervisor(begin: Begin, crew: Crew) -> None:
    """The executor whose execution ended takes the next from the queue itself."""
    worker = await crew.executor()
    document = row([posts("a", crew.effects.url)], execution={"concurrency": {"limit": 1}})
    ids = await begin(document, worker, count=5, workflow_limit=1)
    await crew.until("completed", *ids)
    assert [effect["worker_pid"] for effect in await crew.effects.rows()] == [worker.pid] * 5
    await crew.check("a")


@pytest.mark.requirement("USER.10")
async def test_full_executor_takes_from_the_queue_as_its_executions_end(
    begin: Begin, crew: Crew
) -> None:
    """What finds no place queues, and nothing is lost."""
    worker = await crew.executor(capacity=2)
    crew.recoverer(capacity=2)
    ids = await begin(row([posts("a", crew.effects.url)]), None, count=9)
    await crew.until("completed", *ids)
    assert {effect["worker_pid"] for effect in await crew.effects.rows()} == {worker.pid}
    await crew.check("a")


@pytest.mark.requirement("NFR-3.6")
async def test_told_to_stop_an_executor_lets_its_nodes_end(begin: Begin, crew: Crew) -> None:
    """SIGTERM: what runs ends and is kept, nothing further begins, the heir repeats nothing."""
    old = await crew.executor(drain_seconds=20)
    gate = crew.effects.hold("b")
    document = row([posts(name, crew.effects.url) for name in "abc"])
    ids = await begin(document, old, count=3)
    await eventually(lambda: len(gate.held) == 3)
    os.kill(old.pid, signal.SIGTERM)

    async def drains() -> Any:
        return await crew.database.fetchval("SELECT draining FROM executors WHERE id = $1", old.id)

    await eventually(drains)
    gate.opened.set()
    assert await old.ended() == 0
    assert {effect["node_id"] for effect in await crew.effects.rows()} == {"a", "b"}
    rows = await crew.database.fetch("SELECT status, owner_id FROM workflow_executions")
    assert {(row["status"], row["owner_id"]) for row in rows} == {("running", None)}
    heir = await crew.executor()
    crew.recoverer()
    await crew.until("completed", *ids)
    assert {effect["worker_pid"] for effect in await crew.effects.rows("c")} == {heir.pid}
    losses = await crew.database.fetch("SELECT DISTINCT owner_losses FROM workflow_executions")
    assert [row["owner_losses"] for row in losses] == [0]
    await crew.check(*"abc")


@pytest.mark.requirement("NFR-3.6")
async def test_node_that_does_not_end_in_time_is_repeated_by_the_heir(
    begin: Begin, crew: Crew
) -> None:
    """The executor stops all the same."""
    old = await crew.executor(drain_seconds=0.2)
    gate = crew.effects.hold("a")
    [id] = await begin(row([posts("a", crew.effects.url)]), old)
    await eventually(lambda: gate.held)
    async with crew.fault():
        os.kill(old.pid, signal.SIGTERM)
        assert await old.ended() == 0
        crew.effects.let_pass("a")
        heir = await crew.executor()
        crew.recoverer()
        await crew.until("completed", id)
    assert [effect["worker_pid"] for effect in await crew.effects.rows()] == [old.pid, heir.pid]
    await crew.check("a")


@pytest.mark.requirement("NFR-3.1")
async def test_start_does_not_wait_for_a_recovery(begin: Begin, crew: Crew) -> None:
    """2,000 executions lost their owner, and a new one ends while they are still being shared."""
    dead, worker = await crew.executor(), await crew.executor()
    [first] = await begin(row([says("a")]), worker)
    await crew.until("completed", first)
    dead.kill()
    await crew.database.execute(ORPHANS, first, dead.id)
    await crew.expire(dead)
    crew.recoverer(look_seconds=0.5)

    async def begun() -> bool:
        return 0 < int(await crew.database.fetchval(UNRECOVERED, dead.id)) < 2000

    await eventually(begun)
    [new] = await begin(row([says("a")]), worker)
    await crew.until("completed", new)
    assert await crew.database.fetchval(UNRECOVERED, dead.id) > 0
