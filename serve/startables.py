"""Workflows that were started lately, as their next start needs them.

What is kept here is never trusted: a start names the specification that it was checked against,
and Postgres refuses it when the workflow has another one by now, is archived or gone.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from actors.custom_agents import CustomAgents
from compiler.estimate import Estimator
from compiler.specification import Specification
from compiler.workers import agent_names
from store.errors import Conflict
from store.postgres import Pool
from store.workflows import get_startable

KEPT = 1000
KEPT_SECONDS = 5.0
"""How old the average duration may be."""


@dataclass(frozen=True, slots=True)
class Startable:
    """An active workflow with its checked specification."""

    workflow_id: UUID
    name: str
    specification: Specification
    specification_sha256: str
    estimated_seconds: float
    read_at: float


class Startables:
    """Reads workflows for their starts and keeps the last ones."""

    def __init__(self, pool: Pool, agents: CustomAgents) -> None:
        self._pool = pool
        self._agents = agents
        self._kept: OrderedDict[tuple[UUID, UUID], Startable] = OrderedDict()
        self._reading: set[tuple[UUID, UUID]] = set()

    async def get(self, tenant_id: UUID, workflow_id: UUID) -> Startable:
        """Return a workflow that can be started.

        Raises:
            NotFound: The tenant has no such workflow.
            Conflict: It is not active.
        """
        key = (tenant_id, workflow_id)
        kept = self._kept.get(key)
        if kept is None or (
            time.monotonic() - kept.read_at > KEPT_SECONDS and key not in self._reading
        ):
            # Those who come meanwhile take the old one.
            self._reading.add(key)
            try:
                kept = self._kept[key] = await self._read(tenant_id, workflow_id)
            finally:
                self._reading.discard(key)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        if key in self._kept:
            self._kept.move_to_end(key)
        return kept

    def forget(self, tenant_id: UUID, workflow_id: UUID) -> None:
        """Read the workflow anew the next time."""
        self._kept.pop((tenant_id, workflow_id), None)

    async def _read(self, tenant_id: UUID, workflow_id: UUID) -> Startable:
        read_at = time.monotonic()
        row = await get_startable(self._pool, tenant_id, workflow_id)
        if row.status != "active":
            self.forget(tenant_id, workflow_id)
            raise Conflict(f"The workflow is {row.status}.", "Execute an active workflow.")
        specification = Specification.model_validate(row.specification)
        seconds = row.mean_seconds
        if seconds is None:
            names = agent_names(specification)
            signatures = await self._agents.signatures_for(tenant_id, names)
            seconds = Estimator(specification, signatures).workflow().seconds.high
        return Startable(
            workflow_id, row.name, specification, row.specification_sha256, seconds, read_at
        )
