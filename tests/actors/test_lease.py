"""An executor's lease: renewed from a thread, ended in good order, and missed when it is gone."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from actors import lease as lease_module
from actors.lease import keep_lease
from store.postgres import Pool
from store.statements import statement
from tests.eventually import eventually


@pytest.fixture
async def executor_id(engine_pool: Pool) -> UUID:
    """An executor with a fresh lease."""
    id = uuid7()
    await engine_pool.execute(statement("insert_executor"), id, "executor-0", "here", 1, False)
    return id


@asynccontextmanager
async def _kept(dsn: str, executor_id: UUID, seconds: float) -> AsyncIterator[list[str]]:
    """Keep a lease in a thread; yields why it was lost."""
    reasons: list[str] = []
    stopped = threading.Event()
    thread = threading.Thread(
        target=keep_lease,
        args=(dsn, executor_id, seconds, stopped, reasons.append, lambda: (7, 1.5)),
    )
    thread.start()
    try:
        yield reasons
    finally:
        stopped.set()
        await asyncio.to_thread(thread.join)


@pytest.mark.requirement("FR-2.6")
async def test_lease_is_renewed_and_ended_in_good_order(
    dsn: str, executor_id: UUID, engine_pool: Pool
) -> None:
    """The heartbeat moves while the thread runs; stopping ends the lease at once."""
    beat = "SELECT heartbeat_at FROM executors"
    async with _kept(dsn, executor_id, 0.5) as reasons:
        seen = {await engine_pool.fetchval(beat)}

        async def moved() -> bool:
            seen.add(await engine_pool.fetchval(beat))
            return len(seen) > 3

        await eventually(moved)
    assert reasons == []
    assert await engine_pool.fetchval("SELECT stopped_at FROM executors") is not None


@pytest.mark.requirement("FR-2.6")
async def test_lease_that_was_taken_away_is_reported(
    dsn: str, executor_id: UUID, engine_pool: Pool
) -> None:
    """The next heartbeat finds the row stopped; it is told once."""
    async with _kept(dsn, executor_id, 0.5) as reasons:
        await engine_pool.execute(statement("stop_executor"), executor_id)
        await eventually(lambda: reasons)
    assert reasons == ["The lease was taken away."]


@pytest.mark.requirement("FR-2.6")
async def test_lease_that_cannot_be_renewed_is_reported_when_it_ends(
    executor_id: UUID, tmp_path: Path
) -> None:
    """Without a database the process learns that it must end."""
    away = f"postgresql://weft@/postgres?host={tmp_path}&port=5432"
    async with _kept(away, executor_id, 0.3) as reasons:
        await eventually(lambda: reasons)
    assert reasons == ["The lease was not renewed for 0.3 s."]


async def test_connection_that_breaks_is_replaced(
    dsn: str, executor_id: UUID, engine_pool: Pool, administrator: asyncpg.Connection
) -> None:
    """A heartbeat that fails once does not cost the lease."""
    async with _kept(dsn, executor_id, 3) as reasons:
        beat = "SELECT heartbeat_at FROM executors"
        before = await engine_pool.fetchval(beat)
        await eventually(lambda: _moved(engine_pool, before))
        ended = await administrator.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE '%UPDATE executors%' "
            "AND pid <> pg_backend_pid()"
        )
        assert ended == 1
        before = await engine_pool.fetchval(beat)
        await eventually(lambda: _moved(engine_pool, before))
    assert reasons == []


async def _moved(pool: Pool, before: object) -> bool:
    return bool(await pool.fetchval("SELECT heartbeat_at FROM executors") != before)


async def test_unexpected_error_is_a_lost_lease(
    dsn: str, executor_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that dies for any reason must not leave its process without a heartbeat."""

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setattr(lease_module, "connect", broken)
    async with _kept(dsn, executor_id, 5) as reasons:
        await eventually(lambda: reasons)
    assert reasons == ["Renewing the lease failed: RuntimeError('surprise')"]
