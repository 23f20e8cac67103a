"""A gate with a bounded number of places, which executions or organizations take by turns."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class _Line:
    """What one of them has inside and before the gate."""

    most: int
    inside: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class FairGate:
    """Lets a number of chunks or scripts in at once, of each execution or organization in turn.

    A single queue would let one that comes with 200 of them go before all that come later.

    Args:
        places: How many may be inside at once.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._lines: OrderedDict[UUID, _Line] = OrderedDict()
        """Executions or organizations, in the order in which their turns come."""

    @asynccontextmanager
    async def turn(self, whose: UUID, most: int) -> AsyncIterator[None]:
        """Stay inside while the context lasts, with at most `most` of the same in all."""
        line = self._lines.setdefault(whose, _Line(most))
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.waiting.append(place)
        self._let_in()
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._let_in()
            else:
                self._leave(whose)
            raise
        try:
            yield
        finally:
            self._leave(whose)

    def _leave(self, whose: UUID) -> None:
        self._lines[whose].inside -= 1
        self._free += 1
        self._let_in()

    def _let_in(self) -> None:
        passed = 0
        while self._free and passed < len(self._lines):
            whose, line = next(iter(self._lines.items()))
            # Its next turn comes after everybody else's.
            self._lines.move_to_end(whose)
            passed += 1
            while line.waiting and line.waiting[0].cancelled():
                line.waiting.popleft()
            if line.waiting and line.inside < line.most:
                line.waiting.popleft().set_result(None)
                line.inside += 1
                self._free -= 1
                passed = 0
            elif not line.waiting and not line.inside:
                # Those that come after it have not been looked at.
                del self._lines[whose]
                passed -= 1
