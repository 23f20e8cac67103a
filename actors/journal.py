"""The journal: the one writer of everything that executions of this process must remember.

Records are appended and awaited; a flush writes all that has gathered in one transaction and
starts when the one before it ends, so a busy process shares commits and an idle one waits for
nothing. A flush is one statement (`weft_write`): it locks its executions and compares their epochs
before it writes, so an owner whose epoch has moved gets `LeaseLost` and nothing of it is written.

A flush that fails with the database is tried again. Its commit may have happened unheard, so each
flush leaves its id in the same transaction, and looks for it before it writes a second time.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import structlog
from asyncpg import exceptions

from actors.errors import JournalStopped, LeaseLost, RecordRefused
from actors.metrics import JOURNAL_FLUSH_ROWS, JOURNAL_FLUSH_SECONDS, JOURNAL_RETRIES
from store.postgres import UNREACHABLE, Connection, Pool
from store.records import (
    Event,
    Record,
)
from store.writing import Batch, Outcome, Woken, write_records

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
BYTES_AT_ONCE = 32 * 1024 * 1024
"""After how many bytes of large values a flush takes no further entry."""
LAZY_SECONDS = 0.002
"""How long records that nobody waits for may gather before they alone start a flush."""
BUSY_SECONDS = 0.005
"""How long to leave an execution to whoever holds it."""

Publish = Callable[[list[Event]], Awaitable[None]]
GoOn = Callable[[list[Woken]], None]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for one execution, until its epoch moves."""

    tenant_id: UUID
    execution_id: UUID
    epoch: int


@dataclass(slots=True, eq=False)
class Entry:
    """Records that are written together or not at all; `done` as `Journal.append` returns it."""

    lease: Lease
    records: Sequence[Record]
    done: asyncio.Future[bool]
    size_bytes: int = 0
    """How large its large values are."""
    taken: bool = False
    """Whether a flush has begun with it."""

    def recall(self) -> Sequence[Record]:
        """Take the records back, while no flush has begun with them; nothing when one has."""
        if self.taken:
            return ()
        records, self.records = self.records, ()
        return records


@dataclass(slots=True)
class _Flush:
    """Entries that are written together, and how often that was tried."""

    entries: list[Entry]
    id: UUID = field(default_factory=uuid4)
    attempts: int = 0


