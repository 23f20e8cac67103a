"""Programs that mean harm end within their limits, and their neighbours do not notice."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from agents.errors import AgentError
from agents.sandbox import Sandbox, SandboxLimits

PROGRAMS: list[dict[str, Any]] = YAML(typ="safe").load(
    Path(__file__).with_name("hostile_programs.yaml")
)
LIMITS = SandboxLimits(seconds=0.5, memory_bytes=32 * 1024 * 1024, processes=2)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """An open sandbox of two workers."""
    async with Sandbox(LIMITS) as opened:
        yield opened


async def meet(sandbox: Sandbox, program: dict[str, Any]) -> str:
    """Run a program, and say what is not as expected of it; empty when all is."""
    try:
        value = await sandbox.run(program["script"], {})
    except AgentError as error:
        if error.retryable:
            return f"{program['name']}: may be tried again: {error}"
        if re.search(program.get("ends", "^nothing$"), str(error)):
            return ""
        return f"{program['name']}: {error}"
    if "value" in program and value == program["value"]:
        return ""
    return f"{program['name']}: gave {str(value)[:200]}"


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program["name"])
async def test_hostile_program_ends_within_its_limits(
    sandbox: Sandbox, program: dict[str, Any]
) -> None:
    """It is refused or ended for good, with its reason, and the pool works on."""
    assert await meet(sandbox, program) == ""
    assert await sandbox.evaluate("abs(-2)", {}) == 2


@pytest.mark.requirement("NFR-4.5")
async def test_neighbours_of_hostile_programs_all_end_rightly(sandbox: Sandbox) -> None:
    """A steady neighbour has the right answer each time while all hostile programs run."""
    answers: list[int] = []
    all_met = asyncio.Event()

    async def neighbour() -> None:
        while not all_met.is_set():
            number = len(answers)
            answers.append(await sandbox.run("return sum(range(n))", {"n": number}))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(neighbour())
        found = [await meet(sandbox, program) for program in PROGRAMS]
        all_met.set()
    assert [text for text in found if text] == []
    assert len(answers) >= len(PROGRAMS)
    assert answers == [n * (n - 1) // 2 for n in range(len(answers))]
