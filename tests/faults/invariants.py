"""What must hold after any fault, read from the tables alone.

Each function raises an AssertionError that names the rows that break it. They look at every
execution of the database, so a test that injects a fault ends with `check_all`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import asyncpg
import psutil

from tests.eventually import eventually

SHOWN = 8
"""How many rows a message names."""

UNSETTLED = """
SELECT e.id, e.status, e.owner_id, e.epoch, e.owner_losses, e.current_node_id, e.waiting_reason
FROM workflow_executions AS e
WHERE e.status IN ('pending', 'running') OR (e.status = 'waiting' AND NOT e.paused
    AND NOT EXISTS (
        SELECT FROM execution_approvals AS a WHERE a.execution_id = e.id AND a.status = 'pending')
    AND NOT EXISTS (
        SELECT FROM execution_waits AS w WHERE w.execution_id = e.id AND w.status = 'pending'
            AND (w.due_at IS NULL OR w.due_at > now())))
ORDER BY e.id
"""
RESULTS_APPLIED_TWICE = """
SELECT execution_id, node_id, task_id, count(*) AS results FROM execution_node_logs
WHERE status = 'completed' GROUP BY execution_id, node_id, task_id HAVING count(*) > 1
"""
RESULTS_IN_ENDED = """
SELECT l.execution_id, l.node_id, l.task_id, l.attempt FROM execution_node_logs AS l
JOIN workflow_executions AS e ON e.id = l.execution_id
WHERE e.status = 'completed' AND l.status = 'running' AND NOT EXISTS (
    SELECT FROM execution_node_logs AS o
    WHERE o.execution_id = l.execution_id AND o.node_id = l.node_id AND o.task_id = l.task_id
        AND o.status IN ('completed', 'failed'))
"""
ITEMS_APPLIED_TWICE = """
SELECT execution_id, node_id, map_index, count(*) AS results FROM execution_map_items
GROUP BY execution_id, node_id, task_id, map_index HAVING count(*) > 1
"""
VISITS = """
SELECT execution_id, node_id, count(*) AS visits FROM execution_node_logs
WHERE status = 'completed' AND task_id <> 'epilogue:compensate' GROUP BY execution_id, node_id
"""
MAP_ITEMS = """
SELECT execution_id, node_id, map_index, count(*) AS visits FROM execution_map_items
WHERE status = 'completed' GROUP BY execution_id, node_id, map_index
"""
FORKS = """
SELECT execution_id, checkpoint_ns, parent_checkpoint_id, count(*) AS children,
    array_agg(checkpoint_id ORDER BY checkpoint_number) AS checkpoints,
    array_agg(epoch ORDER BY checkpoint_number) AS epochs
FROM execution_checkpoints
GROUP BY execution_id, checkpoint_ns, parent_checkpoint_id HAVING count(*) > 1
"""
FALLING_EPOCHS = """
SELECT c.execution_id, c.checkpoint_ns, c.checkpoint_id, c.epoch, p.epoch AS parent_epoch
FROM execution_checkpoints AS c JOIN execution_checkpoints AS p
    ON p.execution_id = c.execution_id AND p.checkpoint_ns = c.checkpoint_ns
    AND p.checkpoint_id = c.parent_checkpoint_id
