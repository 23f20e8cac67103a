"""The chain of models: who is asked, how long each may take, and why it was left.

One deadline holds for all of them together. What a model's library takes is imported only when a
model is asked.
"""

import asyncio
import importlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol, TypeVar, cast

from agents.errors import AgentError
from agents.models import OFFLINE, Choice, Models
from agents.planner_output import Answered
from agents.planner_reading import A, Attempt, Job, Left, Reading, T, Used, timed

REST_SECONDS = 0.1
"""What is kept of the deadline for whatever comes after the models."""
SHARE = 2 / 3
"""Which part of the time that is left a model has when others come after it."""
LEAST_SECONDS = 0.2
"""With less time than this a model is not asked."""
REPAIRS = 2
"""How often a model may mend its answer."""


@dataclass(frozen=True, slots=True)
class PlannerSettings:
    """Which models read texts, and within which bounds."""

    models: tuple[str, ...] | None = None
    """The chain, by name; `offline` ends it; None: the default models of what is configured."""
    seconds: float = 5.0
    """Bound of one reading, all models and the offline parser together."""
    max_tokens: int = 120_000
    """Bound of what one reading may send and receive."""
    max_cost_usd: float = 0.25
    """Bound of what one reading may cost, as far as prices are known."""


T_co = TypeVar("T_co", covariant=True)


class _Talk(Protocol[T_co]):
    @property
    def used(self) -> Used: ...

    async def lead(self, repairs: int, max_tokens: int, max_cost_usd: float) -> T_co: ...


class Chain:
    """The models of one process that read texts."""

    def __init__(self, models: Models, settings: PlannerSettings) -> None:
        self._models = models
        self._settings = settings

    @property
    def names(self) -> tuple[str, ...]:
        """The models that are asked, one after the other; none: only the offline parser reads."""
        names = self._settings.models
        if names is None:
            return self._models.default_chain()
        return names[: names.index(OFFLINE)] if OFFLINE in names else names

    async def load(self, *answers: type[Answered]) -> None:
        """Import what asking takes, and prepare for such answers."""
        talking = await _talking()
        for answer in answers:
            talking.agent_for(answer)
        for name in self.names:
            try:
                await self._models.model(self._models.choose(name))
            except AgentError:
                # It is told with the first reading, as why the model was left.
                continue

    async def ask(
        self, job: Job[A, T], begun: float, only: str | None = None
    ) -> tuple[T | None, Reading]:
        """Ask one model after the other until one gives what can be used.

        Args:
            job: What is asked.
            begun: When the reading began, by `time.perf_counter`.
            only: The one model to ask instead of the chain.

        Returns:
            What an answer became, None when no model gave one, and what was asked of whom.
        """
        deadline = begun + self._settings.seconds - REST_SECONDS
        names = self.names if only is None else (only,)
        attempts: list[Attempt] = []
        for after, name in zip(range(len(names) - 1, -1, -1), names, strict=True):
            left_seconds = deadline - time.perf_counter()
            until = time.perf_counter() + left_seconds * (SHARE if after else 1)
            made = await self._ask_one(name, job, until, attempts, patient=not after)
            if made is not None:
                reading = Reading(attempts[-1].model, attempts=tuple(attempts))
                return made, timed(reading, begun)
        return None, timed(Reading(attempts=tuple(attempts)), begun)

    async def _ask_one(
        self, name: str, job: Job[A, T], until: float, attempts: list[Attempt], *, patient: bool
    ) -> T | None:
        """Ask one model; a patient caller asks again if it says when, and that is soon."""
        try:
            choice = self._models.choose(name)
        except AgentError as error:
            attempts.append(Attempt(name, "denied", str(error)))
            return None
        try:
            return await self._converse(choice, job, until, attempts)
        except Left as left:
            wait_seconds = left.retry_after_seconds
        if not patient or wait_seconds is None:
            return None
        if wait_seconds > (until - time.perf_counter()) / 2:
            return None
        await asyncio.sleep(wait_seconds)
        try:
            return await self._converse(choice, job, until, attempts)
        except Left:
            return None

    async def _converse(
        self, choice: Choice, job: Job[A, T], until: float, attempts: list[Attempt]
    ) -> T:
        """Lead one conversation and note what came of it.

        Raises:
            Left: It gave nothing.
        """
        begun = time.perf_counter()
        talk: _Talk[T] | None = None
        left: Left | None = None
        try:
            if until - begun < LEAST_SECONDS:
                raise Left("late", "no time was left for it")
            async with asyncio.timeout(until - begun):
                talk = await self._talk(choice, job)
                return await talk.lead(REPAIRS, *self._bounds(attempts))
        except Left as error:
            left = error
            raise
        except TimeoutError:
            left = Left("late", f"gave no answer within {until - begun:.1f} s")
            raise left from None
        except AgentError as error:
            left = Left("denied", str(error))
            raise left from error
        finally:
            attempts.append(
                Attempt(
                    choice.model,
                    left.outcome if left else "answered",
                    left.reason if left else "",
                    talk.used if talk else Used(),
                    (time.perf_counter() - begun) * 1000,
                )
            )

    async def _talk(self, choice: Choice, job: Job[A, T]) -> _Talk[T]:
        talking = await _talking()
        return cast("_Talk[T]", talking.Talk(await self._models.model(choice), job))

    def _bounds(self, attempts: Sequence[Attempt]) -> tuple[int, float]:
        """Return how many tokens and dollars are left for the next model."""
        tokens = sum(one.used.tokens for one in attempts)
        cost_usd = sum(one.used.cost_usd for one in attempts)
        settings = self._settings
        return max(0, settings.max_tokens - tokens), max(0.0, settings.max_cost_usd - cost_usd)


async def _talking() -> ModuleType:
    """Return the module that leads conversations; importing it takes seconds."""
    return await asyncio.to_thread(importlib.import_module, "agents.planner_model")
