"""A proxy between an executor and Postgres that does what networks do, at a chosen commit.

It listens on a Unix socket of its own and understands just enough of the protocol to tell where a
message ends and which one commits. A rule waits for the commit of a transaction that carries
certain bytes (a node's id, an event's type), so the moment is the same in every run.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

SOCKET = ".s.PGSQL.5432"
KEPT_BYTES = 4 * 2**20
"""How much of a transaction is looked through."""
READY = b"Z\x00\x00\x00\x05"
"""How the last message of an answer begins; one byte follows."""


@dataclass
class Rule:
    """Holds, once, the first commit whose transaction carries all of these, or its reply."""

    held: Literal["request", "reply"]
    carrying: tuple[bytes, ...]
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    taken: bool = False
    _settled: asyncio.Event = field(default_factory=asyncio.Event)
    _broken: bool = False

    def let_go(self) -> None:
        """Let it pass."""
        self._settled.set()

    def cut(self) -> None:
        """Break the connection instead: it never arrives."""
        self._broken = True
        self._settled.set()

    async def settled(self) -> None:
        """Wait for either.

        Raises:
            ConnectionResetError: It was cut.
        """
        self.reached.set()
        await self._settled.wait()
        if self._broken:
            raise ConnectionResetError


@dataclass
class Proxy:
    """The proxy of one executor."""

    folder: Path
    server_socket: Path
    rules: list[Rule] = field(default_factory=list)
    connections: set[asyncio.Task[None]] = field(default_factory=set)
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._flowing.set()

    def at_commit(self, held: Literal["request", "reply"], *carrying: str) -> Rule:
        """Hold the first commit whose transaction carries all these words, or its reply."""
        rule = Rule(held, tuple(word.encode("utf-8") for word in carrying))
        self.rules.append(rule)
        return rule

    def swallow(self) -> None:
        """Carry nothing any more, and break nothing: each side waits for the other."""
        self._flowing.clear()

    def flow(self) -> None:
        """Carry again, beginning with what was held back."""
        self._flowing.set()

    def cut(self) -> None:
        """Break every connection; new ones are carried."""
        for task in self.connections:
            task.cancel()

    def _match(self, transaction: bytes) -> Rule | None:
        for rule in self.rules:
            if not rule.taken and all(word in transaction for word in rule.carrying):
                rule.taken = True
                return rule
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        # Whatever it is in the middle of when it is cut, both ends are closed.
        with closing(writer), suppress(OSError, asyncio.IncompleteReadError):
            there, back = await asyncio.open_unix_connection(str(self.server_socket))
            with closing(back):
                connection = _Connection(reader, writer, there, back, self._flowing)
                answers = asyncio.create_task(connection.answer())
                try:
                    await connection.ask(self._match)
                finally:
                    answers.cancel()
                    await asyncio.gather(answers, return_exceptions=True)


class _Connection:
    def __init__(
        self,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        flowing: asyncio.Event,
    ) -> None:
        self._client, self._to_client = client, to_client
        self._server, self._to_server = server, to_server
        self._flowing = flowing
        self._open = asyncio.Event()
        self._open.set()
        self._answered = asyncio.Event()
        self._explicit = False

    async def answer(self) -> None:
        """Carry what the server says, unless it is being held."""
        try:
            while data := await self._server.read(65_536):
                if data[-6:-1] == READY:
                    self._answered.set()
                await self._open.wait()
                await self._flowing.wait()
                self._to_client.write(data)
                await self._to_client.drain()
        finally:
            self._to_client.close()

    async def ask(self, match: Callable[[bytes], Rule | None]) -> None:
        """Carry what the client says, message by message."""
        length = await self._client.readexactly(4)
        startup = await self._client.readexactly(int.from_bytes(length, "big") - 4)
        await self._send(length + startup)
        transaction = bytearray()
        while True:
            head = await self._client.readexactly(5)
            body = await self._client.readexactly(int.from_bytes(head[1:], "big") - 4)
            transaction += body[: max(0, KEPT_BYTES - len(transaction))]
            if not self._ends_transaction(head[:1], body):
                await self._send(head + body)
                continue
            rule = match(bytes(transaction))
            transaction.clear()
            await (self._commit(rule, head + body) if rule else self._send(head + body))

    def _ends_transaction(self, kind: bytes, body: bytes) -> bool:
        """Whether a message ends a transaction: of a lone statement, that is its Sync."""
        if kind == b"Q":
            if body.startswith(b"BEGIN"):
                self._explicit = True
            elif body.startswith((b"COMMIT", b"ROLLBACK")):
                self._explicit = False
                return True
        return not self._explicit and kind in b"QS"

    async def _send(self, data: bytes) -> None:
        await self._flowing.wait()
        self._to_server.write(data)
        await self._to_server.drain()

    async def _commit(self, rule: Rule, message: bytes) -> None:
        if rule.held == "request":
            await rule.settled()
            await self._send(message)
            return
        self._open.clear()
        self._answered.clear()
        await self._send(message)
        await self._answered.wait()
        await rule.settled()
        self._open.set()


@asynccontextmanager
async def open_proxy(folder: Path, server_socket: Path) -> AsyncIterator[Proxy]:
    """Listen in a folder, which must have a short path.

    Args:
        folder: Where the socket goes.
        server_socket: The real server's socket.
    """
    proxy = Proxy(folder, server_socket)

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(proxy.serve(reader, writer))
        proxy.connections.add(task)
        task.add_done_callback(proxy.connections.discard)

    server = await asyncio.start_unix_server(connected, str(folder / SOCKET))
    try:
        yield proxy
    finally:
        server.close()
        for rule in proxy.rules:
            rule.cut()
        proxy.flow()
        proxy.cut()
        await asyncio.gather(*proxy.connections, return_exceptions=True)
        (folder / SOCKET).unlink(missing_ok=True)
