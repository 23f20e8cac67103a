"""Handing executions to executors: choosing one, telling it, and asking it to stop."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import ray
import structlog
from ray.actor import ActorHandle

from actors.handed import Handed, dump_handed
from actors.names import NAMESPACE, batch_name, execution_name
from actors.trial import Trial, dump_trial
from store.json_values import loads
from store.postgres import Pool
from store.queue import Executor, living_executors
from store.writing import Woken

log = structlog.get_logger(__name__)

KNOWN_SECONDS = 1.0
"""How long the list of executors is taken as true."""
PAUSE_SECONDS = 0.5
"""How long a call to pause waits for what runs to end."""
TRIAL_SECONDS = 30.0
"""How long an attempt outside of executions may take beside its own bound."""
CANCEL_SECONDS = 1.0
"""How long an executor may take to confirm that nothing more will start."""


class Handover:
    """Knows the executors that hold a lease.

    The row is the queue: when telling an executor fails, the supervisor finds the execution.

    Args:
        pool: A pool of role weft_api.
        lease_seconds: How long a lease holds.
        capacity: How many executions an executor runs at most.
    """

    def __init__(self, pool: Pool, lease_seconds: float, capacity: int) -> None:
        self._pool = pool
        self._lease_seconds = lease_seconds
        self._capacity = capacity
        self._known: list[Executor] = []
        self._known_at = float("-inf")
        self._given: Counter[UUID] = Counter()
        """What each was given since the list was read."""
        self._lock = asyncio.Lock()
        self._actors: dict[UUID, ActorHandle[Any]] = {}

    async def executors(self) -> list[Executor]:
        """Return the executors that may be given executions, as of a second ago at most."""
        return [executor for executor in await self._living() if executor.takes_executions]

    async def _living(self) -> list[Executor]:
        async with self._lock:
            if time.monotonic() - self._known_at > KNOWN_SECONDS:
                self._known = await living_executors(self._pool, self._lease_seconds)
                self._known_at = time.monotonic()
                self._given.clear()
        return self._known

    async def choose(self, count: int = 1) -> list[UUID | None]:
        """Return executors for so many executions; None when all are full, or none lives.

        Of two at random the one with less to do is taken: nobody's stale figure draws everything.
        """
        known = await self.executors()
        return [self._less_loaded(known) for _ in range(count)]

    def _less_loaded(self, known: Sequence[Executor]) -> UUID | None:
        def load(executor: Executor) -> tuple[int, float]:
            return executor.running + self._given[executor.id], executor.lag_ms

        drawn = random.sample(known, min(2, len(known)))
        chosen = min(drawn, key=load, default=None)
        if chosen is None or load(chosen)[0] >= self._capacity:
            chosen = next((one for one in known if load(one)[0] < self._capacity), None)
        if chosen is None:
            return None
        self._given[chosen.id] += 1
        return chosen.id

    async def start(self, owner_id: UUID, executions: Sequence[Handed]) -> None:
        """Hand an executor what was just started for it."""
        actor = await self._actor(owner_id)
        if actor is not None:
            first = executions[0]
            name = execution_name(first.workflow_name, first.execution_id)
            if len(executions) > 1:
                name += f" and {len(executions) - 1} more"
            actor.start.options(name=name).remote(dump_handed(executions))

    async def give(self, execution_id: UUID, owner_id: UUID | None, workflow_name: str) -> None:
        """Tell an executor to drive an execution that its row already gives to it."""
        actor = await self._actor(owner_id)
        if actor is not None:
            name = execution_name(workflow_name, execution_id)
            actor.host.options(name=name).remote([str(execution_id)])

    async def give_all(self, woken: Sequence[Woken]) -> None:
        """Tell executors, each in one call, to drive what was woken for them."""
        for owner_id in {execution.owner_id for execution in woken}:
            ids = [e.execution_id for e in woken if e.owner_id == owner_id]
            if actor := await self._actor(owner_id):
                actor.host.options(name=batch_name("wake", ids)).remote(list(map(str, ids)))

    async def try_agent(self, trial: Trial) -> dict[str, Any] | None:
        """Let an executor make one attempt with an agent; None: none lives, or it ended."""
        [chosen] = await self.choose()
        actor = await self._actor(chosen)
        if actor is None:
            return None
        answer: ray.ObjectRef[bytes] = actor.try_agent.options(name=f"test {trial.agent}").remote(
            dump_trial(trial)
        )
        try:
            async with asyncio.timeout(trial.timeout_seconds + TRIAL_SECONDS):
                found = await asyncio.wrap_future(answer.future())
        except (TimeoutError, ray.exceptions.RayError) as error:
            log.warning("trial.no_answer", agent=trial.agent, error=repr(error))
            return None
        told: dict[str, Any] = loads(found)
        return told

    async def pause(self, execution_id: UUID, owner_id: UUID) -> None:
        """Tell the owner of an execution that it was paused, and wait a moment for it to park."""
        actor = await self._actor(owner_id)
        if actor is None:
            return
        answer: ray.ObjectRef[None] = actor.pause.options(
            name=f"pause exec_{execution_id.hex}"
        ).remote(str(execution_id), PAUSE_SECONDS)
        try:
            await asyncio.wait_for(asyncio.wrap_future(answer.future()), 2 * PAUSE_SECONDS)
        except (TimeoutError, ray.exceptions.RayError) as error:
            # Whoever drives it next reads that it is paused.
            log.warning("pause.not_confirmed", execution=str(execution_id), error=repr(error))

    async def cancel(self, execution_id: UUID, owner_id: UUID | None, reason: str) -> bool:
        """Ask the owner to stop an execution.

        Returns:
            Whether it confirmed that nothing more will start; False after a second without answer.
        """
        actor = await self._actor(owner_id)
        if actor is None:
            return False
        answer: ray.ObjectRef[bool] = actor.cancel.options(
            name=f"cancel exec_{execution_id.hex}"
        ).remote(str(execution_id), reason)
        try:
            return bool(
                await asyncio.wait_for(asyncio.wrap_future(answer.future()), CANCEL_SECONDS)
            )
        except (TimeoutError, ray.exceptions.RayError) as error:
            log.warning("cancel.not_confirmed", execution=str(execution_id), error=repr(error))
            return False

    async def _actor(self, owner_id: UUID | None) -> ActorHandle[Any] | None:
        if not ray.is_initialized():
            # Asking for an actor would start a Ray of this process's own.
            return None
        for executor in await self._living():
            if executor.id == owner_id:
                if executor.id not in self._actors:
                    try:
                        found = ray.get_actor(executor.slot, namespace=NAMESPACE)
                    except ValueError:
                        return None
                    # Asking Ray is a call to another process; an executor's id is its process's.
                    living = {known.id for known in self._known}
                    self._actors = {id: actor for id, actor in self._actors.items() if id in living}
                    self._actors[executor.id] = found
                return self._actors[executor.id]
        return None
