"""A platform of its own for a benchmark, and many starts with little work on the client's side."""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import psutil

from serve.embedded import socket_folder
from serve.platform import free_ports, running_platform, start_background, stop_platform
from serve.settings import load_settings

EXECUTORS = "SELECT slot, pid FROM executors WHERE stopped_at IS NULL"


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform."""

    home: Path
    url: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.token}"}

    def client(self) -> httpx.AsyncClient:
        """Return a client for its API; the caller closes it."""
        return httpx.AsyncClient(
            base_url=self.url, headers=self.headers, timeout=120, trust_env=False
        )

    async def executors(self) -> dict[str, psutil.Process]:
        """Return the processes that drive executions by slot, as they have told the database."""
        sockets = socket_folder(self.home)
        connection = await asyncpg.connect(f"postgresql://weft@/postgres?host={sockets}&port=5432")
        try:
            rows = await connection.fetch(EXECUTORS)
        finally:
            await connection.close()
        return {row["slot"]: psutil.Process(row["pid"]) for row in rows}

    async def executors_bytes(self) -> int:
        """Return the resident memory of all executors together."""
        return sum(one.memory_info().rss for one in (await self.executors()).values())


@contextmanager
def open_platform(**variables: str) -> Iterator[Platform]:
    """Run a platform in a folder of its own, with these variables beside the defaults."""
    home = Path(tempfile.mkdtemp(prefix="weft-bench-"))
    os.environ |= {"WEFT_HOME": str(home), "WEFT_PORT": str(free_ports(1)[0]), **variables}
    try:
        url = start_background(load_settings())
        token = (home / "token").read_text(encoding="utf-8").strip()
        assert running_platform(home) is not None
        yield Platform(home, url, token)
    finally:
        stop_platform(home)
        shutil.rmtree(home, ignore_errors=True)
        for name in variables:
            os.environ.pop(name)


async def create_workflow(client: httpx.AsyncClient, specification: Mapping[str, Any]) -> str:
    """Store a workflow; return its id."""
    answer = await client.post(
        "/api/v1/workflows/create", json={"specification": dict(specification)}
    )
    answer.raise_for_status()
    return str(answer.json()["workflow_id"])


async def start_many(
    platform: Platform, workflow_id: str, body: Mapping[str, Any], count: int, connections: int = 50
) -> None:
    """Start a workflow so many times; each start is acknowledged.

    A request is the same bytes each time and only the answer's status is read, since a client that
    did more would be slower than the platform.
    """
    parts = urlsplit(platform.url)
    payload = json.dumps(body).encode("utf-8")
    request = (
        f"POST /api/v1/workflows/{workflow_id}/execute HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Authorization: Bearer {platform.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(payload)}\r\n\r\n"
    ).encode("ascii") + payload
    left = iter(range(count))

    async def repeat() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for _ in left:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            answer = await reader.readexactly(length)
            assert head.startswith(b"HTTP/1.1 202"), (head, answer)
        writer.close()
        await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(repeat())


async def count_executions(client: httpx.AsyncClient, workflow_id: str, status: str) -> int:
    """Return how many executions of a workflow have a status."""
    answer = await client.get(
        f"/api/v1/workflows/{workflow_id}/executions", params={"status": status, "limit": 1}
    )
    answer.raise_for_status()
    return int(answer.json()["total"])


async def until_count(
    client: httpx.AsyncClient,
    workflow_id: str,
    status: str,
    count: int,
    *,
    deadline_seconds: float,
    look_seconds: float = 0.2,
) -> None:
    """Wait until so many executions of a workflow have a status.

    Raises:
        TimeoutError: They have not within the deadline.
    """
    async with asyncio.timeout(deadline_seconds):
        while await count_executions(client, workflow_id, status) < count:  # noqa: ASYNC110 - HTTP
            await asyncio.sleep(look_seconds)
