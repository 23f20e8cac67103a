"""How many executions of a process are on their way to their first work at once.

From its start to the first work of a node an execution costs CPU time, and as much memory as it
ever does beside its values. Those that come faster than the process can take them stand in line
with their input alone: all at once they would begin no sooner, and a process keeps what memory it
once had.
"""

import asyncio
from typing import Self

AT_ONCE = 200


class Beginning:
    """A place among those that begin: held in the context until `over`, or until its end."""

    __slots__ = ("_held", "_places")

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._held = False

    async def __aenter__(self) -> Self:
        await self._places.acquire()
        self._held = True
        return self

    async def __aexit__(self, *_raised: object) -> None:
        self.over()

    def over(self) -> None:
        """Leave the place to the next; safe to repeat."""
        if self._held:
            self._held = False
            self._places.release()


class Beginnings:
    """The places of a process, given in the order in which they are asked for.

    Args:
        at_once: How many there are.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._places = asyncio.Semaphore(at_once)

    def place(self) -> Beginning:
        """Return a place, which is waited for where its context is entered."""
        return Beginning(self._places)
