"""The Supervisor: one Ray actor that watches the executors and the clock.

It keeps as many executors as the load wants, gives the executions of dead ones to others, admits
what queues, starts the executors of dedicated executions, answers questions whose time is up, ends
executions that wait or queue beyond their timeout, delivers webhooks, and deletes ended executions
that were kept long enough. Everything it does it reads from Postgres, so two of them, or one that
starts over, do no harm.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID

import ray
import structlog
from ray.actor import ActorHandle

from actors.browsers import end_keepers
from actors.config import SupervisorConfig
from actors.dedicated import DedicatedExecutors
from actors.logs import configure_logs
from actors.lookout import TICK_SECONDS, Lookout
from actors.metrics import (
    LEASES_LOST,
    RECOVERED_EXECUTIONS,
    count_ended,
    report,
)
from actors.names import MANY_NAMES, NAMESPACE, batch_name
from actors.pool import ExecutorPool
from actors.retention import retain
from store.decisions import decide_approval
from store.due import Due
from store.executions import (
    cancel_parked,
    fail_parked,
)
from store.live import LiveView, open_live_view
from store.postgres import UNREACHABLE, Pool, open_pool
from store.queue import Executor, admit, living_executors
from store.statements import statement
from store.waking import end_due_waits, move_lines
from store.writing import Woken

log = structlog.get_logger(__name__)

TIMER_SECONDS = 0.05
"""How late a timer may be noticed; one that ends within a tick of its beginning: a tick."""
KEPT_SECONDS = 3600.0
"""How long the metrics and the row of a process that is gone are kept."""
RETAIN_SECONDS = 60.0
WOKEN_AT_ONCE = 500
CANCEL_SECONDS = 1.0
"""How long an executor may take to confirm that nothing more of an execution will start."""
RECOVERED_AT_ONCE = 200
"""Executions given to new owners in one tick, so that recovery does not starve new starts."""
ADMITTED_AT_ONCE = 500
"""Queued executions given to executors in one tick; executors take more as theirs end."""
OWNER_LOSSES_LIMIT = 5
"""After so many deaths of its owner without any progress an execution is ended as poison."""
SUSPECTS_AT_ONCE = 20
"""How many executions run at once that are two deaths from that; of those that are one death from
it one, so that who dies with it dies of it."""
FAILURES_LIMIT = 30
"""After so many failures in a row a loop ends the process, which Ray starts again."""


class Supervisor:
    """Watches executors and the clock; `RemoteSupervisor` is it as a Ray actor."""

    def __init__(self, config: SupervisorConfig) -> None:
        configure_logs(config.executor.log_level)
        self._config = config
        self._stack = AsyncExitStack()
        self._executors = ExecutorPool(config)
        self._dedicated = DedicatedExecutors(config.executor)
        self._alive: dict[UUID, Executor] = {}
        """The executors that take executions."""
        self._loops: list[asyncio.Task[None]] = []
        self._starting = asyncio.Lock()

    async def ready(self) -> int:
        """Start the executors and the loops; returns how many executors answer."""
        async with self._starting:
            if not self._loops:
                await self._start()
        return len(self._executors.actors)

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
        await self._executors.start()
        LEASES_LOST.record(0)
        RECOVERED_EXECUTIONS.record(0)
        sender = WebhookSender(pool, live, services, self._config.webhook_key)
        lookout = Lookout(pool, executor.lease_seconds)

        def upon_look(step: Callable[[Due], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
            async def look_and_do() -> None:
                await step(await lookout.next())

            return look_and_do

        async def deliver(due: Due) -> None:
            if due.deliveries:
                await sender.deliver_due()

        loops: dict[str, tuple[Callable[[], Awaitable[None]], float]] = {
            "lookout": (lookout.look, 0.0),
            "executors": (upon_look(lambda due: self._tend(pool, live, due)), 0.0),
            "clock": (upon_look(lambda due: self._clock(pool, live, due)), 0.0),
            "webhooks": (upon_look(deliver), 0.0),
            "timers": (lambda: self._timers(pool, lookout), 0.0),
            "metrics": (lambda: report(pool, "supervisor", _nothing), TICK_SECONDS),
            "retention": (lambda: self._retain(pool), RETAIN_SECONDS),
        }
        self._loops = [
            asyncio.create_task(_forever(name, step, pause_seconds))
            for name, (step, pause_seconds) in loops.items()
        ]

    async def _tend(self, pool: Pool, live: LiveView, due: Due) -> None:
        alive = await self._watch(pool, live, due)
        await self._executors.tend(alive)
        most = self._config.dedicated_most or int(2 * self._executors.cores)
        admitted = await self._admit(pool, most) if due.queued else []
        if due.orphans or any(execution.owner_id is None for execution in admitted):
            for row in await pool.fetch(statement("list_unhosted_executions"), 2 * most):
                if not await self._end_poison(pool, live, row):
                    self._dedicated.start(pool, row, most)

    async def _watch(self, pool: Pool, live: LiveView, due: Due) -> list[Executor]:
        """End leases that ran out and give away what their executors had; return the living."""
        lease_seconds = self._config.executor.lease_seconds
        alive, orphans = due.living, due.orphans
        if due.stale:
            for row in await pool.fetch(statement("stop_stale_executors"), lease_seconds):
                LEASES_LOST.record()
                log.warning("executor.lease_ended", executor=str(row["id"]))
                orphans = True
            alive = await living_executors(pool, lease_seconds)
        self._alive = {one.id: one for one in alive if one.takes_executions}
        # Only what the living can take: the others' starts need room, too.
        capacity = self._config.executor.bounds.executor_capacity
        heirs = [id for id, one in self._alive.items() if one.running < capacity]
        room = sum(capacity - self._alive[id].running for id in heirs)
        if orphans and heirs:
            taken = await pool.fetch(
                statement("take_over_executions"), heirs, min(RECOVERED_AT_ONCE, room),
                OWNER_LOSSES_LIMIT, SUSPECTS_AT_ONCE,
            )  # fmt: skip
            given = [row for row in taken if not await self._end_poison(pool, live, row)]
            RECOVERED_EXECUTIONS.record(sum(row["owner_losses"] > 0 for row in given))
            self._give("recover", [Woken(row["id"], row["owner_id"]) for row in given])
        return alive

    async def _end_poison(self, pool: Pool, live: LiveView, row: Any) -> bool:
        """End an execution whose owners die of it; return whether it was one."""
        if row["owner_losses"] < OWNER_LOSSES_LIMIT:
            return False
        message = f"Its executor died {row['owner_losses']} times while it ran."
        # What it runs at its end may be what kills its owners.
        await fail_parked(pool, live, row["tenant_id"], row["id"], message, at_once=True)
        return True

    async def _admit(self, pool: Pool, dedicated_most: int) -> list[Woken]:
        """Take from the queue what no ending executor took; return it."""
        bounds = replace(self._config.executor.bounds, dedicated_most=dedicated_most)
        admitted = await admit(pool, [*self._alive], bounds, ADMITTED_AT_ONCE)
        self._give("admit", admitted)
        return admitted

    def _give(self, verb: str, woken: Sequence[Woken]) -> None:
        """Tell executors, each in one call, what is theirs now."""
        for owner_id, executor in self._alive.items():
            ids = [e.execution_id for e in woken if e.owner_id == owner_id]
            if ids and (actor := self._executors.actors.get(executor.slot)):
                actor.host.options(name=batch_name(verb, ids)).remote(list(map(str, ids)))

    async def _timers(self, pool: Pool, lookout: Lookout) -> None:
        """Wait until something is due, or for the next look; wake what is due, until nothing is."""
        seconds = await lookout.next_wait_seconds()
        if seconds is None or seconds > TICK_SECONDS or not self._alive:
            return
        await asyncio.sleep(max(seconds, 0.0))
        await self._end_due(pool)
        await asyncio.sleep(TIMER_SECONDS)
        # This loop is back before that look has seen anything.
        lookout.soon()

    async def _end_due(self, pool: Pool) -> None:
        while self._alive and (woken := await end_due_waits(pool, [*self._alive], WOKEN_AT_ONCE)):
            self._give("wake", woken)

    async def _clock(self, pool: Pool, live: LiveView, due: Due) -> None:
        if due.questions:
            await self._answer_due(pool, live)
        if due.lines:
            self._give("go on with", await move_lines(pool, WOKEN_AT_ONCE))
        if due.abandoned:
            await self._cancel_abandoned(pool, live)
        if due.overdue:
            for row in await pool.fetch(statement("list_overdue_executions"), 100):
                message = "The execution took longer than its timeout."
                await fail_parked(pool, live, row["tenant_id"], row["id"], message)

    async def _answer_due(self, pool: Pool, live: LiveView) -> None:
        """Decide the questions whose time is up as their nodes say."""
        for row in await pool.fetch(statement("list_due_approvals"), 100):
            if row["on_timeout"] == "cancel":
                message = f"Nobody answered `{row['node_id']}` in time."
                await cancel_parked(pool, live, row["tenant_id"], row["execution_id"], message)
            else:
                await decide_approval(
                    pool, live, row["tenant_id"], row["execution_id"], row["id"],
                    decision=row["on_timeout"], value=None, comment="", decided_by="timeout",
                    owner_id=None, timed_out=True,
                )  # fmt: skip

    async def _cancel_abandoned(self, pool: Pool, live: LiveView) -> None:
        """Stop what was started by executions that have ended."""
        rows = await pool.fetch(statement("list_abandoned"), WOKEN_AT_ONCE)
        for row in rows:
            message = "The execution that started it has ended."
            owner = self._alive.get(row["owner_id"])
            if owner is not None and (actor := self._executors.actors.get(owner.slot)):
                # Its owner stops what runs; if it does not in time, it is taken from it first.
                stopping: Any = actor.cancel.options(name=f"cancel exec_{row['id'].hex}").remote(
                    str(row["id"]), message
                )
                if await _confirmed(stopping):
                    continue
            await cancel_parked(pool, live, row["tenant_id"], row["id"], message)
        if rows:
            await pool.execute(statement("settle_abandoned"))

    async def _retain(self, pool: Pool) -> None:
        """Delete what was kept long enough."""
        await pool.execute(statement("delete_old_metrics"), KEPT_SECONDS)
        await pool.execute(statement("delete_old_executors"), KEPT_SECONDS)
        await retain(pool, self._config.retention_days)

    async def stop(self) -> None:
        """Stop the loops, then the executors in good order, then what they shared."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(self._executors.stop(), self._dedicated.stop())
        await asyncio.to_thread(end_keepers)
        await self._stack.aclose()

    def __repr__(self) -> str:
        return "Supervisor"


