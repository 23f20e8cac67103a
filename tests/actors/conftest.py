"""What the tests of durable execution share: agents, processes, executions to look at."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import pytest

from agents.aggregator import Aggregator
from agents.data_processing import DataProcessing
from agents.human_loop import HumanLoop
from agents.registry import Registry
from agents.router import Router
from agents.services import Services, open_services
from agents.settings import AgentSettings
from agents.wait import Wait
from agents.workers import Workers
from agents.workflow import Workflow
from compiler.check import check
from compiler.specification import Specification
from store.json_values import loads
from store.live import LiveView
from store.postgres import Pool
from tests.actors.process import Process, open_process
from tests.actors.testing_agent import Step
from tests.factories import MakeWorkflow, StartExecution


@pytest.fixture
async def services() -> AsyncIterator[Services]:
    """What agents share; loopback is reachable."""
    async with open_services(AgentSettings(allow_loopback=True, sandbox_processes=1)) as opened:
        yield opened


@pytest.fixture
def step() -> Step:
    """The test's agent, named `step`."""
    return Step()


@pytest.fixture
def registry(step: Step) -> Registry:
    """The agents that need no network, and `step`."""
    return Registry(
        (Aggregator(), DataProcessing(), HumanLoop(), Router(), Wait(), Workers(), Workflow(), step)
    )


@pytest.fixture
async def administrator(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that sees and ends what others do."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


class OpenProcess(Protocol):
    """Starts an executor process without Ray."""

    async def __call__(self, **options: Any) -> Process:
        """Start one; options are those of `open_process`. It is stopped after the test."""
        ...


@pytest.fixture
async def process_of(
    engine_pool: Pool, live: LiveView, registry: Registry, services: Services
) -> AsyncIterator[OpenProcess]:
    """Start as many processes as a test needs."""
    async with AsyncExitStack() as stack:

        async def open_one(**options: Any) -> Process:
            pool, view = options.pop("pool", engine_pool), options.pop("live", live)
            parts = options.pop("registry", registry), options.pop("services", services)
            return await stack.enter_async_context(open_process(pool, view, *parts, **options))

        yield open_one


@pytest.fixture
async def process(process_of: OpenProcess) -> Process:
    """The process of a test that needs one."""
    return await process_of()


class Begin(Protocol):
    """Stores and starts a workflow that the given process owns."""

    async def __call__(
        self,
        specification: Mapping[str, Any],
        input: Mapping[str, Any] | None = None,
        process: Process | None = None,
        **fields: Any,
    ) -> UUID:
        """Start it without driving it; `fields` are those of `Start`."""
        ...


@pytest.fixture
def begin(
    make_workflow: MakeWorkflow, start: StartExecution, process: Process, registry: Registry
) -> Begin:
    """Store a checked workflow and start it."""
    own = process

    async def begin_one(
        specification: Mapping[str, Any],
        input: Mapping[str, Any] | None = None,
        process: Process | None = None,
        **fields: Any,
    ) -> UUID:
        assert check(Specification.model_validate(specification), registry.signatures()) == []
        workflow = await make_workflow(specification)
        started = await start(workflow, input, (process or own).id, **fields)
        return started.execution_id

    return begin_one


@dataclass(frozen=True, slots=True)
class Look:
    """Reads what an execution left in the database."""

    pool: Pool

    async def row(self, execution_id: UUID) -> Any:
        """Return its row."""
        return await self.pool.fetchrow(
            "SELECT * FROM workflow_executions WHERE id = $1", execution_id
        )

    async def status(self, execution_id: UUID) -> str:
        """Return its status."""
        return str((await self.row(execution_id))["status"])

    async def output(self, execution_id: UUID) -> Any:
        """Return its output once it completed."""
        row = await self.row(execution_id)
        assert row["status"] == "completed", row["error_message"]
        return loads(row["output_data"])

    async def events(self, execution_id: UUID) -> list[tuple[str, str | None]]:
        """Return its events as (type, node), which must be numbered without a gap."""
        rows = await self.pool.fetch(
            "SELECT * FROM execution_events WHERE execution_id = $1 ORDER BY seq", execution_id
        )
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        return [(row["event_type"], row["node_id"]) for row in rows]

    async def nodes(self, execution_id: UUID, event_type: str) -> list[str]:
        """Return the nodes of its events of one type, in order."""
        return [str(node) for kind, node in await self.events(execution_id) if kind == event_type]

    async def logs(self, execution_id: UUID) -> list[Any]:
        """Return its node logs in time order."""
        return list(
            await self.pool.fetch(
                "SELECT * FROM execution_node_logs WHERE execution_id = $1 "
                "ORDER BY started_at, attempt",
                execution_id,
            )
        )


@pytest.fixture
def look(engine_pool: Pool) -> Look:
    """Look at what executions left."""
    return Look(engine_pool)
