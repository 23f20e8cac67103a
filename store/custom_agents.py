"""Agents that organizations register, and their versions; a version never changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from store.errors import Conflict, NotFound
from store.json_values import clean_text, dumps, loads
from store.postgres import Connection, Pool, tenant_transaction
from store.statements import statement

Status = Literal["active", "inactive", "deprecated"]
MOST_AGENTS = 10_000
"""So many may one tenant register."""


@dataclass(frozen=True, slots=True)
class NewAgent:
    """An agent, or a new version of one, to be registered."""

    tenant_id: UUID
    organization_id: UUID
    user_id: UUID
    agent_name: str
    description: str
    tool_specification: Mapping[str, Any]
    implementation: Mapping[str, Any]
    """With its `type`."""
    may_replace: bool
    """Whether the user may register versions of agents that are others'."""


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """What lists tell of an agent."""

    id: UUID
    agent_name: str
    status: Status
    current_version: int
    usage_count: int
    last_used_at: datetime | None
    owner_id: UUID
    created_at: datetime
    updated_at: datetime
    description: str
    implementation_type: str


@dataclass(frozen=True, slots=True)
class StoredAgent(AgentInfo):
    """One version of an agent, whole."""

    version: int
    tool_specification: dict[str, Any]
    implementation: dict[str, Any]
    wanted_version: int
    """The version that was asked for; 0: the current one."""

    @classmethod
    def from_row(cls, row: Any) -> "StoredAgent":
        """Make it of a row of `read_agents`."""
        values = {name: value for name, value in row.items() if name != "created_by"}
        for name in ("tool_specification", "implementation"):
            values[name] = loads(values[name])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class AgentVersion:
    """What is told of one version."""

    version: int
    description: str
    implementation_type: str
    created_by: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a registration."""

    agent: StoredAgent
    outcome: Literal["created", "new_version", "unchanged"]


async def register_agent(pool: Pool, new: NewAgent) -> Registered:
    """Register an agent; one that exists gets a new version, unless it says the same already.

    Raises:
        Conflict: The tenant has as many as it may, or the agent is another's.
    """
    async with tenant_transaction(pool, new.tenant_id) as connection:
        created = await connection.fetchval(
            statement("insert_agent"),
            new.tenant_id, uuid7(), new.organization_id, new.agent_name, new.user_id,
        )  # fmt: skip
        if created is not None:
            everything = (new.tenant_id, None, None, "")
            if await connection.fetchval(statement("count_agents"), *everything) >= MOST_AGENTS:
                raise Conflict(
                    f"There are {MOST_AGENTS} custom agents already.",
                    "Register versions of those that there are.",
                )
            await _add_version(connection, new, created, 1)
            return Registered(await _read(connection, new.tenant_id, new.agent_name), "created")
        row = await _lock(connection, new.tenant_id, new.agent_name)
        _require_owner(row, new.user_id, new.may_replace)
        agent = await _read(connection, new.tenant_id, new.agent_name)
        if _says_the_same(agent, new):
            return Registered(agent, "unchanged")
        last = await connection.fetchval(
            statement("get_last_agent_version"), new.tenant_id, row["id"]
        )
        await _add_version(connection, new, row["id"], last + 1)
        await connection.execute(
            statement("update_agent"), new.tenant_id, row["id"], None, None, last + 1
        )
        return Registered(await _read(connection, new.tenant_id, new.agent_name), "new_version")


def _says_the_same(agent: StoredAgent, new: NewAgent) -> bool:
    return (
        agent.description == clean_text(new.description)
        and agent.tool_specification == loads(dumps(new.tool_specification))
        and agent.implementation == loads(dumps(new.implementation))
    )


async def _add_version(connection: Connection, new: NewAgent, id: UUID, version: int) -> None:
    await connection.execute(
        statement("insert_agent_version"),
        new.tenant_id, id, version, clean_text(new.description), dumps(new.tool_specification),
        new.implementation["type"], dumps(new.implementation), new.user_id,
    )  # fmt: skip


async def _lock(connection: Connection, tenant_id: UUID, name: str) -> Any:
    row = await connection.fetchrow(statement("lock_agent"), tenant_id, clean_text(name))
    if row is None:
        raise NotFound("custom agent", name[:100])
    return row


def _require_owner(row: Any, user_id: UUID, may_replace: bool) -> None:
    if row["owner_id"] != user_id and not may_replace:
        raise Conflict(
            f"The agent {row['agent_name']} is somebody else's.",
            "Register yours under another name, or ask its owner or an admin.",
        )


async def change_agent(
    pool: Pool,
    tenant_id: UUID,
    user_id: UUID,
    name: str,
    *,
    may_replace: bool,
    status: Status | None = None,
    owner_id: UUID | None = None,
    current_version: int | None = None,
) -> StoredAgent:
    """Change an agent's status, owner or current version; None leaves it.

    Raises:
        NotFound: The tenant has no such agent, or it no such version, or there is no such user.
        Conflict: The agent is another's.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        row = await _lock(connection, tenant_id, name)
        _require_owner(row, user_id, may_replace)
        if current_version is not None:
            await _read(connection, tenant_id, name, current_version)
        if owner_id is not None and not await connection.fetchval(
            statement("has_user"), tenant_id, owner_id
        ):
            raise NotFound("user", f"user_{owner_id.hex}")
        await connection.execute(
            statement("update_agent"), tenant_id, row["id"], status, owner_id, current_version
        )
        return await _read(connection, tenant_id, name)


