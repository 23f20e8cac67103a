"""The queue: who may run at once, who is next, and that nobody exceeds a limit."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from store.executions import cancel_parked, pause_execution, resume_execution
from store.live import LiveView
from store.postgres import Pool
from store.queue import Bounds, QueuePlace, admit, queue_place
from store.records import MoveRecord
from store.statements import statement
from store.status import Status
from store.workflows import Workflow
from store.writing import Woken
from tests.factories import Account, MakeAccount, MakeWorkflow, StartExecution
from tests.store.rows import park, write

pytestmark = pytest.mark.requirement("USER.10")

MANY = """
INSERT INTO workflow_executions (id, tenant_id, organization_id, workflow_id, specification_sha256,
    workflow_version, total_nodes, epoch, last_event_seq, lane, key_limit, created_at)
SELECT gen_random_uuid(), e.tenant_id, e.organization_id, e.workflow_id, e.specification_sha256,
    e.workflow_version, 1, 1, 1, e.lane, e.key_limit, e.created_at
FROM workflow_executions AS e CROSS JOIN generate_series(1, $2) WHERE e.id = $1
"""
ANSWER = """
INSERT INTO execution_waits
    (tenant_id, execution_id, interrupt_id, node_id, event, status, ended_at)
VALUES ($1, $2, 'w', 'only', 'e', 'ended', now())
"""
IN_PROGRESS = """
SELECT id FROM workflow_executions WHERE status IN ('running', 'waiting') ORDER BY started_at, id
"""


async def _executor(pool: Pool, slot: str = "executor-0") -> UUID:
    id = uuid7()
    await pool.execute(statement("insert_executor"), id, slot, slot, 1, False)
    return id


async def _end(pool: Pool, *ids: UUID) -> None:
    epochs = dict(await pool.fetch("SELECT id, epoch FROM workflow_executions"))
    assert await write(pool, *(MoveRecord(id, epochs[id], Status.COMPLETED) for id in ids)) == set()


def _ids(woken: list[Woken]) -> set[UUID]:
    return {one.execution_id for one in woken}


class Queue:
    """Starts executions and admits them under one executor."""

    def __init__(self, pool: Pool, start: StartExecution, owner_id: UUID) -> None:
        self.pool = pool
        self.owner_id = owner_id
        self._start = start

    async def start(self, workflow: Workflow, count: int = 1, **fields: Any) -> list[UUID]:
        """Start as the API does, which offers an executor."""
        ids = []
        for _ in range(count):
            started = await self._start(workflow, owner_id=self.owner_id, **fields)
            ids.append(started.execution_id)
        return ids

    async def in_progress(self) -> list[UUID]:
        """What runs or waits, in the order in which it was admitted."""
        return [row["id"] for row in await self.pool.fetch(IN_PROGRESS)]

    async def admit(self, most: int = 1000, **bounds: Any) -> list[Woken]:
        """Admit what may run."""
        return await admit(self.pool, [self.owner_id], Bounds(**bounds), most)


@pytest.fixture
async def queue(engine_pool: Pool, start: StartExecution) -> Queue:
    """The queue before one executor."""
    return Queue(engine_pool, start, await _executor(engine_pool))


async def test_limited_workflow_runs_so_many_at_once(
    queue: Queue, make_workflow: MakeWorkflow
) -> None:
    """The rest queue without an owner and go on, the oldest first, when others end."""
    workflow = await make_workflow()
    ids = await queue.start(workflow, 5, workflow_limit=2)
    assert await queue.in_progress() == ids[:2]
    rows = await queue.pool.fetch("SELECT * FROM workflow_executions WHERE status = 'pending'")
    assert {(row["owner_id"], row["started_at"]) for row in rows} == {(None, None)}
    assert await queue.admit() == []
    await _end(queue.pool, ids[0])
    assert await queue.admit() == [Woken(ids[2], queue.owner_id)]
    await _end(queue.pool, ids[1], ids[2])
    assert _ids(await queue.admit()) == {ids[3], ids[4]}


async def test_key_bounds_only_its_own(queue: Queue, make_workflow: MakeWorkflow) -> None:
    """What one customer queues does not hold back another's."""
    workflow = await make_workflow()
    first = await queue.start(workflow, 3, key_limit=1, key="A")
    second = await queue.start(workflow, 2, key_limit=1, key="B")
    assert await queue.in_progress() == [first[0], second[0]]
    await _end(queue.pool, second[0])
    assert _ids(await queue.admit()) == {second[1]}


