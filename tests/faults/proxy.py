"""A proxy between an executor and Postgres that does what networks do, at a chosen commit.

It listens on a Unix socket of its own and understands just enough of the protocol to tell where a
message ends and which is a COMMIT. A rule waits for the commit of a transaction that carries
certain bytes (`node_completed`, a node's id), so the moment is the same in every run.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

SOCKET = ".s.PGSQL.5432"
KEPT_BYTES = 4 * 2**20
"""How much of a transaction is looked through."""

Action = Literal["drop_request", "drop_reply", "hold_request", "hold_reply"]
"""What happens to the commit: the connection breaks before it or after it, or it waits."""


@dataclass
class Rule:
    """What is done, once, to the first commit that carries all of these."""

    action: Action
    carrying: tuple[bytes, ...]
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    """Lets go what is held."""


@dataclass
class Proxy:
    """The proxy of one executor."""

    folder: Path
    server_socket: Path
    rules: list[Rule] = field(default_factory=list)

    def at_commit(self, action: Action, carrying: Iterable[str]) -> Rule:
        """Do something to the first commit whose transaction carries all these words."""
        rule = Rule(action, tuple(word.encode("utf-8") for word in carrying))
        self.rules.append(rule)
        return rule

    def _match(self, transaction: bytes) -> Rule | None:
        for rule in self.rules:
            if not rule.reached.is_set() and all(word in transaction for word in rule.carrying):
                rule.reached.set()
                return rule
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        there, back = await asyncio.open_unix_connection(str(self.server_socket))
        connection = _Connection(reader, writer, there, back)
        answers = asyncio.create_task(connection.answer())
        try:
            await connection.ask(self._match)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # Either side hung up.
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            for end in (writer, back):
                end.close()


class _Connection:
    def __init__(
        self,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        self._client, self._to_client = client, to_client
        self._server, self._to_server = server, to_server
        self._open = asyncio.Event()
        self._open.set()
        self._answered = asyncio.Event()

    async def answer(self) -> None:
        """Carry what the server says, unless it is being held."""
        try:
            while data := await self._server.read(65_536):
                self._answered.set()
                await self._open.wait()
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
            if head[:1] == b"Q" and body.startswith((b"COMMIT", b"ROLLBACK")):
                rule = match(bytes(transaction)) if body.startswith(b"COMMIT") else None
                transaction.clear()
                if rule is not None:
                    await self._commit(rule, head + body)
                    continue
            await self._send(head + body)

    async def _send(self, data: bytes) -> None:
        self._to_server.write(data)
        await self._to_server.drain()

    async def _commit(self, rule: Rule, message: bytes) -> None:
        if rule.action == "drop_request":
            raise ConnectionResetError
        if rule.action == "hold_request":
            await rule.release.wait()
            await self._send(message)
            return
        self._open.clear()
        self._answered.clear()
        await self._send(message)
        await self._answered.wait()
        if rule.action == "drop_reply":
            raise ConnectionResetError
        await rule.release.wait()
        self._open.set()


@asynccontextmanager
async def open_proxy(folder: Path, server_socket: Path) -> AsyncIterator[Proxy]:
    """Listen in a folder, which must have a short path.

    Args:
        folder: Where the socket goes.
        server_socket: The real server's socket.
    """
    proxy = Proxy(folder, server_socket)
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(proxy.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_unix_server(connected, str(folder / SOCKET))
    try:
        yield proxy
    finally:
        server.close()
        for rule in proxy.rules:
            rule.release.set()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        (folder / SOCKET).unlink(missing_ok=True)
