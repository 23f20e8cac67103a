"""Limits on executions at once, and executions with a process of their own, on a real platform."""

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import asyncpg
import psutil
import pytest
from weft import Client, WeftError

from tests.acceptance.builders import api_node, chain
from tests.acceptance.conftest import Platform
from tests.acceptance.recorder import Recorder
from tests.acceptance.test_durability import assert_no_gap, owner_process
from tests.acceptance.waiting import until

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def gate(recorder: Recorder) -> Iterator[Recorder]:
    """A recorder that holds every call until the test lets go."""
    recorder.held.clear()
    yield recorder
    recorder.held.set()


def slot_of(platform: Platform, execution_id: str) -> str | None:
    """The slot of the executor that owns an execution; None while nobody does."""

    async def find() -> str | None:
        connection = await asyncpg.connect(platform.dsn)
        try:
            slot: str | None = await connection.fetchval(
                "SELECT x.slot FROM workflow_executions AS e JOIN executors AS x"
                " ON x.id = e.owner_id AND x.stopped_at IS NULL WHERE e.id = $1::uuid",
                execution_id.removeprefix("exec_"),
            )
            return slot
        finally:
            await connection.close()

    return asyncio.run(find())


def limited(recorder: Recorder, **execution: Any) -> dict[str, Any]:
    """A specification of two nodes with settings of its executions."""
    nodes = [api_node(name, recorder.url) for name in ("one", "two")]
    return chain(nodes, settings={"execution": execution})


@pytest.mark.requirement("USER.10")
def test_executions_beyond_a_key_s_limit_queue(client: Client, gate: Recorder) -> None:
    """The second of a customer says why it does not run; another customer's does."""
    rule = {"limit": 1, "key": "{input.customer}"}
    created = client.create(specification=limited(gate, concurrency=rule))
    ids = [
        client.execute(created["workflow_id"], {"customer": customer})["execution_id"]
        for customer in ("A", "A", "B")
    ]
    found = [client.execution(id) for id in ids]
    assert [one["status"] for one in found] == ["running", "pending", "running"]
    message = "Waits in the queue: it is next; the workflow runs at most 1 with its key at once."
    queued = {"reason": "concurrency", "ahead": 0, "message": message}
    assert [one["queued"] for one in found] == [None, queued, None]
    gate.held.set()
    assert {client.wait(id, timeout=60)["status"] for id in ids} == {"completed"}
    with pytest.raises(WeftError) as caught:
        client.execute(created["workflow_id"], {})
    assert caught.value.problems[0]["path"] == "input.customer"


@pytest.mark.requirement("USER.10", "FR-2.6")
def test_dedicated_execution_has_a_process_of_its_own(
    client: Client, platform: Platform, gate: Recorder
) -> None:
    """It is named after the execution; another takes its place when it is killed."""
    created = client.create(specification=limited(gate, isolation="dedicated"))
    id = client.execute(created["workflow_id"])["execution_id"]
    until(lambda: len(gate.calls) == 1, 60)
    assert slot_of(platform, id) == f"dedicated Test {id}"
    first = owner_process(platform, id)
    first.send_signal(signal.SIGKILL)
    gate.held.set()
    assert client.wait(id, timeout=90)["status"] == "completed"
    assert_no_gap(client, id)
    assert gate.paths() in (["/one", "/one", "/two"], ["/one", "/two"])
    until(lambda: not platform.processes(f"dedicated Test {id}"), 30)
    assert not psutil.pid_exists(first.pid) or first.status() == psutil.STATUS_ZOMBIE


@pytest.mark.requirement("FR-2.7")
def test_dedicated_execution_waits_without_a_process(
    client: Client, platform: Platform, recorder: Recorder
) -> None:
    """While a person thinks its executor is gone; the answer starts another one."""
    ask = {"id": "ok", "agent": "human_loop", "parameters": {"message": "Shall we?"}}
    nodes = [ask, api_node("then", recorder.url)]
    document = chain(nodes, settings={"execution": {"isolation": "dedicated"}})
    id = client.execute(client.create(specification=document)["workflow_id"])["execution_id"]
    until(lambda: client.execution(id)["status"] == "waiting", 60)
    until(lambda: not platform.processes(f"dedicated Test {id}"), 30)
    client.approve(id)
    assert client.wait(id, timeout=60)["status"] == "completed"
    assert recorder.paths() == ["/then"]


@pytest.mark.requirement("USER.6", "USER.10")
def test_children_beyond_their_workflow_s_limit_queue(client: Client, gate: Recorder) -> None:
    """Of the five that a map starts at once two run; each says so, and all end."""
    child = client.create(specification=limited(gate, concurrency={"limit": 2}))
    each = {
        "id": "each", "agent": "workflow", "pattern": "map", "input": ["input.rows"],
        "parameters": {"workflow": child["workflow_id"], "input": {}},
    }  # fmt: skip
    parent = client.create(specification=chain([each]))
    id = client.execute(parent["workflow_id"], {"rows": list(range(5))})["execution_id"]
    until(lambda: len(gate.calls) == 2, 60)
    rows = client.execution(id)["children"]
    assert Counter(row["status"] for row in rows) == {"running": 2, "pending": 3}
    waits = [client.execution(r["execution_id"]) for r in rows if r["status"] == "pending"]
    for ahead, one in enumerate(waits):
        assert one["queued"] is not None
        assert (one["queued"]["reason"], one["queued"]["ahead"]) == ("concurrency", ahead)
    gate.held.set()
    assert client.wait(id, timeout=60)["status"] == "completed"
    assert len(gate.calls) == 10
