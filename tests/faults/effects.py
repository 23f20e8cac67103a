"""The outside world: a web service on loopback that writes down each call before it answers.

An effect is a row in a database that no fault of a test touches. The `api` agent sends
`Idempotency-Key: {execution}:{node}:{map index}` with each POST, so the row knows whose it is.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

CREATE = """
CREATE TABLE IF NOT EXISTS effects (
    execution_id uuid NOT NULL, node_id text NOT NULL, map_index integer, attempt integer NOT NULL,
    worker_pid integer, idempotency_key text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX IF NOT EXISTS effects_by_key ON effects (idempotency_key);
"""
INSERT = """
INSERT INTO effects (execution_id, node_id, map_index, attempt, worker_pid, idempotency_key)
SELECT execution_id, node_id, map_index,
    (SELECT count(*) FROM effects AS e WHERE e.idempotency_key = u.idempotency_key)
        + row_number() OVER (PARTITION BY u.idempotency_key), worker_pid, u.idempotency_key
FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::integer[], $5::text[])
    AS u (execution_id, node_id, map_index, worker_pid, idempotency_key)
"""


@dataclass(frozen=True, slots=True)
class Call:
    """What came with a request."""

    execution_id: UUID
    node_id: str
    map_index: int | None
    worker_pid: int | None
    key: str


@dataclass(slots=True)
class Gate:
    """Holds calls of one node until it is opened."""

    before_effect: bool
    """Whether the call is held before its row is written, or before its answer is sent."""
    held: list[Call] = field(default_factory=list)
    opened: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Effects:
    """The service, and what it wrote down."""

    pool: asyncpg.Pool
    url: str = ""
    gates: dict[str, Gate] = field(default_factory=dict)
    deadly: set[str] = field(default_factory=set)
    """Nodes whose call kills the process that makes it, once the effect is written."""
    answers: dict[str, bytes] = field(default_factory=dict)
    """What calls of a node are answered, as JSON; `true` if nothing is said."""
    _waiting: list[tuple[Call, asyncio.Future[None]]] = field(default_factory=list)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def hold(self, node_id: str, *, before_effect: bool = False) -> Gate:
        """Hold the calls of a node from now on; earlier gates of it keep what they hold."""
        self.gates[node_id] = Gate(before_effect)
        return self.gates[node_id]

    def let_pass(self, node_id: str) -> None:
        """Hold no further calls of a node; those that are held stay so."""
        self.gates.pop(node_id, None)

    async def rows(self, node_id: str | None = None) -> list[Any]:
        """Return the effects in order, of one node or of all."""
        rows = await self.pool.fetch(
            "SELECT * FROM effects WHERE $1::text IS NULL OR node_id = $1 ORDER BY at", node_id
        )
        return list(rows)

    async def count(self, node_id: str | None = None) -> int:
        """Return how many effects there are, of one node or of all."""
        return len(await self.rows(node_id))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                headers = _headers(head)
                await reader.readexactly(int(headers.get("content-length", 0)))
                call = _call(headers)
                await self._happen(call)
                body = self.answers.get(call.node_id, b"true")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             b"Content-Length: %d\r\n\r\n%b" % (len(body), body))  # fmt: skip
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # The caller is gone; what it caused stays.
        finally:
            writer.close()

    async def _happen(self, call: Call) -> None:
        gate = self.gates.get(call.node_id)
        if gate and gate.before_effect:
            gate.held.append(call)
            await gate.opened.wait()
        await self._write(call)
        if call.node_id in self.deadly and call.worker_pid:
            os.kill(call.worker_pid, signal.SIGKILL)
        if gate and not gate.before_effect:
            gate.held.append(call)
            await gate.opened.wait()

    async def _write(self, call: Call) -> None:
        """Write a row; those that come meanwhile share the next statement."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, done))
        async with self._writing:
            if done.done():
                return
            batch, self._waiting = self._waiting, []
            calls = [call for call, _ in batch]
            await self.pool.execute(
                INSERT,
                [call.execution_id for call in calls],
                [call.node_id for call in calls],
                [call.map_index for call in calls],
                [call.worker_pid for call in calls],
                [call.key for call in calls],
            )
            for _, written in batch:
                written.set_result(None)


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in pairs}


def _call(headers: dict[str, str]) -> Call:
    key = headers["idempotency-key"]
    execution_id, node_id, index = key.split(":")
    worker = headers.get("x-worker")
    return Call(
        UUID(execution_id), node_id, int(index) if index else None,
        int(worker) if worker else None, key,
    )  # fmt: skip


@asynccontextmanager
async def open_effects(dsn: str) -> AsyncIterator[Effects]:
    """Serve on a free port of loopback.

    Args:
        dsn: The database that keeps the effects.
    """
    async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
        await pool.execute(CREATE)
        effects = Effects(pool)
        connections: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(effects.serve(reader, writer))
            connections.add(task)
            task.add_done_callback(connections.discard)

        server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=2000)
        effects.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield effects
        finally:
            server.close()
            for task in connections:
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)
