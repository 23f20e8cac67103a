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
from serve.processes import platform_id, platform_processes

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
    """Park executions in two halves, look at the actors after each, then let some wake together."""
    async with platform.client() as client:
        workflows = [await create_workflow(client, one) for one in (PERSON, TIMER)]
        executors = len(await platform.executors())
        mib, seconds = {"before": await _actors_mib(platform)}, 0.0
        for half in ("half", "all"):
            begun = time.time()
            for workflow_id in workflows:
                await start_many(platform, workflow_id, {}, count // 4)
            waiting = count // 4 if half == "half" else count // 2
            for workflow_id in workflows:
                await until_count(
                    client, workflow_id, "waiting", waiting, deadline_seconds=DEADLINE_SECONDS
                )
            seconds += time.time() - begun
            mib[f"{half}_just_parked"] = await _actors_mib(platform)
            await _shrunk(platform, executors)
            mib[f"{half}_parked"] = await _actors_mib(platform)
        woken = await _wake(platform, client)
        mib["some_woken"] = await _actors_mib(platform)
    grown = sum(mib["all_parked"].values()) - sum(mib["half_parked"].values())
    return {
        "parked": count,
        "parked_per_second": round(count / seconds, 1),
        "actors_mib": mib,
        "grown_mib_by_the_second_half": round(grown, 1),
        "bytes_an_execution_of_the_second_half": round(grown * 2**20 / (count / 2)),
        **woken,
    }


async def _actors_mib(platform: Platform) -> dict[str, float]:
    """Return what each actor holds: executors by slot, the supervisor, replicas of the API."""
    processes = await platform.executors()
    for process in platform_processes(platform_id(platform.home)):
        title = "".join(process.cmdline()[:1])
        if title.startswith(("ray::Supervisor", "ray::ServeReplica:weft:api")):
            processes[f"{title} {process.pid}"] = process
    return {
        name: round(process.memory_info().rss / 2**20, 1) for name, process in processes.items()
    }


async def _shrunk(platform: Platform, executors: int) -> None:
    """Wait until there are as few executors as before: the load of starting makes more of them."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(await platform.executors()) > executors:  # noqa: ASYNC110 - the database
            await asyncio.sleep(1)


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
