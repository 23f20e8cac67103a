"""Executions that wait for a person or a time: what 100,000 of them cost, and how late some wake.

`python -m benchmarks.parked [COUNT]`.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from benchmarks.figures import spread, write
from benchmarks.platforms import (
    Platform,
    create_workflow,
    open_platform,
    start_many,
    until_count,
)

COUNT = 100_000
DUE = 1000
"""How many wake at one moment."""
DEADLINE_SECONDS = 3000
AHEAD_SECONDS = 60.0
"""How far ahead the moment lies, so that all of them wait by then."""
PAGE = 100

PERSON = {"name": "Asks", "nodes": [
    {"id": "ok", "agent": "human_loop", "parameters": {"message": "Go on?", "timeout": 30_000_000}},
]}  # fmt: skip
TIMER = {"name": "Waits", "nodes": [
    {"id": "rest", "agent": "wait", "parameters": {"seconds": 30_000_000}},
]}  # fmt: skip
MOMENT = {
    "name": "Wakes", "nodes": [
        {"id": "rest", "agent": "wait", "parameters": {"until": "{input.until}"}},
        {"id": "after", "agent": "data_processing",
         "parameters": {"operation": "transform", "data": "{rest.at}"}},
    ], "edges": [{"from": "rest", "to": "after"}],
}  # fmt: skip


async def measure(platform: Platform, count: int) -> dict[str, Any]:
    """Park executions, look at the executors, then let some wake together."""
    async with platform.client() as client:
        before_bytes, begun = await platform.executors_bytes(), time.time()
        for specification in (PERSON, TIMER):
            workflow_id = await create_workflow(client, specification)
            await start_many(platform, workflow_id, {}, count // 2)
            await until_count(
                client, workflow_id, "waiting", count // 2, deadline_seconds=DEADLINE_SECONDS
            )
        parked, after_bytes = time.time(), await platform.executors_bytes()
        woken = await _wake(platform, client)
    return {
        "parked": count,
        "parked_per_second": round(count / (parked - begun), 1),
        "executors_mib_before": round(before_bytes / 2**20),
        "executors_mib_with_all_parked": round(after_bytes / 2**20),
        "bytes_an_execution": round((after_bytes - before_bytes) / count),
        **woken,
    }


async def _wake(platform: Platform, client: httpx.AsyncClient) -> dict[str, Any]:
    workflow_id = await create_workflow(client, MOMENT)
    until = datetime.now(UTC) + timedelta(seconds=AHEAD_SECONDS)
    await start_many(platform, workflow_id, {"input": {"until": until.isoformat()}}, DUE)
    await until_count(client, workflow_id, "waiting", DUE, deadline_seconds=AHEAD_SECONDS)
    await until_count(
        client, workflow_id, "completed", DUE, deadline_seconds=DEADLINE_SECONDS, look_seconds=0.1
    )
    claimed_ms, completed_ms = [], []
    for offset in range(0, DUE, PAGE):
        listed = await client.get(
            f"/api/v1/workflows/{workflow_id}/executions", params={"limit": PAGE, "offset": offset}
        )
        for row in listed.json()["executions"]:
            shown = (await client.get(f"/api/v1/workflows/executions/{row['execution_id']}")).json()
            claimed_ms.append(_late_ms(until, shown["nodes"][0]["output"]["at"]))
            completed_ms.append(_late_ms(until, shown["completed_at"]))
    return {
        "due_together": DUE,
        "lateness_to_the_claim": spread(claimed_ms),
        "all_completed_after_ms": round(max(completed_ms), 1),
    }


def _late_ms(until: datetime, moment: str) -> float:
    return (datetime.fromisoformat(moment) - until).total_seconds() * 1000


def main() -> None:
    """Start a platform, measure, write, stop."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with open_platform() as platform:
        figures = asyncio.run(measure(platform, count))
    claim = "parked executions cost no memory in any actor, and 1,000 due together wake on time"
    print(write("parked", claim, figures).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
