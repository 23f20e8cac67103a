"""The executors of a platform as Ray actors: starting them, finding them, letting them go."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import Any

import ray
import structlog
from ray.actor import ActorHandle

from actors.config import ExecutorConfig, SupervisorConfig
from actors.executor import RemoteExecutionActor
from actors.names import MANY_NAMES, NAMESPACE
from actors.sizing import SizeRange, Sizing
from store.queue import Executor

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
"""How often the size is looked at."""
RAY_SECONDS = 5.0
"""How long Ray may take to say what the cluster has."""
STOP_SECONDS = 12.0
"""How long an executor may take to stop, beside its drain."""


class ExecutorPool:
    """The shared executors: as many as the cluster's cores and the load want.

    What there is of it stands in Ray and in Postgres, so one that starts anew finds it.
    """

    def __init__(self, config: SupervisorConfig) -> None:
        self._config = config
        self._sizing = Sizing()
        self._looked_at = float("-inf")
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self.actors: dict[str, ActorHandle[Any]] = {}
        """By slot."""
        self.cores = 1.0
        """Of the cluster."""

    async def start(self) -> None:
        """Start as many as there are at least; return when they answer."""
        self._looked_at = time.monotonic()
        for number in range((await self._range()).least):
            self._add(f"executor-{number}")
        await asyncio.gather(*(actor.ready.remote() for actor in self.actors.values()))

    async def tend(self, alive: Sequence[Executor]) -> None:
        """Start what has died, and every few seconds one more or one less, as the load wants.

        Args:
            alive: The executors that hold a lease.
        """
        shared = [one for one in alive if one.takes_executions]
        for one in shared:
            if one.slot not in self.actors and one.slot not in self._leaving:
                # It was started by an earlier process of the supervisor.
                self._add(one.slot)
        for slot in self.actors.keys() - {one.slot for one in alive}:
            # A process that Ray has started again starts its parts when it is first called.
            self.actors[slot].ready.options(name=f"ready {slot}").remote()
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        wanted = self._sizing.wanted(shared, await self._range(), self._looked_at)
        if len(self.actors) < wanted:
            slot = next(
                f"executor-{n}" for n in itertools.count() if f"executor-{n}" not in self.actors
            )
            log.info("executor.added", slot=slot, wanted=wanted)
            self._add(slot)
        elif len(shared) == len(self.actors) > wanted:
            slot = max(self.actors, key=lambda slot: int(slot.rpartition("-")[2]))
            log.info("executor.let_go", slot=slot, wanted=wanted)
            leaving = asyncio.create_task(self._let_go(self.actors.pop(slot)))
            self._leaving[slot] = leaving
            leaving.add_done_callback(lambda _: self._leaving.pop(slot))

    async def stop(self) -> None:
        """Stop all in good order."""
        leaving = [self._let_go(actor) for actor in self.actors.values()]
        await asyncio.gather(*leaving, *self._leaving.values())

    def _add(self, slot: str) -> None:
        self.actors[slot] = start_executor(slot, self._config.executor)

    async def _let_go(self, actor: ActorHandle[Any]) -> None:
        await stop_actor(actor, self._config.executor.drain_seconds)

    async def _range(self) -> SizeRange:
        try:
            async with asyncio.timeout(RAY_SECONDS):
                found = await asyncio.to_thread(ray.cluster_resources)
            self.cores = float(found.get("CPU", 1))
        except TimeoutError:
            log.warning("pool.cluster_unknown", cores=self.cores)
        return SizeRange.of(self.cores, self._config.executors, self._config.executors_most)


async def stop_actor(actor: ActorHandle[Any], drain_seconds: float) -> None:
    """Stop an executor in good order; end its process in any case."""
    try:
        async with asyncio.timeout(drain_seconds + STOP_SECONDS):
            await actor.stop.options(name="stop").remote()
    except (ray.exceptions.RayError, TimeoutError) as error:
        log.warning("executor.stop_failed", error=repr(error))
    ray.kill(actor, no_restart=True)


def start_executor(slot: str, config: ExecutorConfig) -> ActorHandle[Any]:
    """Start the actor of a slot, or find the one that runs."""
    actor: ActorHandle[Any] = RemoteExecutionActor.options(
        name=slot,
        namespace=NAMESPACE,
        get_if_exists=True,
        num_cpus=0,
        runtime_env=MANY_NAMES,
        # One node's end is not all executors' end.
        scheduling_strategy="SPREAD",
        # Ray starts a dead process again; what it was doing is Postgres's to say, so no retries.
        max_restarts=-1,
        max_task_retries=0,
        # Each may have a call of its own, and calls to pause or cancel must get through.
        max_concurrency=config.bounds.executor_capacity + 10_000,
    ).remote(slot, config)
    return actor
