"""Lanes of script workers, so that a short script never waits until a long one has ended.

A script has no effect but its value, so it can be begun again: each is tried for a moment in the
quick lane, and what needs longer starts anew in the slow one. Whose scripts passed a bound of late
are tried apart, where they hold up only others of the kind. Organizations take turns everywhere.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from pydantic_monty import AsyncMonty, CollectString, MontyCrashedError, MontyError, ResourceLimits

from agents.conduct import Conduct
from agents.errors import AgentError
from agents.gate import FairGate

QUICK_SECONDS = 0.05
"""How long a script may take that is done with at once."""
WAIT_SECONDS = 60.0
"""How long a script waits for its turn."""
_KILL_SECONDS = {"quick": 0.2, "apart": 0.2, "slow": 5.0}
"""How long after its time a worker is ended that does not end by itself."""
_MAX_PRINTED_BYTES = 100_000
_MAX_RECURSION = 200


@dataclass(frozen=True, slots=True)
class Script:
    """What is to be run, and for whom."""

    code: str
    inputs: dict[str, Any]
    seconds: float
    memory_bytes: int
    whose: UUID


class Lanes:
    """The workers: `async with Lanes(program, processes, seconds)`.

    Args:
        program: What a worker runs; None: the interpreter without walls.
        processes: How many scripts of one organization run at once in a lane.
        seconds: The most that a script may take.
    """

    def __init__(self, program: Path | str | None, processes: int, seconds: float) -> None:
        moment = min(seconds, QUICK_SECONDS)
        # One place is for the others, however many scripts an organization has.
        self._quick = _Lane(program, processes + 1, processes, moment, "quick")
        self._apart = _Lane(program, 2, 1, moment, "apart")
        self._slow = _Lane(program, processes + 1, processes, seconds, "slow")
        self._conduct = Conduct()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for lane in (self._quick, self._apart, self._slow):
            await self._stack.enter_async_context(lane)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    async def run(self, script: Script) -> Any:
        """Return a script's value.

        Raises:
            MontyError: It fails or passes a limit.
            AgentError: No worker was free for long; retryable.
        """
        try:
            value = await self._tried(script)
        except MontyError as error:
            late = _took_too_long(error)
            if late or _ended_its_worker(error):
                self._conduct.offended(script.whose)
            if script.seconds <= self._quick.seconds or not late:
                raise
        else:
            self._conduct.kept(script.whose)
            return value
        async with self._slow.turn(script.whose):
            return await self._slow.run(script)

    async def _tried(self, script: Script) -> Any:
        if not self._conduct.is_apart(script.whose):
            async with self._quick.turn(script.whose):
                # Others of the same may have passed a bound while this one waited.
                if not self._conduct.is_apart(script.whose):
                    return await self._quick.run(script)
        async with self._apart.turn(script.whose):
            return await self._apart.run(script)


class _Lane:
    """Some workers, which organizations take by turns."""

    def __init__(
        self, program: Path | str | None, places: int, most: int, seconds: float, name: str
    ) -> None:
        self.seconds = seconds
        self._gate = FairGate(places)
        self._most = most
        self._pool = AsyncMonty(
            binary_path=program,
            min_processes=places if name == "quick" else 0,
            max_processes=places,
            checkout_timeout=WAIT_SECONDS,
            request_timeout=seconds + _KILL_SECONDS[name],
            max_checkouts_per_worker=1000,
        )

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(self, *exception: Any) -> None:
        await self._pool.__aexit__(*exception)

    async def run(self, script: Script) -> Any:
        """Return a script's value, within this lane's bound of time; a place is held."""
        limits: ResourceLimits = {
            "max_feed_duration_secs": min(script.seconds, self.seconds),
            "max_memory": script.memory_bytes,
            "max_recursion_depth": _MAX_RECURSION,
            "max_suspensions": 100,
        }
        printed = CollectString(_MAX_PRINTED_BYTES)
        async with self._pool.checkout(
            script_name="script.py", limits=limits, os_policy={"sleep": "zero"}
        ) as session:
            return await session.feed_run(script.code, inputs=script.inputs, print_callback=printed)

    @asynccontextmanager
    async def turn(self, whose: UUID) -> AsyncIterator[None]:
        """Hold a place for a script of an organization.

        Raises:
            AgentError: None was free for long; retryable.
        """
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await stack.enter_async_context(self._gate.turn(whose, self._most))
            except TimeoutError as error:
                raise AgentError("All script workers are busy.", retryable=True) from error
            yield


def _took_too_long(error: MontyError) -> bool:
    if isinstance(error, MontyCrashedError):
        return error.timed_out
    return "time limit" in str(error)


def _ended_its_worker(error: MontyError) -> bool:
    return isinstance(error, MontyCrashedError) or "was terminated" in str(error)
