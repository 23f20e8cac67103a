"""The journal: shared commits, order, fencing, and a database that fails at any moment."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from asyncpg import exceptions
from uuid_utils.compat import uuid7

from actors.errors import JournalStopped, LeaseLost, RecordRefused
from actors.journal import Journal, Lease
from store.executions import cancel_parked
from store.live import LiveView
from store.postgres import Pool
from store.records import Event, EventRecord, MoveRecord, ProgressRecord, Record
from store.statements import statement
from store.status import Status
from tests.actors.pools import BreakingPool, CommitPool, connection_lost
from tests.eventually import eventually
from tests.factories import Account, MakeWorkflow, StartExecution

BLOCKED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

LOCK = "SELECT id FROM workflow_executions WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
FROM_OUTSIDE = ("workflow_started", "workflow_cancelled")
END_BLOCKED = BLOCKED.replace("count(*)", "pg_terminate_backend(pid)")


class Written:
    """What was published after commits."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def publish(self, events: list[Event]) -> None:
        """Remember events."""
        self.events += events


@pytest.fixture
def written() -> Written:
    """What the test's journals published."""
    return Written()


@asynccontextmanager
async def _running(
    pool: Any, owner: Pool, written: Written, patience_seconds: float = 20
) -> AsyncIterator[Journal]:
    id = uuid7()
    await owner.execute(statement("insert_executor"), id, "executor-0", "here", 1, False)
    journal = Journal(pool, id, written.publish, patience_seconds)
    task = asyncio.create_task(journal.run())
    try:
        yield journal
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def journal(engine_pool: Pool, written: Written) -> AsyncIterator[Journal]:
    """A running journal."""
    async with _running(engine_pool, engine_pool, written) as running:
        yield running


Leases = Callable[[int], Coroutine[Any, Any, list[Lease]]]


@pytest.fixture
def leases(make_workflow: MakeWorkflow, start: StartExecution, account: Account) -> Leases:
    """Start executions and hold them under their first epoch, in the order of their ids."""

    async def make(count: int) -> list[Lease]:
        workflow = await make_workflow()
        ids = [(await start(workflow)).execution_id for _ in range(count)]
        return [Lease(account.tenant_id, id, 1) for id in sorted(ids)]

    return make


def _say(lease: Lease, what: str) -> list[Record]:
    place = (lease.tenant_id, lease.execution_id)
    return [
        EventRecord(*place, uuid4(), what, None, "{}"),
        ProgressRecord(lease.execution_id, completed=1),
    ]


def _move(lease: Lease, status: Status) -> list[Record]:
    return [MoveRecord(lease.execution_id, lease.epoch, status)]


async def _said(pool: Pool, lease: Lease) -> list[str]:
    """Return what was said of an execution, in order; the counters must agree."""
    rows = await pool.fetch(
        "SELECT seq, event_type FROM execution_events WHERE execution_id = $1 ORDER BY seq",
        lease.execution_id,
    )
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    said = [row["event_type"] for row in rows if row["event_type"] not in FROM_OUTSIDE]
    counted = await pool.fetchval(
        "SELECT completed_nodes FROM workflow_executions WHERE id = $1", lease.execution_id
    )
    assert counted == len(said)
    return said


async def test_many_records_share_few_commits(
    journal: Journal, leases: Leases, engine_pool: Pool
) -> None:
    """What gathers while nothing flushes is one transaction."""
    held = await leases(20)
    done = [journal.append(lease, _say(lease, f"n{n}")) for n in range(20) for lease in held]
    assert await asyncio.gather(*done) == [True] * 400
    assert journal.flushes <= 2
    assert journal.rows == 800
    for lease in held:
        assert await _said(engine_pool, lease) == [f"n{n}" for n in range(20)]


async def test_records_keep_their_order_over_many_flushes(
    journal: Journal, leases: Leases, engine_pool: Pool, written: Written
) -> None:
    """Whatever flush takes them, an execution's records are in the order of their appending."""
    [lease] = await leases(1)
    waiting = []
    for number in range(60):
        waiting.append(journal.append(lease, _say(lease, f"n{number}")))
        if number % 7 == 0:
            await waiting[-1]
    await asyncio.gather(*waiting)
    assert journal.flushes > 5
    expected = [f"n{number}" for number in range(60)]
    assert await _said(engine_pool, lease) == expected
    assert [event.event_type for event in written.events] == expected


