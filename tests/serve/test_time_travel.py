"""Looking back and going again through HTTP, on executions that really ran."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from agents.registry import builtin_registry
from agents.services import open_services
from agents.settings import AgentSettings
from serve import execution_answers, travel_answers
from store.live import LiveView
from store.postgres import Pool
from store.statements import statement
from tests.actors.process import open_process
from tests.factories import MakeAccount, MakeWorkflow, StartExecution
from tests.serve.shapes import fits

WORKFLOWS = "/api/v1/workflows"
EXECUTIONS = f"{WORKFLOWS}/executions"
LENGTHS: dict[str, Any] = {
    "metadata": {"name": "Lengths"},
    "state_schema": {"input": {"type": "object", "properties": {
        "texts": {"type": "array"}, "limit": {"type": "integer"}}, "required": ["texts"]}},
    "nodes": [
        {"id": "texts", "agent": "data_processing", "parameters": {"data": "{input.texts}"}},
        {"id": "each", "agent": "data_processing", "pattern": "map", "input_keys": ["texts"],
         "parameters": {"script": "return 10 // len(item)"}},
        {"id": "sum", "agent": "aggregator", "input_keys": ["each"], "output_key": "total",
         "parameters": {"aggregation": "sum"}},
    ],
    "edges": [{"from": "texts", "to": "each"}, {"from": "each", "to": "sum"}],
}  # fmt: skip

Drive = Callable[[str], Awaitable[dict[str, Any]]]
Run = Callable[..., Awaitable[str]]


@pytest.fixture
async def drive(api: httpx.AsyncClient, engine_pool: Pool, live: LiveView) -> AsyncIterator[Drive]:
    """Drive an execution that was started through the API; return its status."""
    async with (
        open_services(AgentSettings(sandbox_processes=1)) as services,
        open_process(engine_pool, live, builtin_registry(), services) as process,
    ):

        async def to_the_end(execution_id: str) -> dict[str, Any]:
            await engine_pool.fetch(statement("take_over_executions"), [process.id], 100, 1000, 100)
            await process.drive(UUID(hex=execution_id.removeprefix("exec_")))
            status: dict[str, Any] = (await api.get(f"{EXECUTIONS}/{execution_id}")).json()
            fits(execution_answers.Execution, status)
            return status

        yield to_the_end


@pytest.fixture
def run(api: httpx.AsyncClient, make_workflow: MakeWorkflow, drive: Drive) -> Run:
    """Execute `LENGTHS` to its end; return the execution's id."""

    async def execute(*texts: str, workflow_id: str | None = None) -> str:
        workflow_id = workflow_id or f"wf_{(await make_workflow(LENGTHS)).id.hex}"
        body = {"input": {"texts": list(texts)}}
        started = await api.post(f"{WORKFLOWS}/{workflow_id}/execute", json=body)
        id: str = started.json()["execution_id"]
        await drive(id)
        return id

    return execute


@pytest.mark.requirement("USER.3")
async def test_checkpoints_and_the_state_at_each(api: httpx.AsyncClient, run: Run) -> None:
    """They are paged in order; a mapped list is a count unless it is asked for whole."""
    id = await run("abc", "de")
    page = (await api.get(f"{EXECUTIONS}/{id}/checkpoints", params={"limit": 2})).json()
    fits(travel_answers.Checkpoints, page)
    assert [one["checkpoint_number"] for one in page["checkpoints"]] == [1, 2]
    assert page["checkpoints"][0]["node_id"] is None
    rest = (await api.get(f"{EXECUTIONS}/{id}/checkpoints", params={"offset": 2})).json()
    assert len(rest["checkpoints"]) == page["total"] - 2
    assert rest["checkpoints"][-1]["node_id"] == "sum"
    path = f"{EXECUTIONS}/{id}/checkpoints/{page['total']}"
    state = (await api.get(path)).json()
    fits(travel_answers.CheckpointState, state)
    assert state["input"] == {"texts": ["abc", "de"]}
    assert state["state"] == {
        "texts": ["abc", "de"], "each": {"count": 2, "failed": 0}, "total": 8,
    }  # fmt: skip
    full = (await api.get(path, params={"full": True})).json()
    assert full["state"]["each"] == [3, 5]
    first = (await api.get(f"{EXECUTIONS}/{id}/checkpoints/1")).json()
    assert first["state"] == {}
    assert (await api.get(f"{EXECUTIONS}/{id}/checkpoints/999")).status_code == 404
    assert (await api.get(f"{EXECUTIONS}/{id}/checkpoints/0")).status_code == 422


