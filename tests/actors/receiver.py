"""Whoever is called: an HTTP server on loopback that keeps the calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Receiver:
    """An HTTP server on loopback that answers with the statuses it is told, in turn."""

    statuses: list[int] = field(default_factory=list)
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one call."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")[1:-2]
        headers = dict(line.lower().split(": ", 1) for line in head)
        # Signatures are case-sensitive, so they are kept as they came.
        headers |= {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in head}
        self.calls.append((headers, await reader.readexactly(int(headers["content-length"]))))
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                     .encode("ascii"))  # fmt: skip
        await writer.drain()
        writer.close()


@asynccontextmanager
async def open_receiver() -> AsyncIterator[Receiver]:
    """Run one."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver
