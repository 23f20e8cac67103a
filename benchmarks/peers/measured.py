"""What a load came to, and what several rounds of loads come to together."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

WEFT = "weft"


@dataclass(frozen=True, slots=True)
class Measured:
    """One load on one engine."""

    peer: str
    work: str
    concurrency: int
    executions: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float
    """CPU time of an execution, of every process that takes part but the client `wrk`."""

    @property
    def load(self) -> tuple[str, int]:
        """What engines are compared under: the work and how many at a time."""
        return self.work, self.concurrency


@dataclass(frozen=True, slots=True)
class Round:
    """Every engine under every load, one after the other."""

    in_process: list[Measured] = field(default_factory=list)
    through_http: list[Measured] = field(default_factory=list)
    load_before: float = 0.0
    """The machine's load average: what others were doing."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One engine under one load: medians over the rounds."""

    peer: str
    work: str
    concurrency: int
    rounds: int
    executions: int
    """Of all rounds together."""
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float
    weft_rate_ratio: float | None
    """Weft's executions a second by this engine's: the median of each round's own ratio."""
    weft_cpu_ratio: float | None
    """Weft's CPU time of an execution by this engine's, likewise."""


def summarize(rounds: Sequence[Sequence[Measured]]) -> list[Summary]:
    """Return the medians of each engine under each load, in the order of the first round.

    Ratios are taken within a round, where the machine was equally busy for both.
    """
    loads = list(dict.fromkeys(measured.load for measured in rounds[0]))
    by_load = sorted(rounds[0], key=lambda measured: loads.index(measured.load))
    return [_summary(first, rounds) for first in by_load]


def _summary(first: Measured, rounds: Sequence[Sequence[Measured]]) -> Summary:
    same = [_find(one, first.peer, first.load) for one in rounds]
    weft = [_find(one, WEFT, first.load) for one in rounds]
    pairs = [(ours, theirs) for ours, theirs in zip(weft, same, strict=True) if ours and theirs]
    found = [measured for measured in same if measured]
    return Summary(
        peer=first.peer,
        work=first.work,
        concurrency=first.concurrency,
        rounds=len(found),
        executions=sum(measured.executions for measured in found),
        per_second=statistics.median(measured.per_second for measured in found),
        p50_ms=statistics.median(measured.p50_ms for measured in found),
        p95_ms=statistics.median(measured.p95_ms for measured in found),
        p99_ms=statistics.median(measured.p99_ms for measured in found),
        cpu_ms=statistics.median(measured.cpu_ms for measured in found),
        weft_rate_ratio=_median([ours.per_second / theirs.per_second for ours, theirs in pairs]),
        weft_cpu_ratio=_median([ours.cpu_ms / theirs.cpu_ms for ours, theirs in pairs]),
    )


def _find(measured: Sequence[Measured], peer: str, load: tuple[str, int]) -> Measured | None:
    return next((one for one in measured if one.peer == peer and one.load == load), None)


def _median(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 3) if values else None


def table(summaries: Sequence[Summary]) -> str:
    """Return the summaries as lines of text, a blank line between loads."""
    head = ("work", "at once", "engine", "n", "/s", "p50 ms", "p95 ms", "p99 ms", "CPU ms",
            "Weft/it: rate", "CPU")  # fmt: skip
    lines = [_line(head)]
    load = None
    for one in summaries:
        if load != (one.work, one.concurrency):
            load = (one.work, one.concurrency)
            lines.append("")
        lines.append(
            _line((
                one.work, str(one.concurrency), one.peer, str(one.executions),
                f"{one.per_second:.1f}", f"{one.p50_ms:.1f}", f"{one.p95_ms:.1f}",
                f"{one.p99_ms:.1f}", f"{one.cpu_ms:.2f}",
                _ratio(one.weft_rate_ratio), _ratio(one.weft_cpu_ratio),
            ))
        )  # fmt: skip
    return "\n".join(lines)


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _line(cells: Sequence[str]) -> str:
    widths = (12, 7, 21, 6, 8, 9, 9, 9, 8, 13, 6)
    left = 3
    return " ".join(
        cell.ljust(width) if place < left else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()
