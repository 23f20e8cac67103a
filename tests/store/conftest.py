"""What the store's tests share."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Protocol

import asyncpg
import pytest

from store.postgres import Role, connect


class Connect(Protocol):
    """Opens a connection to the shared database."""

    async def __call__(self, role: Role) -> asyncpg.Connection:
        """Open one; it is closed after the test."""
        ...


@pytest.fixture
async def shared(shared_dsn: str) -> AsyncIterator[Connect]:
    """Connect to the shared database, which a test reads but never changes."""
    async with AsyncExitStack() as stack:

        async def open_connection(role: Role) -> asyncpg.Connection:
            connection = await connect(shared_dsn, role)
            stack.push_async_callback(connection.close)
            return connection

        yield open_connection
