"""Maps whose items the engine itself runs: workflows, questions, waits for a time or an event.

Such a map stands once for all of its items, whatever their number: each item is a row that ends by
itself, and the end of the last one ends the wait of the map (`weft_end_groups`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actors.attempts import delay_seconds
from actors.backoff import nothing, retry_record
from actors.children import Call, Calls, child_record, repeats
from actors.fanout import ItemResult
from actors.questions import (
    approval_record,
    asked_of,
    decided_output,
    ended_output,
    wait_record,
)
from actors.standing import Make, WaitsFor
from agents.errors import AgentError
from compiler.references import UnresolvedReference, resolve
from compiler.specification import Node
from store.json_values import dumps
from store.records import Record, WaitRecord
from store.statements import statement

if TYPE_CHECKING:
    from actors.run import Run

Item = tuple[int, Mapping[str, Any]]
"""Where an item stands in its list, and what its parameters may refer to."""


@dataclass(frozen=True, slots=True)
class DrivenMap:
    """One visit of such a map."""

    run: Run
    node: Node
    task_id: str
    """The task that stands."""
    map_task_id: str
    """The task among whose items the results stand."""
    load: Callable[[list[int] | None], Awaitable[list[Item]]]
    """Returns the items of these indexes; None: those that have no result yet."""
    record: Callable[[list[ItemResult]], Awaitable[None]]
    """Writes results, and how far the map is by then."""

    async def await_workflows(self) -> None:
        """Run a workflow for each item, some at once; failed ones again, as the node asks."""
        run, node = self.run, self.node
        place, number = 0, 1
        again: list[int] | None = None
        while True:
            make: Make = nothing
            if not run.standing.began(self.task_id, place):
                calls = await self._calls(again)
                if not calls:
                    break
                make = self._starting(calls, number)
            answer = run.stand(self.task_id, place, "workflow", make)
            children = await run.host.pool.fetch(
                statement("list_children"), run.lease.execution_id, answer["interrupt_id"]
            )
            failed = [child for child in children if child["status"] != "completed"]
            if not failed or not repeats(node.retry, number):
                break
            self._stand_until_next(place + 1, number, failed)
            again = [child["parent_map_index"] for child in failed]
            place, number = place + 2, number + 1
        await self.record([])

    def _stand_until_next(self, place: int, number: int, failed: Sequence[Any]) -> None:
        """Wait for the time of the next attempt at the children that failed."""
        run, node = self.run, self.node
        seconds = delay_seconds(node.retry, number, 0)
        results = [
            ItemResult.failed(child["parent_map_index"], number, child["error_message"] or "")
            for child in failed
        ]

        def make(wait_id: str) -> list[Record]:
            wait = retry_record(run, node, self.task_id, wait_id, seconds, {"attempt": number})
            return [wait, *run.notes.items_retrying(node, results, seconds)]

        run.stand(self.task_id, place, "retry", make)

    async def _calls(self, again: list[int] | None) -> list[tuple[int, Call]]:
        """Return what is to be started; of an item that cannot be its result is written."""
        run, node = self.run, self.node
        calls, failed = [], []
        maker = Calls(run)
        for index, variables in await self.load(again):
            try:
                calls.append((index, await maker.call(resolve(node.parameters, variables))))
            except (AgentError, UnresolvedReference) as error:
                failed.append(ItemResult.failed(index, 1, str(error)))
        if failed:
            await self.record(failed)
        return calls

    def _starting(self, calls: Sequence[tuple[int, Call]], number: int) -> Make:
        run, node = self.run, self.node
        at_once = node.batch_size or run.facts.specification.settings.execution.max_concurrent_nodes

        def make(wait_id: str) -> list[Record]:
            children = [child_record(run, node, wait_id, call, index) for index, call in calls]
            wait = self._wait(wait_id, attempt=number, at_once=at_once)
            return [wait, *children, run.notes.children_started(node, children)]

        return make

    async def ask_all(self) -> None:
        """Ask for each item what the node asks, and wait for all answers."""
        run, node = self.run, self.node
        make: Make = nothing
        if not run.standing.began(self.task_id, 0):
            asked, failed = [], []
            for index, variables in await self.load(None):
                try:
                    asked.append((index, asked_of(run, node, variables)[1]))
                except (UnresolvedReference, ValueError) as error:
                    failed.append(ItemResult.failed(index, 1, str(error)))
            if failed:
                await self.record(failed)
            if not asked:
                return
            make = self._asking(asked)
        reason: WaitsFor = "approval" if node.agent == "human_loop" else "event"
        answer = run.stand(self.task_id, 0, reason, make)
        await self.record(await self._answers(answer["interrupt_id"]))

    def _asking(self, asked: Sequence[tuple[int, Mapping[str, Any]]]) -> Make:
        lease, node = self.run.lease, self.node

        def make(wait_id: str) -> list[Record]:
            records: list[Record] = [self._wait(wait_id)]
            for index, question in asked:
                part = f"{wait_id}:{index}"
                if "wait" in question:
                    record: Record = wait_record(
                        lease, part, node.id, self.task_id, question["wait"], wait_id, index
                    )
                else:
                    record = approval_record(lease, part, node.id, question, wait_id, index)
                records.append(record)
            records.append(self.run.notes.asked_all(node, [question for _, question in asked]))
            return records

        return make

    async def _answers(self, wait_id: str) -> list[ItemResult]:
        """Return what the parts of a wait came to."""
        person = self.node.agent == "human_loop"
        rows = await self.run.host.pool.fetch(
            statement("list_answered_parts" if person else "list_ended_parts"),
            self.run.lease.execution_id, wait_id,
        )  # fmt: skip
        return [
            ItemResult(
                row["map_index"], 1, dumps(decided_output(row) if person else ended_output(row)),
                None,
            )
            for row in rows
        ]  # fmt: skip

    def _wait(self, wait_id: str, attempt: int = 1, at_once: int | None = None) -> WaitRecord:
        timeout_seconds = self.node.timeout
        return WaitRecord(
            tenant_id=self.run.lease.tenant_id,
            execution_id=self.run.lease.execution_id,
            interrupt_id=wait_id,
            node_id=self.node.id,
            task_id=self.task_id,
            kind="items",
            payload_json=dumps({"timeout_seconds": timeout_seconds}),
            map_task_id=self.map_task_id,
            attempt=attempt,
            at_once=at_once,
        )
