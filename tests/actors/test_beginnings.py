"""Executions on their way to their first work: a few at once, the others in line."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from actors.beginnings import Beginnings
from actors.config import ExecutorConfig
from actors.executor import ExecutionActor
from actors.handed import Handed, dump_handed
from agents.settings import AgentSettings
from store.executions import cancel_parked, pause_execution
from store.live import LiveView
from store.postgres import Pool
from tests.actors.conftest import Begin, Look
from tests.actors.process import Process
from tests.actors.testing_agent import Step
from tests.actors.workflows import does, says, workflow
from tests.eventually import eventually
from tests.factories import Account, MakeWorkflow, StartExecution

ONE_NODE = {
    "name": "One node",
    "nodes": [{"id": "a", "agent": "data_processing",
               "parameters": {"operation": "transform", "data": [1]}}],
}  # fmt: skip


async def test_places_are_given_in_order_and_each_once() -> None:
    """Who leaves lets the next in; who is cancelled in line takes nobody's place."""
    beginnings, entered = Beginnings(1), []

    async def enter(name: str) -> None:
        async with beginnings.place() as place:
            entered.append(name)
            place.over()
            place.over()

    async with beginnings.place():
        tasks = [asyncio.create_task(enter(name)) for name in "abc"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.wait([tasks[1]])
        assert entered == []
    await asyncio.wait(tasks)
    assert entered == ["a", "c"]


async def test_execution_in_line_has_not_begun(begin: Begin, process: Process, look: Look) -> None:
    """It begins as soon as a place is free."""
    process.host.beginnings = Beginnings(1)
    id = await begin(workflow([says("a")]))
    async with process.host.beginnings.place():
        driving = process.begin(id)
        await asyncio.sleep(0)
        assert process.runs == {}
    await driving
    assert await look.status(id) == "completed"


async def test_node_that_takes_its_time_holds_nobody_in_line(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """Its execution has begun when its agent is called, so that any number may wait for others."""
    process.host.beginnings = Beginnings(1)
    held = process.begin(await begin(workflow([does("held", hold=True)])))
    await eventually(lambda: step.ran == ["held"])
    id = await begin(workflow([says("a")]))
    await process.drive(id)
    assert await look.status(id) == "completed"
    step.gates["held"].set()
    await held


async def test_map_that_takes_its_time_holds_nobody_in_line(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """Its execution has begun when its first part runs."""
    process.host.beginnings = Beginnings(1)
    each = {**does("each", hold=True), "pattern": "map", "input_keys": ["input.rows"]}
    held = process.begin(await begin(workflow([each]), {"rows": [1]}))
    await eventually(lambda: step.ran == ["each[0]"])
    id = await begin(workflow([says("a")]))
    await process.drive(id)
    assert await look.status(id) == "completed"
    step.gates["each"].set()
    await held


@dataclass(frozen=True, slots=True)
class InLine:
    """An executor that was handed an execution, which stands in line before a place of ours."""

    actor: ExecutionActor
    starting: asyncio.Task[None]
    id: UUID
    free: asyncio.Event
    """Gives the place back when it is set."""


@pytest.fixture
async def in_line(
    dsn: str, redis_url: str, make_workflow: MakeWorkflow, start: StartExecution, account: Account
) -> AsyncIterator[InLine]:
    """Hand an execution to an executor whose one place is taken."""
    settings = AgentSettings(sandbox_processes=1)
    actor = ExecutionActor("executor-0", ExecutorConfig(dsn, redis_url, 60.0, settings, {}))
    await actor.ready()
    assert actor._engine is not None
    beginnings = actor._engine.host.beginnings = Beginnings(1)
    stored = await make_workflow(ONE_NODE)
    id = (await start(stored, {}, actor.id)).execution_id
    handed = Handed(id, account.tenant_id, 1, stored.id, stored.name, stored.specification_sha256,
                    {}, "", "", None, fresh=True)  # fmt: skip
    taken, free = asyncio.Event(), asyncio.Event()

    async def take() -> None:
        async with beginnings.place():
            taken.set()
            await free.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(take())
        await taken.wait()
        starting = group.create_task(actor.start(dump_handed([handed])))
        await eventually(lambda: id in actor._tasks)
        yield InLine(actor, starting, id, free)
        free.set()
    await actor.stop()


@pytest.mark.requirement("FR-2.9")
async def test_execution_that_is_cancelled_in_line_does_not_begin(
    in_line: InLine, api_pool: Pool, live: LiveView, account: Account, look: Look
) -> None:
    """Its executor lets go of it, and whoever cancels ends it."""
    assert not await in_line.actor.cancel(str(in_line.id), "no more")
    assert await cancel_parked(api_pool, live, account.tenant_id, in_line.id, "no more")
    in_line.free.set()
    await in_line.starting
    assert await look.status(in_line.id) == "cancelled"
    assert await look.nodes(in_line.id, "node_started") == []


@pytest.mark.requirement("FR-2.9")
async def test_execution_that_is_paused_in_line_stands_before_its_first_node(
    in_line: InLine, api_pool: Pool, live: LiveView, account: Account, look: Look
) -> None:
    """It was handed over before it was paused, so its executor reads it anew."""
    assert await pause_execution(api_pool, live, account.tenant_id, in_line.id, "o@example.com")
    pausing = asyncio.create_task(in_line.actor.pause(str(in_line.id), 10))
    await in_line.starting
    in_line.free.set()
    await pausing
    row = await look.row(in_line.id)
    assert (row["status"], row["waiting_reason"]) == ("waiting", "paused")
    assert await look.nodes(in_line.id, "node_started") == []


async def test_time_in_line_counts_for_the_timeout() -> None:
    """What is handed over has that much less left; without a timeout there is nothing to count."""
    ids = [UUID(int=number) for number in range(3)]
    handed = Handed(ids[0], ids[1], 1, ids[2], "w", "0", {}, "", "", 30.0, fresh=True)
    assert handed.later(10).seconds_left == 20
    assert handed.later(40).seconds_left == -10
    endless = Handed(ids[0], ids[1], 1, ids[2], "w", "0", {}, "", "", None, fresh=True)
    assert endless.later(10) is endless
