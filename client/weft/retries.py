"""How often and after how long a request is repeated, and when it may be."""

from __future__ import annotations

import random
from dataclasses import dataclass

_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Retries:
    """The delay before attempt n (n > 1) is `initial_seconds` times factor^(n - 2), capped.

    With the defaults: 0.2, 0.4, 0.8, 1.6, 3 seconds, each spread by up to a quarter.
    """

    attempts: int = 6
    initial_seconds: float = 0.2
    factor: float = 2.0
    max_seconds: float = 3.0
    jitter: float = 0.25

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.initial_seconds < 0 or not 0 <= self.jitter <= 1:
            raise ValueError(f"no such retry policy: {self}")

    def delay_seconds(self, attempt: int, spread: float | None = None) -> float:
        """Return how long to wait before an attempt.

        Args:
            attempt: The attempt that is about to begin, from 2.
            spread: From -1 to 1; None: drawn at random.
        """
        delay = min(self.initial_seconds * self.factor ** (attempt - 2), self.max_seconds)
        drawn = _random.uniform(-1, 1) if spread is None else spread
        return delay * (1 + self.jitter * drawn)


def is_gateway_failure(status: int, content_type: str) -> bool:
    """Whether an answer comes from the ingress and not from the platform.

    The ingress turns 502, 503 and 504 into a bare 500; what the platform itself answers is JSON.
    """
    own = content_type.startswith(("application/problem+json", "application/json"))
    return status in (500, 502, 503, 504) and not own