WHERE c.epoch < p.epoch OR c.checkpoint_number <= p.checkpoint_number
"""
FUTURE_EPOCHS = """
SELECT c.execution_id, c.checkpoint_id, c.epoch, e.epoch AS present FROM execution_checkpoints AS c
JOIN workflow_executions AS e ON e.id = c.execution_id WHERE c.epoch > e.epoch
"""
LOST_TIPS = """
WITH tips AS (
    SELECT DISTINCT ON (c.execution_id) c.execution_id, c.checkpoint_id
    FROM execution_checkpoints AS c WHERE c.checkpoint_ns = ''
    ORDER BY c.execution_id, c.checkpoint_number DESC
), leaves AS (
    SELECT c.execution_id, c.checkpoint_id FROM execution_checkpoints AS c
    WHERE c.checkpoint_ns = '' AND NOT EXISTS (
        SELECT FROM execution_checkpoints AS d WHERE d.execution_id = c.execution_id
            AND d.checkpoint_ns = '' AND d.parent_checkpoint_id = c.checkpoint_id)
)
SELECT l.execution_id, l.checkpoint_id AS end_of_line, t.checkpoint_id AS found_as_latest
FROM leaves AS l JOIN tips AS t USING (execution_id) WHERE l.checkpoint_id <> t.checkpoint_id
"""
UNFINISHED_TIPS = """
SELECT e.id AS execution_id, w.checkpoint_id, w.task_id, w.channel FROM workflow_executions AS e
JOIN LATERAL (
    SELECT c.checkpoint_id FROM execution_checkpoints AS c
    WHERE c.execution_id = e.id AND c.checkpoint_ns = ''
    ORDER BY c.checkpoint_number DESC LIMIT 1) AS tip ON true
JOIN execution_writes AS w ON w.execution_id = e.id AND w.checkpoint_ns = ''
    AND w.checkpoint_id = tip.checkpoint_id
WHERE e.status = 'completed'
"""
EVENT_NUMBERS = """
SELECT e.id AS execution_id, e.last_event_seq, count(v.seq) AS events, min(v.seq) AS first,
    max(v.seq) AS last, count(DISTINCT v.event_id) AS ids
FROM workflow_executions AS e LEFT JOIN execution_events AS v ON v.execution_id = e.id
GROUP BY e.id
HAVING count(v.seq) = 0 OR min(v.seq) <> 1 OR max(v.seq) <> count(v.seq)
    OR e.last_event_seq <> count(v.seq) OR count(DISTINCT v.event_id) <> count(v.seq)
"""
ENDS = """
SELECT e.id AS execution_id, e.status, e.last_event_seq,
    array_agg(v.event_type) FILTER (WHERE v.seq IS NOT NULL) AS ends, max(v.seq) AS seq
FROM workflow_executions AS e LEFT JOIN execution_events AS v ON v.execution_id = e.id
    AND v.event_type IN ('workflow_completed', 'workflow_failed', 'workflow_cancelled')
GROUP BY e.id
HAVING CASE WHEN e.status IN ('completed', 'failed', 'cancelled')
    THEN count(v.seq) <> 1 OR max(v.event_type) <> 'workflow_' || e.status
        OR max(v.seq) <> e.last_event_seq
    ELSE count(v.seq) > 0 END
"""
COMPLETIONS = """
SELECT e.id AS execution_id, e.status, e.completed_nodes, coalesce(v.events, 0) AS events,
    coalesce(l.visits, 0) AS visits
FROM workflow_executions AS e
LEFT JOIN (SELECT execution_id, count(*) AS events FROM execution_events
    WHERE event_type = 'node_completed' GROUP BY execution_id) AS v ON v.execution_id = e.id
LEFT JOIN (SELECT execution_id, count(*) AS visits FROM execution_node_logs
    WHERE status = 'completed' AND task_id <> 'epilogue:compensate'
    GROUP BY execution_id) AS l ON l.execution_id = e.id
WHERE coalesce(v.events, 0) <> coalesce(l.visits, 0) OR e.completed_nodes <> coalesce(v.events, 0)
"""
DECISIONS = """
SELECT a.execution_id, a.id, a.status, a.decision, count(v.seq) AS events
FROM execution_approvals AS a LEFT JOIN execution_events AS v ON v.execution_id = a.execution_id
    AND v.event_type = 'approval_decided'
    AND v.payload ->> 'approval_id' = 'appr_' || replace(a.id::text, '-', '')
