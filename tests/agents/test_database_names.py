"""Databases whose certificate has to prove their name, on the address that was checked."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agents.errors import AgentError
from tests.agents.conftest import Run
from tests.agents.leaving import drivers_sockets
from tests.certificates import Authority, make_authority

pytestmark = pytest.mark.requirement("FR-3.9", "NFR-4.5")

ADDRESSES: dict[str, tuple[str, Any]] = {
    "postgresql": ("postgresql://u:p@localhost:{}/db?sslmode=verify-full", "SELECT 1"),
    "mongodb": ("mongodb://localhost:{}/db?tls=true", {"find": "c"}),
    "redis": ("rediss://localhost:{}/0", "PING"),
}

__all__ = ["drivers_sockets"]


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that this process trusts."""
    made = make_authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@pytest.fixture
async def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that are resolved."""
    names: list[str] = []
    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo

    async def counted(host: Any, *args: Any, **options: Any) -> Any:
        names.append(host)
        return await resolve(host, *args, **options)

    monkeypatch.setattr(loop, "getaddrinfo", counted)
    return names


@asynccontextmanager
async def greeted(kind: str, context: ssl.SSLContext) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Serve TLS, after PostgreSQL's own request for it; keep what comes through."""
    came: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if kind == "postgresql":
                await reader.readexactly(8)
                writer.write(b"S")
                await writer.start_tls(context)
            came.append(await reader.readexactly(4))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    wrapped = None if kind == "postgresql" else context
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=wrapped)
    yield server.sockets[0].getsockname()[1], came
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(("shown", "is_proven"), [("localhost", True), ("other.host", False)])
@pytest.mark.parametrize("kind", ADDRESSES)
async def test_name_is_proven_on_the_checked_address(
    run: Run, authority: Authority, asked: list[str], kind: str, shown: str, is_proven: bool
) -> None:
    """The name is resolved once, and what has another one's certificate is told nothing."""
    address, query = ADDRESSES[kind]
    async with greeted(kind, authority.server_context(shown)) as (port, came):
        parameters = {"database": kind, "connection_string": address.format(port), "query": query}
        with pytest.raises(AgentError):
            await run("database", {**parameters, "timeout": 1})
    assert bool(came) is is_proven
    assert asked.count("localhost") == 1
