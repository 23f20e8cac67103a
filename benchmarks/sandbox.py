"""How long an organization's short script takes while others' programs wear the sandbox out.

A neighbour asks for a short script fifty times a second, whatever became of the one before, and
each is timed from when it was due. Beside it run the programs of `tests/agents`, again and again:
each by itself for a while, and programs without end of one and of four organizations, more at once
than there are workers, until the last has had its ten seconds. Workers as in an executor.

    python -m benchmarks.sandbox
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from ruamel.yaml import YAML

from agents.errors import AgentError
from agents.sandbox import Sandbox, SandboxLimits
from benchmarks.figures import spread, write

PROGRAMS = Path(__file__).parents[1] / "tests" / "agents" / "hostile_programs.yaml"
ENDLESS = "while True:\n    pass"
SCRIPT = "return sum(x * x for x in range(n))"
EVERY_SECONDS = 0.02
ALONE_SECONDS = 3.0
EACH_SECONDS = 1.0
AT_ONCE = 3
"""Programs of one organization at once: one more than there are workers."""
NEIGHBOUR = UUID(int=0)


def main() -> None:
    """Measure, print and write the figures."""
    figures = asyncio.run(_measured())
    for name, value in figures.items():
        print(f"{name}: {value}")
    claim = "a neighbour's script waits for its turn, not for the end of others' programs"
    print(write("sandbox", claim, figures, packages=("pydantic-monty",)))


async def _measured() -> dict[str, Any]:
    programs = YAML(typ="safe").load(PROGRAMS.read_text(encoding="utf-8"))
    limits = SandboxLimits()
    figures: dict[str, Any] = {"workers": limits.processes, "bound_seconds": limits.seconds}
    alone = await _alone(limits)
    every: list[float] = []
    worst = (0.0, "")
    for program in programs:
        # One that is cut off is done with only when its worker is: a sandbox for each.
        async with Sandbox(limits) as sandbox:
            took_ms = await _beside(sandbox, [program["script"]], 1, EACH_SECONDS)
        every += took_ms
        worst = max(worst, (max(took_ms), program["name"]))
    figures["beside_each_program"] = {**_told(every), "worst_beside": worst[1]}
    for organizations in (1, 4):
        alone += await _alone(limits)
        async with Sandbox(limits) as sandbox:
            scripts = [ENDLESS] * organizations
            took_ms = await _beside(sandbox, scripts, AT_ONCE, limits.seconds + 1)
        figures[f"beside_endless_programs_of_{organizations}"] = _told(took_ms)
    figures["alone"] = _told(alone + await _alone(limits))
    return figures


async def _alone(limits: SandboxLimits) -> list[float]:
    """Time the neighbour by itself; now and then, since what else the machine does reaches all."""
    async with Sandbox(limits) as sandbox:
        return await _neighbour(sandbox, ALONE_SECONDS)


def _told(took_ms: Sequence[float]) -> dict[str, float]:
    return {**spread(took_ms), "max_ms": round(max(took_ms), 3)}


async def _beside(
    sandbox: Sandbox, scripts: Sequence[str], at_once: int, seconds: float
) -> list[float]:
    """Time the neighbour beside scripts of as many organizations, each `at_once` at once."""

    async def again_and_again(script: str, whose: UUID) -> None:
        while True:
            with contextlib.suppress(AgentError):
                await sandbox.run(script, {}, whose=whose)

    async with asyncio.TaskGroup() as group:
        hostile = [
            group.create_task(again_and_again(script, UUID(int=number)))
            for number, script in enumerate(scripts, start=1)
            for _ in range(at_once)
        ]
        took_ms = await _neighbour(sandbox, seconds)
        for task in hostile:
            task.cancel()
    return took_ms


async def _neighbour(sandbox: Sandbox, seconds: float) -> list[float]:
    took_ms: list[float] = []

    async def once(due: float) -> None:
        # One that finds no worker free for a minute fails, and has taken that minute.
        with contextlib.suppress(AgentError):
            await sandbox.run(SCRIPT, {"n": 100}, whose=NEIGHBOUR)
        took_ms.append((time.perf_counter() - due) * 1000)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(round(seconds / EVERY_SECONDS)):
            due = begun + number * EVERY_SECONDS
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(once(due))
    return took_ms


if __name__ == "__main__":
    main()
