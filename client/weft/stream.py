"""Events over a WebSocket, joined across lost connections without a gap."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import httpx
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

from weft.connection import Connection
from weft.errors import Unreachable, WeftError
from weft.records import TERMINAL_EVENTS, Event
from weft.requests import EXECUTIONS, WORKFLOWS, path_of, refusal
from weft.retries import Retries

QUIET_SECONDS = 35.0
"""The platform pings every 10 s; a connection silent for longer than this is dead."""
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
RECONNECTS = Retries(attempts=20)
"""About 50 s without a single message; then the stream gives up."""

LOST = (ConnectionClosed, InvalidHandshake, OSError, TimeoutError, EOFError)


class Subscription:
    """Where a stream stands: what to ask for next, what was seen, whether it is over.

    It does no I/O; `iterate` and `iterate_async` drive it.
    """

    def __init__(
        self,
        connection: Connection,
        execution_id: str | None,
        after: int = 0,
        deadline: float | None = None,
        retries: Retries = RECONNECTS,
    ) -> None:
        """Prepare a stream of one execution, or of all of the tenant's with None.

        Args:
            connection: The platform.
            execution_id: Which execution; None: all.
            after: The sequence number that was seen last.
            deadline: When to raise TimeoutError, on the clock of `time.monotonic`.
            retries: How often and after how long to connect again.
        """
        self.done = False
        self._connection = connection
        self._execution_id = execution_id
        self._after = after
        self._deadline = deadline
        self._retries = retries
        self._failures = 0

    @property
    def url(self) -> str:
        """The address to connect to next: it names the last event that was seen."""
        if self._execution_id is None:
            return self._connection.websocket_url(f"{WORKFLOWS}/stream", {})
        path = path_of(EXECUTIONS, self._execution_id, "stream")
        return self._connection.websocket_url(path, {"after": self._after})

    @property
    def options(self) -> dict[str, Any]:
        """What both kinds of connection are opened with."""
        return {
            "additional_headers": self._connection.headers,
            "open_timeout": self.patience(),
            "max_size": MAX_MESSAGE_BYTES,
            "proxy": None if self._connection.is_local else True,
        }

    def patience(self) -> float:
        """Return how many seconds to wait for the next message.

        Raises:
            TimeoutError: The deadline has passed.
        """
        if self._deadline is None:
            return QUIET_SECONDS
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the execution did not end in time")
        return min(left, QUIET_SECONDS)

    def accept(self, message: str | bytes) -> Event | None:
        """Take a message; return its event, or None for a ping or an event seen before."""
        event = cast("Event", json.loads(message))
        self._failures = 0
        if cast("str", event.get("type")) == "ping":
            return None
        if self._execution_id is None:
            return event
        seq = event.get("seq")
        if seq is not None:
            if seq <= self._after:
                return None
            self._after = seq
        self.done = event.get("type") in TERMINAL_EVENTS
        return event

    def lost(self, error: Exception) -> float:
        """Note that the connection ended; return after how many seconds to connect again.

        A normal close ends the stream.

        Raises:
            WeftError: The platform refused the stream, or did not come back.
            TimeoutError: The deadline has passed.
        """
        if isinstance(error, ConnectionClosed) and error.rcvd is not None:
            if error.rcvd.code == 1000:
                self.done = True
                return 0.0
            if error.rcvd.code == 1008 or 4000 <= error.rcvd.code < 5000:
                status = max(0, error.rcvd.code - 4000)
                reason = error.rcvd.reason
                raise WeftError("The stream was refused", status=status, detail=reason) from error
        if isinstance(error, InvalidStatus) and error.response.status_code < 500:
            raise self._refusal(error) from error
        self.patience()
        self._failures += 1
        if self._failures >= self._retries.attempts:
            raise Unreachable(
                "The stream was lost",
                detail=f"{self._connection.base_url}: {error}.",
                remedy="The execution goes on; stream again when the platform answers.",
            ) from error
        return self._retries.delay_seconds(self._failures + 1)

    def _refusal(self, error: InvalidStatus) -> WeftError:
        answer = error.response
        request = httpx.Request("GET", self.url)
        return refusal(
            httpx.Response(answer.status_code, content=bytes(answer.body or b""), request=request)
        )


def iterate(subscription: Subscription) -> Iterator[Event]:
    """Yield each event once, in order, until the execution ends.

    Raises:
        WeftError: The platform refused the stream, or did not come back.
        TimeoutError: The subscription's deadline has passed.
    """
    while not subscription.done:
        try:
            with connect(subscription.url, **subscription.options) as socket:
                while not subscription.done:
                    event = subscription.accept(socket.recv(timeout=subscription.patience()))
                    if event is not None:
                        yield event
        except LOST as error:
            time.sleep(subscription.lost(error))


async def iterate_async(subscription: Subscription) -> AsyncIterator[Event]:
    """Yield each event once, in order, until the execution ends.

    Raises:
        WeftError: The platform refused the stream, or did not come back.
        TimeoutError: The subscription's deadline has passed.
    """
    while not subscription.done:
        try:
            async with connect_async(subscription.url, **subscription.options) as socket:
                while not subscription.done:
                    async with asyncio.timeout(subscription.patience()):
                        message = await socket.recv()
                    event = subscription.accept(message)
                    if event is not None:
                        yield event
        except LOST as error:
            await asyncio.sleep(subscription.lost(error))
