"""What lends the Chromium of a machine, and the places for pages in it, to its processes.

It also remembers the sessions of executions, so that they are the same in each of them.

Whoever asks connects to the keeper's socket, sends one line, and has what the answer gives for as
long as the connection is open: what a process that died had is free at once.
"""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from agents.chromium import Chromium, find_chromium, start_chromium
from agents.errors import AgentError
from agents.gate import FairGate
from agents.sessions import Sessions

IDLE_SECONDS = 300.0
"""How long Chromium is kept when nobody has a use for it."""
_ASK_SECONDS = 10.0
_GONE_SECONDS = 3.0
LINE_BYTES = 1024 * 1024
"""Of what is asked and answered; both name cookies."""


class BrowserAway(AgentError):
    """The Chromium of this machine has ended; another attempt finds one."""

    def __init__(self, error: Exception) -> None:
        reason = str(error).strip().split("\n")[0][:300] or type(error).__name__
        super().__init__(f"The browser of this machine is away: {reason}.", retryable=True)


class Keepers(Protocol):
    """Knows where the keeper of this machine is."""

    async def address(self, *, anew: bool) -> str:
        """Return its socket.

        Args:
            anew: The one of before does not answer.

        Raises:
            BrowserAway: There is none for now.
        """
        ...


class Keeper:
    """Lends; get one from `open_keeper`."""

    def __init__(
        self, folder: Path, executable: str | None, places: int, idle_seconds: float
    ) -> None:
        self.address = str(folder / "keeper")
        self.on_idle: Callable[[], None] = _nothing
        """Called when nobody has a use for Chromium, and no session is kept."""
        self._folder = folder
        self._executable = executable
        self._most = places
        self._places = FairGate(places)
        self._sessions = Sessions()
        self._idle_seconds = idle_seconds
        self._borrowers = 0
        self._idle: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None
        self._numbers = count(1)
        self._lock = asyncio.Lock()
        self._chromium: Chromium | None = None
        self._talks: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: lend what it asks for until it ends."""
        self._talks.add(writer)
        try:
            line = await asyncio.wait_for(reader.readline(), _ASK_SECONDS)
            asked = json.loads(line)
            if "place" in asked:
                async with self._places.turn(UUID(asked["place"]), self._most):
                    await _until_left(reader, writer, {})
            elif "begins" in asked:
                execution, node, attempt = asked["begins"]
                cookies = self._sessions.begin(execution, node, attempt)
                await _until_left(reader, writer, {"cookies": cookies})
            elif "ends" in asked:
                execution, node = asked["ends"]
                self._sessions.end(execution, node, asked["cookies"])
                await _until_left(reader, writer, {})
            else:
                await self._lend(reader, writer, asked.get("gone", ""))
        except (OSError, EOFError, TimeoutError, ValueError):
            pass  # It left, or is none of ours.
        finally:
            self._talks.discard(writer)
            writer.close()

    async def _lend(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gone: str
    ) -> None:
        self._borrowers += 1
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        try:
            try:
                answer = {"endpoint": await self._endpoint(gone)}
            except AgentError as error:
                answer = {"error": str(error)}
            await _until_left(reader, writer, answer)
        finally:
            self._borrowers -= 1
            if not self._borrowers:
                self._look_later()

    async def _endpoint(self, gone: str) -> str:
        async with self._lock:
            if self._chromium is not None and self._chromium.endpoint == gone:
                # Its clients know of its end a moment earlier.
                await self._chromium.wait(_GONE_SECONDS)
            if self._chromium is None or not self._chromium.runs:
                # A name of its own, so that a client knows it for another one.
                socket = self._folder / f"chromium-{next(self._numbers)}"
                self._chromium = await start_chromium(self._executable, socket)
            return self._chromium.endpoint

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self._idle_seconds, self._close_idle)

    def _close_idle(self) -> None:
        async def close() -> None:
            async with self._lock:
                if self._borrowers:
                    return
                if self._chromium is not None:
                    chromium, self._chromium = self._chromium, None
                    await chromium.close()
            if self._borrowers:
                return
            if self._sessions:
                self._look_later()
            else:
                self.on_idle()

        self._closing = asyncio.create_task(close(), name="idle browser")

    async def close(self) -> None:
        """End Chromium and all talks."""
        if self._idle is not None:
            self._idle.cancel()
        if self._closing is not None:
            await self._closing
        for writer in list(self._talks):
            writer.transport.abort()
        if self._chromium is not None:
            await self._chromium.close()


@asynccontextmanager
async def open_keeper(
    chromium_path: str | None, places: int, idle_seconds: float = IDLE_SECONDS
) -> AsyncIterator[Keeper]:
    """Open a keeper; Chromium itself starts with the first who asks for it.

    Args:
        chromium_path: The browser's executable; None: looked for on this machine.
        places: Pages open at once.
        idle_seconds: How long Chromium is kept when nobody has a use for it.

    Raises:
        AgentError: There is no browser at the path.
    """
    # Short, since a socket's path may have 107 bytes; made for this user alone.
    folder = Path(tempfile.mkdtemp(prefix="weft-browser-", dir="/tmp"))
    keeper = Keeper(folder, find_chromium(chromium_path), places, idle_seconds)
    try:
        server = await asyncio.start_unix_server(keeper.serve, keeper.address, limit=LINE_BYTES)
        try:
            yield keeper
        finally:
            server.close()
            await keeper.close()
            await server.wait_closed()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _until_left(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: dict[str, Any]
) -> None:
    writer.write(json.dumps(answer).encode() + b"\n")
    with suppress(OSError):
        await writer.drain()
        await reader.read()


def _nothing() -> None:
    """Nobody wants to know."""
