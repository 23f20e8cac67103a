"""What the store's tests share."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from store.postgres import Role, connect
from tests.factories import Connect


@pytest.fixture
async def shared(shared_dsn: str) -> AsyncIterator[Connect]:
    """Connect to the shared database, which a test reads but never changes."""
    async with AsyncExitStack() as stack:

        async def open_connection(role: Role) -> asyncpg.Connection:
            connection = await connect(shared_dsn, role)
            stack.push_async_callback(connection.close)
            return connection

        yield open_connection


@pytest.fixture
async def administrator(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that may do anything."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()