@pytest.mark.requirement("USER.3")
async def test_rerun_with_edited_state_says_where_it_came_from(
    api: httpx.AsyncClient, run: Run, drive: Drive
) -> None:
    """In its answer, its status, the list of executions and its first event."""
    id = await run("abc", "de")
    body = {"node_id": "sum", "state": {"each": [1, 2, 3]}}
    answer = await api.post(f"{EXECUTIONS}/{id}/rerun", json=body)
    assert answer.status_code == 202
    made = answer.json()
    fits(travel_answers.MadeExecution, made)
    status = await drive(made["execution_id"])
    assert status["output"] == {"total": 6}
    origin = {"execution_id": id, "kind": "rerun", "node_id": "sum", "checkpoint_number": None}
    page = (await api.get(EXECUTIONS)).json()
    fits(execution_answers.ExecutionPage, page)
    events = (await api.get(f"{EXECUTIONS}/{made['execution_id']}/events")).json()["events"]
    assert made["origin"] == status["origin"] == events[0]["origin"] == origin
    assert [one["origin"] for one in page["executions"]] == [origin, None]
    reused = [node.get("metadata", {}).get("reused_from") for node in status["nodes"]]
    assert reused == [id, id, None]


@pytest.mark.requirement("USER.3")
async def test_fork_goes_on_from_a_checkpoint(
    api: httpx.AsyncClient, run: Run, drive: Drive
) -> None:
    """At the first one everything runs anew, at the last nothing."""
    id = await run("abc", "de")
    last = (await api.get(f"{EXECUTIONS}/{id}/checkpoints")).json()["total"]
    for number, reused in ((1, 0), (last, 3)):
        answer = await api.post(f"{EXECUTIONS}/{id}/fork", json={"checkpoint_number": number})
        assert answer.json()["origin"]["checkpoint_number"] == number
        status = await drive(answer.json()["execution_id"])
        assert status["output"] == {"total": 8}
        facts = [node["metadata"] for node in status["nodes"]]
        assert sum("reused_from" in fact for fact in facts) == reused
    missing = await api.post(f"{EXECUTIONS}/{id}/fork", json={"checkpoint_number": 999})
    assert missing.status_code == 404


@pytest.mark.requirement("USER.3")
async def test_retry_after_a_failure(api: httpx.AsyncClient, run: Run, drive: Drive) -> None:
    """It names the node that had failed; what completed cannot be retried."""
    id = await run("abc", "")
    failed = (await api.get(f"{EXECUTIONS}/{id}")).json()
    assert failed["error"]["node_id"] == "each"
    made = (await api.post(f"{EXECUTIONS}/{id}/retry")).json()
    fits(travel_answers.MadeExecution, made)
    assert made["origin"] == {
        "execution_id": id, "kind": "retry", "node_id": "each", "checkpoint_number": None,
    }  # fmt: skip
    status = await drive(made["execution_id"])
    assert status["status"] == "failed"
    events = (await api.get(f"{EXECUTIONS}/{made['execution_id']}/events")).json()["events"]
    [progress] = [event for event in events if event["type"] == "node_progress"]
    assert (progress["completed"], progress["failed"], progress["ended"]) == (1, 1, [[1, 2]])
    whole = await run("abc")
    refused = await api.post(f"{EXECUTIONS}/{whole}/retry")
    assert refused.status_code == 409
    assert "nothing to retry" in refused.json()["detail"]
    assert "Rerun it" in refused.json()["remedy"]


