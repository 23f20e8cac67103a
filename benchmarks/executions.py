"""Executions of trivial nodes through HTTP: starts and completions a second, latencies, overhead.

A platform of its own is started; 200 executions are started at 50 connections, then some one at a
time, then chains of many nodes. Every execution must complete. A node's overhead is the time from
its predecessor's end to its beginning, as its log says: the result made durable, a superstep, and
the parameters resolved.
"""

import asyncio
import time
from datetime import datetime
from itertools import pairwise
from typing import Any

import httpx

from benchmarks.figures import spread, write
from benchmarks.platforms import Platform, create_workflow, open_platform, until_count

EXECUTIONS = 200
CONNECTIONS = 50
ONE_AT_A_TIME = 50
CHAINS = 50
CHAIN_NODES = 21
DEADLINE_SECONDS = 120
WAIT = {"options": {"async": False}}


def chain(count: int) -> dict[str, Any]:
    """Nodes that need nothing from outside, one after the other."""
    names = [f"n{number}" for number in range(count)]
    nodes = [
        {"id": name, "agent": "aggregator", "output": f"{name}_count",
         "parameters": {"aggregation": "count", "data": [1, 2, 3]}}
        for name in names
    ]  # fmt: skip
    edges = [{"from": before, "to": after} for before, after in pairwise(names)]
    return {"name": f"{count} trivial nodes", "nodes": nodes, "edges": edges}


async def start(client: httpx.AsyncClient, workflow_id: str) -> float:
    """Start an execution; return how long the call took in milliseconds."""
    begun = time.perf_counter()
    answer = await client.post(f"/api/v1/workflows/{workflow_id}/execute", json={})
    answer.raise_for_status()
    return (time.perf_counter() - begun) * 1000


async def execute(client: httpx.AsyncClient, workflow_id: str) -> tuple[str, float]:
    """Start an execution and wait for its end; return its id and the milliseconds."""
    begun = time.perf_counter()
    answer = await client.post(f"/api/v1/workflows/{workflow_id}/execute", json=WAIT)
    took_ms = (time.perf_counter() - begun) * 1000
    assert answer.json()["status"] == "completed", answer.text
    return answer.json()["execution_id"], took_ms


async def measure(platform: Platform) -> dict[str, Any]:
    """Run all parts and return their figures."""
    async with platform.client() as client:
        workflow_id = await create_workflow(client, chain(3))
        gate = asyncio.Semaphore(CONNECTIONS)

        async def start_one() -> float:
            async with gate:
                return await start(client, workflow_id)

        for _ in range(5):
            await start(client, workflow_id)
        await _all_completed(client, workflow_id, 5)
        begun = time.perf_counter()
        started_ms = await asyncio.gather(*(start_one() for _ in range(EXECUTIONS)))
        all_started = time.perf_counter() - begun
        await _all_completed(client, workflow_id, EXECUTIONS + 5)
        all_completed = time.perf_counter() - begun
        single_ms = [await start(client, workflow_id) for _ in range(ONE_AT_A_TIME)]
        await _all_completed(client, workflow_id, EXECUTIONS + 5 + ONE_AT_A_TIME)
        whole_ms = [(await execute(client, workflow_id))[1] for _ in range(ONE_AT_A_TIME)]
        overhead_ms = await overheads(client)
    return {
        "executions": EXECUTIONS,
        "connections": CONNECTIONS,
        "starts_per_second": round(EXECUTIONS / all_started, 1),
        "completions_per_second": round(EXECUTIONS / all_completed, 1),
        "start_at_50_connections": spread(started_ms),
        "start_one_at_a_time": spread(single_ms),
        "start_to_completed_one_at_a_time": spread(whole_ms),
        "node_overhead": spread(overhead_ms),
    }


async def overheads(client: httpx.AsyncClient) -> list[float]:
    """Return the milliseconds between the nodes of chains that run one at a time."""
    workflow_id = await create_workflow(client, chain(CHAIN_NODES))
    await execute(client, workflow_id)
    gaps_ms = []
    for _ in range(CHAINS):
        execution_id, _ = await execute(client, workflow_id)
        shown = (await client.get(f"/api/v1/workflows/executions/{execution_id}")).json()
        for before, after in pairwise(shown["nodes"]):
            gap = _moment(after["started_at"]) - _moment(before["completed_at"])
            gaps_ms.append(gap.total_seconds() * 1000)
    return gaps_ms


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def _all_completed(client: httpx.AsyncClient, workflow_id: str, count: int) -> None:
    await until_count(
        client, workflow_id, "completed", count,
        deadline_seconds=DEADLINE_SECONDS, look_seconds=0.05,
    )  # fmt: skip


def main() -> None:
    """Start a platform, measure, write, stop."""
    with open_platform() as platform:
        figures = asyncio.run(measure(platform))
    claim = "trivial executions complete at 50 connections; a node's overhead is milliseconds"
    print(write("executions", claim, figures).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
