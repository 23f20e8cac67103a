"""Whoever is called and tells what it was told: an HTTP server on loopback."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass
class Echo:
    """A service on 127.0.0.1 and 127.0.0.2 that repeats what it was sent, written in many ways.

    `/page` answers a page, `/long` more than is read, `/to/<host>` redirects.
    """

    heads: list[str] = field(default_factory=list)
    """What it was sent, without bodies."""
    port: int = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Where it is."""
        return f"http://{host}:{self.port}{path}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one call."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.heads.append(head)
        path = head.split(" ")[1]
        lines = ["HTTP/1.1 200 X", "connection: close"]
        body = b""
        if path.startswith("/to/"):
            where = self.url("/ok", path.removeprefix("/to/").split("?")[0])
            lines = ["HTTP/1.1 307 X", f"location: {where}", "connection: close"]
        elif path.startswith("/page"):
            lines += ["content-type: text/html"]
            body = f"<html><body><p>{head}</p></body></html>".encode()
        elif path.startswith("/long"):
            body = (head * 1000).encode()
        else:
            lines += ["content-type: application/json", f"x-echo: {path}"]
            raw = head.encode()
            ways = [
                head,
                quote(head),
                raw.hex(),
                *(base64.b64encode(b"x" * n + raw).decode() for n in range(3)),
                base64.urlsafe_b64encode(raw).decode(),
            ]
            body = json.dumps({"told": ways, head: "as a key"}).encode()
        lines += [f"content-length: {len(body)}", "", ""]
        writer.write("\r\n".join(lines).encode("latin-1") + body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def open_echo() -> AsyncIterator[Echo]:
    """Run one."""
    echo = Echo()
    server = await asyncio.start_server(echo.answer, "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    other = await asyncio.start_server(echo.answer, "127.0.0.2", echo.port)
    async with server, other:
        yield echo
