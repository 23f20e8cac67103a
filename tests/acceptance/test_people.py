"""Workflows that wait for people, and branches that do not wait for each other."""

import pytest
from weft import Client, WeftError

from tests.acceptance.builders import trivial_node, workflow
from tests.acceptance.waiting import until

pytestmark = pytest.mark.timeout(120)


def approval(node_id: str, **parameters: object) -> dict[str, object]:
    """A node that asks a person."""
    return {"id": node_id, "agent": "human_loop",
            "parameters": {"message": "May we?", **parameters}}  # fmt: skip


def waiting(client: Client, execution_id: str) -> bool:
    """Whether an execution waits for a person."""
    return client.execution(execution_id)["status"] == "waiting"


@pytest.mark.requirement("FR-2.7", "FR-3.7")
def test_a_chain_finishes_beside_an_open_approval(client: Client) -> None:
    """An approval beside a chain of three nodes: the three finish while it waits."""
    nodes = [trivial_node(n) for n in ("begin", "one", "two", "three", "end")]
    specification = workflow(
        [*nodes, approval("ask")],
        ["begin>one", "one>two", "two>three", "begin>ask", "three>end", "ask>end"],
    )
    created = client.create(specification=specification)
    execution_id = client.execute(created["workflow_id"])["execution_id"]
    until(lambda: waiting(client, execution_id), 60)
    states = {n["node_id"]: n["status"] for n in client.execution(execution_id)["nodes"]}
    assert states == {
        "begin": "completed", "one": "completed", "two": "completed", "three": "completed",
        "ask": "waiting", "end": "pending",
    }  # fmt: skip
    answered = client.approve(execution_id, comment="Go on.")
    assert answered["decision"] == "approve"
    status = client.wait(execution_id, timeout=60)
    assert status["status"] == "completed", status["error"]
    output = next(n for n in status["nodes"] if n["node_id"] == "ask")["output"]
    assert output["approved"] is True
    assert output["by"] == "me@localhost"
    joins = [e for e in client.events(execution_id)
             if e["type"] == "node_completed" and e["node_id"] == "end"]  # fmt: skip
    assert len(joins) == 1
    with pytest.raises(WeftError) as refused:
        client.approve(execution_id, decision="reject")
    assert refused.value.status == 409


@pytest.mark.requirement("FR-2.7")
def test_nobody_answers_in_time(client: Client) -> None:
    """A question whose time is up is answered as its node says."""
    nodes = [approval("ask", timeout=1, on_timeout="reject"), trivial_node("after")]
    created = client.create(specification=workflow(nodes, ["ask>after"]))
    execution_id = client.execute(created["workflow_id"])["execution_id"]
    status = client.wait(execution_id, timeout=60)
    assert status["status"] == "completed", status["error"]
    assert status["nodes"][0]["output"]["decision"] == "reject"
    assert status["approvals"][0]["decided_by"] == "timeout"


@pytest.mark.requirement("FR-2.7", "USER.14")
def test_a_question_can_be_chosen_from_and_written_to(client: Client) -> None:
    """Two open questions: each is answered by its id, one with an option, one with a text."""
    nodes = [
        trivial_node("begin"),
        approval("pick", approval_type="multiple_choice", options=["red", "blue"]),
        approval("write", approval_type="text_input"),
    ]
    created = client.create(specification=workflow(nodes, ["begin>pick", "begin>write"]))
    execution_id = client.execute(created["workflow_id"])["execution_id"]
    until(lambda: len(client.execution(execution_id)["approvals"]) == 2, 60)
    until(lambda: waiting(client, execution_id), 60)
    ids = {a["node_id"]: a["approval_id"] for a in client.execution(execution_id)["approvals"]}
    with pytest.raises(WeftError, match="2 questions are open"):
        client.approve(execution_id)
    with pytest.raises(WeftError, match="'green' is not an answer"):
        client.approve(execution_id, decision="green", approval_id=ids["pick"])
    client.approve(execution_id, decision="blue", approval_id=ids["pick"])
    client.approve(execution_id, decision="answer", value="Hello", approval_id=ids["write"])
    status = client.wait(execution_id, timeout=60)
    assert status["status"] == "completed", status["error"]
    outputs = {n["node_id"]: n["output"] for n in status["nodes"]}
    assert outputs["pick"]["decision"] == "blue"
    assert outputs["write"]["value"] == "Hello"


@pytest.mark.requirement("FR-2.1")
def test_branches_of_one_and_three_join_once(client: Client) -> None:
    """Branches of unequal length run their join once, after both."""
    names = ["begin", "short", "one", "two", "three", "end"]
    edges = ["begin>short", "begin>one", "one>two", "two>three", "short>end", "three>end"]
    created = client.create(specification=workflow([trivial_node(n) for n in names], edges))
    status = client.execute(created["workflow_id"], wait=True)
    assert status["status"] == "completed"
    completed = [e["node_id"] for e in client.events(status["execution_id"])
                 if e["type"] == "node_completed"]  # fmt: skip
    assert sorted(completed) == sorted(names)
    assert completed[-1] == "end"


@pytest.mark.requirement("FR-2.3")
@pytest.mark.parametrize(("score", "taken"), [(1, "low"), (9, "high")])
def test_alternatives_meet_once(client: Client, score: int, taken: str) -> None:
    """An if/else that meets again runs the meeting node once."""
    router = {
        "id": "choose", "agent": "router",
        "parameters": {"condition": "input.score > 5", "if_true": "high", "if_false": "low"},
    }  # fmt: skip
    nodes = [router, trivial_node("high"), trivial_node("low"), trivial_node("meet")]
    edges = ["choose>high", "choose>low", "high>meet", "low>meet"]
    created = client.create(specification=workflow(nodes, edges, "conditional"))
    status = client.execute(created["workflow_id"], {"score": score}, wait=True)
    assert status["status"] == "completed", status["error"]
    completed = [e["node_id"] for e in client.events(status["execution_id"])
                 if e["type"] == "node_completed"]  # fmt: skip
    assert completed == ["choose", taken, "meet"]
