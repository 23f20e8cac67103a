"""What is recorded of a node: its log row, its event, what it adds to the counters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from langgraph.types import Interrupt
from uuid_utils.compat import uuid7

from actors.artifacts import Artifacts
from actors.attempts import Attempt
from actors.fanout import ItemResult
from actors.journal import Lease
from actors.questions import approval_record, wait_record
from agents.agent import AgentResult, Usage
from compiler.failures import Then
from compiler.graph import Update
from compiler.specification import Node
from store.artifacts import THRESHOLD_CHARACTERS
from store.json_values import clean_text, dumps
from store.records import (
    ChildRecord,
    EventRecord,
    MapItemRecord,
    NodeLogRecord,
    ProgressRecord,
    Record,
)

TOLD_CHILDREN = 100
"""Of so many executions that a node starts its event tells the ids."""


class Notes:
    """Makes the records of one execution's nodes, or of what undoes them.

    Args:
        lease: Whose execution it is.
        artifacts: Keeps what is too large to be told.
        subject: What the events tell of. Compensations are no nodes: they do not count among
            those that completed or failed.
    """

    def __init__(
        self,
        lease: Lease,
        artifacts: Artifacts,
        subject: Literal["node", "compensation"] = "node",
    ) -> None:
        self._artifacts = artifacts
        self._subject = subject
        self._lease = lease
        self._tenant_id = lease.tenant_id
        self._execution_id = lease.execution_id

    def event(
        self, event_type: str, node_id: str | None, payload: Mapping[str, Any]
    ) -> EventRecord:
        """Make an event; of a large output it tells where it is."""
        if "output" in payload:
            output = {key: self._artifacts.recalled(it) for key, it in payload["output"].items()}
            payload = {**payload, "output": output}
        text = dumps(payload)
        if len(text) > THRESHOLD_CHARACTERS and "output" in payload:
            output = {key: self._artifacts.shown(it) for key, it in payload["output"].items()}
            text = dumps({**payload, "output": output})
        return EventRecord(self._tenant_id, self._execution_id, uuid7(), event_type, node_id, text)

    def started(self, node: Node, task_id: str, attempt: Attempt) -> list[Record]:
        """Note that an attempt begins; only the first is an event."""
        records: list[Record] = [
            self._log(node, task_id, attempt, "running"),
            ProgressRecord(self._execution_id, current_node=node.id),
        ]
        if attempt.number == 1:
            records.append(
                self.event(f"{self._subject}_started", node.id, {"agent_name": node.agent})
            )
        return records

    def retrying(self, node: Node, task_id: str, attempt: Attempt) -> list[Record]:
        """Note that an attempt failed and another follows."""
        payload = {
            "attempt": attempt.number,
            "error_message": attempt.error,
            "retry_in_seconds": round(attempt.retry_in_seconds or 0, 3),
        }
        return [
            self._log(node, task_id, attempt, "failed"),
            ProgressRecord(self._execution_id, retried=1),
            self.event(f"{self._subject}_retrying", node.id, payload),
        ]

    def completed(
        self,
        node: Node,
        task_id: str,
        attempt: Attempt,
        result: AgentResult,
        route: Update | None = None,
    ) -> list[Record]:
        """Note a node's result, and where it goes on when it chooses that."""
        usage = result.usage
        payload = {
            "agent_name": node.agent,
            "attempt": attempt.number,
            "duration_seconds": _seconds(attempt),
            "output": {node.key: result.output},
            "llm_tokens": usage.llm_tokens,
            "api_calls": usage.api_calls,
            "cost_usd": usage.cost_usd,
            **_taken(route),
        }
        return [
            self._log(node, task_id, attempt, "completed", result),
            self._progress(usage, completed=1),
            self.event(f"{self._subject}_completed", node.id, payload),
        ]

    def reused(
        self,
        node: Node,
        task_id: str,
        output: Any,
        origin: str,
        route: Update,
        items: int | None = None,
        failed: int = 0,
    ) -> list[Record]:
        """Note a result of another execution that this one reuses; it costs nothing again.

        Args:
            node: Whose result it is.
            task_id: The visit that its log is for.
            output: The result, as it is shown.
            origin: The other execution.
            route: Where the node goes on when it chooses that.
            items: How many items it has, when it is of a map.
            failed: How many of them failed.
        """
        facts: dict[str, Any] = {} if items is None else {"items": items}
        facts |= {"failed": failed} if failed else {}
        facts["reused_from"] = origin
        result = AgentResult(output, metadata=facts)
        return self._settled(node, task_id, result, route)

    def failed(
        self,
        node: Node,
        task_id: str,
        attempt: Attempt,
        then: Then | None = None,
        route: Update | None = None,
    ) -> list[Record]:
        """Note that a node failed for good, and what follows."""
        payload = {
            "agent_name": node.agent,
            "attempt": attempt.number,
            "duration_seconds": _seconds(attempt),
            "error_message": attempt.error,
            "then": then,
            **_taken(route),
        }
        records: list[Record] = [
            self._log(node, task_id, attempt, "failed"),
            self._progress(Usage(), failed=1),
            self.event(f"{self._subject}_failed", node.id, payload),
        ]
        if then == "default":
            output = {node.key: node.default}
            records.append(self.event("node_defaulted", node.id, {"output": output}))
        return records

    def map_started(self, node: Node, task_id: str, attempt: Attempt, count: int) -> list[Record]:
        """Note that a mapped list is about to be run over."""
        return [
            replace(
                self._log(node, task_id, attempt, "running"),
                metadata_json=dumps({"items": count}),
            ),
            ProgressRecord(self._execution_id, current_node=node.id),
            self.event("node_started", node.id, {"agent_name": node.agent, "items": count}),
        ]

    def items(
        self,
        node: Node,
        map_task_id: str,
        results: Sequence[ItemResult],
        count: int,
        ended: tuple[int, int],
    ) -> list[Record]:
        """Note the results of some items of a map, and how far the map is.

        Args:
            node: The map node.
            map_task_id: The visit of the node.
            results: What has ended.
            count: How many items there are.
            ended: How many of them have ended by then, and how many of these failed.
        """
        rows: list[Record] = [
            MapItemRecord(
                self._tenant_id,
                self._execution_id,
                node.id,
                map_task_id,
                result.map_index,
                "completed" if result.error is None else "failed",
                result.attempt,
                result.output_json,
                None if result.error is None else clean_text(result.error),
            )
            for result in results
        ]
        usage = sum((Usage(r.llm_tokens, r.api_calls, r.cost_usd) for r in results), Usage())
        progress = {
            "items": count,
            "completed": ended[0] - ended[1],
            "failed": ended[1],
            "ended": _ranges(result.map_index for result in results),
        }
        return [*rows, self._progress(usage), self.event("node_progress", node.id, progress)]

    def items_retrying(
        self, node: Node, results: Sequence[ItemResult], seconds: float
    ) -> list[Record]:
        """Note that items of a map failed for now and are tried again later."""
        payload = {
            "items": len(results),
            "attempt": max(result.attempt for result in results),
            "error_message": results[0].error,
            "retry_in_seconds": round(seconds, 3),
        }
        retried = ProgressRecord(self._execution_id, retried=len(results))
        return [retried, self.event("node_retrying", node.id, payload)]

    def map_completed(
        self,
        node: Node,
        map_task_id: str,
        shown: Any,
        count: int,
        failed: int,
        route: Update,
    ) -> list[Record]:
        """Note that all items of a map have ended, and that those that failed are put up with."""
        metadata = {"items": count, **({"failed": failed} if failed else {})}
        return self._settled(node, map_task_id, AgentResult(shown, metadata=metadata), route)

    def question(self, question: Interrupt) -> list[Record]:
        """Note a question to a person."""
        asked = question.value
        approval = approval_record(self._lease, question.id, asked["node_id"], asked)
        log = NodeLogRecord(
            self._tenant_id, self._execution_id, asked["node_id"], asked["task_id"], 1,
            "human_loop", "pending", dumps({"message": asked["message"]}), None, None,
            datetime.now(UTC),
        )  # fmt: skip
        payload = {
            "approval_id": f"appr_{approval.id.hex}", "message": approval.message,
            "approval_type": approval.approval_type,
            "options": asked.get("options") or [], "schema": asked.get("form"),
            "timeout_seconds": asked.get("timeout"),
            "approvers": asked.get("approvers") or [], "required": approval.required,
        }  # fmt: skip
        return [
            approval,
            log,
            ProgressRecord(self._execution_id, current_node=asked["node_id"]),
            self.event("node_started", asked["node_id"], {"agent_name": "human_loop"}),
            self.event("approval_requested", asked["node_id"], payload),
        ]

    def waiting(self, question: Interrupt) -> list[Record]:
        """Note that a node waits for a time or an event."""
        asked, wait = question.value, question.value["wait"]
        place = (self._tenant_id, self._execution_id)
        log = NodeLogRecord(
            *place, asked["node_id"], asked["task_id"], 1, "wait", "pending", dumps(wait), None,
            None, datetime.now(UTC),
        )  # fmt: skip
        return [
            wait_record(self._lease, question.id, asked["node_id"], asked["task_id"], wait),
            log,
            ProgressRecord(self._execution_id, current_node=asked["node_id"]),
            self.event("node_started", asked["node_id"], {"agent_name": "wait"}),
            self.event("wait_started", asked["node_id"], wait),
        ]

    def called(
        self, node: Node, task_id: str, attempt: Attempt, children: Sequence[ChildRecord]
    ) -> list[Record]:
        """Note that executions are started for a node; only its first attempt is an event."""
        records: list[Record] = [
            self._log(node, task_id, attempt, "pending"),
            ProgressRecord(self._execution_id, current_node=node.id),
        ]
        if attempt.number == 1:
            records.append(self.event("node_started", node.id, {"agent_name": node.agent}))
        return [*records, self.children_started(node, children)]

    def children_started(self, node: Node, children: Sequence[ChildRecord]) -> EventRecord:
        """Note that executions are started for a node, or for its items."""
        payload = {
            "count": len(children),
            "execution_ids": [f"exec_{child.id.hex}" for child in children[:TOLD_CHILDREN]],
        }
        return self.event("children_started", node.id, payload)

    def asked_all(self, node: Node, questions: Sequence[Mapping[str, Any]]) -> EventRecord:
        """Note that a map asks something for each of its items."""
        kind = "wait_started" if node.agent == "wait" else "approval_requested"
        return self.event(kind, node.id, {"count": len(questions)})

    def answered(
        self, node: Node, task_id: str, shown: Any, output: Any, route: Update
    ) -> list[Record]:
        """Note that a question's answer was taken over."""
        return self._settled(node, task_id, AgentResult(output), route, shown)

    def _settled(
        self, node: Node, task_id: str, result: AgentResult, route: Update, shown: Any = None
    ) -> list[Record]:
        """Note a result that no attempt of its own was made for."""
        now = datetime.now(UTC)
        attempt = Attempt(1, now, shown, now, result)
        payload = {
            "agent_name": node.agent,
            "attempt": 1,
            "output": {node.key: result.output},
            **result.metadata,
            **_taken(route),
        }
        return [
            self._log(node, task_id, attempt, "completed", result),
            ProgressRecord(self._execution_id, completed=1),
            self.event("node_completed", node.id, payload),
        ]

    def _progress(self, usage: Usage, *, completed: int = 0, failed: int = 0) -> ProgressRecord:
        counted = self._subject == "node"
        return ProgressRecord(
            self._execution_id,
            completed=completed if counted else 0,
            failed=failed if counted else 0,
            llm_tokens=usage.llm_tokens,
            api_calls=usage.api_calls,
            cost_usd=usage.cost_usd,
        )

    def _log(
        self,
        node: Node,
        task_id: str,
        attempt: Attempt,
        status: str,
        result: AgentResult | None = None,
    ) -> NodeLogRecord:
        usage = result.usage if result else Usage()
        shown = attempt.shown_parameters
        return NodeLogRecord(
            tenant_id=self._tenant_id,
            execution_id=self._execution_id,
            node_id=node.id,
            task_id=task_id,
            attempt=attempt.number,
            agent_name=node.agent,
            status=status,
            input_json=None if shown is None else self._artifacts.text(shown),
            output_json=self._artifacts.text(result.output) if result else None,
            metadata_json=dumps(result.metadata) if result else None,
            started_at=attempt.started_at,
            completed_at=attempt.ended_at,
            error_message=clean_text(attempt.error) if attempt.error else None,
            error_trace=clean_text(attempt.trace) if attempt.trace else None,
            llm_tokens=usage.llm_tokens,
            api_calls=usage.api_calls,
            cost_usd=usage.cost_usd,
        )


def _taken(route: Update | None) -> dict[str, Any]:
    """Return what an event says of the way that a node chose; nothing of one that does not."""
    return {"route": next(iter(route.values()))} if route else {}


def _seconds(attempt: Attempt) -> float:
    return round(attempt.seconds, 6)


def _ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Return numbers as ranges in order, each from its first up to the one after its last."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number:
            ranges[-1][1] = number + 1
        else:
            ranges.append([number, number + 1])
    return ranges
