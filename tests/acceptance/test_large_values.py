"""Large values through a whole platform: kept once, shown by reference, fetched, deleted."""

import httpx
import pytest
from weft import Client, WeftError

from tests.acceptance.builders import workflow
from tests.acceptance.conftest import Platform

pytestmark = pytest.mark.timeout(180)


@pytest.mark.requirement("FR-7.2", "NFR-5.3")
def test_a_value_of_3_megabytes_goes_through(platform: Platform, client: Client) -> None:
    """Logs name it, its address gives it, the output is whole on demand, and all can be deleted."""
    nodes = [
        {"id": name, "agent": "data_processing", "output": f"{name}_text",
         "parameters": {"operation": "transform", "data": source}}
        for name, source in (("first", "{input.text}"), ("second", "{first_text}"))
    ]  # fmt: skip
    created = client.create(specification=workflow(nodes, ["first>second"]))
    text = "It was a dark and stormy night. " * 100_000
    content = f'["{text}"]'
    execution_id = client.execute(created["workflow_id"], {"text": text})["execution_id"]
    execution = client.wait(execution_id, timeout=120)
    assert execution["status"] == "completed", execution["error"]
    shown = execution["output"]["second_text"]
    assert shown["preview"] == content[:1000]
    told = shown["$artifact"]
    assert told["bytes"] == len(content)
    logs = client.logs(execution_id)
    assert {log["output"]["$artifact"]["sha256"] for log in logs} == {told["sha256"]}
    streamed = [e for e in client.stream(execution_id) if e["type"] == "node_completed"]
    assert [e["output"][f"{e['node_id']}_text"]["preview"] for e in streamed] == [
        content[:1000]
    ] * 2
    assert client.artifact(execution_id, told["sha256"]) == content
    assert client.execution(execution_id, full=True)["output"]["second_text"] == [text]
    headers = {"Authorization": f"Bearer {platform.token}"}
    answer = httpx.get(platform.url + told["url"], headers=headers)
    assert answer.headers["etag"] == f'"{told["sha256"]}"'
    client.delete_execution(execution_id)
    with pytest.raises(WeftError, match="no artifact"):
        client.artifact(execution_id, told["sha256"])
    assert client.prune(3650, dry_run=True)["left"] == 0
