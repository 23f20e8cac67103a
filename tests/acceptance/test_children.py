"""Executions that start others, on a whole platform."""

import signal
from collections import Counter
from typing import Any

import psutil
import pytest
from weft import Client

from tests.acceptance.builders import api_node, trivial_node, workflow
from tests.acceptance.conftest import Platform
from tests.acceptance.recorder import Recorder
from tests.acceptance.test_durability import assert_no_gap
from tests.acceptance.waiting import until

pytestmark = pytest.mark.timeout(240)


def over(node_id: str, key: str, called: str, input: dict[str, Any]) -> dict[str, Any]:
    """A node that runs a workflow for each element of a list."""
    return {
        "id": node_id, "agent": "workflow", "pattern": "map", "input": [key],
        "parameters": {"workflow": called, "input": input}, "output": f"{node_id}_all",
    }  # fmt: skip


def executor(platform: Platform) -> psutil.Process:
    """The process of one of the executors, by its slot's row."""
    import asyncio

    import asyncpg

    async def find() -> int:
        connection = await asyncpg.connect(platform.dsn)
        try:
            pid: int = await connection.fetchval(
                "SELECT x.pid FROM executors AS x"
                " JOIN workflow_executions AS e ON e.owner_id = x.id"
                " WHERE e.status = 'running' AND e.depth = 2 LIMIT 1"
            )
            return pid
        finally:
            await connection.close()

    return psutil.Process(asyncio.run(find()))


@pytest.mark.requirement("USER.11", "FR-2.6")
def test_nested_maps_survive_the_death_of_an_executor(
    client: Client, platform: Platform, recorder: Recorder
) -> None:
    """Three times twelve calls in executions of executions; one executor is killed among them."""
    recorder.delay_seconds = 0.2
    call = {**api_node("call", recorder.url), "parameters": {"url": recorder.url + "/{input.n}"}}
    leaf = client.create(specification=workflow([call], []), name="nested leaf")
    settings = {"execution": {"max_concurrent_nodes": 4}}
    inner = client.create(
        specification=workflow(
            [over("inner", "input.numbers", leaf["workflow_id"], {"n": "{item}"})], [],
            settings=settings,
        )
    )  # fmt: skip
    outer = client.create(
        specification=workflow(
            [over("outer", "input.lists", inner["workflow_id"], {"numbers": "{item}"})], []
        )
    )
    lists = [list(range(start, start + 12)) for start in (0, 12, 24)]
    execution_id = client.execute(outer["workflow_id"], {"lists": lists})["execution_id"]
    until(lambda: len(recorder.calls) >= 8, 90)
    executor(platform).send_signal(signal.SIGKILL)
    status = client.wait(execution_id, timeout=150)
    assert status["status"] == "completed", status["error"]
    hits = Counter(int(path.removeprefix("/")) for path in recorder.paths())
    assert set(hits) == set(range(36))
    answers = status["output"]["outer_all"]
    paths = [[one["call_result"]["body"]["path"] for one in a["inner_all"]] for a in answers]
    assert paths == [[f"/{n}" for n in numbers] for numbers in lists]
    assert_no_gap(client, execution_id)
    children = client.executions(parent=execution_id)
    assert children["total"] == 3
    for child in children["executions"]:
        assert client.executions(parent=child["execution_id"])["total"] == 12
        assert_no_gap(client, child["execution_id"])
    assert [child["status"] for child in status["children"]] == ["completed"] * 3


@pytest.mark.requirement("USER.11", "FR-2.9")
def test_cancel_reaches_all_that_an_execution_started(client: Client) -> None:
    """When it answers, the children that run, wait and stand in line have ended as well."""
    ask = {"id": "ask", "agent": "human_loop", "parameters": {"message": "May we?"}}
    child = client.create(specification=workflow([trivial_node("begin"), ask], ["begin>ask"]))
    parent = client.create(
        specification=workflow([over("each", "input.rows", child["workflow_id"], {})], [])
    )
    execution_id = client.execute(parent["workflow_id"], {"rows": list(range(12))})["execution_id"]

    def waiting(reason: str) -> int:
        rows = client.executions(parent=execution_id)["executions"]
        return sum(row.get("waiting_reason") == reason for row in rows)

    until(lambda: waiting("approval") == 5, 60)
    assert waiting("turn") == 7
    assert client.cancel(execution_id)["status"] == "cancelled"
    rows = client.executions(parent=execution_id)["executions"]
    assert Counter(row["status"] for row in rows) == {"cancelled": 12}


@pytest.mark.requirement("USER.11")
def test_a_thousand_children(client: Client) -> None:
    """A map over a thousand items whose item is an execution ends, every result in its place."""
    script = {"id": "x", "agent": "data_processing", "parameters": {"script": "return input['n']"}}
    child = client.create(specification=workflow([script], []))
    settings = {"execution": {"max_concurrent_nodes": 50}}
    node = over("each", "input.rows", child["workflow_id"], {"n": "{item}"})
    parent = client.create(specification=workflow([node], [], settings=settings))
    execution_id = client.execute(parent["workflow_id"], {"rows": list(range(1000))})[
        "execution_id"
    ]
    status = client.wait(execution_id, timeout=200)
    assert status["status"] == "completed", status["error"]
    assert [one["x"] for one in status["output"]["each_all"]] == list(range(1000))
