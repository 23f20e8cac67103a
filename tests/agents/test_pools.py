"""Connection pools of one client: many requests at once, and few connections for few requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from agents.egress import Egress
from agents.pools import POOL_REQUESTS, Pools
from tests.eventually import eventually


class Door:
    """A server that holds every request until it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.connections = 0
        self.open = 0
        self.waiting = 0
        self.all_wait = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests of one connection."""
        self.connections += 1
        self.open += 1
        while head := await reader.read(65_536):
            assert head.endswith(b"\r\n\r\n")
            self.waiting += 1
            if self.waiting == 2 * POOL_REQUESTS + 1:
                self.all_wait.set()
            await self.opened.wait()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        self.open -= 1


@asynccontextmanager
async def _served(door: Door) -> AsyncIterator[str]:
    server = await asyncio.start_server(door.serve, "127.0.0.1", 0, backlog=1000)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await eventually(lambda: door.open == 0)


async def test_more_requests_than_a_pool_holds_wait_side_by_side() -> None:
    """None waits for another: the server answers nobody until all of them are there."""
    door = Door()
    async with _served(door) as url, Egress(allow_loopback=True).client() as client:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(client.get(url, timeout=30)) for _ in range(2 * POOL_REQUESTS + 1)
            ]
            await asyncio.wait_for(door.all_wait.wait(), 30)
            door.opened.set()
        assert {task.result().text for task in tasks} == {"ok"}


async def test_requests_one_after_the_other_share_a_connection() -> None:
    """A request that has ended has made room where it was."""
    door = Door()
    door.opened.set()
    async with _served(door) as url, Egress(allow_loopback=True).client() as client:
        for _ in range(POOL_REQUESTS + 5):
            assert (await client.get(url)).text == "ok"
        assert door.connections == 1


async def test_request_that_fails_makes_room() -> None:
    """Refused connections do not fill the pools."""
    async with Egress(allow_loopback=True).client() as client:
        pools = client._transport._pool  # type: ignore[attr-defined]  # what the client sends by
        assert isinstance(pools, Pools)
        for _ in range(3):
            with pytest.raises(httpx2.ConnectError):
                await client.get("http://127.0.0.1:1/")
        assert pools._held == [0]
