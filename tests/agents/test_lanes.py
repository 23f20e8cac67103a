"""Short scripts do not wait for long ones, and organizations take turns."""

import asyncio
import threading
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

import agents.sandbox
from agents import lanes
from agents.errors import AgentError
from agents.sandbox import Sandbox, SandboxLimits

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
        assert await sandbox.evaluate("n + 1", {"n": number}, whose=TWO) == number + 1
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
    """While its parts are counted, which takes seconds, everything else in the process goes on."""
    bomb = "d = {}\nfor i in range(50):\n    d = {'a': d, 'b': d}\nreturn d"
    threads: list[str] = []
    convert = agents.sandbox.to_json

    def noting(value: object, *most_bytes: int) -> object:
        threads.append(threading.current_thread().name)
        return convert(value, *most_bytes)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(AgentError, match="33554432 bytes"):
        patch.setattr(agents.sandbox, "to_json", noting)
        await sandbox.run(bomb, {})
    assert threads[0] == threading.main_thread().name
    assert threads[1] != threading.main_thread().name


@pytest.mark.requirement("NFR-4.5")
async def test_an_organization_holds_up_its_own_conditions_no_longer_than_a_moment(
    sandbox: Sandbox, endless: list[asyncio.Task[object]]
) -> None:
    """Its own short ones come through as well, once the others have left the quick lane."""
    assert await sandbox.evaluate("1 + 1", {}, whose=ONE) == 2
    assert not any(task.done() for task in endless)
