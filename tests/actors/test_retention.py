"""The supervisor's part of retention: batch after batch, until nothing is left to delete."""

import pytest

from actors import retention
from actors.retention import retain
from store import retention as stored
from store.postgres import Pool
from tests.actors.conftest import Begin
from tests.actors.process import Process
from tests.actors.workflows import ask, says, workflow
from tests.eventually import eventually

LARGE = "large " * 20_000
TABLES = ("execution_artifacts", "execution_node_logs", "execution_checkpoints",
          "execution_events", "workflow_specifications")  # fmt: skip


@pytest.mark.requirement("DATA.1")
async def test_executions_go_in_batches_with_all_they_left(
    begin: Begin, process: Process, engine_pool: Pool, owner_pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What has ended goes with its artifacts and specification; what waits stays whole."""
    monkeypatch.setattr(stored, "BATCH_EXECUTIONS", 2)
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0.001)
    ids = [await begin(workflow([says("a", LARGE)], "")) for _ in range(5)]
    waits = await begin(workflow([says("a", [LARGE]), ask("ok")], "a ok"))
    for id in (*ids, waits):
        await process.drive(id)
    await process.journal.drain()
    assert await retain(engine_pool, 1) == 0
    await owner_pool.execute(
        "UPDATE workflow_executions SET created_at = now() - interval '9 days', "
        "started_at = now() - interval '9 days', completed_at = completed_at - interval '9 days'"
    )
    await owner_pool.execute("UPDATE workflows SET specification_sha256 = 'edited since'")
    assert await retain(engine_pool, 1) == 5
    left = await engine_pool.fetch("SELECT id FROM workflow_executions")
    assert [row["id"] for row in left] == [waits]
    for table in TABLES[:-1]:
        rows = await engine_pool.fetch(f"SELECT DISTINCT execution_id FROM {table}")  # noqa: S608
        assert [row["execution_id"] for row in rows] == [waits], table
    assert await engine_pool.fetchval("SELECT count(*) FROM workflow_specifications") == 1


async def test_a_workflow_s_own_retention_needs_no_setting(
    begin: Begin, process: Process, engine_pool: Pool
) -> None:
    """The moment at which an execution goes is set when it ends."""
    document = {**workflow([says("a")], ""), "settings": {"retention_days": 0.01}}
    id = await begin(document)
    await process.drive(id)
    kept = await engine_pool.fetchval(
        "SELECT extract(epoch FROM expires_at - completed_at)::float8 FROM workflow_executions"
    )
    assert kept == pytest.approx(864)
    assert await retain(engine_pool, None) == 0
    await engine_pool.execute("UPDATE workflow_executions SET expires_at = now()")
    assert await eventually(lambda: retain(engine_pool, None)) == 1
