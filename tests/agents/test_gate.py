"""The gate that executions take by turns."""

import asyncio
from uuid import UUID

import pytest

from agents.gate import FairGate
from tests.eventually import eventually

LARGE, SMALL = UUID(int=1), UUID(int=2)


class Crowd:
    """Members of executions that go through a gate and stay until they are let go."""

    def __init__(self, gate: FairGate) -> None:
        self.gate = gate
        self.entered: list[str] = []
        self.doors: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, execution_id: UUID, *names: str, most: int = 100) -> None:
        """Let them come in this order; returns when they stand at the gate or behind it."""
        for name in names:
            self.doors[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._stay(execution_id, name, most))
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def go(self, *names: str) -> None:
        """Let members leave."""
        for name in names:
            self.doors[name].set()
            await self.tasks[name]
            await asyncio.sleep(0)

    async def _stay(self, execution_id: UUID, name: str, most: int) -> None:
        async with self.gate.turn(execution_id, most):
            self.entered.append(name)
            await self.doors[name].wait()


@pytest.mark.requirement("USER.10")
async def test_executions_go_in_by_turns() -> None:
    """One that comes with many is passed by one that comes later with few."""
    crowd = Crowd(FairGate(1))
    await crowd.come(LARGE, "a1", "a2", "a3", "a4")
    await crowd.come(SMALL, "b1", "b2")
    await crowd.go("a1")
    for _ in range(5):
        await crowd.go(crowd.entered[-1])
    assert crowd.entered == ["a1", "a2", "b1", "a3", "b2", "a4"]


async def test_an_execution_has_a_bound_of_its_own() -> None:
    """Free places stay free for others when it has as many inside as it may."""
    crowd = Crowd(FairGate(3))
    await crowd.come(LARGE, "a1", "a2", "a3", most=2)
    assert crowd.entered == ["a1", "a2"]
    await crowd.come(SMALL, "b1")
    assert crowd.entered == ["a1", "a2", "b1"]
    await crowd.go("a2")
    assert crowd.entered[-1] == "a3"


async def test_who_is_cancelled_takes_no_place_along() -> None:
    """Waiting or just let in, it leaves its place to the next."""
    crowd = Crowd(FairGate(1))
    await crowd.come(LARGE, "a1", "a2", "a3")
    crowd.tasks["a2"].cancel()
    crowd.doors["a1"].set()
    await crowd.tasks["a1"]
    # It is let in and cancelled in the same moment.
    crowd.tasks["a3"].cancel()
    await asyncio.wait(list(crowd.tasks.values()))
    await crowd.come(SMALL, "b1")
    await eventually(lambda: "b1" in crowd.entered)
    await crowd.go("b1")
    assert crowd.gate._lines == {}


@pytest.mark.requirement("USER.10")
async def test_last_of_one_lets_the_first_of_another_in() -> None:
    """One that leaves nothing behind is forgotten, and whoever comes after it goes in."""
    crowd = Crowd(FairGate(1))
    await crowd.come(LARGE, "a")
    await crowd.come(SMALL, "b")
    await crowd.go("a")
    assert crowd.entered == ["a", "b"]
    await crowd.go("b")