class Journal:
    """Writes records of many executions, in order for each, a transaction at a time.

    Args:
        pool: A pool of role weft_engine.
        executor_id: The row in `executors` that stands for this process.
        publish: Called after each commit with its events; must not raise.
        patience_seconds: How long the database may be away before the process gives up.

    Attributes:
        go_on: Called after a commit with other executions that go on now; must not raise. Those of
            a commit that nobody hears of are found by their owners.
    """

    def __init__(
        self, pool: Pool, executor_id: UUID, publish: Publish, patience_seconds: float = 60
    ) -> None:
        self.go_on: GoOn = _leave
        self._pool = pool
        self._executor_id = executor_id
        self._publish = publish
        self._patience_seconds = patience_seconds
        self._queue: list[Entry] = []
        self._flushes: deque[_Flush] = deque()
        self._failing_since: float | None = None
        self._wake = asyncio.Event()
        self._later: asyncio.TimerHandle | None = None
        self._stopped = False
        self.flushes = 0
        self.rows = 0

    def append(
        self, lease: Lease, records: Sequence[Record], *, lazy: bool = False, size_bytes: int = 0
    ) -> asyncio.Future[bool]:
        """Append records; see `queue`, whose entry's `done` it returns."""
        return self.queue(lease, records, lazy=lazy, size_bytes=size_bytes).done

    def queue(
        self, lease: Lease, records: Sequence[Record], *, lazy: bool = False, size_bytes: int = 0
    ) -> Entry:
        """Append records; they are written together or not at all.

        Args:
            lease: Under which they are written.
            records: What to write.
            lazy: They may gather a little: nobody waits for them to go on.
            size_bytes: How large the large values among them are.

        Returns:
            Its `done` is done when they are durable: True, or False when the execution was to wait
            and an answer has come meanwhile, or its status did not allow the move (then nothing is
            written). It raises LeaseLost when this process does not own
            the execution any more, and RecordRefused when Postgres cannot hold a record of it.

        Raises:
            JournalStopped: The journal has ended.
        """
        if self._stopped:
            raise JournalStopped
        loop = asyncio.get_running_loop()
        entry = Entry(lease, records, loop.create_future(), size_bytes)
        # Not every caller waits; a LeaseLost that nobody awaits reaches the next one who does.
        entry.done.add_done_callback(_heard)
        self._queue.append(entry)
        if not lazy:
            self._wake.set()
        elif self._later is None:
            self._later = loop.call_later(LAZY_SECONDS, self._wake_later)
        return entry

    def wake(self) -> None:
        """Begin a flush: somebody waits for what was appended lazily."""
        self._wake.set()

    def _wake_later(self) -> None:
        self._later = None
        self.wake()

    async def run(self) -> None:
        """Flush until cancelled; `drain` first, since what is left then is not written.

        Raises:
            Exception: The database stayed away longer than the patience; the process must end.
        """
        try:
            while True:
                try:
                    async with self._pool.acquire() as connection:
                        while True:
                            await self._wake.wait()
                            self._wake.clear()
                            await self._flush_all(connection)
                except AGAIN as error:
                    await self._back_off(error)
        finally:
            self._stopped = True
            for entry in self._unwritten():
                if not entry.done.done():
                    entry.done.set_exception(JournalStopped())

    async def drain(self) -> None:
        """Wait until everything appended so far is written."""
        self._wake.set()
        if waiting := [entry.done for entry in self._unwritten()]:
            await asyncio.wait(waiting)

    @property
    def queue_entries(self) -> int:
        """How many entries wait for a flush to begin with them."""
        return len(self._queue)

    def _unwritten(self) -> list[Entry]:
        return [entry for flush in self._flushes for entry in flush.entries] + self._queue

    async def _back_off(self, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        self._failing_since = self._failing_since or now
        attempts = self._flushes[0].attempts if self._flushes else 1
        JOURNAL_RETRIES.record()
        log.warning("journal.flush_failed", attempt=attempts, error=repr(error))
        if now - self._failing_since > self._patience_seconds:
            raise error
        await asyncio.sleep(min(0.05 * 2**attempts, 1.0))
        self._wake.set()

    async def _flush_all(self, connection: Connection) -> None:
        while self._flushes or self._queue:
            if not self._flushes:
                if self._later is not None:
                    self._later.cancel()
                    self._later = None
                self._flushes.append(_Flush(self._take()))
            flush = self._flushes[0]
            try:
                busy = await self._write(connection, flush)
            except REFUSED as error:
                self._flushes.popleft()
                self._flushes.extendleft(reversed(_apart(flush, error)))
                continue
            self._failing_since = None
            self._flushes.popleft()
            if busy:
                others = bool(self._queue)
                self._queue[:0] = busy
                await asyncio.sleep(0 if others else BUSY_SECONDS)

    def _take(self) -> list[Entry]:
        """Take as many entries from the queue as are written at once."""
        count = size_bytes = 0
        for entry in self._queue[:ENTRIES_AT_ONCE]:
            if size_bytes > BYTES_AT_ONCE:
                break
            count += 1
            size_bytes += entry.size_bytes
            entry.taken = True
        entries, self._queue = self._queue[:count], self._queue[count:]
        return entries

    async def _write(self, connection: Connection, flush: _Flush) -> list[Entry]:
        """Write a flush; return the entries whose executions somebody else holds just now."""
        batches = _batches(flush.entries)
        flush.attempts += 1
        begun = time.perf_counter()
        written = await write_records(
            connection,
            batches.values(),
            executor_id=self._executor_id,
            flush_id=flush.id,
            again=flush.attempts > 1,
        )
        rows = sum(len(batch.records) for batch in batches.values())
        self.flushes += 1
        self.rows += rows
        JOURNAL_FLUSH_SECONDS.record(time.perf_counter() - begun)
        JOURNAL_FLUSH_ROWS.record(rows)
        busy = _settle(flush.entries, batches, written.outcomes)
        if written.events:
            await self._publish(written.events)
        if written.woken:
            self.go_on(written.woken)
        return busy


def _leave(_woken: list[Woken]) -> None:
    """Leave it to the executors to find what is theirs."""


def _heard(future: asyncio.Future[bool]) -> None:
    if not future.cancelled():
        future.exception()


def _batches(entries: Sequence[Entry]) -> dict[UUID, Batch]:
    """Join the entries of each execution; of two epochs the lower one is lost already."""
    epochs: dict[UUID, int] = {}
    for entry in entries:
        lease = entry.lease
        epochs[lease.execution_id] = max(lease.epoch, epochs.get(lease.execution_id, 0))
    records: dict[UUID, list[Record]] = {execution_id: [] for execution_id in epochs}
    for entry in entries:
        if entry.lease.epoch == epochs[entry.lease.execution_id]:
            records[entry.lease.execution_id].extend(entry.records)
    return {id: Batch(id, epoch, records[id]) for id, epoch in epochs.items()}


def _apart(flush: _Flush, error: Exception) -> list[_Flush]:
    """Return a flush for each execution of a refused one; that of a single one has failed."""
    apart: dict[UUID, list[Entry]] = {}
    for entry in flush.entries:
        apart.setdefault(entry.lease.execution_id, []).append(entry)
    if len(apart) > 1:
        return [_Flush(entries) for entries in apart.values()]
    for execution_id, entries in apart.items():
        log.error("journal.record_refused", execution_id=str(execution_id), error=repr(error))
        for entry in entries:
            if not entry.done.done():
                entry.done.set_exception(RecordRefused(execution_id, str(error)))
    return []


def _settle(
    entries: Sequence[Entry], batches: dict[UUID, Batch], outcomes: dict[UUID, Outcome]
) -> list[Entry]:
    """Tell those who wait; return the entries that could not be written yet."""
    busy = []
    for entry in entries:
        lease = entry.lease
        outcome = outcomes[lease.execution_id]
        if lease.epoch != batches[lease.execution_id].epoch:
            outcome = Outcome.LOST
        if outcome is Outcome.BUSY:
            busy.append(entry)
        elif entry.done.done():
            continue
        elif outcome is Outcome.LOST:
            entry.done.set_exception(LeaseLost(lease.execution_id, lease.epoch))
        else:
            entry.done.set_result(outcome in (Outcome.WRITTEN, Outcome.REPEATED))
    return busy
