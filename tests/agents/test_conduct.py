"""Who passes bounds is remembered for a while, and honest work makes up for it."""

from uuid import UUID

import pytest

from agents import conduct
from agents.conduct import MADE_UP_BY, Conduct

ONE, TWO = UUID(int=1), UUID(int=2)


def test_who_offends_first_of_all_is_apart() -> None:
    """Nothing speaks for it; nobody else is."""
    noted = Conduct()
    assert not noted.is_apart(ONE)
    noted.offended(ONE)
    assert noted.is_apart(ONE)
    assert not noted.is_apart(TWO)


def test_honest_work_makes_up_for_one_long_script() -> None:
    """A machine that is busy for a moment sets nobody apart whose scripts are short."""
    noted = Conduct()
    for _ in range(100 * MADE_UP_BY):
        noted.kept(ONE)
    noted.offended(ONE)
    assert not noted.is_apart(ONE)
    noted.offended(ONE)
    assert noted.is_apart(ONE)


def test_who_is_apart_comes_back_by_short_scripts() -> None:
    """However often it offended, a few dozen are enough, and fewer are not."""
    noted = Conduct()
    for _ in range(100):
        noted.offended(ONE)
    for _ in range(2 * MADE_UP_BY):
        noted.kept(ONE)
    assert noted.is_apart(ONE)
    for _ in range(4 * MADE_UP_BY):
        noted.kept(ONE)
    assert not noted.is_apart(ONE)


def test_offences_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while they count no more, neither do they add to the next one."""
    noted = Conduct()
    for _ in range(5):
        noted.offended(ONE)
    with monkeypatch.context() as later:
        later.setattr(conduct, "REMEMBERED_SECONDS", 0.0)
        assert not noted.is_apart(ONE)
        noted.offended(ONE)
    assert noted.is_apart(ONE)
    for _ in range(MADE_UP_BY + 1):
        noted.kept(ONE)
    assert not noted.is_apart(ONE)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many organizations the latest are known."""
    monkeypatch.setattr(conduct, "_MOST_REMEMBERED", 3)
    noted = Conduct()
    for number in range(5):
        noted.offended(UUID(int=number))
    assert [noted.is_apart(UUID(int=number)) for number in range(5)] == [False] * 2 + [True] * 3
