"""An executor process without Ray: journal, saver and driver of one lease."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from actors.checkpointer import JournalSaver
from actors.driver import Driver
from actors.fanout import Chunk, ItemResult, run_items
from actors.graphs import GraphCache
from actors.hosting import Host
from actors.journal import Journal
from actors.run import Run
from actors.secrets import Secrets
from agents.registry import Registry
from agents.services import Services
from store.egress import EgressLists
from store.live import LiveView
from store.postgres import Pool
from store.secrets import Vault
from store.statements import statement
from store.writing import Woken
from tests.eventually import eventually


class LocalHost(Host):
    """Runs chunks in this process; what crosses is JSON all the same."""

    def warm_up(self) -> None:
        """Chunks run in this process."""

    async def fan_out(self, name: str, chunk: Chunk) -> AsyncGenerator[list[ItemResult]]:
        """Run a chunk as a worker would."""
        arrived = Chunk(**orjson.loads(orjson.dumps(chunk)))
        told: asyncio.Queue[list[ItemResult] | None] = asyncio.Queue()
        items = run_items(
            arrived, self.services, self.registry, told.put_nowait, self.secrets, self.say
        )
        running = asyncio.create_task(items, name=name)
        running.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while (results := await told.get()) is not None:
                yield [ItemResult(**result) for result in orjson.loads(orjson.dumps(results))]
            await running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@dataclass
class Process:
    """What drives executions; `die` ends it as `kill -9` would."""

    id: UUID
    pool: Pool
    journal: Journal
    driver: Driver
    saver: JournalSaver
    host: Host
    runs: dict[UUID, Run]
    flushing: asyncio.Task[None]
    driving: list[asyncio.Task[None]] = field(default_factory=list)

    async def drive(self, execution_id: UUID) -> None:
        """Drive an execution until it ends or waits."""
        await self.driver.drive(execution_id, self.id)

    def begin(self, execution_id: UUID) -> asyncio.Task[None]:
        """Drive an execution in the background."""
        task = asyncio.create_task(self.drive(execution_id))
        self.driving.append(task)
        return task

    def go_on(self, woken: list[Woken]) -> None:
        """Drive what a commit of this process let go on, as an executor does."""
        for execution in woken:
            if execution.owner_id != self.id:
                continue
            if run := self.runs.get(execution.execution_id):
                self.driving.append(asyncio.create_task(self._after(run)))
            else:
                self.begin(execution.execution_id)

    async def _after(self, run: Run) -> None:
        """Drive an execution again as soon as it has parked."""
        execution_id = run.lease.execution_id

        async def parked() -> bool:
            return self.runs.get(execution_id) is not run

        await eventually(parked)
        await self.drive(execution_id)

    async def settle(self) -> None:
        """Wait until nothing is driven any more, nor what that lets go on."""
        while driving := [task for task in self.driving if not task.done()]:
            await asyncio.wait(driving)

    async def settle_or_die(self) -> None:
        """Wait until nothing is driven any more, or until the journal breaks, which ends it."""
        while driving := [task for task in self.driving if not task.done()]:
            await asyncio.wait([*driving, self.flushing], return_when=asyncio.FIRST_COMPLETED)
            if self.flushing.done():
                await self.die()

    async def drive_until_death(self, execution_id: UUID) -> None:
        """Drive an execution to its end, or until the journal breaks, which ends the process."""
        driving = self.begin(execution_id)
        await asyncio.wait([driving, self.flushing], return_when=asyncio.FIRST_COMPLETED)
        if self.flushing.done():
            await self.die()
        await asyncio.wait([driving])

    async def die(self) -> None:
        """Stop at once: nothing that is not written yet will be."""
        self.flushing.cancel()
        await asyncio.wait([self.flushing])
        for task in self.driving:
            task.cancel()
        if self.driving:
            await asyncio.wait(self.driving)

    async def stop(self) -> None:
        """Stop in good order, if it still runs."""
        for task in self.driving:
            task.cancel()
        await asyncio.gather(*self.driving, return_exceptions=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.journal.drain(), 5)
        self.flushing.cancel()
        await asyncio.gather(self.flushing, return_exceptions=True)


@asynccontextmanager
async def open_process(
    pool: Pool,
    live: LiveView,
    registry: Registry,
    services: Services,
    *,
    journal_pool: Any = None,
    secrets: Mapping[str, str] | None = None,
    vault: Vault | None = None,
    lists: EgressLists | None = None,
    patience_seconds: float = 20,
) -> AsyncIterator[Process]:
    """Start a process with a lease of its own.

    Args:
        pool: Of role weft_engine.
        live: Told of events.
        registry: The agents.
        services: What they share.
        journal_pool: What the journal writes through instead of the pool.
        secrets: The operator's secrets.
        vault: Opens those of tenants.
        lists: Which hosts tenants' workflows may reach.
        patience_seconds: The journal's.
    """
    id = uuid7()
    writing = journal_pool or pool
    slot = f"executor-{id.hex[-4:]}"
    await writing.execute(statement("insert_executor"), id, slot, "here", 1, False)
    journal = Journal(writing, id, live.publish, patience_seconds)
    journal.go_on = lambda woken: process.go_on(woken)
    runs: dict[UUID, Run] = {}
    saver = JournalSaver(pool, journal, runs.get)
    held = Secrets(secrets or {}, vault, lists=lists)
    host = LocalHost(pool, journal, registry, services, held)
    host.say = live.say
    driver = Driver(host, GraphCache(pool, saver), runs)
    flushing = asyncio.create_task(journal.run())
    async with AsyncExitStack() as stack:
        process = Process(id, pool, journal, driver, saver, host, runs, flushing)
        stack.push_async_callback(process.stop)
        yield process


async def take_over(pool: Pool, dead: Process, heir: Process) -> list[UUID]:
    """End a lease and give its executions to another process, as the supervisor does.

    It leaves out what a last flush of the dead still locks, so it is asked until it gives some. A
    process may be its own heir: then it takes what nobody owns.
    """
    if dead is not heir:
        await pool.execute("UPDATE executors SET stopped_at = now() WHERE id = $1", dead.id)
    take = statement("take_over_executions")
    rows = await eventually(lambda: pool.fetch(take, [heir.id], 100, 1000, 100))
    return [row["id"] for row in rows]


async def adopt_all(pool: Pool, *processes: Process) -> None:
    """Drive all that processes own until nothing is left, as executors look for what is theirs."""
    while True:
        for process in processes:
            await process.settle()
        owned = [
            (process, row["id"])
            for process in processes
            for row in await pool.fetch(statement("list_owned_executions"), process.id)
        ]
        if not owned:
            return
        for process, execution_id in owned:
            process.begin(execution_id)
