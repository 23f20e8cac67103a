"""What the tests of faults share: real processes, an outside world, the tables."""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import pytest

from agents.registry import builtin_registry
from compiler.check import check
from compiler.specification import Specification
from store.decisions import decide_approval
from store.live import open_live_view
from tests.eventually import eventually
from tests.factories import MakeWorkflow, StartExecution
from tests.faults.effects import Effects, open_effects
from tests.faults.executor_process import Orders
from tests.faults.invariants import Fault, check_all
from tests.faults.nursery import Nursery, Worker, open_nursery, row_of
from tests.faults.proxy import SOCKET, Proxy, open_proxy
from tests.faults.specifications import ITEMS, shapes

LEASE_SECONDS = 10.0
"""Long enough for a busy machine; a test that needs the end of a lease brings it about."""
LOOK_SECONDS = 0.1
STARTS = 10
ENDED = ("completed", "failed", "cancelled")


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where processes are forked."""
    with open_nursery() as opened:
        yield opened


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, for sockets and logs."""
    path = Path(tempfile.mkdtemp(prefix="wf-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[asyncpg.Pool]:
    """The database of the executions, all of it."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=4) as pool:
        yield pool


@pytest.fixture
async def effects(empty_dsn: str) -> AsyncIterator[Effects]:
    """The outside world."""
    async with open_effects(empty_dsn) as opened:
        yield opened


@dataclass
class Kept:
    """Executors that are started again whenever they die."""

    workers: dict[str, Worker]
    """Who is in a slot now."""
    codes: list[int] = field(default_factory=list)
    """How those before ended."""


@dataclass
class Crew:
    """The processes of a test, the faults that it injects, and what must hold afterwards."""

    nursery: Nursery
    folder: Path
    dsn: str
    redis_url: str
    database: asyncpg.Pool
    effects: Effects
    workers: list[Worker] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def executor(self, **orders: Any) -> Worker:
        """Start an executor; returns when it holds its lease."""
        worker = self._fork("executor", **orders)
        worker.id = await row_of(self.database, worker)
        return worker

    def recoverer(self, **orders: Any) -> Worker:
        """Start a process that does the supervisor's work."""
        return self._fork("recoverer", **orders)

    def _fork(self, kind: str, **orders: Any) -> Worker:
        slot = f"{kind}-{next(self._numbers)}"
        values: dict[str, Any] = {
            "kind": kind,
            "slot": slot,
            "database_url": self.dsn,
            "redis_url": self.redis_url,
            "lease_seconds": LEASE_SECONDS,
            "log": str(self.folder / f"{slot}.log"),
            "look_seconds": LOOK_SECONDS,
        }
        told = Orders(**{**values, **orders})
        worker = Worker(self.nursery, told, self.nursery.fork(told))
        self.workers.append(worker)
        return worker

    @asynccontextmanager
    async def kept_alive(self, *workers: Worker) -> AsyncIterator["Kept"]:
        """Start an executor again when it died, in the same slot, as Ray does."""
        kept = Kept({worker.orders.slot: worker for worker in workers})

        async def keep(slot: str) -> None:
            while True:
                worker = kept.workers[slot]
                kept.codes.append(await worker.ended(seconds=600))
                orders = {"slot": slot, "database_url": worker.orders.database_url}
                for _ in range(STARTS):
                    # What befalls it may befall it while it starts.
                    with suppress(AssertionError):
                        kept.workers[slot] = await self.executor(**orders)
                        break

        keepers = [asyncio.create_task(keep(slot)) for slot in kept.workers]
        try:
            yield kept
        finally:
            for keeper in keepers:
                keeper.cancel()
            for outcome in await asyncio.gather(*keepers, return_exceptions=True):
                if isinstance(outcome, AssertionError):
                    raise outcome

    async def expire(self, *workers: Worker) -> None:
        """Let leases run out now, as the database sees it."""
        await self.database.execute(
            "UPDATE executors SET heartbeat_at = now() - interval '1 hour' WHERE id = ANY($1)",
            [worker.id for worker in workers],
        )

    @asynccontextmanager
    async def fault(self) -> AsyncIterator[None]:
        """Note, in the database's time, that something is broken meanwhile."""
        begun = await self.effects.pool.fetchval("SELECT clock_timestamp()")
        yield
        healed = await self.effects.pool.fetchval("SELECT clock_timestamp()")
        self.faults.append(Fault(begun, healed))

    async def owner_pid(self, execution_id: UUID) -> int | None:
        """Return the process that owns an execution."""
        pid: int | None = await self.database.fetchval(
            "SELECT x.pid FROM workflow_executions AS e JOIN executors AS x ON x.id = e.owner_id "
            "WHERE e.id = $1",
            execution_id,
        )
        return pid

    async def owned_by(self, worker: Worker, *execution_ids: UUID) -> None:
        """Wait until a process owns executions."""

        async def owned() -> bool:
            return {await self.owner_pid(id) for id in execution_ids} == {worker.pid}

        await eventually(owned)

    async def status(self, execution_id: UUID) -> str:
        """Return an execution's status."""
        return str(
            await self.database.fetchval(
                "SELECT status FROM workflow_executions WHERE id = $1", execution_id
            )
        )

    async def until(self, status: str, *execution_ids: UUID, seconds: float = 20) -> None:
        """Wait until executions have a status."""
        ids = list(execution_ids)

        async def rest() -> list[Any]:
            rows = await self.database.fetch(
                "SELECT id, status, epoch, owner_id, error_message FROM workflow_executions "
                "WHERE id = ANY($1) AND status <> $2",
                ids, status,
            )  # fmt: skip
            return list(rows)

        async def known() -> bool:
            rows = await rest()
            return not rows or any(row["status"] in ENDED for row in rows)

        with suppress(AssertionError):
            await eventually(known, seconds)
        left = [dict(row) for row in await rest()]
        assert not left, f"not {status} within {seconds:g} s: {left[:5]}"

    async def all_end(self, seconds: float) -> None:
        """Wait until no execution runs or waits any more."""

        async def rest() -> list[Any]:
            return list(
                await self.database.fetch(
                    "SELECT id, status, waiting_reason, current_node_id, epoch, owner_id, "
                    "owner_losses FROM workflow_executions "
                    "WHERE status IN ('pending', 'running', 'waiting') ORDER BY id"
                )
            )

        async def ended() -> bool:
            return not await rest()

        with suppress(AssertionError):
            await eventually(ended, seconds)
        left = [dict(row) for row in await rest()]
        assert not left, f"{len(left)} not ended within {seconds:g} s: {left[:5]}"

    async def check(self, *nodes: str, within_seconds: float = 30) -> None:
        """Check every invariant.

        Args:
            nodes: The nodes that have effects.
            within_seconds: How long what runs may take to settle.
        """
        leases = [worker.orders.lease_seconds for worker in self.workers]
        await check_all(
            self.database,
            within_seconds=within_seconds,
            lease_seconds=max(leases, default=LEASE_SECONDS),
            effects=self.effects.pool,
            faults=self.faults,
            nodes=nodes,
        )

    async def begun(self, node_id: str, *execution_ids: UUID) -> None:
        """Wait until it is recorded that a node has begun: then no transaction is under way."""

        async def recorded() -> bool:
            found = await self.database.fetchval(
                "SELECT count(*) FROM execution_events WHERE event_type = 'node_started' "
                "AND node_id = $1 AND execution_id = ANY($2)",
                node_id, execution_ids,
            )  # fmt: skip
            return bool(found == len(execution_ids))

        await eventually(recorded, 20)

    async def answer(self, execution_id: UUID, decision: str, owner: Worker | None = None) -> bool:
        """Answer an execution's open question as the API does.

        Args:
            execution_id: The execution.
            decision: The answer.
            owner: Who goes on; None: whom a recoverer chooses.
        """
        asked = await self.database.fetchrow(
            "SELECT id, tenant_id FROM execution_approvals "
            "WHERE execution_id = $1 AND status = 'pending'",
            execution_id,
        )
        async with open_live_view(self.redis_url) as live:
            return await decide_approval(
                self.database, live, asked["tenant_id"], execution_id, asked["id"],
                decision=decision, value=None, comment="", decided_by="p@example.com",
                owner_id=owner.id if owner else None,
            )  # fmt: skip

    async def stop(self) -> None:
        """End every process."""
        async with AsyncExitStack() as stack:
            for worker in self.workers:
                stack.push_async_callback(worker.stop)


@pytest.fixture
async def crew(
    nursery: Nursery,
    folder: Path,
    dsn: str,
    redis_url: str,
    database: asyncpg.Pool,
    effects: Effects,
) -> AsyncIterator[Crew]:
    """The processes of this test; they are stopped after it."""
    opened = Crew(nursery, folder, dsn, redis_url, database, effects)
    yield opened
    await opened.stop()


class Begin(Protocol):
    """Stores a workflow and starts it."""

    async def __call__(
        self,
        specification: Mapping[str, Any],
        owner: Worker | None = None,
        count: int = 1,
        input: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> list[UUID]:
        """Start it so many times; without an owner a recoverer chooses one."""
        ...


@pytest.fixture
def begin(make_workflow: MakeWorkflow, start: StartExecution) -> Begin:
    """Start workflows as the API does."""

    async def begin_some(
        specification: Mapping[str, Any],
        owner: Worker | None = None,
        count: int = 1,
        input: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> list[UUID]:
        problems = check(
            Specification.model_validate(specification), builtin_registry().signatures()
        )
        assert problems == []
        workflow = await make_workflow(specification)
        owner_id = owner.id if owner else None
        return [
            (await start(workflow, input, owner_id, **fields)).execution_id for _ in range(count)
        ]

    return begin_some


@dataclass(frozen=True)
class Caught:
    """Executions of every shape, each at its target node, under one owner."""

    owner: Worker
    ids: list[UUID]


Catch = Callable[[Worker], Awaitable[Caught]]


@pytest.fixture
def catch(begin: Begin, crew: Crew) -> Catch:
    """Start one execution of each shape; the effects of their targets must be held."""

    async def start(owner: Worker) -> Caught:
        gate = crew.effects.gates["target"]
        ids = []
        for name, document in shapes(crew.effects.url).items():
            [id] = await begin(document, owner, input={"numbers": list(range(ITEMS))})
            ids.append(id)
            if name == "person":
                await crew.until("waiting", id)
                await crew.answer(id, "approve", owner)
        await eventually(lambda: len(gate.held) == len(ids) - 1 + ITEMS, 20)
        return Caught(owner, ids)

    return start


@dataclass(frozen=True)
class ProxiedDatabase:
    """A proxy before the test's database, and the address through it."""

    proxy: Proxy
    dsn: str


@pytest.fixture
async def proxied(dsn: str, folder: Path) -> AsyncIterator[ProxiedDatabase]:
    """A proxy for one executor."""
    parts = urlsplit(dsn)
    server = Path(parse_qs(parts.query)["host"][0]) / SOCKET
    async with open_proxy(folder, server) as proxy:
        yield ProxiedDatabase(proxy, f"postgresql://weft@{parts.path}?host={folder}&port=5432")
