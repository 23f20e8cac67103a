"""A small web server on loopback whose every answer a test decides."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

import orjson


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> object:
        """The body as JSON."""
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """One answer; `hang` never gives one, `half` gives half of its body and then nothing."""

    body: bytes | str = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    half: bool = False


Handler = Callable[[Asked], Reply | Awaitable[Reply]]


def page(html: str, **headers: str) -> Reply:
    """Return an HTML answer."""
    text = html if "<html" in html else f"<html><body>{html}</body></html>"
    return Reply(text, headers={"Content-Type": "text/html; charset=utf-8", **headers})


def json_reply(value: object, status: int = 200, **headers: str) -> Reply:
    """Return a JSON answer."""
    return Reply(orjson.dumps(value), status, {"Content-Type": "application/json", **headers})


class Site:
    """Answers by path (query and all, else path alone), and remembers what it was asked."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply | Handler] = {}
        self.asked: list[Asked] = []
        self.port = 0
        self.connections = 0

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """Return the address of a path."""
        return f"http://{host}:{self.port}{path}"

    def pages(self) -> list[str]:
        """Return the paths that were asked for, but for what robots may do, in order."""
        return [path for path in self.paths() if path != "/robots.txt"]

    def paths(self) -> list[str]:
        """Return the paths that were asked for, in order."""
        return [asked.path for asked in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, one request after another."""
        self.connections += 1
        try:
            while asked := await _read(reader):
                self.asked.append(asked)
                reply = self.replies.get(asked.path) or self.replies.get(asked.path.split("?")[0])
                found = reply(asked) if callable(reply) else reply
                answer = await found if isinstance(found, Awaitable) else found
                if answer is not None and answer.hang:
                    await reader.read()
                    return
                found_or_not = answer or Reply("missing", 404)
                written = _written(found_or_not, asked.method)
                if found_or_not.half:
                    writer.write(written[: -len(found_or_not.body) // 2])
                    await writer.drain()
                    await reader.read()
                    return
                writer.write(written)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, body)


def _written(reply: Reply, method: str) -> bytes:
    body = reply.body.encode() if isinstance(reply.body, str) else reply.body
    headers = {"Content-Length": str(len(body)), **reply.headers}
    head = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*head, "", ""]).encode() + (b"" if method == "HEAD" else body)


@asynccontextmanager
async def open_site() -> AsyncIterator[Site]:
    """Serve on a free loopback port."""
    site = Site()
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        await site.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()
