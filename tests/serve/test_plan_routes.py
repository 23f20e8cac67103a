"""Plans by HTTP: of what is to be created, and of a workflow that is there."""

from uuid import UUID

import httpx
import pytest

from serve import answers
from store.postgres import Pool
from store.records import NodeLogRecord
from tests.factories import Account, MakeAccount, MakeWorkflow, StartExecution
from tests.serve.shapes import fits
from tests.store.rows import write
from tests.store.test_measured import visit

WORKFLOWS = "/api/v1/workflows"
ASK = {
    "metadata": {"name": "Ask"},
    "state_schema": {
        "input": {
            "properties": {"site": {"type": "string"}, "greeting": {"default": "Hi"}},
            "required": ["site"],
        }
    },
    "nodes": [
        {"id": "get", "agent": "api", "parameters": {"url": "https://{input.site}/"}},
        {"id": "say", "agent": "llm", "parameters": {"prompt": "{input.greeting} {get.body}"}},
    ],
    "edges": [{"from": "get", "to": "say"}],
}


@pytest.mark.requirement("FR-1.10", "FIRST.3")
async def test_a_stored_workflow_is_planned(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow
) -> None:
    """With an input its parameters and hosts are known; nothing is started."""
    workflow = await make_workflow(ASK)
    path = f"{WORKFLOWS}/wf_{workflow.id.hex}"
    answer = await api.post(f"{path}/plan", json={"input": {"site": "shop.example"}})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    fits(answers.PlannedWorkflow, found)
    assert (found["workflow_id"], found["version"]) == (f"wf_{workflow.id.hex}", "1.0.0")
    plan = found["plan"]
    assert plan["specification_hash"] == workflow.specification_sha256
    assert plan["hosts"] == ["shop.example"]
    assert [node["parameters"] for node in plan["nodes"]] == [
        {"url": "https://shop.example/"}, {"prompt": "Hi {get.body}"},
    ]  # fmt: skip
    assert plan["missing_input"] == []
    assert (await api.get(f"{WORKFLOWS}/executions")).json()["total"] == 0


async def test_a_plan_needs_no_input(api: httpx.AsyncClient, make_workflow: MakeWorkflow) -> None:
    """What is missing is named; what does not fit is a problem and no refusal."""
    path = f"{WORKFLOWS}/wf_{(await make_workflow(ASK)).id.hex}/plan"
    plan = (await api.post(path, json={})).json()["plan"]
    assert (plan["runnable"], plan["missing_input"]) == (True, ["site"])
    assert plan["hosts"] == ["{input.site}"]
    wrong = (await api.post(path, json={"input": {"site": 3}})).json()["plan"]
    assert [problem["path"] for problem in wrong["problems"]] == ["input.site"]


async def test_a_dry_run_is_planned_with_an_input(api: httpx.AsyncClient) -> None:
    """Before anything is stored; a creation itself takes no input."""
    body = {"specification": ASK, "dry_run": True, "input": {"site": "shop.example"}}
    shown = (await api.post(f"{WORKFLOWS}/create", json=body)).json()
    fits(answers.DryRun, shown)
    assert shown["plan"]["hosts"] == ["shop.example"]
    refused = await api.post(f"{WORKFLOWS}/create", json={**body, "dry_run": False})
    assert refused.status_code == 422


@pytest.mark.requirement("FIRST.3")
async def test_a_plan_says_what_executions_took_before(
    api: httpx.AsyncClient, account: Account, make_workflow: MakeWorkflow, start: StartExecution,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """A node with a history of its own, one with that of its agent, one of the catalogue."""
    workflow, other = await make_workflow(ASK), await make_workflow()

    def took(id: UUID, node: str, agent: str, seconds: float) -> NodeLogRecord:
        return visit(account, id, seconds, node_id=node, agent_name=agent)

    for _ in range(5):
        own = (await start(workflow, {"site": "x"})).execution_id
        elsewhere = (await start(other)).execution_id
        await write(engine_pool, took(own, "get", "api", 2), took(elsewhere, "n", "llm", 4))
    path = f"{WORKFLOWS}/wf_{workflow.id.hex}/plan"
    plan = (await api.post(path, json={})).json()["plan"]
    get, say = (node["seconds"] for node in plan["nodes"])
    assert get == {"low": 2, "high": 2, "bounded": True, "source": "history", "samples": 5}
    assert say == {"low": 4, "high": 4, "bounded": True, "source": "agent", "samples": 5}
    assert plan["seconds"]["source"] == "agent"
    new = await api.post(f"{WORKFLOWS}/create", json={"specification": ASK, "dry_run": True})
    assert [node["seconds"]["source"] for node in new.json()["plan"]["nodes"]] == ["agent"] * 2


async def test_who_may_look_may_plan(
    api: httpx.AsyncClient, account: Account, make_account: MakeAccount,
    make_workflow: MakeWorkflow, owner_pool: Pool,
) -> None:  # fmt: skip
    """A viewer may; another organization sees no workflow."""
    path = f"{WORKFLOWS}/wf_{(await make_workflow(ASK)).id.hex}/plan"
    await owner_pool.execute(
        "UPDATE organization_members SET role = 'viewer' WHERE user_id = $1",
        account.principal.user_id,
    )
    assert (await api.post(path, json={})).status_code == 200
    stranger = {"Authorization": f"Bearer {(await make_account('Other')).token}"}
    assert (await api.post(path, json={}, headers=stranger)).status_code == 404


@pytest.mark.requirement("FIRST.3", "USER.6")
async def test_a_plan_follows_the_workflows_that_are_run(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow
) -> None:
    """By name and by id; a name that several have, or none has, is warned of."""
    child = await make_workflow(ASK, name="Ask")
    for name in ("Twice", "Twice"):
        await make_workflow(ASK, name=name)
    names = ["Ask", f"wf_{child.id.hex}", "Twice", "None"]
    runs = [
        {"id": f"n{number}", "agent": "workflow",
         "parameters": {"workflow": name, "input": {"site": f"s{number}.example"}}}
        for number, name in enumerate(names)
    ]  # fmt: skip
    specification = {"pattern": "orchestrator_worker", "nodes": runs}
    body = {"specification": specification, "dry_run": True}
    shown = (await api.post(f"{WORKFLOWS}/create", json=body)).json()
    fits(answers.DryRun, shown)
    plan = shown["plan"]
    assert plan["hosts"] == ["s0.example", "s1.example"]
    hashes = [node["calls"] and node["calls"]["specification_hash"] for node in plan["nodes"]]
    assert hashes == [child.specification_sha256] * 2 + [None] * 2
    warned = [one["path"] for one in plan["warnings"] if one["rule"] == "unknown_callee"]
    assert warned == ["nodes[2].parameters.workflow", "nodes[3].parameters.workflow"]
