"""How many executors there are, from one look to the next."""

import pytest
from uuid_utils.compat import uuid7

from actors.sizing import BUSY_EXECUTIONS, BUSY_LAG_MS, QUIET_SECONDS, SizeRange, Sizing
from store.queue import Executor

ALLOWED = SizeRange(1, 4)


def _executors(*loads: tuple[int, float]) -> list[Executor]:
    return [Executor(uuid7(), f"executor-{n}", *load) for n, load in enumerate(loads)]


BUSY, LATE, IDLE = (BUSY_EXECUTIONS, 0.0), (3, BUSY_LAG_MS), (0, 0.0)


@pytest.mark.parametrize(
    ("cores", "fixed", "most", "expected"),
    [
        (1, None, None, (1, 1)),
        (2, None, None, (1, 2)),
        (16, None, None, (8, 16)),
        (16, None, 4, (4, 4)),
        (2, None, 6, (1, 6)),
        (2, 5, None, (5, 5)),
        (0, None, None, (1, 1)),
    ],
)
def test_range_follows_the_cluster_and_the_settings(
    cores: float, fixed: int | None, most: int | None, expected: tuple[int, int]
) -> None:
    """One for two cores, at least one; at most one a core; a fixed number stays."""
    assert SizeRange.of(cores, fixed, most) == SizeRange(*expected)


@pytest.mark.parametrize("load", [BUSY, LATE])
def test_one_more_when_all_are_busy_again(load: tuple[int, float]) -> None:
    """A single look decides nothing; many executions count as well as a late event loop."""
    sizing = Sizing()
    sizes = [sizing.wanted(_executors(load, load), ALLOWED, now) for now in (0.0, 5.0, 10.0)]
    assert sizes == [2, 3, 2]


def test_one_idle_executor_is_enough_room() -> None:
    """New starts go to it, so nothing is added; and nothing above the most."""
    sizing = Sizing()
    assert [sizing.wanted(_executors(BUSY, IDLE), ALLOWED, now) for now in (0.0, 5.0)] == [2, 2]
    full = _executors(*[BUSY] * 4)
    assert [sizing.wanted(full, ALLOWED, now) for now in (10.0, 15.0)] == [4, 4]


def test_one_less_after_a_quiet_minute() -> None:
    """Not before, not again at once, and never below the least."""
    sizing = Sizing()
    two, one = _executors(IDLE, IDLE), _executors(IDLE)
    assert sizing.wanted(two, ALLOWED, 0) == 2
    assert sizing.wanted(two, ALLOWED, QUIET_SECONDS - 1) == 2
    assert sizing.wanted(two, ALLOWED, QUIET_SECONDS) == 1
    assert sizing.wanted(two, ALLOWED, QUIET_SECONDS + 5) == 2
    assert sizing.wanted(one, ALLOWED, 10 * QUIET_SECONDS) == 1


def test_work_ends_the_quiet() -> None:
    """The minute begins anew."""
    sizing = Sizing()
    assert sizing.wanted(_executors(IDLE, IDLE), ALLOWED, 0) == 2
    assert sizing.wanted(_executors(BUSY, IDLE), ALLOWED, 30) == 2
    assert sizing.wanted(_executors(IDLE, IDLE), ALLOWED, QUIET_SECONDS) == 2


def test_too_few_are_filled_up() -> None:
    """A node that joined, or a lost executor, is made up for."""
    assert Sizing().wanted(_executors(IDLE), SizeRange(3, 6), 0) == 3
    assert Sizing().wanted([], ALLOWED, 0) == 1
