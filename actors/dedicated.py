"""Executors of one execution each, for workflows with `isolation: dedicated`.

An admitted dedicated execution has no owner until its executor is there and claims it. One whose
executor died is just that again, so starting and recovering are the same.
"""

import asyncio
from typing import Any
from uuid import UUID

import ray
import structlog
from ray.actor import ActorHandle

from actors.config import ExecutorConfig
from actors.executor import RemoteExecutionActor
from actors.names import NAMESPACE, ONE_NAME, execution_name
from actors.pool import stop_actor
from store.postgres import UNREACHABLE, Pool
from store.statements import statement

log = structlog.get_logger(__name__)


class DedicatedExecutors:
    """Starts an executor for each dedicated execution that needs one."""

    def __init__(self, config: ExecutorConfig) -> None:
        self._config = config
        self._hosting: dict[UUID, asyncio.Task[None]] = {}
        self._actors: dict[UUID, ActorHandle[Any]] = {}

    def start(self, pool: Pool, row: Any, most: int) -> None:
        """Start an executor, unless it is on its way or there are as many as there may be.

        Args:
            pool: A pool of role weft_engine.
            row: An execution that has none, of `list_unhosted_executions`.
            most: How many there may be at once.
        """
        if row["id"] not in self._hosting and len(self._hosting) < most:
            self._hosting[row["id"]] = asyncio.create_task(self._host(pool, row))

    async def _host(self, pool: Pool, row: Any) -> None:
        """Start an executor, and wait until it has no more to do."""
        name = execution_name(row["workflow_name"], row["id"])
        slot = f"dedicated {name}"
        try:
            actor = self._actors[row["id"]] = _start_actor(slot, self._config)
            await actor.host_alone.options(name=name).remote(str(row["id"]))
            ray.kill(actor)
        except ray.exceptions.RayError as error:
            log.warning("dedicated.died", slot=slot, error=repr(error))
            try:
                await pool.execute(statement("stop_slot"), slot)
            except UNREACHABLE as away:
                # Its lease ends by itself.
                log.warning("dedicated.database_away", error=repr(away))
        finally:
            self._actors.pop(row["id"], None)
            del self._hosting[row["id"]]

    async def stop(self) -> None:
        """Stop all in good order."""
        stops = [stop_actor(a, self._config.drain_seconds) for a in self._actors.values()]
        await asyncio.gather(*stops)
        await asyncio.gather(*self._hosting.values())


def _start_actor(slot: str, config: ExecutorConfig) -> ActorHandle[Any]:
    actor: ActorHandle[Any] = RemoteExecutionActor.options(
        name=slot,
        namespace=NAMESPACE,
        get_if_exists=True,
        num_cpus=0,
        runtime_env=ONE_NAME,
        scheduling_strategy="SPREAD",
        # Whoever looks for executions without an executor starts another one.
        max_restarts=0,
        max_task_retries=0,
        max_concurrency=100,
    ).remote(slot, config, dedicated=True)
    return actor
