"""The journal: the one writer of everything that executions of this process must remember.

Records are appended and awaited; a flush writes all that has gathered in one transaction and
starts when the one before it ends, so a busy process shares commits and an idle one waits for
nothing. Before it writes, a flush locks its executions and compares their epochs: an owner whose
epoch has moved gets `LeaseLost` and nothing of it is written.

A flush that fails with the database is tried again. Its commit may have happened unheard, so each
flush leaves its id in the same transaction, and looks for it before it writes a second time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import structlog
from asyncpg import exceptions

from actors.errors import JournalStopped, LeaseLost, RecordRefused
from store.postgres import UNREACHABLE, Connection, Pool
from store.records import Event, MoveRecord, Record, write_records
from store.statements import statement
from store.status import Status

log = structlog.get_logger(__name__)

AGAIN = (
    *UNREACHABLE,
    exceptions.TransactionRollbackError,
    exceptions.InsufficientResourcesError,
)
"""What a flush is tried again after."""
REFUSED = (
    exceptions.DataError,
    exceptions.IntegrityConstraintViolationError,
    exceptions.ProgramLimitExceededError,
)
"""What the records of one execution are to blame for."""
ENTRIES_AT_ONCE = 2000

Publish = Callable[[list[Event]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for one execution, until its epoch moves."""

    tenant_id: UUID
    execution_id: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class _Entry:
    lease: Lease
    records: Sequence[Record]
    done: asyncio.Future[bool]


