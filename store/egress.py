"""Which hosts a tenant's workflows may reach: its own list, or every public host."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from weakref import WeakValueDictionary

from store.postgres import Pool, tenant_transaction
from store.secrets import Connections
from store.statements import statement

KEPT_SECONDS = 5.0
"""How long a process remembers a list, and so how long a change may go unnoticed."""
KEPT_LISTS = 10_000


@dataclass(frozen=True, slots=True)
class EgressList:
    """A tenant's list."""

    hosts: tuple[str, ...]
    updated_at: datetime


async def get_egress_list(pool: Pool, tenant_id: UUID) -> EgressList | None:
    """Return a tenant's list; None when it has none."""
    async with tenant_transaction(pool, tenant_id) as connection:
        row = await connection.fetchrow(statement("get_egress_list"), tenant_id)
    return row and EgressList(tuple(row["hosts"]), row["updated_at"])


async def set_egress_list(
    pool: Pool, tenant_id: UUID, user_id: UUID, hosts: Iterable[str]
) -> EgressList:
    """Set a tenant's list in the place of the former one; safe to repeat."""
    async with tenant_transaction(pool, tenant_id) as connection:
        row = await connection.fetchrow(
            statement("set_egress_list"), tenant_id, list(hosts), user_id
        )
    return EgressList(tuple(row["hosts"]), row["updated_at"])


async def delete_egress_list(pool: Pool, tenant_id: UUID) -> None:
    """Let a tenant's workflows reach every public host; safe to repeat."""
    async with tenant_transaction(pool, tenant_id) as connection:
        await connection.execute(statement("delete_egress_list"), tenant_id)


class EgressLists:
    """Reads tenants' lists for the processes that call services, and remembers them for a moment.

    Args:
        connections: Gives a connection when one is needed.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._reading: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._kept: OrderedDict[UUID, tuple[float, tuple[str, ...] | None]] = OrderedDict()

    async def hosts(self, tenant_id: UUID) -> tuple[str, ...] | None:
        """Return the hosts that a tenant's workflows may reach; None: every public one."""
        if self._stale(tenant_id):
            # Nodes begin together: the first reads for all of them.
            async with self._reading.setdefault(tenant_id, asyncio.Lock()):
                if self._stale(tenant_id):
                    await self._read(tenant_id)
        return self._kept[tenant_id][1]

    def _stale(self, tenant_id: UUID) -> bool:
        kept = self._kept.get(tenant_id)
        return kept is None or kept[0] < time.monotonic() - KEPT_SECONDS

    async def _read(self, tenant_id: UUID) -> None:
        # What is written after it was asked for is not in the answer.
        asked = time.monotonic()
        async with self._connections() as connection:
            row = await connection.fetchrow(statement("get_egress_list"), tenant_id)
        self._kept[tenant_id] = (asked, None if row is None else tuple(row["hosts"]))
        self._kept.move_to_end(tenant_id)
        while len(self._kept) > KEPT_LISTS:
            self._kept.popitem(last=False)
