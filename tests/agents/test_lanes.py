"""Short scripts do not wait for long ones, and organizations take turns."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

import pytest

from agents import conduct, lanes
from agents.errors import AgentError
from agents.sandbox import Sandbox, SandboxLimits
from agents.script_values import to_json
from tests.eventually import eventually

ENDLESS = "while True:\n    pass"
LONG = "n = 0\nwhile n < 2_000_000:\n    n += 1\nreturn n"
"""Takes some times what the quick lane allows."""
ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """An open sandbox of an executor's size, whose quick lane is quick on any machine."""
    monkeypatch.setattr(lanes, "QUICK_SECONDS", 0.05)
    async with Sandbox(SandboxLimits(seconds=20.0)) as opened:
        yield opened


@pytest.fixture
async def endless(sandbox: Sandbox) -> AsyncIterator[list[asyncio.Task[object]]]:
    """More programs without end of one organization than there are workers."""
    tasks = [asyncio.create_task(sandbox.run(ENDLESS, {}, whose=ONE)) for _ in range(8)]
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_long_script_gives_its_value(sandbox: Sandbox) -> None:
    """It is begun again in the slow lane, and nobody sees that."""
    assert await sandbox.run(LONG, {}) == 2_000_000


async def test_what_fails_is_not_begun_again(sandbox: Sandbox) -> None:
    """Only what took too long is; an error is told at once."""
    with pytest.raises(AgentError, match="ZeroDivisionError"):
        await sandbox.run("return 1 / 0", {})


@pytest.mark.requirement("NFR-4.5")
async def test_endless_programs_hold_up_nobody_elses_condition(
    sandbox: Sandbox, endless: list[asyncio.Task[object]]
) -> None:
    """Another organization's conditions are answered while they all still run."""
    for number in range(20):
        assert await sandbox.evaluate("abs(n) + 1", {"n": number}, whose=TWO) == number + 1
    assert not any(task.done() for task in endless)


@pytest.mark.requirement("NFR-4.5")
async def test_endless_programs_hold_up_nobody_elses_long_script(
    sandbox: Sandbox, endless: list[asyncio.Task[object]]
) -> None:
    """One place of the slow lane is not theirs, however many they are."""
    assert await sandbox.run(LONG, {}, whose=TWO) == 2_000_000
    assert not any(task.done() for task in endless)


@pytest.mark.requirement("NFR-4.5")
async def test_a_giant_result_is_not_converted_on_the_event_loop(sandbox: Sandbox) -> None:
    """While its parts are counted everything else in the process goes on."""
    bomb = "return ['a' * 10**5] * 1000"
    threads: list[str] = []

    def noting(value: object, *most_bytes: int, **options: bool) -> object:
        threads.append(threading.current_thread().name)
        return to_json(value, *most_bytes, **options)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(AgentError, match="33554432 bytes"):
        patch.setattr("agents.sandbox.to_json", noting)
        await sandbox.run(bomb, {})
    assert threads[0] == threading.main_thread().name
    assert threads[1] != threading.main_thread().name


@pytest.mark.requirement("NFR-4.5")
async def test_an_organization_holds_up_its_own_conditions_no_longer_than_a_moment(
    sandbox: Sandbox, endless: list[asyncio.Task[object]]
) -> None:
    """Its own short ones come through as well, once the others have left the quick lane."""
    assert await sandbox.evaluate("abs(-2)", {}, whose=ONE) == 2
    assert not any(task.done() for task in endless)


@pytest.fixture
def ran(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, UUID]]:
    """In which lanes whose scripts are run from now on."""
    found: list[tuple[str, UUID]] = []
    run = lanes._Lane.run

    async def noting(self: lanes._Lane, script: lanes.Script) -> object:
        names = {value: name for name, value in vars(sandbox._lanes).items() if value is self}
        found.append((names[self].strip("_"), script.whose))
        return await run(self, script)

    monkeypatch.setattr(lanes._Lane, "run", noting)
    return found


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("script", [LONG, "import json\nreturn json.loads('[' + '[],' * 10**7)"])
async def test_who_passed_bounds_is_tried_apart(
    sandbox: Sandbox, ran: list[tuple[str, UUID]], script: str
) -> None:
    """Time or memory: its next scripts leave the quick places to others, until it is forgiven."""
    with suppress(AgentError):
        await sandbox.run(script, {}, whose=ONE)
    ran.clear()
    for whose in (ONE, TWO):
        assert await sandbox.run("return 6 * 7", {}, whose=whose) == 42
    assert ran == [("apart", ONE), ("quick", TWO)]
    ran.clear()
    with pytest.MonkeyPatch.context() as later:
        later.setattr(conduct, "REMEMBERED_SECONDS", 0.0)
        assert await sandbox.run("return 6 * 7", {}, whose=ONE) == 42
    assert ran == [("quick", ONE)]


async def test_an_ordinary_error_sets_nobody_apart(
    sandbox: Sandbox, ran: list[tuple[str, UUID]]
) -> None:
    """A script that fails at once has held up nobody."""
    for _ in range(2):
        with pytest.raises(AgentError, match="ZeroDivisionError"):
            await sandbox.run("return 1 / 0", {}, whose=ONE)
    assert ran == [("quick", ONE)] * 2


@pytest.mark.requirement("NFR-4.5")
async def test_who_waited_for_a_quick_place_leaves_it_to_others(
    sandbox: Sandbox, ran: list[tuple[str, UUID]], endless: list[asyncio.Task[object]]
) -> None:
    """Of many that come at once those are apart that had no place yet when one was too long."""
    await eventually(lambda: ran.count(("slow", ONE)) == 2)
    assert ran.count(("quick", ONE)) == 2
    assert not any(task.done() for task in endless)