GROUP BY a.execution_id, a.id HAVING count(v.seq) <> (a.status = 'decided')::int
"""
OWNED_WITHOUT_NEED = """
SELECT id, status, owner_id FROM workflow_executions
WHERE owner_id IS NOT NULL AND status <> 'running'
"""
EXPIRED = """
SELECT id, slot, pid, heartbeat_at FROM executors
WHERE stopped_at IS NULL AND heartbeat_at < now() - make_interval(secs => $1)
"""
OVER_LIMIT = """
SELECT e.id AS execution_id, e.lane, e.workflow_id, e.key_limit, e.workflow_limit,
    count(*) FILTER (WHERE o.lane = e.lane) AS of_lane, count(*) AS of_workflow
FROM workflow_executions AS e JOIN workflow_executions AS o ON o.workflow_id = e.workflow_id
    AND o.started_at <= e.started_at AND COALESCE(o.completed_at, 'infinity') > e.started_at
WHERE e.key_limit IS NOT NULL OR e.workflow_limit IS NOT NULL
GROUP BY e.id
HAVING count(*) FILTER (WHERE o.lane = e.lane) > e.key_limit OR count(*) > e.workflow_limit
"""
QUEUED_WITHOUT_NEED = """
SELECT id, lane FROM workflow_executions AS e
WHERE status = 'pending' AND NOT paused
    AND COALESCE(weft_in_lane(lane, key_limit) < key_limit, true)
    AND COALESCE(weft_in_workflow(workflow_id, workflow_limit) < workflow_limit, true)
"""
HANGING = """
SELECT pid, application_name, state, left(query, 80) AS query, state_change
FROM pg_stat_activity
WHERE datname = current_database() AND state LIKE 'idle in transaction%'
    AND state_change < now() - interval '5 seconds'
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """When something was broken, in the database's time."""

    begun_at: datetime
    healed_at: datetime


async def _none(pool: asyncpg.Pool, statement: str, wrong: str, *values: object) -> None:
    rows = await pool.fetch(statement, *values)
    assert not rows, f"{wrong}: {_named(rows)}"


def _named(rows: Sequence[Any]) -> str:
    shown = "; ".join(
        ", ".join(f"{key}={value}" for key, value in dict(row).items()) for row in rows[:SHOWN]
    )
    return f"{len(rows)} rows: {shown}{' …' if len(rows) > SHOWN else ''}"


async def check_all_settle(pool: asyncpg.Pool, within_seconds: float) -> None:
    """I1: every acknowledged execution ends, or waits on an open question or an event."""

    async def settled() -> bool:
        return not await pool.fetch(UNSETTLED)

    try:
        await eventually(settled, within_seconds)
    except AssertionError:
        rows = await pool.fetch(UNSETTLED)
        raise AssertionError(f"not settled after {within_seconds:g} s: {_named(rows)}") from None


async def check_results(pool: asyncpg.Pool) -> None:
    """I2, inside: one applied result per execution, visit of a node and map index."""
    await _none(pool, RESULTS_APPLIED_TWICE, "a visit has several results")
    await _none(pool, ITEMS_APPLIED_TWICE, "an item has several results")
    await _none(pool, RESULTS_IN_ENDED, "a visit has no result though its execution completed")


async def check_effects(
    pool: asyncpg.Pool, effects: asyncpg.Pool, faults: Iterable[Fault], nodes: Iterable[str]
) -> None:
    """I2, outside: each result had its effect, and further effects lie around a fault.

    Args:
        pool: The database of the executions.
        effects: The database of the effects.
        faults: When something was broken.
        nodes: The nodes that have effects.
    """
    nodes = set(nodes)
    visits = {
        (row["execution_id"], row["node_id"], row.get("map_index")): row["visits"]
        for row in [*await pool.fetch(VISITS), *await pool.fetch(MAP_ITEMS)]
        if row["node_id"] in nodes
    }
    items = {
        (execution_id, node_id) for execution_id, node_id, index in visits if index is not None
    }
    found: dict[tuple[Any, ...], list[Any]] = {}
    for row in await effects.fetch("SELECT * FROM effects ORDER BY at"):
        key = (row["execution_id"], row["node_id"], row["map_index"])
        found.setdefault(key, []).append(row)
    faults = list(faults)
    for key, count in visits.items():
        if key[2] is None and key[:2] in items:
            continue  # The map's own result; its items had the effects.
        rows = found.get(key, [])
        assert len(rows) >= count, f"{key}: {count} results, but {len(rows)} effects"
    for key, rows in found.items():
        _check_repeats(key, rows, visits.get(key, 0), faults)


