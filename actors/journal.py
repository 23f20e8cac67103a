"""The journal: the one writer of everything that executions of this process must remember.

Records are appended and awaited; a flush writes all that has gathered in one transaction and
starts when the one before it ends, so a busy process shares commits and an idle one waits for
nothing. Before it writes, a flush locks its executions and compares their epochs: an owner whose
epoch has moved gets `LeaseLost` and nothing of it is written.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import structlog

from actors.errors import JournalStopped, LeaseLost
from store.postgres import UNREACHABLE, Connection, Pool
from store.records import Event, Record, write_records
from store.statements import statement
from store.status import Status

log = structlog.get_logger(__name__)

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
                does not own the execution any more.
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
        """Flush until cancelled; what has been appended by then is written first.

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
            batch = self._queue[:2000]
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
                    if attempt and await self._committed(connection, flush_id):
                        _settle(batch, set(), set(), set())
                        return []
                    return await self._write(connection, flush_id, batch)
            except UNREACHABLE as error:
                attempt += 1
                log.warning("journal.flush_failed", attempt=attempt, error=repr(error))
                if loop.time() > deadline:
                    raise
                await asyncio.sleep(min(0.05 * 2**attempt, 1.0))

    async def _existing(self, connection: Connection, ids: set[UUID]) -> set[UUID]:
        """Tell executions that are locked by somebody else from those that are gone."""
        if not ids:
            return set()
        rows = await connection.fetch(statement("list_existing_executions"), list(ids))
        return {row["id"] for row in rows}

    async def _committed(self, connection: Connection, flush_id: UUID) -> bool:
        last = await connection.fetchval(statement("get_last_flush"), self._executor_id)
        return bool(last == flush_id)

    async def _write(
        self, connection: Connection, flush_id: UUID, batch: list[_Entry]
    ) -> list[_Entry]:
        ids = sorted({entry.lease.execution_id for entry in batch})
        async with connection.transaction():
            rows = await connection.fetch(statement("lock_executions"), ids)
            held = {row["id"]: row for row in rows}
            missing = set(ids) - set(held)
            existing = await self._existing(connection, missing)
            lost = {
                entry.lease
                for entry in batch
                if (row := held.get(entry.lease.execution_id)) is not None
                and (row["epoch"] != entry.lease.epoch or Status(row["status"]).ended)
            } | {entry.lease for entry in batch if entry.lease.execution_id in missing - existing}
            records = [
                record
                for entry in batch
                if entry.lease not in lost and entry.lease.execution_id in held
                for record in entry.records
            ]
            events, refused = await write_records(connection, records)
            await connection.execute(statement("mark_flush"), self._executor_id, flush_id)
        self.flushes += 1
        self.rows += len(records)
        _settle(batch, lost, refused, existing)
        if events:
            await self._publish(events)
        return [entry for entry in batch if entry.lease.execution_id in existing]


def _settle(batch: list[_Entry], lost: set[Lease], refused: set[UUID], waiting: set[UUID]) -> None:
    for entry in batch:
        lease = entry.lease
        if lease.execution_id in waiting or entry.done.done():
            continue
        if lease in lost:
            entry.done.set_exception(LeaseLost(lease.execution_id, lease.epoch))
        else:
            entry.done.set_result(lease.execution_id not in refused)