async def test_both_limits_hold(queue: Queue, make_workflow: MakeWorkflow) -> None:
    """Two for each key, three in all."""
    workflow = await make_workflow()
    for key in "ABC":
        await queue.start(workflow, 3, workflow_limit=3, key_limit=2, key=key)
    progress = []
    while running := await queue.in_progress():
        progress.append(len(running))
        await _end(queue.pool, running[0])
        await queue.admit()
    # At last three of one key are left.
    assert progress == [3, 3, 3, 3, 3, 3, 2, 2, 1]


async def test_waiting_execution_keeps_its_place(
    queue: Queue, make_workflow: MakeWorkflow, account: Account
) -> None:
    """An answer must find it free, so nobody else gets it meanwhile."""
    workflow = await make_workflow()
    first, second = await queue.start(workflow, 2, workflow_limit=1)
    await park(queue.pool, account.tenant_id, first, "only")
    assert await queue.admit() == []
    await queue.pool.execute(ANSWER, account.tenant_id, first)
    [woken] = await queue.pool.fetch(statement("wake_execution"), first, queue.owner_id)
    assert woken["owner_id"] == queue.owner_id
    await _end(queue.pool, first)
    assert _ids(await queue.admit()) == {second}


async def test_highest_priority_goes_first(queue: Queue, make_workflow: MakeWorkflow) -> None:
    """Of equal ones the oldest."""
    workflow = await make_workflow()
    ids = [
        (await queue.start(workflow, workflow_limit=1, priority=priority))[0]
        for priority in (0, 0, 5, -5, 5)
    ]
    order = []
    for _ in ids:
        [running] = await queue.in_progress()
        order.append(ids.index(running))
        await _end(queue.pool, running)
        await queue.admit()
    assert order == [0, 2, 4, 1, 3]


async def test_tenant_with_a_long_queue_does_not_delay_another(
    queue: Queue, make_workflow: MakeWorkflow, make_account: MakeAccount, start: StartExecution
) -> None:
    """10,000 of one tenant are older, and the other's first is among the next two."""
    workflow = await make_workflow()
    first = (await start(workflow)).execution_id
    await queue.pool.execute(MANY, first, 9_999)
    other = await make_account("Other")
    late = await start(await make_workflow(account=other), account=other)
    admitted = await queue.admit(most=2)
    assert late.execution_id in _ids(admitted)


async def test_tenants_with_the_fewest_running_are_next(
    queue: Queue, make_workflow: MakeWorkflow, make_account: MakeAccount, start: StartExecution
) -> None:
    """Whoever has little running catches up before the others get more."""
    workflow = await make_workflow()
    await queue.start(workflow, 4)
    other = await make_account("Other")
    theirs = await make_workflow(account=other)
    for _ in range(6):
        await start(workflow)
        await start(theirs, account=other)
    await queue.admit(most=6)
    running = await queue.pool.fetch(
        "SELECT tenant_id FROM workflow_executions WHERE status = 'running'"
    )
    assert sorted(Counter(row["tenant_id"] for row in running).values()) == [5, 5]


async def test_full_key_does_not_hold_back_what_queues_behind_it(
    queue: Queue, make_workflow: MakeWorkflow
) -> None:
    """10,000 of a full key are older, and another key's goes all the same."""
    workflow = await make_workflow()
    running, queued = await queue.start(workflow, 2, key_limit=1, key="A")
    await queue.pool.execute(MANY, queued, 9_999)
    other = await queue.start(workflow, 2, key_limit=1, key="B")
    await _end(queue.pool, other[0])
    assert _ids(await queue.admit()) == {other[1]}
    assert running in await queue.in_progress()


async def test_tenant_has_so_many_in_progress(
    queue: Queue, make_workflow: MakeWorkflow, api_pool: Pool, start: StartExecution
) -> None:
    """Whatever its workflows are."""
    for _ in range(2):
        workflow = await make_workflow()
        for _ in range(3):
            await start(workflow)
    assert len(await queue.admit(tenant_most=4)) == 4
    assert await queue.admit(tenant_most=4) == []
    await _end(queue.pool, (await queue.in_progress())[0])
    assert len(await queue.admit(tenant_most=4)) == 1


