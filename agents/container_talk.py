"""What is said to a program in a container while it runs, and what it says.

A thread holds the engine's connection, and others await what comes of it.
"""

import asyncio
import threading
from queue import SimpleQueue


class Talk:
    """What is said to a program, and what it says; get one from `Containers.talking`."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        """Set when the program is to end."""
        self.over = False
        """Whether it says nothing any more."""
        self._loop = asyncio.get_running_loop()
        self._heard: asyncio.Queue[bytes] = asyncio.Queue()
        self._inputs: SimpleQueue[bytes] = SimpleQueue()

    def send(self, data: bytes) -> None:
        """Give it some input; what is empty ends the input."""
        self._inputs.put(data)

    async def read(self) -> bytes:
        """Return what it wrote next to standard output; empty: it has ended."""
        return b"" if self.over and self._heard.empty() else await self._heard.get()

    def next_input(self) -> bytes:
        """Wait in a thread for what it is to be given."""
        return self._inputs.get()

    def hear(self, piece: bytes) -> None:
        """Take what it wrote, in a thread."""
        self._loop.call_soon_threadsafe(self._heard.put_nowait, piece)

    def close(self) -> None:
        """Let nobody wait for it any more, in a thread."""
        self._inputs.put(b"")
        self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self.over = True
        self._heard.put_nowait(b"")
