"""Maps on a real cluster: progress, cancels, workers that die, items that fail."""

from collections import Counter
from typing import Any

import psutil
import pytest
from weft import Client

from tests.acceptance.builders import workflow
from tests.acceptance.conftest import Platform
from tests.acceptance.recorder import Recorder
from tests.acceptance.test_durability import assert_no_gap, ended_items
from tests.acceptance.waiting import until

pytestmark = pytest.mark.timeout(240)


def start_map(client: Client, recorder: Recorder, count: int, **fields: Any) -> str:
    """Start a map that calls the recorder for each number; return the execution."""
    node = {
        "id": "call_each",
        "agent": "api",
        "pattern": "map",
        "parameters": {"url": recorder.url + "/{number}"},
        "input": ["input.numbers"],
        "output": "answers",
        "retry": {"max_attempts": 1},
        **fields,
    }
    created = client.create(specification=workflow([node], [], "map_reduce"), name="Calls")
    return client.execute(created["workflow_id"], {"numbers": list(range(count))})["execution_id"]


@pytest.mark.requirement("FR-2.8", "CARD.1")
def test_a_chunk_is_followed_item_by_item(client: Client, recorder: Recorder) -> None:
    """While its last item is held, a chunk's other items are told, counted and listed."""
    recorder.hold(answered=9)
    execution_id = start_map(client, recorder, 10)
    until(lambda: len(ended_items(client, execution_id)) == 9, 90)
    node = client.execution(execution_id)["nodes"][0]
    assert node["items"] == {"count": 10, "completed": 9, "failed": 0}
    assert client.items(execution_id, "call_each")["total"] == 9
    recorder.held.set()
    assert client.wait(execution_id, timeout=60)["status"] == "completed"
    assert_no_gap(client, execution_id)


@pytest.mark.requirement("FR-2.9", "API.4")
def test_nothing_of_a_map_starts_after_a_cancel(client: Client, recorder: Recorder) -> None:
    """Once cancel answers, no further item reaches the outside."""
    recorder.delay_seconds = 0.05
    execution_id = start_map(client, recorder, 2000)
    until(lambda: len(recorder.calls) >= 40, 90)
    client.cancel(execution_id)
    reached = len(recorder.calls)
    # Another map passes meanwhile: time enough for a late call.
    other = start_map(client, recorder, 100)
    assert client.wait(other, timeout=120)["status"] == "completed"
    assert len(recorder.calls) == reached + 100
    assert client.execution(execution_id)["status"] == "cancelled"


@pytest.mark.requirement("FR-2.6", "FIRST.4", "CARD.1")
def test_a_worker_that_dies_costs_its_unfinished_items(
    client: Client, platform: Platform, recorder: Recorder
) -> None:
    """Its process, found by its readable name, is killed: what was told is not run again."""
    recorder.hold(answered=6)
    execution_id = start_map(client, recorder, 8, item_concurrency=1, batch_size=8)
    until(lambda: len(recorder.calls) == 7, 90)
    until(lambda: len(ended_items(client, execution_id)) == 6, 30)
    [worker] = workers(platform, f"map Calls {execution_id} call_each[0:8]")
    worker.kill()
    recorder.held.set()
    status = client.wait(execution_id, timeout=120)
    assert status["status"] == "completed", status["error"]
    hits = Counter(int(path.removeprefix("/")) for path in recorder.paths())
    assert hits == dict.fromkeys(range(8), 1) | {6: 2}
    assert_no_gap(client, execution_id)


def workers(platform: Platform, name: str) -> list[psutil.Process]:
    """The worker processes that run a task of this name."""
    return platform.processes(f"ray::{name}")


@pytest.mark.requirement("USER.9")
def test_failed_items_are_collected_and_listed(client: Client, recorder: Recorder) -> None:
    """The map completes without them; the API says which they are."""
    script = {"script": "if item % 2:\n    return 1 // 0\nreturn item"}
    execution_id = start_map(
        client, recorder, 5, agent="data_processing", parameters=script, on_item_error="collect"
    )
    status = client.wait(execution_id, timeout=90)
    assert status["status"] == "completed", status["error"]
    assert status["output"] == {"answers": [0, None, 2, None, 4]}
    failed = client.items(execution_id, "call_each", status="failed")
    assert [item["index"] for item in failed["items"]] == [1, 3]
    assert "division" in str(failed["items"][0]["error"])
    assert client.item(execution_id, "call_each", 4)["output"] == 4
