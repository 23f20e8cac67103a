"""What a plan's look at the history takes beside many executions, for large and small tenants.

One organization with 200,000 executions of 100 workflows, five log rows each, a map among them;
beside it one with a single execution, and a workflow that ran three times long ago. Each reads the
history 200 times on one connection, so that kept plans are measured, too.
"""

import asyncio
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.figures import spread, write
from serve.embedded import embedded_postgres
from store.accounts import Principal, authenticate, create_account
from store.measured import read_history
from store.migrate import migrate
from store.postgres import Pool, open_pool

EXECUTIONS = 200_000
WORKFLOWS = 100
ROUNDS = 200
AGENTS = ("llm", "email", "api", "database", "router")
SHA256 = "h"
OLD = UUID(int=1)
"""The workflow that ran three times."""

_SPECIFICATION = """
INSERT INTO workflow_specifications (tenant_id, sha256, document) VALUES ($1, 'h', '{}')
"""
_WORKFLOW = """
INSERT INTO workflows (id, tenant_id, organization_id, name, description, version, status, pattern,
    specification, specification_sha256, yaml_text)
VALUES ($1, $2, $3, 'w', '', '1.0.0', 'active', 'sequential', '{}', 'h', '')
"""
_EXECUTIONS = """
INSERT INTO workflow_executions (id, tenant_id, organization_id, workflow_id, specification_sha256,
    workflow_version, status, total_nodes, duration_seconds, cost_usd, completed_at)
SELECT lpad(to_hex(g), 32, '0')::uuid, $1, $2,
    CASE WHEN g < $5 THEN $6 ELSE lpad(to_hex(1000 + g % $7), 32, '0')::uuid END,
    'h', '1.0.0', 'completed', 5, random() * 10, random(), now()
FROM generate_series($3::integer, $4::integer) AS g
"""
_LOGS = """
INSERT INTO execution_node_logs (tenant_id, execution_id, node_id, task_id, attempt, agent_name,
    status, input_data, output_data, metadata, started_at, completed_at, cost_usd)
SELECT e.tenant_id, e.id, 'n' || k, 't' || k, 1, ($1::text[])[k], 'completed', '{"prompt": "x"}',
    to_jsonb(repeat('x', 500)), CASE k WHEN 1 THEN '{"items": 20}' ELSE '{}' END::jsonb,
    now() - interval '10 s', now() - random() * interval '9 s', 0.01
FROM workflow_executions AS e, generate_series(1, 5) AS k
"""
_ITEMS = """
INSERT INTO execution_map_items (tenant_id, execution_id, node_id, task_id, map_index, status,
    attempt)
SELECT e.tenant_id, e.id, 'n1', 't1', 0, 'completed', 1 FROM workflow_executions AS e
"""


async def fill(dsn: str, large: Principal, small: Principal) -> None:
    """Write the rows, without the checks of references that real ones have passed."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("SET session_replication_role = replica")
    for who in (large, small):
        await connection.execute(_SPECIFICATION, who.tenant_id)
    workflows = [UUID(int=1000 + number) for number in range(WORKFLOWS)]
    for id in (*workflows, OLD):
        await connection.execute(_WORKFLOW, id, large.tenant_id, large.organization_id)
    await connection.execute(_WORKFLOW, UUID(int=2), small.tenant_id, small.organization_id)
    await connection.execute(
        _EXECUTIONS, large.tenant_id, large.organization_id, 1, EXECUTIONS, 4, OLD, WORKFLOWS
    )
    await connection.execute(
        _EXECUTIONS, small.tenant_id, small.organization_id, 0, 0, 1, UUID(int=2), WORKFLOWS
    )
    await connection.execute(_LOGS, AGENTS)
    await connection.execute(_ITEMS)
    await connection.execute("ANALYZE")
    await connection.close()


async def read(pool: Pool, who: Principal, workflow_id: UUID) -> dict[str, Any]:
    """Return how many milliseconds each look takes, and how much it finds."""
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        found = await read_history(
            pool, who.tenant_id, AGENTS,
            workflow_id=workflow_id, specification_sha256=SHA256, nodes=5,
        )  # fmt: skip
        taken.append((time.perf_counter() - begun) * 1000)
    samples = found.workflow.samples if found.workflow else 0
    return {"samples": samples, **spread(taken)}


async def measure(dsn: str) -> dict[str, Any]:
    """Fill a database and look at it from three sides."""
    await migrate(dsn)
    tokens = [await create_account(dsn, name, f"{name}@localhost", name) for name in ("a", "b")]
    async with open_pool(dsn, "weft_api", size=1) as pool:
        large, small = [await authenticate(pool, token) for token in tokens]
        assert large is not None
        assert small is not None
        await fill(dsn, large, small)
        return {
            "executions": EXECUTIONS,
            "log_rows": EXECUTIONS * len(AGENTS),
            "a workflow of 2,000 executions": await read(pool, large, UUID(int=1007)),
            "a workflow of three old ones": await read(pool, large, OLD),
            "a tenant with one execution": await read(pool, small, UUID(int=2)),
        }


def main() -> None:
    """Measure and write the figures."""
    home = Path(tempfile.mkdtemp(prefix="weft-history-"))
    (home / "logs").mkdir()
    try:
        with embedded_postgres(home, dict(os.environ)) as dsn:
            figures = asyncio.run(measure(dsn))
    finally:
        shutil.rmtree(home)
    for name, figure in figures.items():
        print(f"{name}: {figure}")
    claim = "a plan's history is read in less than 10 ms (median) beside 200,000 executions"
    print(write("plan_history", claim, figures, packages=("asyncpg",)))


if __name__ == "__main__":
    main()
