"""Which organizations' scripts pass bounds, so often that they are tried apart.

One that takes too long may be an honest one on a busy machine. So scripts that keep the bounds make
up for one that does not, before it or after it; who has none to show is apart at once.
"""

import time
from collections import OrderedDict
from uuid import UUID

REMEMBERED_SECONDS = 60.0
"""How long after the last one an organization's offences count."""
MADE_UP_BY = 10
"""How many scripts that keep the bounds make up for one that does not."""
_WORST = -5.0
_BEST = 1.0
_MOST_REMEMBERED = 10_000


class Conduct:
    """What is remembered of organizations, the longest unseen forgotten first."""

    def __init__(self) -> None:
        self._balances: OrderedDict[UUID, tuple[float, float]] = OrderedDict()
        """What each has left, and when it last offended."""

    def is_apart(self, whose: UUID) -> bool:
        """Whether an organization's scripts are to be tried apart."""
        return self._balance(whose)[0] < 0

    def offended(self, whose: UUID) -> None:
        """Note a script that passed a bound."""
        left, _ = self._balance(whose)
        self._note(whose, max(left - 1, _WORST), time.monotonic())

    def kept(self, whose: UUID) -> None:
        """Note a script that kept the bounds."""
        left, offended = self._balance(whose)
        self._note(whose, min(left + 1 / MADE_UP_BY, _BEST), offended)

    def _note(self, whose: UUID, left: float, offended: float) -> None:
        self._balances[whose] = (left, offended)
        self._balances.move_to_end(whose)
        if len(self._balances) > _MOST_REMEMBERED:
            self._balances.popitem(last=False)

    def _balance(self, whose: UUID) -> tuple[float, float]:
        left, offended = self._balances.get(whose, (0.0, 0.0))
        if left < 0 and time.monotonic() >= offended + REMEMBERED_SECONDS:
            left = 0.0
        return left, offended
