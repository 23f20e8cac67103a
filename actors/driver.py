"""Driving an execution: from its row to its end, or to the point where it waits."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphRecursionError
from langgraph.types import Command

from actors.artifacts import OUTPUT_CHARACTERS, Artifacts
from actors.beginnings import Beginning
from actors.ending import Ending
from actors.epilogue import has_epilogue, outcomes, run_epilogue
from actors.errors import Draining, JournalStopped, LeaseLost
from actors.graphs import GraphCache
from actors.handed import Handed
from actors.hosting import Host
from actors.journal import Lease
from actors.loop import invoke
from actors.pausing import is_pause, paused_interrupts
from actors.questions import decided_output, ended_output
from actors.run import Run
from actors.scope import Facts
from actors.seeds import Seeds
from compiler.failures import STOPPING
from compiler.graph import FAILURES
from store.json_values import loads
from store.postgres import UNREACHABLE
from store.records import MoveRecord
from store.statements import statement
from store.status import Status

log = structlog.get_logger(__name__)

LEFT = (LeaseLost, JournalStopped, Draining)
"""Why an execution is left where it stands, through no fault of its own."""
STEP_LIMIT = 10_000
"""Supersteps after which a loop that never leaves is ended."""


@dataclass(frozen=True, slots=True)
class Driven:
    """What became of an execution while it was driven; by default it waits, or was left."""

    frees: bool = False
    """Whether it has ended and counted to a limit: another may have its place."""
    failure: str | None = None
    """Why it failed, when it did."""


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

    async def drive(self, execution_id: UUID, executor_id: UUID) -> Driven:
        """Drive an execution until it ends or waits; safe to repeat.

        An execution that this process does not own (any more) is left alone.
        """
        if execution_id in self._runs:
            return Driven()
        async with self._host.beginnings.place() as place, self._left_alone(execution_id):
            row = await self._host.pool.fetchrow(
                statement("get_owned_execution"), execution_id, executor_id
            )
            if row is not None:
                return await self._drive(Handed.from_row(row), place)
        return Driven()

    async def drive_handed(self, handed: Handed) -> Driven:
        """Drive an execution that was just started for this process; as `drive`."""
        arrived = time.monotonic()
        async with self._host.beginnings.place() as place, self._left_alone(handed.execution_id):
            return await self._drive(handed.later(time.monotonic() - arrived), place)
        return Driven()

    @asynccontextmanager
    async def _left_alone(self, execution_id: UUID) -> AsyncIterator[None]:
        """Leave an execution where it stands when that is not its own fault."""
        try:
            yield
        except LEFT as error:
            log.info("execution.left", execution_id=str(execution_id), reason=str(error))
        except UNREACHABLE as error:
            # Its owner takes it up again from its last checkpoint.
            log.warning("execution.interrupted", execution_id=str(execution_id), error=repr(error))
            # What it left in the journal is written first, or it would seem not to have begun.
            await self._host.journal.drain()

    async def _drive(self, handed: Handed, place: Beginning) -> Driven:
        lease = Lease(handed.tenant_id, handed.execution_id, handed.epoch)
        try:
            compiled = await self._graphs.get(handed.tenant_id, handed.specification_sha256)
        except UNREACHABLE:
            raise
        except Exception as error:
            log.exception("execution.broken", execution_id=str(lease.execution_id))
            artifacts = Artifacts(lease, self._host.journal, self._host.artifacts)
            broken = _broken(error)
            await self._host.journal.append(lease, broken.records(lease, artifacts))
            return Driven(frees=True, failure=broken.message)
        if handed.execution_id in self._runs:
            return Driven()
        facts = Facts(handed.workflow_id, handed.workflow_name, compiled, handed.input,
                      handed.user_email, handed.user_name, handed.depth)  # fmt: skip
        run = Run(lease, facts, self._host, handed.fresh, place.over, handed.paused,
                  handed.was_paused)  # fmt: skip
        if handed.origin_id is not None and handed.origin_kind is not None:
            run.seeds = Seeds(
                self._host.pool, lease.execution_id, handed.origin_id, handed.origin_kind
            )
        self._runs[handed.execution_id] = run
        try:
            if handed.ending_json is not None:
                run.ending = Ending.from_json(handed.ending_json)
            if ending := run.ending or await self._outcome(run, handed):
                ended = await self._close(run, ending)
                failure = ended.message if ended.status is Status.FAILED else None
                return Driven(run.limited, failure)
            return Driven()
        finally:
            del self._runs[handed.execution_id]

    async def _outcome(self, run: Run, handed: Handed) -> Ending | None:
        """Run the graph to its end; None when the execution waits now."""
        if run.facts.compiled.maps:
            self._host.warm_up()
        try:
            async with asyncio.timeout(handed.seconds_left) as timeout:
                return await self._until_parked(run)
        except TimeoutError:
            if not timeout.expired():
                raise
            return Ending.failed("The execution took longer than its timeout.")
        except (*LEFT, *UNREACHABLE):
            raise
        except Exception as error:
            log.exception("execution.broken", execution_id=str(run.lease.execution_id))
            return _broken(error)

    async def _close(self, run: Run, ending: Ending) -> Ending:
        """Run what runs at the end, and end; return how it ended."""
        try:
            if has_epilogue(run.facts.specification, ending):
                if run.ending is None:
                    run.ending = ending
                    await run.write(ending.decided(run.lease))
                ending = await run_epilogue(run, ending)
            await run.write([*run.take_held(), *ending.records(run.lease, run.artifacts)])
            return ending
        except (*LEFT, *UNREACHABLE):
            raise
        except Exception as error:
            log.exception("execution.broken", execution_id=str(run.lease.execution_id))
            broken = replace(_broken(error), node_id=ending.node_id)
            if ending.message:
                broken = broken.remarked([f"Before that: {ending.message}"])
            await run.write([*run.take_held(), *broken.records(run.lease, run.artifacts)])
            return broken

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
            await run.write([*run.take_held(), *ending.records(run.lease, run.artifacts)])

    async def _until_parked(self, run: Run) -> Ending | None:
        execution_id = run.lease.execution_id
        graph = run.facts.compiled.graph
        config: RunnableConfig = {
            "configurable": {"thread_id": str(execution_id)},
            "recursion_limit": STEP_LIMIT,
        }
        started = not run.fresh
        if started:
            run.stopped_by = await self._stopped_by(run)
            if run.seeds:
                await run.seeds.load()
        while True:
            answers = await self._answers(run, config) if started else {}
            resume: Command[Any] | None = Command(resume=answers) if answers else None
            try:
                state, interrupts = await invoke(graph, resume, config, run, begins=not started)
            except GraphRecursionError:
                return Ending.failed(
                    f"The execution went through {STEP_LIMIT} steps; a loop never leaves."
                )
            started = True
            if interrupts is None or run.stopped_by:
                return await self._ending(run, state)
            if self._host.draining and not run.pausing and any(map(is_pause, interrupts)):
                await run.write(run.take_held())
                raise Draining
            reason = "paused" if run.pausing else run.waits_for
            move = MoveRecord(execution_id, run.lease.epoch, Status.WAITING, waiting_reason=reason)
            # When it was resumed meanwhile it goes on; a pause from here on is another one.
            run.was_paused, run.pausing = run.was_paused or run.pausing, False
            if await run.write([*run.take_held(), move]):
                return None

    async def _stopped_by(self, run: Run) -> dict[str, str]:
        """Return what failed in another process, in a branch that has not come to its end."""
        past = await outcomes(run)
        return {id: past.failed[id] for id, then in past.followed.items() if then in STOPPING}

    async def _answers(self, run: Run, config: RunnableConfig) -> dict[str, Any]:
        """Return what interrupted nodes go on with, by interrupt id: what nobody has taken yet."""
        execution_id = run.lease.execution_id
        answers: dict[str, Any] = {}
        for row in await self._host.pool.fetch(statement("list_answers"), execution_id):
            run.asked.add(row["interrupt_id"])
            if row["status"] == "decided" and row["consumed_at"] is None:
                answers[row["interrupt_id"]] = {
                    "interrupt_id": row["interrupt_id"],
                    "output": decided_output(row),
                }
        for row in await self._host.pool.fetch(statement("list_waits"), execution_id):
            run.asked.add(row["interrupt_id"])
            if row["kind"] != "wait":
                run.standing.recall(row["task_id"], row["interrupt_id"])
            if row["status"] == "ended" and row["consumed_at"] is None:
                answers[row["interrupt_id"]] = _wait_end(row)
        if run.was_paused and not run.pausing:
            # What was paused goes on as if nothing had been.
            state = await run.facts.compiled.graph.aget_state(config, subgraphs=True)
            answers |= {id: {} for id in paused_interrupts(state)}
        return answers

    async def _ending(self, run: Run, state: dict[str, Any]) -> Ending:
        failures = {
            node_id: failure["message"]
            for node_id, failure in (state.get(FAILURES) or {}).items()
            if failure["then"] in STOPPING
        } or run.stopped_by
        if failures:
            node_id, message = next(iter(failures.items()))
            return Ending.failed(message, node_id)
        output: Any = await run.output(state)
        if run.facts.depth == 0:
            # The one that started it has no artifacts of another execution: it reads this row.
            output = run.artifacts.shown(output, OUTPUT_CHARACTERS)
        return Ending(Status.COMPLETED, output=output)


def _broken(error: Exception) -> Ending:
    return Ending.failed(f"{type(error).__name__}: {error}")


def _wait_end(row: Any) -> dict[str, Any]:
    told = {"interrupt_id": row["interrupt_id"]}
    if row["kind"] == "wait":
        return {**told, "output": ended_output(row)}
    return {**told, "payload": loads(row["payload"])}
