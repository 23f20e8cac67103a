"""An organization's list of hosts on a real platform: nodes and map workers stay on it."""

import asyncio

import pytest
from weft import Client

from store.accounts import create_account
from tests.acceptance.conftest import Platform
from tests.acceptance.recorder import Recorder

pytestmark = pytest.mark.timeout(120)


@pytest.mark.requirement("NFR-4.5")
def test_an_organization_reaches_the_hosts_of_its_list_only(
    client: Client, platform: Platform, recorder: Recorder
) -> None:
    """A node, the items of a map and a webhook go nowhere else; another organization does."""
    call = {"id": "call", "agent": "api", "parameters": {"url": recorder.url}}
    mapped = {**call, "pattern": "map", "input_keys": ["input.things"]}
    specifications = [
        {"metadata": {"name": "Narrow"}, "nodes": [node], "edges": []} for node in (call, mapped)
    ]
    token = asyncio.run(create_account(platform.dsn, "Narrow", "nora@localhost", "Nora"))
    with Client(platform.url, token=token, timeout=60) as narrow:
        narrow.set_egress(["api.example.com"])
        for specification in specifications:
            workflow_id = narrow.create(specification=specification)["workflow_id"]
            warnings = narrow.plan(workflow_id)["plan"]["warnings"]
            warned = {warning["rule"] for warning in warnings}
            assert "host_not_reachable" in warned
            ended = narrow.execute(
                workflow_id, {"things": [1, 2]}, wait=True, webhook_url=recorder.url
            )
            assert ended["status"] == "failed"
    assert recorder.calls == []
    workflow_id = client.create(specification=specifications[1])["workflow_id"]
    assert client.execute(workflow_id, {"things": [1, 2]}, wait=True)["status"] == "completed"
    assert len(recorder.calls) == 2
