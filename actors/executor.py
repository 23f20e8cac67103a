"""The ExecutionActor: one Ray actor that hosts many executions.

Its lease is a row in `executors`, renewed from a thread with a connection of its own, so that
nothing on the event loop can make it late. A process that could not renew its lease in time ends
itself: by then its executions belong to others.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import ray
import structlog
from uuid_utils.compat import uuid7

from actors.admission import Admission
from actors.config import ExecutorConfig
from actors.errors import ExecutionsFailed
from actors.handed import load_handed
from actors.lease import keep_lease
from actors.load import LoadMeter
from actors.logs import configure_logs
from actors.memory import settle_memory
from actors.metrics import (
    EXECUTIONS_RUNNING,
    JOURNAL_QUEUE_ENTRIES,
    JOURNAL_RETRIES,
    report,
    show_in_ray,
)
from actors.names import NAMESPACE
from store.json_values import dumps
from store.postgres import UNREACHABLE
from store.statements import statement

if TYPE_CHECKING:
    from ray.actor import ActorHandle

    from actors.driver import Driven
    from actors.engine import Engine
    from store.writing import Woken

log = structlog.get_logger(__name__)

ADOPT_SECONDS = 2.0
"""How often an executor looks for executions that were given to it but never handed over."""
ADOPTED = 10_000
"""How many of these are remembered."""
STOP_SECONDS = 5.0
"""How long each step of stopping may take, beside the drain."""
EXIT_LEASE_LOST = 70
EXIT_BROKEN = 71


class ExecutionActor:
    """Hosts executions; `RemoteExecutionActor` is it as a Ray actor."""

    def __init__(self, slot: str, config: ExecutorConfig, dedicated: bool = False) -> None:
        configure_logs(config.log_level)
        self.slot = slot
        self._dedicated = dedicated
        self.id: UUID = uuid7()
        self._config = config
        self._stack = AsyncExitStack()
        self._starting = asyncio.Lock()
        self._engine: Engine | None = None
        self._admission: Admission | None = None
        self._tasks: dict[UUID, asyncio.Task[Driven]] = {}
        self._background: list[asyncio.Task[None]] = []
        self._adopted: OrderedDict[UUID, None] = OrderedDict()
        """What was found before it was handed over."""
        self._telling: set[asyncio.Task[None]] = set()
        self._peers: dict[UUID, ActorHandle[Any]] = {}
        self._lease: threading.Thread | None = None
        self._lease_stopped = threading.Event()

    async def ready(self) -> str:
        """Start what is not started yet; returns the executor's id."""
        await self._started()
        return str(self.id)

    async def _started(self) -> Engine:
        async with self._starting:
            if self._engine is None:
                self._engine = await self._start()
        return self._engine

    async def _start(self) -> Engine:
        # LangGraph and the agents take seconds to import; whoever only names this class is spared.
        from actors.engine import open_engine  # noqa: PLC0415

        config = self._config
        async with AsyncExitStack() as starting:
            engine = await starting.enter_async_context(open_engine(config, self.id))
            await engine.pool.execute(
                statement("insert_executor"), self.id, self.slot, self.slot, os.getpid(),
                self._dedicated,
            )  # fmt: skip
            # Whoever held this slot before is gone: its executions need not wait for its lease.
            await engine.pool.execute(statement("stop_former_executors"), self.slot, self.id)
            # Only now something begins: until here it can be started again.
            self._stack.push_async_exit(starting.pop_all())
        meter = LoadMeter(asyncio.get_running_loop(), self._tasks.__len__)
        self._lease = threading.Thread(
            target=keep_lease,
            args=(config.database_url, self.id, config.lease_seconds, self._lease_stopped,
                  lambda reason: _end_process(EXIT_LEASE_LOST, reason), meter.read),
            name="lease", daemon=True,
        )  # fmt: skip
        self._lease.start()
        engine.journal.go_on = lambda woken: self._go_on(engine, woken)
        self._watch(asyncio.create_task(engine.journal.run(), name="journal"))
        self._watch(asyncio.create_task(self._adopt(engine), name="adopt"))
        self._watch(asyncio.create_task(self._report(engine), name="metrics"))
        counting = engine.host.custom.keep_counting(engine.pool)
        self._watch(asyncio.create_task(counting, name="uses of agents"))
        if not self._dedicated:
            self._admission = Admission(
                engine.pool, self.id, config.bounds,
                lambda id: self._begin(id, engine.driver.drive(id, self.id)),
            )  # fmt: skip
            self._watch(asyncio.create_task(self._admission.run(), name="admission"))
        settle_memory()
        return engine

    def _watch(self, task: asyncio.Task[None]) -> None:
        def ended(done: asyncio.Task[None]) -> None:
            if not done.cancelled() and (error := done.exception()):
                _end_process(EXIT_BROKEN, f"{done.get_name()} ended: {error!r}")

        task.add_done_callback(ended)
        self._background.append(task)

    async def _report(self, engine: Engine) -> None:
        if self._dedicated:
            show_in_ray()
        JOURNAL_RETRIES.record(0)

        def sample() -> None:
            JOURNAL_QUEUE_ENTRIES.record(engine.journal.queue_entries)
            EXECUTIONS_RUNNING.record(len(engine.runs))

        if not self._dedicated:
            await report(engine.pool, self.slot, sample)

    async def _adopt(self, engine: Engine) -> None:
        while not engine.host.draining:
            await asyncio.sleep(ADOPT_SECONDS)
            try:
                rows = await engine.pool.fetch(statement("list_owned_executions"), self.id)
            except UNREACHABLE as error:
                # The lease's thread ends this process when the database stays away.
                log.warning("executor.database_away", error=repr(error))
                continue
            for row in rows:
                if row["id"] not in self._tasks:
                    self._adopted[row["id"]] = None
                    if len(self._adopted) > ADOPTED:
                        self._adopted.popitem(last=False)
                    self._begin(row["id"], engine.driver.drive(row["id"], self.id))

    def _go_on(self, engine: Engine, woken: list[Woken]) -> None:
        """Drive what a commit of this process let go on; others are told of what is theirs."""
        others: dict[UUID, list[str]] = {}
        for execution_id, owner_id in ((e.execution_id, e.owner_id) for e in woken):
            if owner_id != self.id:
                if owner_id is not None:
                    others.setdefault(owner_id, []).append(str(execution_id))
                else:
                    self._admit_soon()
            elif task := self._tasks.get(execution_id):
                # It has parked, and this task is about to end.
                task.add_done_callback(partial(self._begin_after, engine, execution_id))
            else:
                self._begin(execution_id, engine.driver.drive(execution_id, self.id))
        for owner_id, ids in others.items():
            telling = asyncio.create_task(self._tell(engine, owner_id, ids), name="tell")
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    def _begin_after(self, engine: Engine, id: UUID, _parked: asyncio.Task[None]) -> None:
        self._begin(id, engine.driver.drive(id, self.id))

    async def _tell(self, engine: Engine, owner_id: UUID, ids: list[str]) -> None:
        """Tell another executor what is its own now; if it does not hear, it finds it."""
        if not ray.is_initialized():
            # Asking for an actor would start a Ray of this process's own.
            return
        try:
            if owner_id not in self._peers:
                rows = await engine.pool.fetch(
                    statement("list_executors"), self._config.lease_seconds
                )
                self._peers = {
                    row["id"]: ray.get_actor(row["slot"], namespace=NAMESPACE) for row in rows
                }
            if actor := self._peers.get(owner_id):
                actor.host.options(name=f"go on with {len(ids)} executions").remote(ids)
        except (ValueError, ray.exceptions.RayError, *UNREACHABLE) as error:
            log.warning("executor.not_told", executor=str(owner_id), error=repr(error))

    async def start(self, handed_json: bytes) -> None:
        """Drive executions that were just started for this executor, until they end or wait.

        Args:
            handed_json: A list of `Handed`.

        Raises:
            ExecutionsFailed: Some failed; that is recorded, and shown so in Ray's dashboard.
        """
        engine = await self._started()
        if engine.host.draining:
            return
        # One whose call was so late that its row was found first may have parked since: what is
        # handed over with it is not true any more.
        fresh = [one for one in load_handed(handed_json) if one.execution_id not in self._adopted]
        await _all_driven(
            {one.execution_id: self._begin(one.execution_id, engine.driver.drive_handed(one))
             for one in fresh}
        )  # fmt: skip

    async def host(self, execution_ids: list[str]) -> None:
        """Drive executions that were given to this executor, until they end or wait.

        Raises:
            ExecutionsFailed: As `start`.
        """
        engine = await self._started()
        if engine.host.draining:
            return
        ids = list(map(UUID, execution_ids))
        await _all_driven({id: self._begin(id, engine.driver.drive(id, self.id)) for id in ids})

    async def host_alone(self, execution_id: str) -> None:
        """Drive the one execution that this executor was started for, then stop.

        Raises:
            ExecutionsFailed: As `start`.
        """
        engine = await self._started()
        await engine.pool.fetch(statement("claim_execution"), UUID(execution_id), self.id)
        try:
            await self.host([execution_id])
        finally:
            while self._tasks:
                # A cancelled one still runs what runs at its end.
                await asyncio.wait(list(self._tasks.values()))
            await self.stop()

    async def try_agent(self, trial_json: bytes) -> bytes:
        """Make one attempt with an agent, outside of any execution.

        Args:
            trial_json: A `Trial`.

        Returns:
            What it came to, as JSON.
        """
        from actors.trial import load_trial, try_agent  # noqa: PLC0415 - as in `_start`

        engine = await self._started()
        return dumps(await try_agent(engine.host, load_trial(trial_json))).encode()

    async def pause(self, execution_id: str, seconds: float) -> None:
        """Park an execution before its next node; returns when it is parked, or after a time."""
        engine = await self._started()
        id = UUID(execution_id)
        task, run = self._tasks.get(id), engine.runs.get(id)
        if task is None:
            return
        if run is not None:
            run.pausing = True
        else:
            # It has not begun, and was handed over as one that is not paused.
            task.cancel()
            await asyncio.wait([task])
            task = self._begin(id, engine.driver.drive(id, self.id))
        await asyncio.wait([task], timeout=seconds)

    def _begin(
        self, execution_id: UUID, driving: Coroutine[Any, Any, Driven]
    ) -> asyncio.Task[Driven]:
        task = self._tasks.get(execution_id)
        if task is None:
            task = asyncio.create_task(driving, name=f"execution {execution_id}")
            self._tasks[execution_id] = task
            task.add_done_callback(lambda done: self._ended(execution_id, done))
        else:
            driving.close()
        return task

    def _ended(self, execution_id: UUID, task: asyncio.Task[Driven]) -> None:
        bounds = self._config.bounds
        full = len(self._tasks) >= bounds.executor_capacity
        self._tasks.pop(execution_id, None)
        if task.cancelled():
            return
        if error := task.exception():
            log.error("execution.dropped", execution_id=str(execution_id), exc_info=error)
        elif full or bounds.tenant_most is not None or task.result().frees:
            self._admit_soon()

    def _admit_soon(self) -> None:
        if self._admission is not None and self._engine and not self._engine.host.draining:
            self._admission.soon()

    async def cancel(self, execution_id: str, reason: str) -> bool:
        """Stop an execution; when this returns True nothing of it will start any more.

        Returns:
            False when this executor does not drive it, or has not begun and now does not begin.
        """
        engine = await self._started()
        id = UUID(execution_id)
        task, run = self._tasks.get(id), engine.runs.get(id)
        if task is None:
            return False
        task.cancel()
        await asyncio.wait([task])
        if run is None:
            return False
        await engine.driver.cancel(run, reason)
        if run.ending is not None:
            # What the workflow runs at its end, however it ends.
            self._begin(id, engine.driver.drive(id, self.id))
        elif run.limited:
            self._admit_soon()
        return True

    async def stop(self) -> None:
        """Stop in good order: what can end does, the rest is left where it stands.

        No further node begins. Nodes that run are given a while; of those that do not end in it
        the next owner repeats the attempt. Nothing that ended is repeated.
        """
        await self._drain()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)
        if self._engine is not None:
            await asyncio.wait_for(self._engine.journal.drain(), STOP_SECONDS)
            await asyncio.wait_for(self._engine.host.custom.count(self._engine.pool), STOP_SECONDS)
        self._lease_stopped.set()
        if self._lease is not None:
            # Its last act gives back what this executor still owns.
            await asyncio.to_thread(self._lease.join, STOP_SECONDS)
        for background in self._background:
            background.cancel()
        await self._stack.aclose()

    async def _drain(self) -> None:
        engine = self._engine
        if engine is None:
            return
        engine.host.draining = True
        with suppress(*UNREACHABLE):
            await engine.pool.execute(statement("drain_executor"), self.id, timeout=2)
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=self._config.drain_seconds)

    def __repr__(self) -> str:
        return f"ExecutionActor({self.slot})"


async def _all_driven(tasks: Mapping[UUID, asyncio.Task[Driven]]) -> None:
    """Wait until executions are driven no more."""
    if not tasks:
        return
    await asyncio.wait(tasks.values())
    failed = {
        id: failure
        for id, task in tasks.items()
        if not task.cancelled() and not task.exception() and (failure := task.result().failure)
    }
    if failed:
        raise ExecutionsFailed.of(failed)


def _end_process(code: int, reason: str) -> None:
    log.critical("executor.ends", reason=reason)
    sys.stdout.flush()
    os._exit(code)


RemoteExecutionActor: Any = ray.remote(ExecutionActor)
"""The ExecutionActor as Ray starts it; its type is Ray's own, made at run time."""
