"""Workflows that change while executions of them run."""

import pytest
from weft import Client, WeftError

from tests.acceptance.builders import trivial_node, workflow
from tests.acceptance.test_people import approval, waiting
from tests.acceptance.waiting import until

pytestmark = pytest.mark.timeout(120)


@pytest.mark.requirement("USER.2", "FR-1.7", "FR-1.8", "FIRST.2")
def test_a_running_execution_keeps_the_version_that_it_started_with(client: Client) -> None:
    """It ends with the steps of its version; the next start has those of the new one."""
    specification = workflow([approval("ask"), trivial_node("after")], ["ask>after"])
    id = client.create(specification=specification)["workflow_id"]
    old = client.execute(id)["execution_id"]
    until(lambda: waiting(client, old), 60)
    changed = client.update(id, "Remove the last step")
    assert (changed["previous_version"], changed["version"]) == ("1.0.0", "2.0.0")
    new = client.execute(id)["execution_id"]
    until(lambda: waiting(client, new), 60)
    ran = []
    for execution_id in (old, new):
        client.approve(execution_id)
        status = client.wait(execution_id, timeout=60)
        assert status["status"] == "completed", status["error"]
        ran.append([node["node_id"] for node in status["nodes"]])
    assert ran == [["ask", "after"], ["ask"]]
    assert client.rollback(id, "1.0.0")["current_version"] == "1.0.0"
    with pytest.raises(WeftError) as asked:
        client.update(id, "Make it nicer")
    assert [question["id"] for question in asked.value.questions] == ["instruction"]