async def test_places_of_executors_are_filled_evenly(
    queue: Queue, make_workflow: MakeWorkflow, start: StartExecution, engine_pool: Pool
) -> None:
    """The emptiest first, none beyond its capacity, and none that drains or has stopped."""
    workflow = await make_workflow()
    await queue.start(workflow, 3)
    others = [await _executor(engine_pool, f"executor-{n}") for n in range(1, 4)]
    await engine_pool.execute(statement("drain_executor"), others[1])
    await engine_pool.execute(statement("stop_executor"), others[2])
    for _ in range(20):
        await start(workflow)
    given = await admit(engine_pool, [queue.owner_id, *others], Bounds(executor_capacity=8), 100)
    assert Counter(one.owner_id for one in given) == {queue.owner_id: 5, others[0]: 8}


async def test_start_goes_behind_those_that_queue(
    queue: Queue, make_workflow: MakeWorkflow, start: StartExecution
) -> None:
    """A free place is for the oldest, also when a new one would find it first."""
    workflow = await make_workflow()
    first = (await start(workflow)).execution_id
    [second] = await queue.start(workflow)
    assert await queue.in_progress() == []
    assert _ids(await queue.admit(most=1)) == {first}
    assert _ids(await queue.admit(most=1)) == {second}
    [third] = await queue.start(workflow)
    assert third in await queue.in_progress()


async def test_many_starts_and_admissions_at_once_never_exceed_a_limit(
    queue: Queue, make_workflow: MakeWorkflow, start: StartExecution, dsn: str
) -> None:
    """Starts, ends and three admitters at once: three in progress at all times."""
    workflow = await make_workflow()
    seen: list[int] = []

    async def begin() -> None:
        await start(workflow, owner_id=queue.owner_id, key_limit=3, key="A")

    async def finish() -> bool:
        rows = await queue.pool.fetch(IN_PROGRESS)
        seen.append(len(rows))
        if rows:
            row = rows[0]
            epoch = await queue.pool.fetchval(
                "SELECT epoch FROM workflow_executions WHERE id = $1", row["id"]
            )
            await write(queue.pool, MoveRecord(row["id"], epoch, Status.COMPLETED))
        return bool(rows)

    async def admitter() -> None:
        while not done.is_set():
            await queue.admit()

    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(admitter())
        starts = [asyncio.create_task(begin()) for _ in range(40)]
        await asyncio.wait(starts)
        while await finish() or await queue.pool.fetchval(
            "SELECT count(*) FROM workflow_executions WHERE status = 'pending'"
        ):
            pass
        done.set()
    assert max(seen) == 3
    overlapping = await queue.pool.fetch(
        "SELECT a.id FROM workflow_executions AS a JOIN workflow_executions AS b "
        "ON b.started_at <= a.started_at AND b.completed_at > a.started_at "
        "GROUP BY a.id HAVING count(*) > 3"
    )
    assert overlapping == []


async def test_queued_execution_is_cancelled_paused_and_resumed(
    queue: Queue, make_workflow: MakeWorkflow, account: Account, api_pool: Pool, live: LiveView
) -> None:
    """Paused, it lets others pass and keeps its place; cancelled, it never runs."""
    workflow = await make_workflow()
    ids = await queue.start(workflow, 4, workflow_limit=1)
    place = (api_pool, live, account.tenant_id)
    paused = await pause_execution(*place, ids[1], "o")
    assert paused is not None
    assert (paused.status, paused.owner_id) == ("pending", None)
    assert await cancel_parked(*place, ids[2], "Not needed.")
    await _end(queue.pool, ids[0])
    assert _ids(await queue.admit()) == {ids[3]}
    resumed = await resume_execution(*place, ids[1], "o", queue.owner_id)
    assert resumed is not None
    assert (resumed.status, resumed.owner_id) == ("pending", None)
    assert await queue.admit() == []
    await _end(queue.pool, ids[3])
    assert _ids(await queue.admit()) == {ids[1]}


async def test_timeout_counts_in_the_queue(queue: Queue, make_workflow: MakeWorkflow) -> None:
    """A queued execution whose deadline has passed is overdue."""
    workflow = await make_workflow()
    _, queued = await queue.start(workflow, 2, workflow_limit=1, timeout_seconds=60.0)
    assert await queue.pool.fetch(statement("list_overdue_executions"), 10) == []
    await queue.pool.execute(
        "UPDATE workflow_executions SET deadline_at = now() - interval '1 second'"
    )
    [row] = await queue.pool.fetch(statement("list_overdue_executions"), 10)
    assert row["id"] == queued


