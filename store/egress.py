"""Which hosts a tenant's workflows may reach: its own list, or every public host."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from store.kept import Kept
from store.postgres import Pool, tenant_transaction
from store.secrets import Connections
from store.statements import statement

KEPT_LISTS = 10_000
_LIST = "hosts"
"""What a tenant's only list is called where lists are remembered."""


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
        self._kept = Kept(self._read, KEPT_LISTS)

    async def hosts(self, tenant_id: UUID) -> tuple[str, ...] | None:
        """Return the hosts that a tenant's workflows may reach; None: every public one."""
        return (await self._kept.get(tenant_id, [_LIST])).get(_LIST)

    async def _read(self, tenant_id: UUID, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
        async with self._connections() as connection:
            row = await connection.fetchrow(statement("get_egress_list"), tenant_id)
        return {} if row is None else dict.fromkeys(names, tuple(row["hosts"]))
