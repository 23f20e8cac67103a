"""The embedded services: they start again whatever was left behind."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis.asyncio import Redis

from serve.embedded import (
    EmbeddedError,
    embedded_postgres,
    embedded_redis,
    make_private,
    socket_folder,
)

ENVIRONMENT = dict(os.environ)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose path has a space and more than 200 characters."""
    base = tmp_path_factory.mktemp("a space")
    home = base / ("x" * 100) / ("y" * max(1, 200 - len(str(base)) - 102))
    (home / "logs").mkdir(parents=True)
    assert len(str(home)) >= 200
    yield home
    sockets = socket_folder(home)
    for folder in (home, sockets, sockets.with_name(f"{sockets.name}-r")):
        shutil.rmtree(folder, ignore_errors=True)


def server(home: Path) -> psutil.Process:
    """The server whose lock lies in the folder."""
    return psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split()[0]))


async def visits(url: str) -> int:
    """Count one more start in the database; return how many there were."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS visits (at timestamptz)")
        await connection.execute("INSERT INTO visits VALUES (now())")
        found: int = await connection.fetchval("SELECT count(*) FROM visits")
        return found
    finally:
        await connection.close()


@contextmanager
def other_program(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that has the name of the path and serves another folder."""
    path.symlink_to(sys.executable)
    code = "import sys; print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen(  # noqa: S603 - our own words
        [str(path), "-c", code, "-D", str(path.parent)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        assert psutil.Process(process.pid).name() == path.name
        yield process
        process.kill()


async def test_data_outlives_the_server(home: Path) -> None:
    """Started twice, the second finds what the first has kept; nothing runs in between."""
    with embedded_postgres(home, ENVIRONMENT) as url:
        before = await visits(url)
        process = server(home)
    assert not process.is_running()
    with embedded_postgres(home, ENVIRONMENT) as url:
        assert await visits(url) == before + 1


async def test_it_listens_on_a_private_socket_only(home: Path) -> None:
    """No TCP port is opened, and the socket's folder is closed to others."""
    with embedded_postgres(home, ENVIRONMENT) as url:
        assert socket_folder(home).stat().st_mode & 0o777 == 0o700
        connection = await asyncpg.connect(url)
        try:
            assert await connection.fetchval("SHOW listen_addresses") == ""
        finally:
            await connection.close()


async def test_a_server_killed_with_its_parent_starts_again(home: Path) -> None:
    """After `kill -9` of the server what was committed is there."""
    with embedded_postgres(home, ENVIRONMENT) as url:
        before = await visits(url)
        server(home).kill()
    assert (home / "postgres" / "postmaster.pid").exists()
    with embedded_postgres(home, ENVIRONMENT) as url:
        assert await visits(url) == before + 1


async def test_a_server_whose_parent_died_is_replaced(home: Path) -> None:
    """A server that still runs in the folder is ended before the next one starts."""
    left = embedded_postgres(home, ENVIRONMENT)
    before = await visits(left.__enter__())
    former = server(home)
    try:
        with embedded_postgres(home, ENVIRONMENT) as url:
            assert await visits(url) == before + 1
            assert server(home) != former
    finally:
        left.__exit__(None, None, None)


@pytest.mark.parametrize("program", ["postgres", "other"])
async def test_a_lock_whose_number_another_process_has_now_is_stale(
    home: Path, tmp_path: Path, program: str
) -> None:
    """That process is left alone, even when it is somebody else's PostgreSQL."""
    with embedded_postgres(home, ENVIRONMENT) as url:
        before = await visits(url)
    with other_program(tmp_path / program) as other:
        for lock in (home / "postgres" / "postmaster.pid",
                     socket_folder(home) / ".s.PGSQL.5432.lock"):  # fmt: skip
            lock.write_text(f"{other.pid}\n{home}/postgres\n")
        with embedded_postgres(home, ENVIRONMENT) as url:
            assert await visits(url) == before + 1
        assert other.poll() is None


@pytest.mark.parametrize("text", ["", "rubbish\n"])
async def test_a_lock_that_was_written_half_is_stale(home: Path, text: str) -> None:
    """A machine that stopped while the lock was written does not stop the next start."""
    with embedded_postgres(home, ENVIRONMENT) as url:
        before = await visits(url)
    (home / "postgres" / "postmaster.pid").write_text(text)
    with embedded_postgres(home, ENVIRONMENT) as url:
        assert await visits(url) == before + 1


def test_a_server_that_cannot_start_says_where_its_log_is(tmp_path: Path) -> None:
    """The error names the log, which says why."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "postgres").mkdir()
    log = tmp_path / "logs" / "postgres.log"
    with (
        pytest.raises(EmbeddedError, match=r"PostgreSQL ended while starting .*postgres\.log"),
        embedded_postgres(tmp_path, ENVIRONMENT),
    ):
        pass
    assert "postgresql.conf" in log.read_text()
    shutil.rmtree(socket_folder(tmp_path))


async def test_redis_answers_at_once_and_again(home: Path) -> None:
    """When it is there it answers, though a socket of a killed one lay in its place."""
    folder = socket_folder(home)
    stale = make_private(folder.with_name(f"{folder.name}-r")) / "redis.sock"
    with socket.socket(socket.AF_UNIX) as former:
        former.bind(str(stale))
    for _ in range(2):
        with embedded_redis(home, ENVIRONMENT) as url:
            async with Redis.from_url(url) as client:
                assert await client.ping()


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Nobody can lay a link where sockets are expected."""
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(EmbeddedError, match="belongs to somebody else"):
        make_private(tmp_path / "link")


def test_socket_folders_are_short_and_one_for_each_home(tmp_path: Path) -> None:
    """A socket's path has at most 107 bytes, however long the home's is."""
    one, two = socket_folder(tmp_path / ("x" * 200)), socket_folder(tmp_path / ("x" * 199))
    assert one != two
    assert len(str(one / ".s.PGSQL.5432.lock")) < 60
