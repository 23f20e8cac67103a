"""Going again on the whole platform: Ray, the API, the client."""

import signal
from collections import Counter
from typing import Any

import pytest
from weft import Client

from tests.acceptance.builders import api_node, chain, workflow
from tests.acceptance.conftest import Platform
from tests.acceptance.recorder import Recorder
from tests.acceptance.test_durability import assert_no_gap, finished, owner_process
from tests.acceptance.waiting import until

pytestmark = pytest.mark.timeout(180)


@pytest.mark.requirement("USER.3", "USER.5")
def test_failed_execution_is_retried_rerun_and_forked(client: Client) -> None:
    """A map's completed items are reused; edited state mends it; a fork ends the same."""
    nodes: list[dict[str, Any]] = [
        {"id": "texts", "agent": "data_processing", "parameters": {"data": "{input.texts}"}},
        {"id": "each", "agent": "data_processing", "pattern": "map", "input_keys": ["texts"],
         "batch_size": 1, "parameters": {"script": "return 10 // len(item)"}},
        {"id": "sum", "agent": "aggregator", "input_keys": ["each"], "output_key": "total",
         "parameters": {"aggregation": "sum"}},
    ]  # fmt: skip
    created = client.create(specification=workflow(nodes, ["texts>each", "each>sum"]))
    id = created["workflow_id"]
    failed = client.execute(id, {"texts": ["ab", "", "abcde"]}, wait=True)
    assert failed["status"] == "failed"
    retried = client.wait(client.retry(failed["execution_id"])["execution_id"], timeout=60)
    assert (retried["status"], retried["origin"]["kind"]) == ("failed", "retry")  # type: ignore[index]
    progress = [e for e in client.events(retried["execution_id"]) if e["type"] == "node_progress"]
    assert len(progress) == 1
    mended = client.rerun(failed["execution_id"], "each", state={"texts": ["ab", "abcde"]})
    rerun = client.wait(mended["execution_id"], timeout=60)
    assert rerun["output"] == {"total": 7}
    last = client.checkpoints(rerun["execution_id"])["total"]
    assert client.state(rerun["execution_id"], last)["state"]["total"] == 7
    forked = client.fork(rerun["execution_id"], last - 1)
    assert client.wait(forked["execution_id"], timeout=60)["output"] == {"total": 7}
    bulk = client.bulk("retry", workflow_id=id)
    assert (bulk["matched"], bulk["done"]) == (2, 2)


@pytest.mark.requirement("USER.3", "FR-2.6")
def test_retry_outlives_its_executor(
    client: Client, platform: Platform, recorder: Recorder
) -> None:
    """Killed in the middle of a retry: what was done before the end is done once in all."""
    names = [f"step_{n}" for n in range(8)]
    recorder.delay_seconds = 0.3
    created = client.create(specification=chain([api_node(n, recorder.url) for n in names]))
    source = client.execute(created["workflow_id"])["execution_id"]
    until(lambda: len(finished(client, source, "node_completed")) >= 2, 60)
    client.cancel(source)
    done = {str(event["node_id"]) for event in finished(client, source, "node_completed")}
    id = client.retry(source)["execution_id"]
    until(lambda: len(finished(client, id, "node_completed")) >= len(done) + 2, 60)
    owner_process(platform, id).send_signal(signal.SIGKILL)
    ended = client.wait(id, timeout=120)
    assert ended["status"] == "completed", ended["error"]
    hits = Counter(path.removeprefix("/") for path in recorder.paths())
    assert {name: hits[name] for name in done} == dict.fromkeys(done, 1)
    reused = {n["node_id"] for n in ended["nodes"] if "reused_from" in n["metadata"]}
    assert reused == done
    assert_no_gap(client, id)
    completions = Counter(event["node_id"] for event in finished(client, id, "node_completed"))
    assert completions == Counter(names)
