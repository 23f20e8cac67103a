"""PostgreSQL restarts, hangs up, swallows, is full: what was accepted goes on and counts once."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import asyncpg
import psutil
import pytest

from actors.config import ExecutorConfig
from actors.executor import ExecutionActor
from agents.settings import AgentSettings
from serve.embedded import embedded_postgres, socket_folder
from store.migrate import migrate
from store.postgres import UNREACHABLE
from tests.conftest import TEMPLATE, database_url, fresh_database
from tests.eventually import eventually
from tests.faults.conftest import Begin, Catch, Crew, ProxiedDatabase
from tests.faults.specifications import ITEMS, NODES, TARGET_DONE, ask, posts, row

OF_A_FLUSH = "backend_xid IS NOT NULL"
OF_THE_ENGINE = "application_name = 'weft weft_engine'"
ROUNDS = 30
END_BACKENDS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND {}
"""
FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON {} EXECUTE FUNCTION full_disk();
"""
ONCE = len(NODES) - 2 + 2
"""Effects of the targets of the shapes that are no map."""


class Server:
    """A PostgreSQL of these tests alone, which they stop and start as they like."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.url = ""
        self._stack = ExitStack()

    def start(self) -> None:
        """Start it, or start it again."""
        self.url = self._stack.enter_context(embedded_postgres(self.home, dict(os.environ)))

    def stop(self, number: signal.Signals) -> None:
        """End it with a signal: SIGQUIT is an immediate shutdown, SIGINT a fast one."""
        pid = int((self.home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        process.send_signal(number)
        process.wait(20)
        self._stack.close()

    def close(self) -> None:
        """End it for good."""
        self._stack.close()
        socket_folder(self.home).rmdir()


@pytest.fixture(scope="module")
def server(server_home: Path) -> Iterator[Server]:
    """The server of this module, with a migrated template."""
    import asyncio

    home = server_home / "faults"
    (home / "logs").mkdir(parents=True)
    opened = Server(home)
    opened.start()

    async def prepare() -> None:
        connection = await asyncpg.connect(opened.url)
        await connection.execute(f"CREATE DATABASE {TEMPLATE}")
        await connection.close()
        await migrate(database_url(opened.url, TEMPLATE))

    asyncio.run(prepare())
    yield opened
    opened.close()


@pytest.fixture
async def dsn(server: Server) -> AsyncIterator[str]:
    """A fresh database of that server."""
    async with fresh_database(server.url, TEMPLATE) as url:
        yield url


@pytest.mark.requirement("FR-2.6", "NFR-3.3")
@pytest.mark.parametrize("number", [
    signal.SIGQUIT,
    pytest.param(signal.SIGINT, marks=pytest.mark.faults),
    pytest.param(signal.SIGKILL, marks=pytest.mark.faults),
], ids=lambda number: number.name)  # fmt: skip
async def test_server_restarts(
    number: signal.Signals, server: Server, catch: Catch, begin: Begin, crew: Crew
) -> None:
    """Its owners wait for it, and go on under the epoch that they had."""
    gate = crew.effects.hold("target")
    crew.recoverer()
    caught = await catch(await crew.executor())
    ids = caught.ids + await begin(row([ask("ok"), posts("c", crew.effects.url)]), caught.owner)
    await crew.until("waiting", ids[-1])
    async with crew.fault():
        server.stop(number)
        gate.opened.set()
        await eventually(lambda: caught.owner.logged("journal.flush_failed"))
        server.start()
    await crew.until("completed", *caught.ids)
    await crew.answer(ids[-1], "approve")
    await crew.until("completed", *ids)
    assert await crew.effects.count("target") == ONCE + ITEMS
    assert caught.owner.code is None
    await crew.check(*NODES)


@pytest.mark.faults
async def test_server_is_away_longer_than_a_lease(server: Server, catch: Catch, crew: Crew) -> None:
    """Owners that could not renew their lease end themselves; the next ones go on."""
    crew.effects.hold("target")
    caught = await catch(await crew.executor(lease_seconds=3.0))
    async with crew.fault():
        server.stop(signal.SIGQUIT)
        assert await caught.owner.ended() == 70
        server.start()
        crew.effects.let_pass("target")
        crew.recoverer(lease_seconds=3.0)
        await crew.executor(lease_seconds=3.0)
        await crew.until("completed", *caught.ids)
    await crew.check(*NODES)


@pytest.mark.requirement("NFR-3.3")
async def test_connection_is_ended_in_a_transaction(
    catch: Catch, crew: Crew, proxied: ProxiedDatabase
) -> None:
    """What was written but not committed is written again, by the same owner."""
    gate = crew.effects.hold("target")
    caught = await catch(await crew.executor(database_url=proxied.dsn))
    rule = proxied.proxy.at_commit("request", TARGET_DONE)
    async with crew.fault():
        gate.opened.set()
        await rule.reached.wait()
        await eventually(lambda: crew.database.fetchval(END_BACKENDS.format(OF_A_FLUSH)))
        rule.let_go()
        await crew.until("completed", *caught.ids)
    assert await crew.effects.count("target") == ONCE + ITEMS
    await crew.check(*NODES)


async def test_connections_are_ended_again_and_again(begin: Begin, crew: Crew) -> None:
    """Every connection of the engine breaks, many times, wherever it is; its processes live on."""
    crew.recoverer()
    owner = await crew.executor()
    document = row([posts(name, crew.effects.url) for name in "abcd"])
    ids = await begin(document, owner, count=30)
    async with crew.fault():
        for _ in range(ROUNDS):
            await eventually(lambda: crew.database.fetchval(END_BACKENDS.format(OF_THE_ENGINE)))
        await crew.until("completed", *ids)
    assert [worker.code for worker in crew.workers] == [None, None]
    await crew.check(*"abcd")


@pytest.mark.requirement("NFR-3.3")
@pytest.mark.parametrize("held", ["request", "reply"])
@pytest.mark.parametrize("carrying", [
    (TARGET_DONE,), ("workflow_completed",),
    pytest.param(("node_progress",), marks=pytest.mark.faults),
    pytest.param(("approval_requested",), marks=pytest.mark.faults),
], ids=["result", "end", "items", "question"])  # fmt: skip
async def test_commit_is_cut_off(
    held: Literal["request", "reply"],
    carrying: tuple[str, ...],
    catch: Catch,
    crew: Crew,
    proxied: ProxiedDatabase,
) -> None:
    """Whether it arrived or not, its owner finds out: nothing is lost and nothing done twice."""
    rule = proxied.proxy.at_commit(held, *carrying)
    gate = crew.effects.hold("target")
    async with crew.fault():
        if carrying == ("approval_requested",):
            rule.cut()
        caught = await catch(await crew.executor(database_url=proxied.dsn))
        gate.opened.set()
        await rule.reached.wait()
        rule.cut()
        await crew.until("completed", *caught.ids)
    assert await crew.effects.count("target") == ONCE + ITEMS
    assert await crew.database.fetchval("SELECT count(*) FROM execution_approvals") == 1
    epochs = await crew.database.fetch("SELECT DISTINCT epoch FROM workflow_executions")
    assert {row["epoch"] for row in epochs} <= {1, 2}  # An answer wakes it under the next one.
    await crew.check(*NODES)


@pytest.mark.parametrize("words", ["INSERT INTO executors", "WHERE slot"])
async def test_executor_whose_start_was_cut_off_starts(
    words: str, crew: Crew, proxied: ProxiedDatabase
) -> None:
    """Asked again it is one owner with one lease, whatever had been written before."""
    settings = AgentSettings(sandbox_processes=1)
    config = ExecutorConfig(proxied.dsn, crew.redis_url, 10.0, settings, {})
    actor = ExecutionActor("executor-0", config)
    proxied.proxy.at_commit("reply", words).cut()
    with pytest.raises(UNREACHABLE):
        await actor.ready()
    assert await actor.ready() == str(actor.id)
    rows = await crew.database.fetch("SELECT id FROM executors WHERE stopped_at IS NULL")
    assert [row["id"] for row in rows] == [actor.id]
    await actor.stop()
    rows = await crew.database.fetch("SELECT id FROM executors WHERE stopped_at IS NULL")
    assert rows == []


@pytest.mark.faults
async def test_network_swallows_for_a_while(
    catch: Catch, crew: Crew, proxied: ProxiedDatabase
) -> None:
    """Neither side hears the other, no connection breaks: the owner goes on once it hears."""
    gate = crew.effects.hold("target")
    crew.recoverer()
    caught = await catch(await crew.executor(database_url=proxied.dsn))
    async with crew.fault():
        proxied.proxy.swallow()
        gate.opened.set()
        await eventually(lambda: caught.owner.logged("lease.not_renewed"))
        proxied.proxy.flow()
        await crew.until("completed", *caught.ids)
    assert await crew.effects.count("target") == ONCE + ITEMS
    await crew.check(*NODES)


@pytest.mark.faults
async def test_what_was_swallowed_comes_after_the_lease(
    catch: Catch, crew: Crew, proxied: ProxiedDatabase
) -> None:
    """The owner ends itself in time; what it had sent arrives under an old epoch and is refused."""
    gate = crew.effects.hold("target")
    caught = await catch(await crew.executor(database_url=proxied.dsn, lease_seconds=2.0))
    async with crew.fault():
        proxied.proxy.swallow()
        gate.opened.set()
        assert await caught.owner.ended() == 70
        crew.effects.let_pass("target")
        await crew.executor()
        crew.recoverer()
        await crew.expire(caught.owner)
        await crew.until("completed", *caught.ids)
        proxied.proxy.flow()
        await eventually(lambda: not proxied.proxy.connections)
    await crew.check(*NODES)


@pytest.mark.parametrize("table", ["execution_events", "execution_checkpoints"])
async def test_disk_is_full(table: str, catch: Catch, crew: Crew) -> None:
    """Its owner tries again until there is room; nothing half is left."""
    gate = crew.effects.hold("target")
    caught = await catch(await crew.executor())
    async with crew.fault():
        await crew.database.execute(FULL.format(table))
        gate.opened.set()
        await eventually(lambda: len(caught.owner.logged("journal.flush_failed")) > 1)
        await crew.database.execute("DROP FUNCTION full_disk CASCADE")
        await crew.until("completed", *caught.ids)
    assert await crew.effects.count("target") == ONCE + ITEMS
    await crew.check(*NODES)
