"""What the engine measures: every instrument is recorded where it should be, and can be read."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncpg import exceptions
from prometheus_client import REGISTRY
from uuid_utils.compat import uuid7

from actors import metrics
from actors.metrics import count_ended, report, write_snapshot
from store.json_values import loads
from store.live import open_live_view
from store.postgres import Pool
from store.records import Event
from store.statements import statement
from tests.actors.conftest import Begin, OpenProcess
from tests.actors.pools import BreakingPool
from tests.actors.process import Process
from tests.actors.workflows import chain, does, workflow
from tests.eventually import eventually


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
async def counting(process_of: OpenProcess, redis_url: str) -> AsyncIterator[Process]:
    """A process whose ends of executions are counted, as an executor's are."""
    async with open_live_view(redis_url, count_ended) as live:
        yield await process_of(live=live)


@pytest.mark.requirement("NFR-5.3")
async def test_executions_and_attempts_are_measured(counting: Process, begin: Begin) -> None:
    """Each end is counted by its status, with how long it took; so is each attempt at a node."""
    names = ("workflow_executions_total", "workflow_duration_seconds_count")
    completed, lasted = _value(names[0], status="completed"), _value(names[1])
    failed, failures = _value(names[0], status="failed"), _value("workflow_failures_total")
    attempts = _value("agent_execution_duration_seconds_count", agent="step")
    retried = does("a", fail="no", retryable=True, retry={"max_attempts": 2, "initial_seconds": 0})
    for document in (chain("a", "b"), workflow([retried], "")):
        await counting.drive(await begin(document, process=counting))
    assert _value(names[0], status="completed") - completed == 1
    assert _value(names[0], status="failed") - failed == 1
    assert _value("workflow_failures_total") - failures == 1
    assert _value(names[1]) - lasted == 2
    assert _value("agent_execution_duration_seconds_count", agent="step") - attempts == 4


@pytest.mark.requirement("NFR-5.3")
async def test_items_of_maps_are_measured(process: Process, begin: Begin) -> None:
    """Each item's attempt counts, wherever it ran, under the agent that did it."""
    attempts = _value("agent_execution_duration_seconds_count", agent="step")
    each = {**does("each", value="{item}"), "pattern": "map", "input_keys": ["input.rows"]}
    await process.drive(await begin(workflow([each], ""), {"rows": [1, 2, 3]}))
    assert _value("agent_execution_duration_seconds_count", agent="step") - attempts == 3


@pytest.mark.requirement("NFR-5.3")
async def test_the_journal_is_measured(process: Process, begin: Begin) -> None:
    """A flush is observed once, with its records."""
    flushes, rows = (_value(f"weft_journal_flush_{name}") for name in ("seconds_count", "rows_sum"))
    before = process.journal.flushes, process.journal.rows
    await process.drive(await begin(chain("a", "b")))
    await process.journal.drain()
    assert _value("weft_journal_flush_seconds_count") - flushes == (
        process.journal.flushes - before[0]
    )
    assert _value("weft_journal_flush_rows_sum") - rows == process.journal.rows - before[1]
    assert process.journal.queue_entries == 0


async def test_flushes_that_are_repeated_are_counted(
    process_of: OpenProcess, begin: Begin, engine_pool: Pool
) -> None:
    """A flush that the database turned away shows as a retry."""
    retries = _value("weft_journal_retries_total")
    error = exceptions.ConnectionDoesNotExistError("gone")
    unlucky = await process_of(journal_pool=BreakingPool(engine_pool, 2, error))
    await unlucky.drive(await begin(chain("a"), process=unlucky))
    assert _value("weft_journal_retries_total") - retries == 1


async def test_duration_begins_with_the_execution_s_id() -> None:
    """An execution that was started long ago took long, whoever saw its beginning."""
    before = _value("workflow_duration_seconds_sum")
    id, now = uuid7(), datetime.now(UTC) + timedelta(seconds=90)
    count_ended([Event(id, id, 1, id, "workflow_cancelled", None, "{}", now)])
    assert 85 < _value("workflow_duration_seconds_sum") - before < 95


@pytest.mark.requirement("NFR-5.3")
async def test_a_process_reports_what_it_measures(
    engine_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes all its metrics under its name, in place of what it wrote before."""
    monkeypatch.setattr(metrics, "LAG_SECONDS", 0.01)
    monkeypatch.setattr(metrics, "REPORT_SECONDS", 0.02)
    running = iter(range(3, 100))
    reporting = asyncio.create_task(
        report(engine_pool, "executor-0", lambda: metrics.EXECUTIONS_RUNNING.record(next(running)))
    )

    async def told() -> Any:
        rows = await engine_pool.fetch(statement("list_metrics"), 30.0)
        families = {f["name"]: f for f in loads(rows[0]["families"])} if rows else {}
        found = families.get("weft_executions_running")
        return found and found["samples"][0][2] > 3 and families

    families = await eventually(told)
    reporting.cancel()
    assert families["weft_event_loop_lag_seconds"]["kind"] == "histogram"
    assert await engine_pool.fetchval("SELECT count(*) FROM process_metrics") == 1
    await engine_pool.execute("UPDATE process_metrics SET written_at = now() - interval '2 hours'")
    await write_snapshot(engine_pool, "supervisor")
    await engine_pool.execute(statement("delete_old_metrics"), 3600.0)
    rows = await engine_pool.fetch("SELECT process FROM process_metrics")
    assert [row["process"] for row in rows] == ["supervisor"]


async def test_a_report_outlives_a_database_that_is_away(
    engine_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written now is written the next time."""
    monkeypatch.setattr(metrics, "LAG_SECONDS", 0.01)
    monkeypatch.setattr(metrics, "REPORT_SECONDS", 0.02)
    pool: Any = BreakingPool(engine_pool, 1, OSError("away"))
    reporting = asyncio.create_task(report(pool, "executor-0", lambda: None))
    await eventually(lambda: engine_pool.fetchval("SELECT count(*) FROM process_metrics"))
    reporting.cancel()
    assert pool.broke


@pytest.mark.requirement("NFR-5.3")
def test_names_carry_their_unit() -> None:
    """Counters end in total, what has a unit says it, and each has a sentence of help."""
    for instrument in metrics._instruments:
        assert instrument.name.endswith("_total") == (instrument.kind == "counter")
        assert instrument.help.endswith(".")
        if instrument.kind == "histogram":
            assert instrument.name.endswith(("_seconds", "_rows"))
            assert instrument.buckets == tuple(sorted(instrument.buckets))
    promised = {
        "workflow_executions_total", "workflow_duration_seconds", "workflow_failures_total",
        "agent_execution_duration_seconds",
    }  # fmt: skip
    assert promised <= {instrument.name for instrument in metrics._instruments}
