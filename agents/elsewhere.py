"""Work on much data, done where it holds nobody up."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

Work = Callable[[Sequence[bytes]], list[bytes]]
"""A function of a module, pure: it can be run in any process, and again."""


class Elsewhere(Protocol):
    """A place for work that would hold up the event loop."""

    async def run(self, name: str, work: Work, parts: Sequence[bytes]) -> list[bytes]:
        """Run the work on the parts and return its parts.

        Args:
            name: What people see of it while it runs.
            work: The work; it raises nothing that its caller is to understand.
            parts: What it works on.

        Raises:
            AgentError: The place was lost while it ran; another attempt may help.
        """
        ...


class InThread:
    """The place of a process by itself: a thread."""

    async def run(self, name: str, work: Work, parts: Sequence[bytes]) -> list[bytes]:
        """See `Elsewhere`."""
        return await asyncio.to_thread(work, parts)