class Journal:
    """Writes records of many executions, in order for each, a transaction at a time.

    Args:
        pool: A pool of role weft_engine.
        executor_id: The row in `executors` that stands for this process.
        publish: Called after each commit with its events; must not raise.
        patience_seconds: How long the database may be away before the process gives up.
    """

    def __init__(
        self, pool: Pool, executor_id: UUID, publish: Publish, patience_seconds: float = 60
    ) -> None:
        self._pool = pool
        self._executor_id = executor_id
        self._publish = publish
        self._patience_seconds = patience_seconds
        self._queue: list[_Entry] = []
        self._wake = asyncio.Event()
        self._stopped = False
        self.flushes = 0
        self.rows = 0

    def append(self, lease: Lease, records: Sequence[Record]) -> asyncio.Future[bool]:
        """Append records; they are written together or not at all.

        Returns:
            A future that is done when they are durable: True, or False when a change of status
            was refused (see `write_records`).

        Raises:
            JournalStopped: The journal has ended. The future raises LeaseLost when this process
                does not own the execution any more, and RecordRefused when Postgres cannot hold
                a record of it.
        """
        if self._stopped:
            raise JournalStopped
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        # Not every caller waits; a LeaseLost that nobody awaits reaches the next one who does.
        done.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._queue.append(_Entry(lease, records, done))
        self._wake.set()
        return done

    async def run(self) -> None:
        """Flush until cancelled; `drain` first, since what is left then is not written.

        Raises:
            Exception: The database stayed away longer than the patience; the process must end.
        """
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._flush_all()
        finally:
            self._stopped = True
            for entry in self._queue:
                if not entry.done.done():
                    entry.done.set_exception(JournalStopped())

    async def drain(self) -> None:
        """Wait until everything appended so far is written."""
        if waiting := [entry.done for entry in self._queue]:
            await asyncio.wait(waiting)

    async def _flush_all(self) -> None:
        while self._queue:
            batch = self._queue[:ENTRIES_AT_ONCE]
            held = await self._flush(batch)
            if held:
                await asyncio.sleep(0.005)
            self._queue[: len(batch)] = held

    async def _flush(self, batch: list[_Entry]) -> list[_Entry]:
        """Write a batch; return the entries whose executions somebody else holds just now."""
        flush_id = uuid4()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience_seconds
        attempt = 0
        while True:
            try:
                async with self._pool.acquire() as connection:
                    return await self._write(connection, flush_id, batch, again=attempt > 0)
            except AGAIN as error:
                attempt += 1
                log.warning("journal.flush_failed", attempt=attempt, error=repr(error))
                if loop.time() > deadline:
                    raise
                await asyncio.sleep(min(0.05 * 2**attempt, 1.0))
            except REFUSED as error:
                return await self._flush_apart(batch, error)

    async def _flush_apart(self, batch: list[_Entry], error: Exception) -> list[_Entry]:
        """Write each execution's entries by themselves; those of the culprit fail."""
        apart: dict[UUID, list[_Entry]] = {}
        for entry in batch:
            apart.setdefault(entry.lease.execution_id, []).append(entry)
        if len(apart) > 1:
            return [entry for entries in apart.values() for entry in await self._flush(entries)]
        execution_id = batch[0].lease.execution_id
        log.error("journal.record_refused", execution_id=str(execution_id), error=repr(error))
        for entry in batch:
            if not entry.done.done():
                entry.done.set_exception(RecordRefused(execution_id, str(error)))
        return []

    async def _write(
        self, connection: Connection, flush_id: UUID, batch: list[_Entry], *, again: bool
    ) -> list[_Entry]:
        ids = sorted({entry.lease.execution_id for entry in batch})
        async with connection.transaction():
            # A second time it waits for the locks: a commit that is still on its way holds them.
            lock = statement("wait_for_executions" if again else "lock_executions")
            rows = {row["id"]: row for row in await connection.fetch(lock, ids)}
            if again and await self._committed(connection, flush_id):
                # Its events reach the watchers from Postgres.
                _settle(batch, *_outcome(batch, rows), set())
                return []
            busy = await self._existing(connection, set(ids) - set(rows))
            lost = {
                entry.lease
                for entry in batch
                if entry.lease.execution_id not in busy and not _owned(entry.lease, rows)
            }
            records = [
                record
                for entry in batch
                if entry.lease.execution_id not in busy and entry.lease not in lost
                for record in entry.records
            ]
            events, refused = await write_records(connection, records)
            await connection.execute(statement("mark_flush"), self._executor_id, flush_id)
        self.flushes += 1
        self.rows += len(records)
        _settle(batch, lost, refused, busy)
        if events:
            await self._publish(events)
        return [entry for entry in batch if entry.lease.execution_id in busy]

    async def _existing(self, connection: Connection, ids: set[UUID]) -> set[UUID]:
        """Tell executions that are locked by somebody else from those that are gone."""
        if not ids:
            return set()
        rows = await connection.fetch(statement("list_existing_executions"), list(ids))
        return {row["id"] for row in rows}

    async def _committed(self, connection: Connection, flush_id: UUID) -> bool:
        last = await connection.fetchval(statement("get_last_flush"), self._executor_id)
        return bool(last == flush_id)


def _owned(lease: Lease, rows: Mapping[UUID, Any]) -> bool:
    row = rows.get(lease.execution_id)
    return row is not None and row["epoch"] == lease.epoch and not Status(row["status"]).ended


def _outcome(batch: list[_Entry], rows: Mapping[UUID, Any]) -> tuple[set[Lease], set[UUID]]:
    """Tell from its rows what became of a flush that was committed without our hearing of it.

    Returns:
        The leases that are lost, and the executions whose change of status was refused.
    """
    lost: set[Lease] = set()
    wanted: dict[UUID, Status] = {}
    for entry in batch:
        row = rows.get(entry.lease.execution_id)
        if row is None or row["epoch"] != entry.lease.epoch:
            lost.add(entry.lease)
            continue
        for record in entry.records:
            if isinstance(record, MoveRecord):
                wanted[record.execution_id] = record.status
    return lost, {id for id, status in wanted.items() if rows[id]["status"] != status}


def _settle(batch: list[_Entry], lost: set[Lease], refused: set[UUID], busy: set[UUID]) -> None:
    for entry in batch:
        lease = entry.lease
        if lease.execution_id in busy or entry.done.done():
            continue
        if lease in lost:
            entry.done.set_exception(LeaseLost(lease.execution_id, lease.epoch))
        else:
            entry.done.set_result(lease.execution_id not in refused)
