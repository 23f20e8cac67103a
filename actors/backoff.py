"""Waits between two attempts: short ones are slept through, for long ones the execution parks.

A long wait is a row that says what was attempted. Whoever goes on with the execution, in whatever
process, goes on with the next attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actors.attempts import Attempt, delay_seconds
from actors.scope import Known
from compiler.specification import Node
from store.json_values import dumps
from store.records import Record, WaitRecord

if TYPE_CHECKING:
    from actors.run import Run

LONGEST_SLEEP_SECONDS = 30.0
"""A wait between two attempts that is longer parks the execution."""


async def attempt_durably(run: Run, node: Node, task_id: str, known: Known) -> Attempt:
    """Try a node until it succeeds or has failed for good, however long its waits are."""
    place, number = 0, 1
    while run.standing.began(task_id, place):
        told = run.stand(task_id, place, "retry", nothing)["payload"]
        place, number = place + 1, told["attempt"] + 1
    attempt = await run.attempts(
        node, task_id, known, run.notes, first=number, longest_sleep_seconds=LONGEST_SLEEP_SECONDS
    )
    if attempt.retry_in_seconds is not None:
        stand_until_next(run, node, task_id, place, attempt)
    return attempt


def stand_until_next(run: Run, node: Node, task_id: str, place: int, failed: Attempt) -> None:
    """Wait for the time of the attempt after a failed one."""
    seconds = failed.retry_in_seconds
    if seconds is None:
        seconds = delay_seconds(node.retry, failed.number, 0)

    def make(wait_id: str) -> list[Record]:
        wait = retry_record(run, node, task_id, wait_id, seconds, {"attempt": failed.number})
        retrying = replace(failed, retry_in_seconds=seconds)
        return [wait, *run.notes.retrying(node, task_id, retrying)]

    run.stand(task_id, place, "retry", make)


def retry_record(
    run: Run, node: Node, task_id: str, wait_id: str, seconds: float, payload: Mapping[str, Any]
) -> WaitRecord:
    """Make the row of a wait for the next attempt."""
    return WaitRecord(
        tenant_id=run.lease.tenant_id,
        execution_id=run.lease.execution_id,
        interrupt_id=wait_id,
        node_id=node.id,
        task_id=task_id,
        kind="retry",
        seconds=seconds,
        payload_json=dumps(payload),
    )


def nothing(_wait_id: str) -> list[Record]:
    """Record nothing: the wait was recorded when it began."""
    return []
