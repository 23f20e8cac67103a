"""Executions of three trivial nodes through HTTP: starts and completions a second, latencies.

A platform of its own is started; 200 executions are started at 50 connections, then some one at a
time. Every execution must complete.
"""

import asyncio
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.figures import spread, write
from serve.platform import free_ports, start_background, stop_platform
from serve.settings import load_settings

EXECUTIONS = 200
CONNECTIONS = 50
ONE_AT_A_TIME = 50
DEADLINE_SECONDS = 120


def specification() -> dict[str, Any]:
    """Three nodes that need nothing from outside, one after the other."""
    nodes = [
        {"id": name, "agent": "aggregator", "output": f"{name}_count",
         "parameters": {"aggregation": "count", "data": [1, 2, 3]}}
        for name in ("one", "two", "three")
    ]  # fmt: skip
    return {"name": "Three trivial nodes", "nodes": nodes,
            "edges": [{"from": "one", "to": "two"}, {"from": "two", "to": "three"}]}  # fmt: skip


async def start(client: httpx.AsyncClient, workflow_id: str, gate: asyncio.Semaphore) -> Any:
    """Start one execution; return its id and how long the call took in milliseconds."""
    async with gate:
        begun = time.perf_counter()
        answer = await client.post(f"/api/v1/workflows/{workflow_id}/execute", json={})
        took_ms = (time.perf_counter() - begun) * 1000
    answer.raise_for_status()
    return answer.json()["execution_id"], took_ms


async def completed(client: httpx.AsyncClient, workflow_id: str) -> int:
    """Return how many executions of the workflow have completed."""
    answer = await client.get(
        f"/api/v1/workflows/{workflow_id}/executions", params={"status": "completed", "limit": 1}
    )
    total: int = answer.json()["total"]
    return total


async def measure(url: str, token: str) -> dict[str, Any]:
    """Run both parts and return their figures."""
    headers = {"Authorization": f"Bearer {token}"}
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with httpx.AsyncClient(
        base_url=url, headers=headers, limits=limits, timeout=60
    ) as client:
        answer = await client.post(
            "/api/v1/workflows/create", json={"specification": specification()}
        )
        workflow_id = answer.json()["workflow_id"]
        gate = asyncio.Semaphore(CONNECTIONS)
        for _ in range(5):
            await start(client, workflow_id, gate)
        await until_completed(client, workflow_id, 5)
        begun = time.perf_counter()
        started = await asyncio.gather(
            *(start(client, workflow_id, gate) for _ in range(EXECUTIONS))
        )
        all_started = time.perf_counter() - begun
        await until_completed(client, workflow_id, EXECUTIONS + 5)
        all_completed = time.perf_counter() - begun
        single, whole = await one_at_a_time(client, workflow_id)
    return {
        "executions": EXECUTIONS,
        "connections": CONNECTIONS,
        "starts_per_second": round(EXECUTIONS / all_started, 1),
        "completions_per_second": round(EXECUTIONS / all_completed, 1),
        "start_at_50_connections": spread([took_ms for _, took_ms in started]),
        "start_one_at_a_time": spread(single),
        "start_to_completed_one_at_a_time": spread(whole),
    }


async def until_completed(client: httpx.AsyncClient, workflow_id: str, count: int) -> None:
    """Wait until so many executions have completed."""
    deadline = time.perf_counter() + DEADLINE_SECONDS
    while await completed(client, workflow_id) < count:
        if time.perf_counter() > deadline:
            raise TimeoutError("not all executions completed")
        await asyncio.sleep(0.05)


async def one_at_a_time(
    client: httpx.AsyncClient, workflow_id: str
) -> tuple[list[float], list[float]]:
    """Return the milliseconds to the answer, and to the end, of single executions."""
    answered, ended = [], []
    for _ in range(ONE_AT_A_TIME):
        _, took_ms = await start(client, workflow_id, asyncio.Semaphore(1))
        answered.append(took_ms)
        begun = time.perf_counter()
        body = {"options": {"async": False}}
        answer = await client.post(f"/api/v1/workflows/{workflow_id}/execute", json=body)
        assert answer.json()["status"] == "completed", answer.text
        ended.append((time.perf_counter() - begun) * 1000)
    return answered, ended


def main() -> None:
    """Start a platform, measure, write, stop."""
    home = Path(tempfile.mkdtemp(prefix="weft-bench-"))
    os.environ |= {"WEFT_HOME": str(home), "WEFT_PORT": str(free_ports(1)[0])}
    try:
        url = start_background(load_settings())
        token = (home / "token").read_text(encoding="utf-8").strip()
        figures = asyncio.run(measure(url, token))
    finally:
        stop_platform(home)
        shutil.rmtree(home, ignore_errors=True)
    claim = "200 executions of three trivial nodes, started at 50 connections, all complete"
    print(write("executions", claim, figures).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