@pytest.mark.requirement("USER.3")
@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"node_id": "nobody"}, "node_id"),
        ({"node_id": "sum", "visit": 5}, "visit"),
        ({"visit": 1}, "body"),
        ({"node_id": "sum", "state": {"nothing": 1}}, "state.nothing"),
        ({"node_id": "sum", "state": {"each": 1}}, "state.each"),
        ({"node_id": "sum", "input": {"texts": 5}}, "input.texts"),
        ({"node": "sum"}, "body.node"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_place(
    api: httpx.AsyncClient, run: Run, body: dict[str, Any], path: str
) -> None:
    """Nothing starts, and the problem says where and what to do."""
    id = await run("abc")
    refused = await api.post(f"{EXECUTIONS}/{id}/rerun", json=body)
    assert refused.status_code == 422
    [problem] = refused.json()["problems"]
    assert problem["path"] == path
    assert problem["remedy"]
    assert (await api.get(EXECUTIONS)).json()["total"] == 1


@pytest.mark.requirement("USER.1", "USER.3")
async def test_an_idempotency_key_makes_one_execution(api: httpx.AsyncClient, run: Run) -> None:
    """Repeated it answers the same; for another request it is refused."""
    id = await run("abc")
    key = {"Idempotency-Key": "again"}
    path = f"{EXECUTIONS}/{id}/rerun"
    first = await api.post(path, json={"node_id": "sum"}, headers=key)
    assert (await api.post(path, json={"node_id": "sum"}, headers=key)).json() == first.json()
    assert (await api.post(path, json={}, headers=key)).status_code == 409
    assert (await api.get(EXECUTIONS)).json()["total"] == 2


@pytest.mark.requirement("USER.3")
async def test_execution_of_an_archived_or_deleted_workflow_is_not_made_again(
    api: httpx.AsyncClient, run: Run
) -> None:
    """It can still be looked at."""
    id = await run("abc")
    workflow_id = (await api.get(f"{EXECUTIONS}/{id}")).json()["workflow_id"]
    for end in (
        api.post(f"{WORKFLOWS}/{workflow_id}/archive"), api.delete(f"{WORKFLOWS}/{workflow_id}"),
    ):  # fmt: skip
        assert (await end).is_success
        refused = await api.post(f"{EXECUTIONS}/{id}/rerun", json={})
        assert refused.status_code == 409
        assert "archived or deleted" in refused.json()["detail"]
    assert (await api.get(f"{EXECUTIONS}/{id}/checkpoints/1")).status_code == 200


@pytest.mark.requirement("NFR-4.1", "USER.3")
async def test_another_tenant_finds_nothing(
    api: httpx.AsyncClient, run: Run, make_account: MakeAccount
) -> None:
    """Each call answers 404, and a bulk matches nothing."""
    id = await run("abc", "")
    other = await make_account("Globex")
    headers = {"Authorization": f"Bearer {other.token}"}
    path = f"{EXECUTIONS}/{id}"
    for answer in (
        await api.get(f"{path}/checkpoints", headers=headers),
        await api.get(f"{path}/checkpoints/1", headers=headers),
        await api.post(f"{path}/rerun", json={}, headers=headers),
        await api.post(f"{path}/fork", json={"checkpoint_number": 1}, headers=headers),
        await api.post(f"{path}/retry", headers=headers),
    ):
        assert answer.status_code == 404
    body = {"action": "retry", "filter": {}}
    answer = await api.post(f"{EXECUTIONS}/bulk", json=body, headers=headers)
    assert answer.json()["matched"] == 0


@pytest.mark.requirement("USER.3", "USER.5")
async def test_viewers_may_look_and_not_make(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow, start: StartExecution, owner_pool: Pool
) -> None:
    """Whoever may execute may make executions of others, and nobody else."""
    id = f"exec_{(await start(await make_workflow(), {'text': 'x'})).execution_id.hex}"
    await owner_pool.execute("UPDATE organization_members SET role = 'viewer'")
    bodies: dict[str, Any] = {
        f"{id}/rerun": {}, f"{id}/fork": {"checkpoint_number": 1}, f"{id}/retry": None,
        "bulk": {"action": "cancel", "filter": {}},
    }  # fmt: skip
    for path, body in bodies.items():
        assert (await api.post(f"{EXECUTIONS}/{path}", json=body)).status_code == 403
    assert (await api.get(f"{EXECUTIONS}/{id}/checkpoints")).json()["total"] == 0


@pytest.mark.requirement("USER.5")
async def test_bulk_retry_takes_each_failed_execution_once(
    api: httpx.AsyncClient, run: Run, drive: Drive
) -> None:
    """A dry run only tells; a repetition makes nothing new; another key does."""
    failed = [await run("abc", ""), await run("")]
    await run("abc")
    body = {"action": "retry", "filter": {"status": "failed"}, "dry_run": True}
    told = (await api.post(f"{EXECUTIONS}/bulk", json=body)).json()
    fits(travel_answers.BulkResult, told)
    assert (told["matched"], told["done"], told["refused"]) == (2, 0, 0)
    assert [one["execution_id"] for one in told["executions"]] == failed
    assert (await api.get(EXECUTIONS)).json()["total"] == 3
    body["dry_run"] = False
    done = (await api.post(f"{EXECUTIONS}/bulk", json=body)).json()
    fits(travel_answers.BulkResult, done)
    assert done["done"] == 2
    made = [one["made"] for one in done["executions"]]
    assert (await drive(made[0]))["origin"]["execution_id"] == failed[0]
    again = (await api.post(f"{EXECUTIONS}/bulk", json=body)).json()["executions"]
    assert [one["made"] for one in again[:2]] == made
    other = await api.post(f"{EXECUTIONS}/bulk", json=body, headers={"Idempotency-Key": "2"})
    assert set(made).isdisjoint(one["made"] for one in other.json()["executions"])


@pytest.mark.requirement("USER.5", "FR-2.9")
async def test_bulk_cancel_and_rerun_follow_the_filter(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow, run: Run
) -> None:
    """By workflow, by time and up to a limit, the oldest first."""
    mine, others = [f"wf_{(await make_workflow(LENGTHS)).id.hex}" for _ in range(2)]
    waiting = [
        (await api.post(f"{WORKFLOWS}/{id}/execute", json={"input": {"texts": []}})).json()
        for id in (mine, mine, others)
    ]
    ids = [one["execution_id"] for one in waiting]
    since = waiting[1]["started_at"]

    async def bulk(action: str, **filter: Any) -> dict[str, Any]:
        answer = await api.post(f"{EXECUTIONS}/bulk", json={"action": action, "filter": filter})
        fits(travel_answers.BulkResult, answer.json())
        result: dict[str, Any] = answer.json()
        return result

    first = await bulk("cancel", workflow_id=mine, before=since)
    assert [one["execution_id"] for one in first["executions"]] == ids[:1]
    assert first["executions"][0] == {"execution_id": ids[0], "made": None, "problem": None}
    assert (await bulk("cancel", after=since, limit=1))["executions"][0]["execution_id"] == ids[1]
    assert (await bulk("cancel", status="pending"))["matched"] == 0
    assert (await bulk("cancel"))["matched"] == 1
    statuses = [(await api.get(f"{EXECUTIONS}/{id}")).json()["status"] for id in ids]
    assert statuses == ["cancelled"] * 3
    rerun = await bulk("rerun", workflow_id=others)
    made = (await api.get(f"{EXECUTIONS}/{rerun['executions'][0]['made']}")).json()
    assert made["origin"]["kind"] == "rerun"
    await api.post(f"{WORKFLOWS}/{mine}/archive")
    refused = await bulk("rerun", workflow_id=mine)
    assert (refused["done"], refused["refused"]) == (0, 2)
    assert "archived" in refused["executions"][0]["problem"]


@pytest.mark.requirement("USER.5")
@pytest.mark.parametrize(
    "body",
    [
        {"action": "retry", "filter": {"status": "running"}},
        {"action": "cancel", "filter": {"status": "completed"}},
        {"action": "delete", "filter": {}},
        {"action": "cancel"},
        {"action": "cancel", "filter": {"limit": 1001}},
        {"action": "cancel", "filter": {"before": "yesterday"}},
    ],
)
async def test_bulk_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    """It says what the action is for, and how many it takes at most."""
    refused = await api.post(f"{EXECUTIONS}/bulk", json=body)
    assert refused.status_code == 422
    assert refused.json()["remedy"]