@pytest.mark.requirement("FR-2.6")
async def test_moved_epoch_loses_its_own_records_only(
    journal: Journal, leases: Leases, engine_pool: Pool
) -> None:
    """The former owner is told, and its neighbours in the same flush are written."""
    lost, kept = await leases(2)
    await engine_pool.execute(
        "UPDATE workflow_executions SET epoch = 2 WHERE id = $1", lost.execution_id
    )
    refused = [journal.append(lost, _say(lost, "late")) for _ in range(3)]
    assert await journal.append(kept, _say(kept, "fine"))
    for future in refused:
        with pytest.raises(LeaseLost, match="no longer held under epoch 1"):
            await future
    assert await _said(engine_pool, lost) == []
    assert await _said(engine_pool, kept) == ["fine"]


async def test_new_owner_writes_beside_the_old_one(
    journal: Journal, leases: Leases, engine_pool: Pool
) -> None:
    """Two leases of one execution in one flush: the one with the present epoch counts."""
    [old] = await leases(1)
    await engine_pool.execute("UPDATE workflow_executions SET epoch = 2")
    new = Lease(old.tenant_id, old.execution_id, 2)
    first, second = journal.append(old, _say(old, "old")), journal.append(new, _say(new, "new"))
    assert await second
    with pytest.raises(LeaseLost):
        await first
    assert await _said(engine_pool, new) == ["new"]


@pytest.mark.parametrize("ending", [
    "UPDATE workflow_executions SET status = 'cancelled'",
    "DELETE FROM workflow_executions",
])  # fmt: skip
async def test_ended_or_deleted_execution_takes_no_record(
    ending: str, journal: Journal, leases: Leases, engine_pool: Pool
) -> None:
    """After the end nothing is written, under whatever epoch."""
    [lease] = await leases(1)
    await engine_pool.execute(ending)
    with pytest.raises(LeaseLost):
        await journal.append(lease, _say(lease, "late"))


async def test_held_execution_waits_and_others_do_not(
    journal: Journal, leases: Leases, engine_pool: Pool
) -> None:
    """A row that somebody locks delays its own records, which keep their order."""
    held, free = await leases(2)
    async with engine_pool.acquire() as connection, connection.transaction():
        await connection.execute(statement("lock_execution"), held.execution_id)
        waiting = [journal.append(held, _say(held, f"n{n}")) for n in range(3)]
        assert await journal.append(free, _say(free, "fine"))
        waiting.append(journal.append(held, _say(held, "n3")))
        assert not any(future.done() for future in waiting)
    assert await asyncio.gather(*waiting) == [True] * 4
    assert await _said(engine_pool, held) == ["n0", "n1", "n2", "n3"]


async def test_refused_move_is_told_and_says_nothing(
    journal: Journal, leases: Leases, engine_pool: Pool
) -> None:
    """A move that the present status does not allow gives False, and its event is not said."""
    refused, fine = await leases(2)
    records = [*_move(refused, Status.COMPLETED), _say(refused, "workflow_completed")[0]]
    first = journal.append(refused, records)
    assert await journal.append(fine, _move(fine, Status.RUNNING))
    assert await first is False
    assert await _said(engine_pool, refused) == []


@pytest.mark.parametrize(("name", "reason"), [
    ("n" * 101, "value too long"), ("n\u0000", "invalid byte sequence"),
    ("n\ud800", "surrogates not allowed"),
], ids=["long", "nul", "surrogate"])  # fmt: skip
async def test_record_that_cannot_be_stored_fails_its_execution_only(
    name: str, reason: str, journal: Journal, leases: Leases, engine_pool: Pool
) -> None:
    """Neighbours in the same flush are written, and the journal goes on."""
    bad, good = await leases(2)
    record = EventRecord(bad.tenant_id, bad.execution_id, uuid4(), "x", name, "{}")
    first, second = journal.append(bad, [record]), journal.append(good, _say(good, "fine"))
    assert await second
    with pytest.raises(RecordRefused, match=reason):
        await first
    assert await journal.append(bad, _say(bad, "after"))
    assert await _said(engine_pool, good) == ["fine"]


