"""How much an execution leaves: proportional to its nodes, and each value once."""

import itertools
from typing import Any
from uuid import UUID

import pytest

from store.postgres import Pool
from tests.actors.conftest import Begin
from tests.actors.process import Process
from tests.actors.workflows import chain, does, says, workflow

SIZES = """
SELECT (SELECT count(*) FROM execution_checkpoints WHERE execution_id = $1)
    + (SELECT count(*) FROM execution_channel_values WHERE execution_id = $1)
    + (SELECT count(*) FROM execution_writes WHERE execution_id = $1) AS rows,
    (SELECT sum(pg_column_size(c)) FROM execution_checkpoints AS c WHERE execution_id = $1)
    + (SELECT sum(pg_column_size(v)) FROM execution_channel_values AS v WHERE execution_id = $1)
    + COALESCE((SELECT sum(pg_column_size(w)) FROM execution_writes AS w
                WHERE execution_id = $1), 0) AS state_bytes,
    COALESCE((SELECT sum(size_bytes) FROM execution_artifacts WHERE execution_id = $1), 0)
        AS artifact_bytes,
    (SELECT sum(pg_column_size(l)) FROM execution_node_logs AS l WHERE execution_id = $1)
    + (SELECT sum(pg_column_size(e)) FROM execution_events AS e WHERE execution_id = $1)
    + (SELECT pg_column_size(x) FROM workflow_executions AS x WHERE id = $1) AS told_bytes
"""
MEGABYTE = 1_000_000


async def _left(pool: Pool, execution_id: UUID) -> dict[str, int]:
    row = await pool.fetchrow(SIZES, execution_id)
    return {name: int(value) for name, value in row.items()}


@pytest.mark.timeout(120)
async def test_a_chain_leaves_as_much_for_each_node(
    begin: Begin, process: Process, engine_pool: Pool
) -> None:
    """Twice the nodes leave twice the rows and bytes, at 200 as at 50."""
    left = {}
    for length in (50, 100, 200):
        id = await begin(chain(*(f"n{number}" for number in range(length))))
        await process.drive(id)
        left[length] = await _left(engine_pool, id)
    for name in ("rows", "state_bytes", "told_bytes"):
        first = (left[100][name] - left[50][name]) / 50
        later = (left[200][name] - left[100][name]) / 100
        assert later < 1.3 * first, (name, left)
    assert left[200]["rows"] < 200 * 7
    assert left[200]["artifact_bytes"] == 0


@pytest.mark.timeout(120)
async def test_a_megabyte_through_20_nodes_is_written_once(
    begin: Begin, process: Process, engine_pool: Pool
) -> None:
    """What is passed on unchanged is kept once; the whole execution leaves less than 3 MB."""
    names = [f"n{number}" for number in range(20)]
    nodes: list[Any] = [says(names[0], "0123456789" * (MEGABYTE // 10))]
    nodes += [does(name, value=f"{{{before}}}") for before, name in itertools.pairwise(names)]
    id = await begin(workflow(nodes, " ".join(names)))
    await process.drive(id)
    left = await _left(engine_pool, id)
    assert MEGABYTE <= left["artifact_bytes"] < MEGABYTE + 100
    assert left["state_bytes"] + left["artifact_bytes"] + left["told_bytes"] < 3 * MEGABYTE
    assert await engine_pool.fetchval("SELECT count(*) FROM execution_artifacts") == 1
