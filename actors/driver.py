"""Driving an execution: from its row to its end, or to the point where it waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphRecursionError
from langgraph.types import Command

from actors.errors import JournalStopped, LeaseLost
from actors.graphs import GraphCache
from actors.handed import Handed
from actors.hosting import Host
from actors.journal import Lease
from actors.notes import Notes
from actors.outcome import execution_output
from actors.run import Facts, Run
from compiler.graph import FAILURES
from store.json_values import clean_text, dumps, loads
from store.postgres import UNREACHABLE
from store.records import MoveRecord
from store.statements import statement
from store.status import Status

log = structlog.get_logger(__name__)

STEP_LIMIT = 10_000
"""Supersteps after which a loop that never leaves is ended."""


class Driver:
    """Drives the executions of one process.

    Args:
        host: What they share.
        graphs: Compiled graphs.
        runs: The executions that are being driven, by id; the checkpointer looks here.
    """

    def __init__(self, host: Host, graphs: GraphCache, runs: dict[UUID, Run]) -> None:
        self._host = host
        self._graphs = graphs
        self._runs = runs

    async def drive(self, execution_id: UUID, executor_id: UUID) -> None:
        """Drive an execution until it ends or waits; safe to repeat.

        An execution that this process does not own (any more) is left alone.
        """
        if execution_id in self._runs:
            return
        async with self._left_alone(execution_id):
            row = await self._host.pool.fetchrow(
                statement("get_owned_execution"), execution_id, executor_id
            )
            if row is not None:
                await self._drive(Handed.from_row(row))

    async def drive_handed(self, handed: Handed) -> None:
        """Drive an execution that was just started for this process; as `drive`."""
        async with self._left_alone(handed.execution_id):
            await self._drive(handed)

    @asynccontextmanager
    async def _left_alone(self, execution_id: UUID) -> AsyncIterator[None]:
        """Leave an execution where it stands when that is not its own fault."""
        try:
            yield
        except (LeaseLost, JournalStopped) as error:
            log.info("execution.left", execution_id=str(execution_id), reason=str(error))
        except UNREACHABLE as error:
            # Its owner takes it up again from its last checkpoint.
            log.warning("execution.interrupted", execution_id=str(execution_id), error=repr(error))

    async def _drive(self, handed: Handed) -> None:
        if handed.execution_id in self._runs:
            return
        lease = Lease(handed.tenant_id, handed.execution_id, handed.epoch)
        if handed.status == Status.PENDING:
            move = MoveRecord(lease.execution_id, lease.epoch, Status.RUNNING)
            self._host.journal.append(lease, [move], lazy=True)
        try:
            async with asyncio.timeout(handed.seconds_left()) as timeout:
                await self._run(lease, handed)
        except TimeoutError:
            if not timeout.expired():
                raise
            await self._fail(lease, "The execution took longer than its timeout.", None)
        except (LeaseLost, JournalStopped, *UNREACHABLE):
            raise
        except Exception as error:
            log.exception("execution.broken", execution_id=str(lease.execution_id))
            await self._fail(lease, f"{type(error).__name__}: {error}", None)

    async def _run(self, lease: Lease, handed: Handed) -> None:
        compiled = await self._graphs.get(handed.tenant_id, handed.specification_sha256)
        facts = Facts(handed.workflow_id, handed.workflow_name, compiled, handed.input,
                      handed.user_email, handed.user_name)  # fmt: skip
        if handed.execution_id in self._runs:
            return
        run = self._runs[handed.execution_id] = Run(lease, facts, self._host, handed.fresh)
        if compiled.maps:
            self._host.warm_up()
        try:
            await self._until_parked(run)
        finally:
            del self._runs[handed.execution_id]

    async def cancel(self, run: Run, reason: str) -> None:
        """Record that an execution was cancelled, after its task has ended."""
        notes = Notes(run.lease)
        await run.write(
            [
                MoveRecord(run.lease.execution_id, run.lease.epoch, Status.CANCELLED,
                           error_message=reason),
                notes.event("workflow_cancelled", None, {"status": "cancelled",
                                                         "message": reason}),
            ]
        )  # fmt: skip

    async def _until_parked(self, run: Run) -> None:
        execution_id = run.lease.execution_id
        graph = run.facts.compiled.graph
        config: RunnableConfig = {
            "configurable": {"thread_id": str(execution_id)},
            "recursion_limit": STEP_LIMIT,
            "max_concurrency": run.facts.specification.settings.execution.max_concurrent_nodes,
        }
        started = not run.fresh
        while True:
            answers = await self._answers(run) if started else {}
            begin: Any = None if started else {"input": dict(run.facts.input)}
            if answers:
                begin = Command(resume=answers)
            try:
                state = await graph.ainvoke(begin, config, context=run, durability="sync")
            except GraphRecursionError:
                message = f"The execution went through {STEP_LIMIT} steps; a loop never leaves."
                await self._fail(run.lease, message, None)
                return
            started = True
            stops = run.facts.specification.settings.error_handling.on_failure != "continue"
            if not state.get("__interrupt__") or (run.failures and stops):
                await self._end(run, state)
                return
            if await run.write([self._waiting(run)]):
                return

    def _waiting(self, run: Run) -> MoveRecord:
        lease = run.lease
        return MoveRecord(
            lease.execution_id, lease.epoch, Status.WAITING, waiting_reason="approval"
        )

    async def _answers(self, run: Run) -> dict[str, Any]:
        """Return decided answers that no node has taken over, by interrupt id."""
        rows = await self._host.pool.fetch(statement("list_answers"), run.lease.execution_id)
        run.asked.update(row["interrupt_id"] for row in rows)
        return {
            row["interrupt_id"]: {
                "interrupt_id": row["interrupt_id"],
                "output": {
                    "approved": row["decision"] not in ("reject", "cancel"),
                    "decision": row["decision"],
                    "value": loads(row["value"]),
                    "comment": row["comment"] or "",
                    "by": row["decided_by"],
                },
            }
            for row in rows
            if row["status"] == "decided" and row["consumed_at"] is None
        }

    async def _end(self, run: Run, state: dict[str, Any]) -> None:
        specification = run.facts.specification
        failures: dict[str, str] = state.get(FAILURES) or run.failures
        if failures and specification.settings.error_handling.on_failure != "continue":
            node_id, message = next(iter(failures.items()))
            await self._fail(run.lease, message, node_id)
            return
        output = execution_output(specification, await run.values(state))
        notes = Notes(run.lease)
        await run.write(
            [
                MoveRecord(run.lease.execution_id, run.lease.epoch, Status.COMPLETED,
                           output_json=dumps(output)),
                notes.event("workflow_completed", None,
                            {"status": "completed", "output": output}),
            ]
        )  # fmt: skip

    async def _fail(self, lease: Lease, message: str, node_id: str | None) -> None:
        message = clean_text(message)
        payload = {"status": "failed", "error_node_id": node_id, "error_message": message}
        await self._host.journal.append(
            lease,
            [
                MoveRecord(lease.execution_id, lease.epoch, Status.FAILED, error_message=message,
                           error_node_id=node_id),
                Notes(lease).event("workflow_failed", node_id, payload),
            ],
        )  # fmt: skip
