"""Pools that break at a chosen moment, around a real one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

from asyncpg import exceptions

from store.postgres import Connection, Pool

CALLS = frozenset({"execute", "fetch", "fetchrow", "fetchval"})


class Death(Exception):
    """What a process ends with that is killed."""


class BreakingPool:
    """Raises an error instead of one statement, or of every statement from it on.

    Args:
        pool: The real pool.
        at: The number of the statement, from 1, on whatever connection.
        error: What it raises.
        for_ever: Whether the later ones fail, too.
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
            self.count()
        return getattr(self._pool, name)

    def count(self) -> None:
        """Count a statement; raise when it is the one, or one after it."""
        self.calls += 1
        if self.calls == self._at or (self._for_ever and self.broke):
            raise self._error

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """Lend a connection whose statements count."""
        async with self._pool.acquire() as connection:
            yield _Counting(connection, self)


class _Counting:
    def __init__(self, connection: Connection, pool: BreakingPool) -> None:
        self._connection = connection
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        if name in CALLS:
            self._pool.count()
        return getattr(self._connection, name)


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

    async def fetch(self, *arguments: Any) -> Any:
        """Run a statement in a transaction whose commit is the test's."""
        transaction = self._connection.transaction()
        await transaction.start()
        rows = await self._connection.fetch(*arguments)
        await self._commit(transaction.commit)
        return rows


def connection_lost() -> Exception:
    """Return what asyncpg raises when the server hangs up."""
    error: Exception = exceptions.ConnectionDoesNotExistError("connection was closed")
    return error