async def test_deadlock_is_tried_again(leases: Leases, engine_pool: Pool, written: Written) -> None:
    """A transaction that the server rolled back is written by the next attempt."""
    [lease] = await leases(1)
    pool = BreakingPool(engine_pool, 1, exceptions.DeadlockDetectedError("deadlock detected"))
    async with _running(pool, engine_pool, written) as journal:
        assert await journal.append(lease, _say(lease, "n"))
    assert await _said(engine_pool, lease) == ["n"]


async def test_backend_that_is_ended_in_a_flush_is_replaced(
    journal: Journal,
    leases: Leases,
    engine_pool: Pool,
    owner_pool: Pool,
    administrator: asyncpg.Connection,
) -> None:
    """Nothing of the broken flush remains; the next one writes everything once."""
    [lease] = await leases(1)
    async with owner_pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute("LOCK TABLE execution_events IN EXCLUSIVE MODE")
            future = journal.append(lease, _say(lease, "n"))
            await eventually(lambda: administrator.fetchval(BLOCKED))
            await administrator.execute(END_BLOCKED)
        assert await future
    assert journal.flushes == 1
    assert await _said(engine_pool, lease) == ["n"]


async def test_commit_whose_answer_is_lost_is_not_repeated(
    leases: Leases, engine_pool: Pool, written: Written
) -> None:
    """The second attempt finds that the first one arrived."""
    [lease] = await leases(1)

    async def commit(really: Callable[[], Awaitable[None]]) -> None:
        await really()
        raise connection_lost()

    async with (
        CommitPool(engine_pool, commit) as pool,
        _running(pool, engine_pool, written) as journal,
    ):
        assert await journal.append(lease, _say(lease, "n")) is True
        assert await journal.append(lease, _say(lease, "m")) is True
    assert await _said(engine_pool, lease) == ["n", "m"]


async def test_commit_that_never_arrived_is_repeated(
    leases: Leases, engine_pool: Pool, written: Written, administrator: asyncpg.Connection
) -> None:
    """A connection that breaks before the commit leaves the work to the second attempt."""
    [lease] = await leases(1)

    async def commit(_really: Callable[[], Awaitable[None]]) -> None:
        raise connection_lost()

    async with (
        CommitPool(engine_pool, commit) as pool,
        _running(pool, engine_pool, written) as journal,
    ):
        future = journal.append(lease, _say(lease, "n"))
        await eventually(lambda: administrator.fetchval(BLOCKED))
        await pool.hang_up()
        assert await future is True
    assert await _said(engine_pool, lease) == ["n"]


async def test_commit_that_is_still_on_its_way_is_not_repeated(
    leases: Leases, engine_pool: Pool, written: Written, administrator: asyncpg.Connection
) -> None:
    """The second attempt waits for the locks that the first one holds, and then looks."""
    [lease] = await leases(1)
    late: list[asyncio.Task[None]] = []

    async def commit(really: Callable[[], Awaitable[None]]) -> None:
        async def later() -> None:
            await eventually(lambda: administrator.fetchval(BLOCKED))
            await really()

        late.append(asyncio.create_task(later()))
        raise connection_lost()

    async with (
        CommitPool(engine_pool, commit) as pool,
        _running(pool, engine_pool, written) as journal,
    ):
        assert await journal.append(lease, _say(lease, "n")) is True
        await asyncio.gather(*late)
    assert await _said(engine_pool, lease) == ["n"]


async def test_outcome_of_an_unheard_commit_is_told(
    leases: Leases, engine_pool: Pool, written: Written
) -> None:
    """Also after a lost answer a moved epoch is LeaseLost and a refused move is False."""
    lost, refused, ended = await leases(3)
    await engine_pool.execute(
        "UPDATE workflow_executions SET epoch = 2 WHERE id = $1", lost.execution_id
    )

    async def commit(really: Callable[[], Awaitable[None]]) -> None:
        await really()
        raise connection_lost()

    async with (
        CommitPool(engine_pool, commit) as pool,
        _running(pool, engine_pool, written) as journal,
    ):
        futures = [
            journal.append(lost, _say(lost, "late")),
            journal.append(refused, _move(refused, Status.WAITING)),
            journal.append(ended, _move(ended, Status.CANCELLED)),
        ]
        with pytest.raises(LeaseLost):
            await futures[0]
        assert [await futures[1], await futures[2]] == [False, True]


