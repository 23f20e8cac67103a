"""Intervals of time and money: their arithmetic, and where they come from."""

from dataclasses import dataclass
from typing import Any, Literal

Source = Literal["input", "history", "agent", "catalogue"]
"""The input itself, what the workflow took before, what its agent took in the organization's other
workflows, or what the agent says of itself; the firmest first."""
_FIRMEST: tuple[Source, ...] = ("input", "history", "agent", "catalogue")


@dataclass(frozen=True, slots=True)
class Interval:
    """From low to high."""

    low: float = 0.0
    high: float = 0.0
    bounded: bool = True
    """Whether the high end holds without an assumption about lists and loops."""
    source: Source = "catalogue"
    """Of several, the least firm that adds something."""
    samples: int = 0
    """How many runs a history has; of several histories, the fewest."""

    def __add__(self, other: "Interval") -> "Interval":
        low, high = self.low + other.low, self.high + other.high
        return Interval(low, high, self.bounded and other.bounded, *_origin(self, other))

    def times(self, low: float, high: float, *, bounded: bool) -> "Interval":
        """Return the interval for something that happens from `low` to `high` times."""
        known = self.bounded and (bounded or self.high == 0)
        return Interval(self.low * low, self.high * high, known, self.source, self.samples)

    def within(self, most: float) -> "Interval":
        """Return the interval of what is ended after so much."""
        high = min(self.high, most) if self.bounded else most
        return Interval(min(self.low, most), high, True, self.source, self.samples)

    def to_document(self) -> dict[str, Any]:
        """Return the interval as JSON."""
        return {
            "low": round(self.low, 6),
            "high": round(self.high, 6),
            "bounded": self.bounded,
            "source": self.source,
            "samples": self.samples,
        }


def either(ways: list[Interval]) -> Interval:
    """Return the interval of one of several ways, whichever it is."""
    return Interval(
        min(way.low for way in ways),
        max(way.high for way in ways),
        all(way.bounded for way in ways),
        *_origin(*ways),
    )


def longest(ways: list[Interval]) -> Interval:
    """Return the interval of all of several ways at once."""
    either_way = either(ways)
    return Interval(
        max(way.low for way in ways),
        either_way.high,
        either_way.bounded,
        either_way.source,
        either_way.samples,
    )


def _origin(*parts: Interval) -> tuple[Source, int]:
    """Return where intervals together come from; one that is nothing takes no part."""
    telling = [part for part in parts if part.high > 0] or list(parts[-1:])
    source = max((part.source for part in telling), key=_FIRMEST.index)
    return source, min(part.samples for part in telling)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Time and money."""

    seconds: Interval = Interval()
    cost_usd: Interval = Interval()

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(self.seconds + other.seconds, self.cost_usd + other.cost_usd)

    def times(self, low: float, high: float, *, bounded: bool) -> "Estimate":
        """Return the estimate for something that happens from `low` to `high` times."""
        return Estimate(
            self.seconds.times(low, high, bounded=bounded),
            self.cost_usd.times(low, high, bounded=bounded),
        )
