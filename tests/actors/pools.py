"""Pools that break at a chosen moment, around a real one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

from asyncpg import exceptions

from store.postgres import Connection, Pool

CALLS = frozenset({"execute", "fetch", "fetchrow", "fetchval", "acquire"})


class Death(Exception):
    """What a process ends with that is killed."""


class BreakingPool:
    """Raises an error instead of one call, or of every call from it on.

    Args:
        pool: The real pool.
        at: The number of the call, from 1.
        error: What it raises.
        for_ever: Whether the later calls fail, too.
    """

    def __init__(self, pool: Pool, at: int, error: Exception, *, for_ever: bool = False) -> None:
        self._pool = pool
        self._at = at
        self._error = error
        self._for_ever = for_ever
        self.calls = 0

    @property
    def broke(self) -> bool:
        """Whether a call has failed."""
        return self.calls >= self._at

    def __getattr__(self, name: str) -> Any:
        if name in CALLS:
            self.calls += 1
            if self.calls == self._at or (self._for_ever and self.broke):
                raise self._error
        return getattr(self._pool, name)


class CommitPool:
    """Lets a test do what it likes around the first commit; used as `async with`.

    Args:
        pool: The real pool.
        commit: Called with the commit itself, once; the later ones go through.
    """

    def __init__(
        self, pool: Pool, commit: Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]
    ) -> None:
        self._pool = pool
        self._commit = commit
        self._first: Any = None
        self._hung_up = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.hang_up()

    async def hang_up(self) -> None:
        """Break the connection of the first commit, as a network does."""
        if not self._hung_up:
            self._hung_up = True
            self._first.terminate()
            await self._pool.release(self._first)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """Lend a connection; the first one's commit is the test's."""
        if self._first is not None:
            async with self._pool.acquire() as connection:
                yield connection
            return
        self._first = await self._pool.acquire()
        yield _Connection(self._first, self._commit)


class _Connection:
    def __init__(self, connection: Connection, commit: Any) -> None:
        self._connection = connection
        self._commit = commit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Open a transaction whose commit is the test's."""
        transaction = self._connection.transaction()
        await transaction.start()
        yield
        await self._commit(transaction.commit)


def connection_lost() -> Exception:
    """Return what asyncpg raises when the server hangs up."""
    error: Exception = exceptions.ConnectionDoesNotExistError("connection was closed")
    return error
