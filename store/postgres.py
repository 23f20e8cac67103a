"""Connections to Postgres: pools that log in once and take one role, transactions of one tenant."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias
from uuid import UUID

import asyncpg
from asyncpg import exceptions
from asyncpg.pool import PoolConnectionProxy

from store.errors import DatabaseUnavailable
from store.statements import statement

Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy
Pool: TypeAlias = asyncpg.Pool
Role = Literal["weft_owner", "weft_api", "weft_engine"]

UNREACHABLE = (
    OSError,
    exceptions.PostgresConnectionError,
    exceptions.InterfaceError,
    # What the driver says of an idle connection that the server has just ended.
    exceptions.InternalClientError,
    TimeoutError,
    exceptions.OperatorInterventionError,
    exceptions.TooManyConnectionsError,
)
"""What asyncpg raises when the server is gone, going, full or not yet there."""


async def connect(dsn: str, role: Role | None, timeout_seconds: float = 10) -> asyncpg.Connection:
    """Open one connection under a role; None keeps the login's own.

    Raises:
        DatabaseUnavailable: Nothing answers there, or the login is refused.
    """
    settings = {"application_name": f"weft {role or 'setup'}", "timezone": "UTC"}
    if role:
        settings["role"] = role
    try:
        connection: asyncpg.Connection = await asyncpg.connect(
            dsn, timeout=timeout_seconds, server_settings=settings
        )
    except (
        *UNREACHABLE,
        exceptions.InvalidAuthorizationSpecificationError,
        exceptions.InvalidCatalogNameError,
    ) as error:
        raise DatabaseUnavailable(str(error)) from error
    return connection


class _Pooled(asyncpg.Connection):  # type: ignore[misc]
    """A connection that leaves nothing behind: what it sets ends with the transaction."""

    def get_reset_query(self) -> str:
        """Return nothing to run when it goes back: that would double each short read."""
        return ""


@asynccontextmanager
async def open_pool(dsn: str, role: Role, *, size: int = 10) -> AsyncIterator[Pool]:
    """Open a pool whose connections all work under one role.

    Args:
        dsn: A `postgresql://` address; its login must be able to `SET ROLE` to the role.
        role: The role that every statement runs under.
        size: The largest number of connections.

    Raises:
        DatabaseUnavailable: Nothing answers there, or the login is refused.
    """
    try:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=10,
            command_timeout=60,
            max_inactive_connection_lifetime=300,
            # Its timer would hold the context that first ran a statement, with all of an execution.
            max_cached_statement_lifetime=0,
            connection_class=_Pooled,
            server_settings={
                "application_name": f"weft {role}",
                "role": role,
                "timezone": "UTC",
                "plan_cache_mode": "auto",
                # It costs more than any statement here takes.
                "jit": "off",
                # A process that is frozen in a transaction keeps its locks no longer than this.
                "idle_in_transaction_session_timeout": "30s",
            },
        )
    except (
        *UNREACHABLE,
        exceptions.InvalidAuthorizationSpecificationError,
        exceptions.InvalidCatalogNameError,
    ) as error:
        raise DatabaseUnavailable(str(error)) from error
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), 5)
        except TimeoutError:
            pool.terminate()


@asynccontextmanager
async def tenant_transaction(pool: Pool, tenant_id: UUID) -> AsyncIterator[Connection]:
    """Open a transaction that sees and writes rows of one tenant only."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(statement("set_tenant"), str(tenant_id))
        yield connection