def _nothing() -> None:
    """The supervisor has no gauges."""


async def _confirmed(stopping: "ray.ObjectRef[Any]") -> bool:
    try:
        return bool(await asyncio.wait_for(asyncio.wrap_future(stopping.future()), CANCEL_SECONDS))
    except (TimeoutError, ray.exceptions.RayError) as error:
        log.warning("supervisor.cancel_not_confirmed", error=repr(error))
        return False


def start_supervisor(config: SupervisorConfig) -> ActorHandle[Any]:
    """Start the supervisor, or find the one that runs."""
    actor: ActorHandle[Any] = RemoteSupervisor.options(
        name="supervisor", namespace=NAMESPACE, get_if_exists=True, num_cpus=0,
        max_restarts=-1, max_concurrency=100, runtime_env=MANY_NAMES,
    ).remote(config)  # fmt: skip
    return actor


async def _forever(name: str, step: Callable[[], Awaitable[None]], pause_seconds: float) -> None:
    """Repeat a step with pauses between; a step that keeps failing ends the process."""
    failures = 0
    while True:
        try:
            await step()
            failures = 0
            await asyncio.sleep(pause_seconds)
            continue
        except UNREACHABLE as error:
            log.warning("supervisor.database_away", loop=name, error=repr(error))
        except Exception:
            failures += 1
            log.exception("supervisor.step_failed", loop=name, failures=failures)
            if failures >= FAILURES_LIMIT:
                os._exit(71)
        await asyncio.sleep(max(pause_seconds, TICK_SECONDS))


RemoteSupervisor: Any = ray.remote(Supervisor)
"""The Supervisor as Ray starts it."""
