"""The way out of browsers and containers: a forward proxy that connects to checked addresses only.

A browser resolves names and follows redirects by itself; behind this proxy it does neither, so
every connection of a page (frames, scripts, sockets, redirects) passes the egress check. A
container has no other way to anything at all.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Self
from urllib.parse import urlsplit

import httpcore2

from agents.bound import HostRefused, SecretRefused, ToolRefused, bounds, within
from agents.egress import Egress, EgressRefused, GuardedBackend

PROXY_STATUS = "proxy-status"
_HEAD_SECONDS = 30.0
_IDLE_SECONDS = 120.0
_MAX_HEAD_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024
_REFUSAL = {PROXY_STATUS: "weft; error=destination_ip_prohibited"}
_NO_CONNECTION = {PROXY_STATUS: "weft; error=connection_refused"}


@asynccontextmanager
async def open_proxy(egress: Egress) -> AsyncIterator[int]:
    """Serve the proxy on a free loopback port, and give that port.

    It reaches what the attempt that opens it may reach.
    """
    async with Proxy(egress) as proxy:
        yield await proxy.listen(socket.create_server(("127.0.0.1", 0)))


class Proxy:
    """Reaches what the attempt that makes it may reach: `async with Proxy(egress) as proxy`.

    Args:
        egress: What may be connected to.
        most_at_once: How many connections may be open; one more is cut off.
        most_in_all: After how many it takes no more.
    """

    def __init__(
        self, egress: Egress, most_at_once: int | None = None, most_in_all: int | None = None
    ) -> None:
        self._backend = GuardedBackend(egress)
        self._bounds = bounds()
        self._egress = egress
        self._most_at_once = most_at_once
        self._left = most_in_all
        self._closed = False
        self._listening: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._serving: dict[asyncio.Task[None], socket.socket | None] = {}
        """The connections by their tasks; None: its task has begun, and closes it itself."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._closed = True
        serving = dict(self._serving)
        tasks = [*serving, *([self._accepting] if self._accepting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in filter(None, serving.values()):
            connection.close()
        if self._listening is not None:
            self._listening.close()

    async def listen(self, listening: socket.socket) -> int:
        """Serve what connects to a socket, which is the proxy's from now on; give its port.

        Raises:
            OSError: The proxy is closed already.
        """
        port = int(listening.getsockname()[1])
        if self._closed:
            listening.close()
            raise OSError("the proxy is closed")
        listening.setblocking(False)
        self._listening = listening
        self._accepting = asyncio.create_task(self._accept(listening), name="proxy")
        return port

    async def _accept(self, listening: socket.socket) -> None:
        """Take connections, one after the other, so that each is counted before the next."""
        loop = asyncio.get_running_loop()
        while self._left is None or self._left > 0:
            connection, _ = await loop.sock_accept(listening)
            if self._left is not None:
                self._left -= 1
            if self._most_at_once is not None and len(self._serving) >= self._most_at_once:
                connection.close()
                continue
            task = asyncio.create_task(self._serve(connection), name="proxy connection")
            self._serving[task] = connection
            task.add_done_callback(self._serving.pop)
        listening.close()

    async def _serve(self, connection: socket.socket) -> None:
        """Serve one connection: one request, or one tunnel."""
        if task := asyncio.current_task():
            self._serving[task] = None
        reader, writer = await asyncio.open_connection(sock=connection, limit=_MAX_HEAD_BYTES)
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            # A connection's task is the proxy's, not that of the attempt whose program it is.
            with within(self._bounds):
                await self._forward(head, reader, writer)
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError):
            pass  # The program or the server went away, which it shows by itself.
        finally:
            await _close(writer)

    async def _forward(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            method, host, port, rewritten = _parse(head)
            stream = await self._backend.connect_tcp(
                host, port, timeout=self._egress.timeout_seconds
            )
        except (EgressRefused, HostRefused, SecretRefused, ToolRefused) as error:
            return await _answer(writer, HTTPStatus.FORBIDDEN, str(error), _REFUSAL)
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
            return await _answer(writer, HTTPStatus.BAD_GATEWAY, str(error), _NO_CONNECTION)
        except ValueError as error:
            return await _answer(writer, HTTPStatus.BAD_REQUEST, str(error), {})
        try:
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await writer.drain()
            else:
                await stream.write(rewritten, timeout=_IDLE_SECONDS)
            await self._pump(stream, reader, writer, first=method != "CONNECT")
        finally:
            await stream.aclose()

    async def _pump(
        self,
        stream: httpcore2.AsyncNetworkStream,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        first: bool,
    ) -> None:
        """Copy both ways until the server ends, the program leaves, or the answer is too long.

        With `first` the answer's head is rewritten to end the connection after it: the program
        would otherwise send its next request, for whatever host, down the same pipe.
        """
        async with asyncio.TaskGroup() as tasks:
            upload = tasks.create_task(_upload(reader, stream))
            received = 0
            with suppress(httpcore2.NetworkError, httpcore2.TimeoutException, OSError):
                if first:
                    head = await _answer_head(stream)
                    received = len(head)
                    writer.write(head)
                while chunk := await stream.read(_CHUNK_BYTES, timeout=_IDLE_SECONDS):
                    received += len(chunk)
                    if received > self._egress.max_response_bytes:
                        break
                    writer.write(chunk)
                    await writer.drain()
            upload.cancel()


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a connection once everything is sent; a task that is cancelled does not wait for it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        writer.transport.abort()
    writer.close()
    try:
        with suppress(OSError):
            await writer.wait_closed()
    except asyncio.CancelledError:
        writer.transport.abort()
        raise


async def _answer_head(stream: httpcore2.AsyncNetworkStream) -> bytes:
    """Read an answer's head (and what came with it), marked as the connection's last."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = await stream.read(_CHUNK_BYTES, timeout=_IDLE_SECONDS)
        if not chunk or len(received) > _MAX_HEAD_BYTES:
            raise OSError("the server's answer has no head")
        received += chunk
    head, _, rest = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    kept = [line for line in lines if not _is_hop_header(line)]
    rewritten = "\r\n".join([first, *kept, "Connection: close", "", ""])
    return rewritten.encode("latin-1") + rest


async def _upload(reader: asyncio.StreamReader, stream: httpcore2.AsyncNetworkStream) -> None:
    with suppress(httpcore2.NetworkError, httpcore2.TimeoutException, OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            await stream.write(chunk, timeout=_IDLE_SECONDS)
        await stream.aclose()


def _parse(head: bytes) -> tuple[str, str, int, bytes]:
    """Read a proxy request; give method, host, port, and the head to send on."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    target, _, version = rest.rpartition(" ")
    if method == "CONNECT":
        parts = urlsplit(f"//{target}")
    else:
        parts = urlsplit(target)
        if parts.scheme != "http":
            raise ValueError("only http and https are allowed")
    if not parts.hostname:
        raise ValueError("the request names no host")
    path = parts._replace(scheme="", netloc="").geturl() or "/"
    kept = [line for line in lines if line and not _is_hop_header(line)]
    rewritten = "\r\n".join([f"{method} {path} {version}", *kept, "Connection: close", "", ""])
    default = 443 if method == "CONNECT" else 80
    return method, parts.hostname, parts.port or default, rewritten.encode("latin-1")


def _is_hop_header(line: str) -> bool:
    name = line.partition(":")[0].strip().lower()
    return name in ("connection", "keep-alive") or name.startswith("proxy-")


async def _answer(
    writer: asyncio.StreamWriter, status: HTTPStatus, text: str, headers: dict[str, str]
) -> None:
    body = text.encode()
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += ["Content-Type: text/plain; charset=utf-8"]
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
    writer.write("\r\n".join(lines).encode() + body)
    await writer.drain()
