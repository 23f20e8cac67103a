"""Executions go on where they were when the process that drove them dies."""

import signal
from collections import Counter
from typing import Any

import psutil
import pytest
from weft import Client

from tests.acceptance.builders import api_node, chain, workflow
from tests.acceptance.conftest import Platform
from tests.acceptance.recorder import Recorder
from tests.acceptance.waiting import until

pytestmark = pytest.mark.timeout(240)


def owner_process(platform: Platform, execution_id: str) -> psutil.Process:
    """The process of the executor that owns an execution, as the database says."""
    import asyncio

    import asyncpg

    async def find() -> int:
        connection = await asyncpg.connect(platform.dsn)
        try:
            pid: int = await connection.fetchval(
                "SELECT x.pid FROM workflow_executions AS e JOIN executors AS x"
                " ON x.id = e.owner_id WHERE e.id = $1::uuid",
                execution_id.removeprefix("exec_"),
            )
            return pid
        finally:
            await connection.close()

    return psutil.Process(asyncio.run(find()))


def finished(client: Client, execution_id: str, event: str) -> list[dict[str, Any]]:
    """The events of one type that an execution has so far."""
    found = client.events(execution_id, limit=5000)
    return [dict(message) for message in found if message["type"] == event]


def ended_items(client: Client, execution_id: str) -> list[int]:
    """The items of an execution's map whose end has been told."""
    told = finished(client, execution_id, "node_progress")
    return [n for event in told for start, stop in event["ended"] for n in range(start, stop)]


def assert_no_gap(client: Client, execution_id: str) -> None:
    """Events are numbered from one without a gap, and only the last one is an end."""
    events = client.events(execution_id, limit=5000)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    ends = [e["type"] for e in events if e["type"] in ("workflow_completed", "workflow_failed")]
    assert ends == ["workflow_completed"]
    assert events[-1]["type"] == "workflow_completed"


@pytest.mark.requirement("FR-2.6", "NFR-3.3", "CARD.1")
def test_a_chain_survives_the_death_of_its_executor(
    client: Client, platform: Platform, recorder: Recorder
) -> None:
    """Ten nodes, the executor killed in the middle: all complete, finished nodes ran once."""
    recorder.delay_seconds = 0.3
    names = [f"step_{n}" for n in range(10)]
    created = client.create(specification=chain([api_node(n, recorder.url) for n in names]))
    execution_id = client.execute(created["workflow_id"])["execution_id"]
    until(lambda: len(finished(client, execution_id, "node_completed")) >= 4, 60)
    process = owner_process(platform, execution_id)
    before = {str(event["node_id"]) for event in finished(client, execution_id, "node_completed")}
    process.send_signal(signal.SIGKILL)
    status = client.wait(execution_id, timeout=120)
    assert status["status"] == "completed", status["error"]
    hits = Counter(path.removeprefix("/") for path in recorder.paths())
    assert set(hits) == set(names)
    assert {name: hits[name] for name in before} == dict.fromkeys(before, 1)
    assert sum(hits.values()) <= len(names) + 2
    assert_no_gap(client, execution_id)
    completions = Counter(e["node_id"] for e in finished(client, execution_id, "node_completed"))
    assert completions == Counter(names)


@pytest.mark.requirement("FR-2.6", "FR-2.4", "FIRST.4")
def test_a_map_survives_the_death_of_its_executor(
    client: Client, platform: Platform, recorder: Recorder
) -> None:
    """200 items, the executor killed in the middle: all complete, what was recorded ran once."""
    recorder.delay_seconds = 0.1
    node = {
        "id": "call_each",
        "agent": "api",
        "pattern": "map",
        "parameters": {"url": recorder.url + "/{number}", "batch_size": 10},
        "input": ["input.numbers"],
        "output": "answers",
    }
    created = client.create(specification=workflow([node], [], "map_reduce"))
    started = client.execute(created["workflow_id"], {"numbers": list(range(200))})
    execution_id = started["execution_id"]
    until(lambda: len(finished(client, execution_id, "node_progress")) >= 3, 90)
    process = owner_process(platform, execution_id)
    done = ended_items(client, execution_id)
    process.send_signal(signal.SIGKILL)
    status = client.wait(execution_id, timeout=150)
    assert status["status"] == "completed", status["error"]
    items = client.items(execution_id, "call_each", limit=200)["items"]
    assert [item["output"]["body"]["path"] for item in items] == [f"/{n}" for n in range(200)]
    hits = Counter(int(path.removeprefix("/")) for path in recorder.paths())
    assert set(hits) == set(range(200))
    assert {n: hits[n] for n in done} == dict.fromkeys(done, 1)
    assert sorted(ended_items(client, execution_id)) == list(range(200))
    assert_no_gap(client, execution_id)


@pytest.mark.requirement("FR-2.9", "API.4")
def test_nothing_starts_after_a_cancel_is_acknowledged(client: Client, recorder: Recorder) -> None:
    """Once cancel answers, no further node reaches the outside."""
    recorder.delay_seconds = 0.2
    nodes = [api_node(f"step_{n}", recorder.url) for n in range(20)]
    created = client.create(specification=chain(nodes))
    execution_id = client.execute(created["workflow_id"])["execution_id"]
    until(lambda: len(recorder.calls) >= 3, 60)
    cancelled = client.cancel(execution_id)
    reached = len(recorder.calls)
    assert cancelled["status"] == "cancelled"
    assert cancelled["completed_nodes"] + cancelled["pending_nodes"] == 20
    assert client.execution(execution_id)["status"] == "cancelled"
    kinds = [event["type"] for event in client.events(execution_id)]
    assert kinds[-1] == "workflow_cancelled"
    # A second execution of the same length passes meanwhile: time enough for a late call.
    recorder.delay_seconds = 0.0
    other = client.execute(created["workflow_id"])["execution_id"]
    assert client.wait(other, timeout=60)["status"] == "completed"
    assert len(recorder.calls) == reached + 20
    assert [event["type"] for event in client.events(execution_id)] == kinds
