"""Making executions of executions, as the API does, and driving them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from store import time_travel
from store.executions import start_execution
from store.live import LiveView
from store.origins import Origin
from store.postgres import Pool
from store.time_travel import Source
from tests.actors.process import Process


@dataclass(frozen=True, slots=True)
class Traveller:
    """Reruns, forks and retries on behalf of one tenant."""

    pool: Pool
    live: LiveView
    tenant_id: UUID
    process: Process

    async def source(self, execution_id: UUID) -> Source:
        """Read what is made anew."""
        return await time_travel.get_source(self.pool, self.tenant_id, execution_id)

    async def checkpoints(self, execution_id: UUID) -> list[Any]:
        """Return all checkpoints of an execution."""
        rows, total = await time_travel.list_checkpoints(
            self.pool, self.tenant_id, execution_id, 1000, 0
        )
        assert [row["checkpoint_number"] for row in rows] == list(range(1, total + 1))
        return rows

    async def rerun(
        self,
        execution_id: UUID,
        node_id: str | None,
        *,
        visit: int | None = None,
        state: dict[str, Any] | None = None,
        **options: Any,
    ) -> UUID:
        """Rerun from a node on; options are those of `begin`."""
        source = await self.source(execution_id)
        origin = time_travel.rerun_of(source, node_id, visit, state or {})
        return await self.begin(source, origin, **options)

    async def fork(
        self,
        execution_id: UUID,
        number: int,
        *,
        state: dict[str, Any] | None = None,
        **options: Any,
    ) -> UUID:
        """Fork from a checkpoint."""
        source = await self.source(execution_id)
        checkpoint = await time_travel.get_checkpoint(
            self.pool, self.tenant_id, execution_id, number
        )
        return await self.begin(
            source, time_travel.fork_of(source, checkpoint, state or {}), **options
        )

    async def retry(self, execution_id: UUID, **options: Any) -> UUID:
        """Go on where an execution failed."""
        source = await self.source(execution_id)
        return await self.begin(source, time_travel.retry_of(source), **options)

    async def begin(
        self,
        source: Source,
        origin: Origin,
        *,
        process: Process | None = None,
        drive: bool = True,
        **fields: Any,
    ) -> UUID:
        """Start it and drive it; `fields` are those of `start_of`."""
        start = time_travel.start_of(
            source, origin, user_id=None, user_email="", user_name="", **fields
        )
        owner = process or self.process
        started = await start_execution(self.pool, self.live, start, owner.id)
        if drive and started.created:
            await owner.drive(started.execution_id)
        return started.execution_id