async def test_place_in_the_queue_is_told(
    queue: Queue, make_workflow: MakeWorkflow, account: Account, api_pool: Pool,
    start: StartExecution, live: LiveView,
) -> None:  # fmt: skip
    """Why it does not run, which limit holds it back, and how many go before it."""
    workflow = await make_workflow()
    ids = await queue.start(workflow, 3, workflow_limit=1)
    urgent = await queue.start(workflow, workflow_limit=1, priority=9)
    keyed = await queue.start(workflow, 2, key_limit=1, key="A")
    free = (await start(workflow)).execution_id
    dedicated = (await start(workflow, dedicated=True)).execution_id

    async def place(id: UUID, tenant_most: int | None = None) -> QueuePlace | None:
        return await queue_place(api_pool, account.tenant_id, id, tenant_most)

    assert await place(ids[0]) is None
    assert await place(ids[2]) == QueuePlace("concurrency", 2, "workflow", 1)
    assert await place(urgent[0]) == QueuePlace("concurrency", 0, "workflow", 1)
    await pause_execution(api_pool, live, account.tenant_id, ids[2], "o")
    assert await place(ids[2]) == QueuePlace("paused", 2, "workflow", 1)
    assert await place(keyed[1]) == QueuePlace("concurrency", 0, "key", 1)
    assert await place(free, 1) == QueuePlace("concurrency", 0, "organization", 1)
    assert await place(free) == QueuePlace("capacity", 0)
    assert await place(dedicated) == QueuePlace("capacity", 0)
    await queue.admit(dedicated_most=1)
    assert await place(dedicated) == QueuePlace("starting", 0)
    assert await place(free) is None


async def test_dedicated_executions_have_places_of_their_own(
    queue: Queue, make_workflow: MakeWorkflow, start: StartExecution
) -> None:
    """They get no owner here, do not use up others' places, and only one claims each."""
    workflow = await make_workflow()
    ids = [(await start(workflow, dedicated=True)).execution_id for _ in range(3)]
    shared = (await start(workflow)).execution_id
    assert await queue.admit() == [Woken(shared, queue.owner_id)]
    admitted = await queue.admit(dedicated_most=2)
    assert admitted == [Woken(ids[0], None), Woken(ids[1], None)]
    rows = await queue.pool.fetch(statement("list_unhosted_executions"), 10)
    assert [row["id"] for row in rows] == ids[:2]
    assert (
        await queue.pool.fetch(statement("take_over_executions"), [queue.owner_id], 10, 1000, 100)
        == []
    )
    one, two = await _executor(queue.pool, "one"), await _executor(queue.pool, "two")
    claimed = await asyncio.gather(
        *(queue.pool.fetch(statement("claim_execution"), ids[0], id) for id in (one, two))
    )
    assert sorted(len(rows) for rows in claimed) == [0, 1]
    await _end(queue.pool, ids[0])
    assert await queue.admit(dedicated_most=2) == [Woken(ids[2], None)]


async def test_empty_queue_takes_no_lock(queue: Queue, administrator: asyncpg.Connection) -> None:
    """Who looks in vain waits for nobody."""
    async with administrator.transaction():
        await administrator.execute("SELECT weft_lock_limits()")
        async with asyncio.timeout(5):
            assert await queue.admit() == []


async def test_unlimited_start_waits_for_no_admission(
    queue: Queue, make_workflow: MakeWorkflow, administrator: asyncpg.Connection
) -> None:
    """Only what is limited takes the lock."""
    workflow = await make_workflow()
    async with administrator.transaction():
        await administrator.execute("SELECT weft_lock_limits()")
        async with asyncio.timeout(5):
            [id] = await queue.start(workflow)
    assert await queue.in_progress() == [id]


async def test_queue_and_limits_are_read_by_index(
    queue: Queue, make_workflow: MakeWorkflow
) -> None:
    """However many executions there are, admission and limited starts look at few."""
    workflow = await make_workflow()
    async with queue.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        kinds: list[dict[str, Any]] = [{"key_limit": 1, "key": "A"}, {"workflow_limit": 1}, {}]
        for kind in kinds:
            [one, *_] = await queue.start(workflow, 3, **kind)
        await connection.fetch(statement("admit_executions"), [queue.owner_id], 5, 1, 9, 10)
        await connection.fetch(
            "SELECT weft_must_queue(e.tenant_id, ARRAY[jsonb_populate_record("
            'NULL::weft_new_execution, to_jsonb(e) || \'{"key_limit": 2, "workflow_limit": 2}\')],'
            " 9) FROM workflow_executions AS e WHERE e.id = $1",
            one,
        )
        scans = await connection.fetchval(
            "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'workflow_executions'"
        )
    assert scans == 0