async def get_agent(pool: Pool, tenant_id: UUID, name: str, version: int = 0) -> StoredAgent:
    """Return a version of an agent; 0: the current one.

    Raises:
        NotFound: The tenant has no such agent, or it no such version.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        return await _read(connection, tenant_id, name, version)


async def _read(
    connection: Connection, tenant_id: UUID, name: str, version: int = 0
) -> StoredAgent:
    found = await read_agents(connection, tenant_id, [(clean_text(name), version)])
    if not found:
        shown = f"version {version} of custom agent" if version else "custom agent"
        raise NotFound(shown, name[:100])
    return found[0]


async def read_agents(
    connection: Connection, tenant_id: UUID, wanted: Sequence[tuple[str, int]]
) -> list[StoredAgent]:
    """Return agents by name and version, 0 for the current one; those not there are left out."""
    names, versions = [name for name, _ in wanted], [version for _, version in wanted]
    rows = await connection.fetch(statement("read_agents"), tenant_id, names, versions)
    return [StoredAgent.from_row(row) for row in rows]


async def list_agents(
    pool: Pool,
    tenant_id: UUID,
    *,
    status: Status | None = None,
    owner_id: UUID | None = None,
    text: str = "",
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[AgentInfo], int]:
    """Return a page of a tenant's agents by name, and how many there are in all."""
    async with tenant_transaction(pool, tenant_id) as connection:
        wanted = (tenant_id, status, owner_id, clean_text(text.lower()))
        rows = await connection.fetch(statement("list_agents"), *wanted, limit, offset)
        total = await connection.fetchval(statement("count_agents"), *wanted)
    return [AgentInfo(**row) for row in rows], total


async def find_like(pool: Pool, tenant_id: UUID, words: Sequence[str], limit: int) -> list[str]:
    """Return the names of a tenant's active agents that words speak of, the likest first.

    Args:
        pool: A pool of role weft_api.
        tenant_id: Whose agents.
        words: Of letters and digits alone; without any nothing is found.
        limit: How many at most.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(
            statement("find_agents_like"), tenant_id, " | ".join(words), limit
        )
    return [row["agent_name"] for row in rows]


async def list_agent_versions(pool: Pool, tenant_id: UUID, name: str) -> list[AgentVersion]:
    """Return an agent's versions, the last first.

    Raises:
        NotFound: The tenant has no such agent.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        agent = await _read(connection, tenant_id, name)
        rows = await connection.fetch(statement("list_agent_versions"), tenant_id, agent.id)
    return [AgentVersion(**row) for row in rows]


async def count_uses(pool: Pool, uses: Mapping[tuple[UUID, str], int]) -> None:
    """Count uses of agents; from a pool of role weft_engine."""
    tenants, names = [tenant for tenant, _ in uses], [name for _, name in uses]
    await pool.execute(statement("count_agent_uses"), tenants, names, [*uses.values()])
