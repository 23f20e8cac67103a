"""Twenty thousand executions through two executors: nothing grows and nothing is left."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from store.executions import Start, start_executions
from store.live import LiveView
from store.postgres import Pool
from tests.eventually import eventually
from tests.factories import Account, MakeWorkflow
from tests.faults.conftest import Crew
from tests.faults.nursery import Worker
from tests.faults.specifications import edges, says

EXECUTIONS = 20_000
STARTS_AT_ONCE = 100
IN_FLIGHT = 400
GROWTH = 1.05
"""What the second half may add to what the first one took."""
RUNNING = """
SELECT count(*) FROM workflow_executions WHERE status IN ('pending', 'running')
"""
NOT_COMPLETED = "SELECT status, count(*) FROM workflow_executions GROUP BY status"
OWNED = "SELECT count(*) FROM workflow_executions WHERE owner_id IS NOT NULL"


def _document() -> Mapping[str, Any]:
    each = {**says("each", {"n": "{item}"}), "pattern": "map", "input_keys": ["input.numbers"]}
    nodes = [says("s"), says("a"), each, says("j", {"n": "{each}"})]
    return {"nodes": nodes, "edges": edges("s a j", "s each j"), "settings": {}}


@pytest.mark.faults
@pytest.mark.requirement("NFR-1.4", "NFR-3.3")
@pytest.mark.timeout(3600)
async def test_memory_is_flat(
    crew: Crew, make_workflow: MakeWorkflow, account: Account, api_pool: Pool, live: LiveView
) -> None:
    """The second half of the executions costs the executors no memory, and none keeps a lease."""
    workers = [await crew.executor() for _ in range(2)]
    workflow = await make_workflow(_document())
    values: dict[str, Any] = {
        "tenant_id": account.tenant_id,
        "organization_id": account.principal.organization_id,
        "workflow_id": workflow.id,
        "workflow_name": workflow.name,
        "user_id": account.principal.user_id,
        "specification_sha256": workflow.specification_sha256,
        "total_nodes": 4,
        "input": {"numbers": list(range(5))},
    }

    async def few_run() -> bool:
        return bool(await crew.database.fetchval(RUNNING) < IN_FLIGHT)

    async def none_runs() -> bool:
        return bool(await crew.database.fetchval(RUNNING) == 0)

    async def run(count: int) -> None:
        for _ in range(count // STARTS_AT_ONCE):
            await eventually(few_run, 120)
            starts = [(Start(**values), worker.id) for worker in workers
                      for _ in range(STARTS_AT_ONCE // len(workers))]  # fmt: skip
            await start_executions(api_pool, live, starts)
        await eventually(none_runs, 300)

    await run(EXECUTIONS // 2)
    before = await _settled_bytes(workers)
    await run(EXECUTIONS // 2)
    after = await _settled_bytes(workers)
    ended = {row["status"]: row["count"] for row in await crew.database.fetch(NOT_COMPLETED)}
    assert ended == {"completed": EXECUTIONS}
    assert await crew.database.fetchval(OWNED) == 0
    assert after < before * GROWTH, f"{before / 2**20:.1f} MiB became {after / 2**20:.1f} MiB"
    await crew.check()


async def _settled_bytes(workers: list[Worker]) -> int:
    """Return what the executors hold once they are idle: the least of some looks."""
    looks = []
    for _ in range(5):
        looks.append(sum(worker.rss_bytes() for worker in workers))
        await asyncio.sleep(0.2)
    return min(looks)
