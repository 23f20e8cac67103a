"""One PostgreSQL for all engines, with a fresh database for each of their runs."""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from serve.embedded import embedded_postgres, embedded_redis, socket_folder

DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
"""What must be on, or no engine's figures mean anything."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running PostgreSQL."""

    url: str
    pid: int
    """Of the postmaster; every backend is its child."""
    version: str


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Make a folder on the disk for servers, and remove it with their sockets."""
    home = Path(tempfile.mkdtemp(prefix="weft-peers-"))
    (home / "logs").mkdir()
    sockets = socket_folder(home)
    try:
        yield home
    finally:
        for folder in (home, sockets, sockets.with_name(f"{sockets.name}-r")):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def open_server() -> Iterator[Server]:
    """Run a PostgreSQL with its data on the disk."""
    with temporary_home() as home, embedded_postgres(home, dict(os.environ)) as url:
        pid = int((home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
        yield Server(url, pid, asyncio.run(_checked_version(url)))


@contextmanager
def open_redis() -> Iterator[str]:
    """Run a Redis-compatible server as a child of this process; yields its address."""
    with temporary_home() as home, embedded_redis(home, dict(os.environ)) as url:
        yield url


async def _checked_version(url: str) -> str:
    async with _connected(url) as connection:
        for setting in DURABLE:
            value = await connection.fetchval(f"SHOW {setting}")
            assert value == "on", f"{setting} is {value}"
        return str(await connection.fetchval("SHOW server_version"))


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


_numbers = itertools.count(1)


@contextmanager
def fresh_database(server: Server) -> Iterator[str]:
    """Make an empty database; yields its DSN. What others left to be written is written before."""
    name = f"peer_{next(_numbers)}"
    asyncio.run(_execute(server.url, f"CREATE DATABASE {name}", "CHECKPOINT"))
    try:
        yield server.url.replace("/postgres?", f"/{name}?")
    finally:
        asyncio.run(_execute(server.url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, *statements: str) -> None:
    async with _connected(url) as connection:
        for statement in statements:
            await connection.execute(statement)