async def test_database_that_stays_away_ends_the_journal(
    leases: Leases, engine_pool: Pool, written: Written
) -> None:
    """After its patience the journal raises, so that the process ends and others take over."""
    [lease] = await leases(1)
    pool = BreakingPool(engine_pool, 1, OSError("gone"), for_ever=True)
    journal = Journal(pool, uuid7(), written.publish, patience_seconds=0)
    task = asyncio.create_task(journal.run())
    future = journal.append(lease, _say(lease, "n"))
    with pytest.raises(OSError, match="gone"):
        await task
    with pytest.raises(JournalStopped):
        await future
    with pytest.raises(JournalStopped):
        journal.append(lease, _say(lease, "m"))


async def test_drain_waits_for_what_is_there(
    journal: Journal, leases: Leases, engine_pool: Pool
) -> None:
    """After a drain everything appended before it is written; an empty journal drains at once."""
    await journal.drain()
    held = await leases(3)
    futures = [journal.append(lease, _say(lease, "n")) for lease in held]
    await journal.drain()
    assert all(future.done() for future in futures)


async def test_stopped_journal_says_so(leases: Leases, engine_pool: Pool, written: Written) -> None:
    """What was not written when it stopped is refused, not forgotten."""
    [lease] = await leases(1)
    pool = BreakingPool(engine_pool, 1, OSError("gone"), for_ever=True)
    async with _running(pool, engine_pool, written) as journal:
        waiting = journal.append(lease, _say(lease, "n"))
        await eventually(lambda: pool.broke)
    with pytest.raises(JournalStopped):
        await waiting
    with pytest.raises(JournalStopped):
        journal.append(lease, _say(lease, "m"))
    assert await _said(engine_pool, lease) == []


ROUNDS = 40


async def test_journals_cancels_and_takeovers_never_deadlock(
    leases: Leases, engine_pool: Pool, owner_pool: Pool, written: Written, live: LiveView
) -> None:
    """Two journals, cancels, takeovers, starts and locks at once: everyone comes to an end."""
    held = await leases(12)
    async with (
        _running(engine_pool, engine_pool, written) as first,
        _running(engine_pool, engine_pool, written) as second,
        asyncio.TaskGroup() as group,
    ):
        chatter = [
            group.create_task(_chatter(journal, held, number))
            for number, journal in enumerate((first, second))
        ]
        group.create_task(_take_over(engine_pool, held[:2]))
        group.create_task(_cancel(engine_pool, live, held[2:4]))
        group.create_task(_lock(engine_pool, held))
        group.create_task(leases(10))
    said = [await _said(engine_pool, lease) for lease in held]
    assert sum(map(len, said)) == sum(sum(task.result()) for task in chatter) > 0
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await owner_pool.fetchval(deadlocks) == 0


async def _chatter(journal: Journal, held: list[Lease], number: int) -> list[bool]:
    outcomes: list[bool] = []
    for round in range(ROUNDS):
        futures = [
            journal.append(lease, _say(lease, f"j{number} r{round}"))
            for lease in (held if (round + number) % 2 else reversed(held))
        ]
        found = await asyncio.gather(*futures, return_exceptions=True)
        assert all(one is True or isinstance(one, LeaseLost) for one in found)
        outcomes += [one is True for one in found]
    return outcomes


async def _take_over(pool: Pool, held: list[Lease]) -> None:
    heir = uuid7()
    await pool.execute(statement("insert_executor"), heir, "heir", "here", 1, False)
    orphan = "UPDATE workflow_executions SET owner_id = NULL WHERE id = $1"
    for round in range(ROUNDS // 5):
        await pool.execute(orphan, held[round % 2].execution_id)
        await pool.fetch(statement("take_over_executions"), [heir], 1, 1000, 100)


async def _cancel(pool: Pool, live: LiveView, held: list[Lease]) -> None:
    for lease in held:
        assert await cancel_parked(pool, live, lease.tenant_id, lease.execution_id, "enough")


async def _lock(pool: Pool, held: list[Lease]) -> None:
    ids = [lease.execution_id for lease in held]
    for round in range(ROUNDS):
        async with pool.acquire() as connection, connection.transaction():
            await connection.fetch(LOCK, ids[round % 12 :][:3])
