"""The Supervisor: one Ray actor that watches the executors and the clock.

It keeps the executors alive, gives the executions of dead ones to others, answers questions whose
time is up, ends waiting executions whose timeout has passed, delivers webhooks, and deletes ended
executions that were kept long enough. Everything it does it reads from Postgres, so two of them, or
one that starts over, do no harm.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import ray
import structlog
from ray.actor import ActorHandle

from actors.config import ExecutorConfig, SupervisorConfig
from actors.executor import RemoteExecutionActor
from actors.logs import configure_logs
from actors.metrics import (
    LEASES_LOST,
    RECOVERED_EXECUTIONS,
    count_ended,
    report,
    show_in_ray,
)
from actors.names import NAMESPACE, batch_name
from actors.retention import retain
from store.executions import (
    Woken,
    cancel_parked,
    decide_approval,
    end_due_waits,
    fail_parked,
)
from store.live import LiveView, open_live_view
from store.postgres import UNREACHABLE, Pool, open_pool
from store.statements import statement

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
TIMER_SECONDS = 0.2
"""How late a timer may be noticed."""
METRICS_KEPT_SECONDS = 3600.0
RETAIN_SECONDS = 60.0
WOKEN_AT_ONCE = 500
RECOVERED_AT_ONCE = 200
"""Executions given to new owners in one tick, so that recovery does not starve new starts."""
OWNER_LOSSES_LIMIT = 5
"""After so many deaths of its owner without any progress an execution is ended as poison."""
FAILURES_LIMIT = 30
"""After so many failures in a row a loop ends the process, which Ray starts again."""


class Supervisor:
    """Watches executors and the clock; `RemoteSupervisor` is it as a Ray actor."""

    def __init__(self, config: SupervisorConfig) -> None:
        configure_logs(config.executor.log_level)
        self._config = config
        self._stack = AsyncExitStack()
        self._actors: dict[str, ActorHandle[Any]] = {}
        self._alive: dict[UUID, str] = {}
        """The slots of the executors that hold a lease, by executor."""
        self._loops: list[asyncio.Task[None]] = []
        self._starting = asyncio.Lock()

    async def ready(self) -> int:
        """Start the executors and the loops; returns how many executors answer."""
        async with self._starting:
            if not self._loops:
                await self._start()
        return len(self._actors)

    async def _start(self) -> None:
        # What delivers webhooks takes seconds to import; whoever only names this class is spared.
        from actors.webhooks import WebhookSender  # noqa: PLC0415
        from agents.services import open_services  # noqa: PLC0415

        executor = self._config.executor
        pool = await self._stack.enter_async_context(
            open_pool(executor.database_url, "weft_engine", size=4)
        )
        live = await self._stack.enter_async_context(
            open_live_view(executor.redis_url, count_ended)
        )
        services = await self._stack.enter_async_context(open_services(executor.agents))
        for number in range(self._config.executors):
            self._actors[f"executor-{number}"] = start_executor(f"executor-{number}", executor)
        await asyncio.gather(*(actor.ready.remote() for actor in self._actors.values()))
        show_in_ray()
        LEASES_LOST.record(0)
        RECOVERED_EXECUTIONS.record(0)
        sender = WebhookSender(pool, live, services, self._config.webhook_key)
        self._loops = [
            asyncio.create_task(_forever("executors", lambda: self._watch(pool, live))),
            asyncio.create_task(_forever("clock", lambda: self._clock(pool, live))),
            asyncio.create_task(_forever("timers", lambda: self._timers(pool), TIMER_SECONDS)),
            asyncio.create_task(_forever("webhooks", sender.deliver_due)),
            asyncio.create_task(_forever("metrics", lambda: report(pool, "supervisor", _nothing))),
            asyncio.create_task(_forever("retention", lambda: self._retain(pool), RETAIN_SECONDS)),
        ]

    async def _watch(self, pool: Pool, live: LiveView) -> None:
        lease_seconds = self._config.executor.lease_seconds
        for row in await pool.fetch(statement("stop_stale_executors"), lease_seconds):
            LEASES_LOST.record()
            log.warning("executor.lease_ended", executor=str(row["id"]))
        alive = await pool.fetch(statement("list_executors"), lease_seconds)
        self._alive = {row["id"]: row["slot"] for row in alive}
        for slot in self._actors.keys() - {row["slot"] for row in alive}:
            # A process that Ray has started again starts its parts when it is first called.
            self._actors[slot].ready.options(name=f"ready {slot}").remote()
        if not alive:
            return
        taken = await pool.fetch(
            statement("take_over_executions"), [row["id"] for row in alive], RECOVERED_AT_ONCE
        )
        given: list[Woken] = []
        for row in taken:
            if row["owner_losses"] >= OWNER_LOSSES_LIMIT:
                message = f"Its executor died {row['owner_losses']} times while it ran."
                # What it runs at its end may be what kills its owners.
                await fail_parked(pool, live, row["tenant_id"], row["id"], message, at_once=True)
                continue
            if row["owner_losses"] > 0:
                RECOVERED_EXECUTIONS.record()
            given.append(Woken(row["id"], row["owner_id"]))
        self._give("recover", given)

    def _give(self, verb: str, woken: Sequence[Woken]) -> None:
        """Tell executors, each in one call, what is theirs now."""
        for owner_id, slot in self._alive.items():
            ids = [e.execution_id for e in woken if e.owner_id == owner_id]
            if ids and (actor := self._actors.get(slot)):
                actor.host.options(name=batch_name(verb, ids)).remote(list(map(str, ids)))

    async def _timers(self, pool: Pool) -> None:
        """Wake what is due, until nothing is."""
        while self._alive and (woken := await end_due_waits(pool, [*self._alive], WOKEN_AT_ONCE)):
            self._give("wake", woken)

    async def _clock(self, pool: Pool, live: LiveView) -> None:
        for row in await pool.fetch(statement("list_due_approvals"), 100):
            if row["on_timeout"] == "cancel":
                message = f"Nobody answered `{row['node_id']}` in time."
                await cancel_parked(pool, live, row["tenant_id"], row["execution_id"], message)
            else:
                await decide_approval(
                    pool, live, row["tenant_id"], row["execution_id"], row["id"],
                    decision=row["on_timeout"], value=None, comment="", decided_by="timeout",
                    owner_id=None,
                )  # fmt: skip
        for row in await pool.fetch(statement("list_overdue_executions"), 100):
            message = "The execution took longer than its timeout."
            await fail_parked(pool, live, row["tenant_id"], row["id"], message)

    async def _retain(self, pool: Pool) -> None:
        """Delete what was kept long enough."""
        await pool.execute(statement("delete_old_metrics"), METRICS_KEPT_SECONDS)
        await retain(pool, self._config.retention_days)

    async def stop(self) -> None:
        """Stop the loops, then the executors in good order."""
        for loop in self._loops:
            loop.cancel()
        stops = [_settled(actor.stop.remote()) for actor in self._actors.values()]
        try:
            async with asyncio.timeout(8):
                await asyncio.gather(*stops)
        except TimeoutError:
            log.warning("supervisor.executors_slow_to_stop")
        await self._stack.aclose()

    def __repr__(self) -> str:
        return "Supervisor"


def _nothing() -> None:
    """The supervisor has no gauges."""


async def _settled(reference: "ray.ObjectRef[None]") -> None:
    try:
        await reference
    except ray.exceptions.RayError as error:
        log.warning("executor.stop_failed", error=repr(error))


def start_executor(slot: str, config: ExecutorConfig) -> ActorHandle[Any]:
    """Start the actor of a slot, or find the one that runs."""
    actor: ActorHandle[Any] = RemoteExecutionActor.options(
        name=slot,
        namespace=NAMESPACE,
        get_if_exists=True,
        num_cpus=0,
        # Ray starts a dead process again; what it was doing is Postgres's to say, so no retries.
        max_restarts=-1,
        max_task_retries=0,
        max_concurrency=20_000,
    ).remote(slot, config)
    return actor


def start_supervisor(config: SupervisorConfig) -> ActorHandle[Any]:
    """Start the supervisor, or find the one that runs."""
    actor: ActorHandle[Any] = RemoteSupervisor.options(
        name="supervisor", namespace=NAMESPACE, get_if_exists=True, num_cpus=0,
        max_restarts=-1, max_concurrency=100,
    ).remote(config)  # fmt: skip
    return actor


async def _forever(
    name: str, step: Callable[[], Awaitable[None]], seconds: float = TICK_SECONDS
) -> None:
    """Repeat a step every so many seconds; a step that keeps failing ends the process."""
    failures = 0
    while True:
        try:
            await step()
            failures = 0
        except UNREACHABLE as error:
            log.warning("supervisor.database_away", loop=name, error=repr(error))
        except Exception:
            failures += 1
            log.exception("supervisor.step_failed", loop=name, failures=failures)
            if failures >= FAILURES_LIMIT:
                os._exit(71)
        await asyncio.sleep(seconds)


RemoteSupervisor: Any = ray.remote(Supervisor)
"""The Supervisor as Ray starts it."""