def _check_repeats(key: tuple[Any, ...], rows: list[Any], visits: int, faults: list[Fault]) -> None:
    """Each pair of neighbours beyond the visits must have a fault between its two effects."""
    excused = sum(
        any(one["at"] <= fault.healed_at and two["at"] >= fault.begun_at for fault in faults)
        for one, two in pairwise(rows)
    )
    without_fault = len(rows) - max(visits, 1) - excused
    assert without_fault <= 0, (
        f"{key}: {len(rows)} effects for {visits} results, {without_fault} of them without a "
        f"fault: {_named(rows)}"
    )


async def check_lines(pool: asyncpg.Pool) -> None:
    """I3: checkpoints are lines whose epochs never fall; their end is what a resume would load."""
    await _none(pool, FORKS, "a checkpoint has several children")
    await _none(pool, FALLING_EPOCHS, "an epoch or a number falls along a line")
    await _none(pool, FUTURE_EPOCHS, "a checkpoint is of an epoch that never was")
    await _none(pool, LOST_TIPS, "the end of a line is not what a resume loads")
    await _none(pool, UNFINISHED_TIPS, "a completed execution's last checkpoint has open writes")


async def check_events(pool: asyncpg.Pool) -> None:
    """I4: events have no gap and say what the state says."""
    await _none(pool, EVENT_NUMBERS, "numbers of events have a gap")
    await _none(pool, ENDS, "ends that were told differ from the status")
    await _none(pool, COMPLETIONS, "told, logged and counted completions differ")
    await _none(pool, DECISIONS, "told decisions differ from the answers")


async def check_nothing_left(pool: asyncpg.Pool, lease_seconds: float) -> None:
    """I5: no expired lease, leaked place, orphan process or hanging transaction is left."""
    await eventually(lambda: _nothing_expired(pool, lease_seconds), lease_seconds + 5)
    await _none(pool, OWNED_WITHOUT_NEED, "an owner is left on what needs none")
    await _none(pool, QUEUED_WITHOUT_NEED, "a place leaked: its limits have room, and it queues")
    await _none(pool, OVER_LIMIT, "more were in progress than a limit allows")
    await _none(pool, HANGING, "a transaction hangs")

    async def orphans() -> bool:
        return not await _orphans(pool)

    try:
        await eventually(orphans, lease_seconds + 10)
    except AssertionError:
        raise AssertionError(f"processes without a lease live on: {await _orphans(pool)}") from None


async def _nothing_expired(pool: asyncpg.Pool, lease_seconds: float) -> bool:
    return not await pool.fetch(EXPIRED, lease_seconds)


async def _orphans(pool: asyncpg.Pool) -> list[int]:
    """Processes whose lease was ended, and that run all the same."""
    rows = await pool.fetch(
        "SELECT pid FROM executors GROUP BY pid HAVING bool_and(stopped_at IS NOT NULL)"
    )
    return [row["pid"] for row in rows if _runs(row["pid"])]


def _runs(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and "python" in process.name().lower()
    except psutil.NoSuchProcess:
        return False


async def check_all(
    pool: asyncpg.Pool,
    *,
    within_seconds: float,
    lease_seconds: float,
    effects: asyncpg.Pool | None = None,
    faults: Iterable[Fault] = (),
    nodes: Iterable[str] = (),
) -> None:
    """Check everything; see the single functions."""
    await check_all_settle(pool, within_seconds)
    await check_results(pool)
    if effects is not None:
        await check_effects(pool, effects, faults, nodes)
    await check_lines(pool)
    await check_events(pool)
    await check_nothing_left(pool, lease_seconds)
