"""Driving an execution: from its row to its end, or to the point where it waits."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphRecursionError
from langgraph.types import Command

from actors.errors import JournalStopped, LeaseLost
from actors.graphs import GraphCache
from actors.hosting import Host
from actors.journal import Lease
from actors.notes import Notes
from actors.outcome import execution_output
from actors.run import Facts, Run
from compiler.graph import FAILURES
from compiler.specification import Specification
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
        try:
            row = await self._host.pool.fetchrow(
                statement("get_owned_execution"), execution_id, executor_id
            )
            if row is not None:
                await self._drive(Lease(row["tenant_id"], execution_id, row["epoch"]), row)
        except (LeaseLost, JournalStopped) as error:
            log.info("execution.left", execution_id=str(execution_id), reason=str(error))
        except UNREACHABLE as error:
            # Not the execution's fault: its owner takes it up again from its last checkpoint.
            log.warning("execution.interrupted", execution_id=str(execution_id), error=repr(error))

    async def _drive(self, lease: Lease, row: Any) -> None:
        if lease.execution_id in self._runs:
            return
        if row["status"] == Status.PENDING:
            move = MoveRecord(lease.execution_id, lease.epoch, Status.RUNNING)
            self._host.journal.append(lease, [move])
        deadline_at: datetime | None = row["deadline_at"]
        timeout = asyncio.timeout(
            (deadline_at - datetime.now(UTC)).total_seconds() if deadline_at else None
        )
        try:
            async with timeout:
                await self._run(Run(lease, _facts(row), self._host), row["specification_sha256"])
        except TimeoutError:
            if not timeout.expired():
                raise
            await self._fail(lease, "The execution took longer than its timeout.", None)
        except (LeaseLost, JournalStopped, *UNREACHABLE):
            raise
        except Exception as error:
            log.exception("execution.broken", execution_id=str(lease.execution_id))
            await self._fail(lease, f"{type(error).__name__}: {error}", None)

    async def _run(self, run: Run, sha256: str) -> None:
        self._runs[run.lease.execution_id] = run
        if any(node.pattern == "map" for node in run.facts.specification.nodes):
            self._host.warm_up()
        try:
            await self._until_parked(run, sha256)
        finally:
            del self._runs[run.lease.execution_id]

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

    async def _until_parked(self, run: Run, sha256: str) -> None:
        execution_id = run.lease.execution_id
        graph = self._graphs.get(sha256, run.facts.specification)
        config: RunnableConfig = {
            "configurable": {"thread_id": str(execution_id)},
            "recursion_limit": STEP_LIMIT,
            "max_concurrency": run.facts.specification.settings.execution.max_concurrent_nodes,
        }
        started = bool((await graph.aget_state(config)).created_at)
        while True:
            answers = await self._answers(run)
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


def _facts(row: Any) -> Facts:
    return Facts(
        workflow_id=row["workflow_id"],
        workflow_name=row["workflow_name"],
        specification=Specification.model_validate(loads(row["document"])),
        input=loads(row["input_data"]),
        user_email=row["user_email"] or "",
        user_name=row["user_name"] or "",
    )
