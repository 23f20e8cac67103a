"""Driving an execution: from its row to its end, or to the point where it waits."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphRecursionError
from langgraph.types import Command

from actors.ending import Ending
from actors.epilogue import has_epilogue, outcomes, run_epilogue
from actors.errors import JournalStopped, LeaseLost
from actors.graphs import GraphCache
from actors.hosting import Host
from actors.journal import Lease
from actors.outcome import execution_output
from actors.run import Run
from actors.scope import Facts
from compiler.failures import STOPPING
from compiler.graph import FAILURES
from compiler.specification import Specification
from store.json_values import loads
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
        try:
            run = Run(lease, _facts(row), self._host)
        except ValueError as error:
            log.exception("execution.broken", execution_id=str(lease.execution_id))
            await self._host.journal.append(lease, _broken(error).records(lease))
            return
        self._runs[lease.execution_id] = run
        try:
            if row["ending"] is not None:
                run.ending = Ending.from_json(row["ending"])
            if ending := run.ending or await self._outcome(run, row):
                await self._close(run, ending)
        finally:
            del self._runs[lease.execution_id]

    async def _outcome(self, run: Run, row: Any) -> Ending | None:
        """Run the graph to its end; None when the execution waits now."""
        deadline_at: datetime | None = row["deadline_at"]
        timeout = asyncio.timeout(
            (deadline_at - datetime.now(UTC)).total_seconds() if deadline_at else None
        )
        if any(node.pattern == "map" for node in run.facts.specification.nodes):
            self._host.warm_up()
        try:
            async with timeout:
                return await self._until_parked(run, row["specification_sha256"])
        except TimeoutError:
            if not timeout.expired():
                raise
            return Ending.failed("The execution took longer than its timeout.")
        except (LeaseLost, JournalStopped, *UNREACHABLE):
            raise
        except Exception as error:
            log.exception("execution.broken", execution_id=str(run.lease.execution_id))
            return _broken(error)

    async def _close(self, run: Run, ending: Ending) -> None:
        """Run what runs at the end, and end."""
        try:
            if has_epilogue(run.facts.specification, ending):
                if run.ending is None:
                    run.ending = ending
                    await run.write(ending.decided(run.lease))
                ending = await run_epilogue(run, ending)
            await run.write(ending.records(run.lease))
        except (LeaseLost, JournalStopped, *UNREACHABLE):
            raise
        except Exception as error:
            log.exception("execution.broken", execution_id=str(run.lease.execution_id))
            broken = replace(_broken(error), node_id=ending.node_id)
            if ending.message:
                broken = broken.remarked([f"Before that: {ending.message}"])
            await run.write(broken.records(run.lease))

    async def cancel(self, run: Run, reason: str) -> None:
        """Record that an execution was cancelled, after its task has ended.

        One that has something to run at its end must be driven again, to run that; `run.ending`
        says so. A second cancel cuts that off, too.
        """
        ending = Ending(Status.CANCELLED, reason)
        if run.ending is None and has_epilogue(run.facts.specification, ending):
            run.ending = ending
            await run.write(ending.decided(run.lease))
        else:
            await run.write(ending.records(run.lease))

    async def _until_parked(self, run: Run, sha256: str) -> Ending | None:
        execution_id = run.lease.execution_id
        graph = self._graphs.get(sha256, run.facts.specification)
        config: RunnableConfig = {
            "configurable": {"thread_id": str(execution_id)},
            "recursion_limit": STEP_LIMIT,
            "max_concurrency": run.facts.specification.settings.execution.max_concurrent_nodes,
        }
        started = bool((await graph.aget_state(config)).created_at)
        if started:
            run.stopped_by = await self._stopped_by(run)
        while True:
            answers = await self._answers(run)
            begin: Any = None if started else {"input": dict(run.facts.input)}
            if answers:
                begin = Command(resume=answers)
            try:
                state = await graph.ainvoke(begin, config, context=run, durability="sync")
            except GraphRecursionError:
                return Ending.failed(
                    f"The execution went through {STEP_LIMIT} steps; a loop never leaves."
                )
            started = True
            if not state.get("__interrupt__") or run.stopped_by:
                return await self._ending(run, state)
            if await run.write([self._waiting(run)]):
                return None

    async def _stopped_by(self, run: Run) -> dict[str, str]:
        """Return what failed in another process, in a branch that has not come to its end."""
        past = await outcomes(run)
        return {id: past.failed[id] for id, then in past.followed.items() if then in STOPPING}

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

    async def _ending(self, run: Run, state: dict[str, Any]) -> Ending:
        failures = {
            node_id: failure["message"]
            for node_id, failure in (state.get(FAILURES) or {}).items()
            if failure["then"] in STOPPING
        } or run.stopped_by
        if failures:
            node_id, message = next(iter(failures.items()))
            return Ending.failed(message, node_id)
        specification = run.facts.specification
        output = execution_output(specification, (await run.known(state)).values)
        return Ending(Status.COMPLETED, output=output)


def _broken(error: Exception) -> Ending:
    return Ending.failed(f"{type(error).__name__}: {error}")


def _facts(row: Any) -> Facts:
    return Facts(
        workflow_id=row["workflow_id"],
        workflow_name=row["workflow_name"],
        specification=Specification.model_validate(loads(row["document"])),
        input=loads(row["input_data"]),
        user_email=row["user_email"] or "",
        user_name=row["user_name"] or "",
    )
