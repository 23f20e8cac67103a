"""Templates on a real platform: created, planned, executed, and planned anew from history."""

import email
import email.policy

import pytest
from weft import Client

from serve.demo_world import World

pytestmark = pytest.mark.timeout(240)
TEXTS = ["Wonderful, I love it.", "Terrible, broken after a day.", "Excellent service!"]


@pytest.mark.requirement("FR-1.9")
def test_a_template_becomes_a_workflow_that_runs(client: Client, world: World) -> None:
    """Values that are fixed at its creation are its input; forty reviews become a mail."""
    before = set(world.mail_folder.glob("*.eml"))
    inputs = {"url": world.site_url, "recipient": "product@example.com"}
    workflow = client.create(template="customer-feedback", inputs=inputs, name="Aurora")
    plan = client.plan(workflow["workflow_id"])["plan"]
    assert plan["recipients"] == ["product@example.com"]
    assert (plan["problems"], plan["warnings"], plan["missing_input"]) == ([], [], [])
    execution = client.execute(workflow["workflow_id"], wait=True)
    assert execution["status"] == "completed", execution["error"]
    assert "**40** items analysed" in execution["output"]["report"]
    (path,) = set(world.mail_folder.glob("*.eml")) - before
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert mail["To"] == "product@example.com"
    assert [part.get_filename() for part in mail.iter_attachments()] == ["complaints.csv"]


@pytest.mark.requirement("FIRST.3")
def test_the_sixth_plan_rests_on_five_executions(client: Client) -> None:
    """Until then a plan says what its agents say; then what was measured."""
    workflow_id = client.create(template="map-reduce-list")["workflow_id"]
    for _ in range(5):
        plan = client.plan(workflow_id, {"texts": TEXTS})["plan"]
        assert plan["seconds"]["source"] != "history"
        execution = client.execute(workflow_id, {"texts": TEXTS}, wait=True)
        assert execution["status"] == "completed", execution["error"]
    plan = client.plan(workflow_id, {"texts": TEXTS})["plan"]
    assert (plan["seconds"]["source"], plan["seconds"]["samples"]) == ("history", 5)
    assert [node["seconds"]["source"] for node in plan["nodes"]] == ["history"] * 3
    judge = plan["nodes"][0]
    assert (judge["items"]["high"], judge["items"]["source"]) == (3, "input")
    unknown = client.plan(workflow_id)["plan"]["nodes"][0]["items"]
    assert (unknown["low"], unknown["high"], unknown["source"]) == (3, 3, "history")
    assert 0 < plan["seconds"]["low"] <= plan["seconds"]["high"] < 60
