"""What the API says of failures: plans, compensations, executions that are coming to their end."""

from typing import Any

import httpx
import pytest

from serve import answers, execution_answers
from store.postgres import Pool
from store.status import Status
from tests.factories import Account, MakeWorkflow, StartExecution
from tests.serve.shapes import fits
from tests.serve.test_documents import attempt
from tests.store.rows import park, write

WORKFLOWS = "/api/v1/workflows"
UNDOABLE: dict[str, Any] = {
    "nodes": [
        {"id": "book", "agent": "api",
         "parameters": {"url": "https://flights.example/book", "method": "POST"},
         "compensate": {"agent": "api", "parameters": {
             "url": "https://refunds.example/{book.body.id}", "method": "DELETE"}}},
        {"id": "pay", "agent": "data_processing", "parameters": {"data": "{book}"},
         "on_failure": "rollback"},
        {"id": "say", "agent": "data_processing", "parameters": {"data": "{execution.status}"}},
    ],
    "edges": [{"from": "book", "to": "pay"}],
    "settings": {"error_handling": {"finally": ["say"]}},
}  # fmt: skip


@pytest.mark.requirement("USER.8")
async def test_plan_counts_what_undoes(api: httpx.AsyncClient) -> None:
    """Each node says what follows its failure; compensations name their hosts."""
    body = {"specification": UNDOABLE, "dry_run": True}
    shown = (await api.post(f"{WORKFLOWS}/create", json=body)).json()
    fits(answers.DryRun, shown)
    plan = shown["plan"]
    assert plan["hosts"] == ["flights.example", "refunds.example"]
    assert [node["on_failure"] for node in plan["nodes"]] == ["stop", "rollback", "continue"]
    assert plan["nodes"][0]["compensation"]["hosts"] == ["refunds.example"]
    assert plan["levels"] == [["book"], ["pay"], ["say"]]
    created = (await api.post(f"{WORKFLOWS}/create", json={"specification": UNDOABLE})).json()
    fits(answers.CreatedWorkflow, created)


@pytest.mark.requirement("USER.8")
async def test_compensation_is_shown_beside_its_node(
    api: httpx.AsyncClient, account: Account, make_workflow: MakeWorkflow, start: StartExecution,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """The node keeps its own state; the logs tell one from the other."""
    id = (await start(await make_workflow(UNDOABLE))).execution_id
    undoing = attempt(account, id, "book", task_id="epilogue:compensate", status="failed",
                      agent_name="api", error_message="Gone.")  # fmt: skip
    await write(engine_pool, attempt(account, id, "book", agent_name="api"), undoing)
    path = f"{WORKFLOWS}/executions/exec_{id.hex}"
    status = (await api.get(path)).json()
    fits(execution_answers.Execution, status)
    book = status["nodes"][0]
    assert (book["status"], book["compensation"]["status"]) == ("completed", "failed")
    assert book["compensation"]["error"] == "Gone."
    logs = (await api.get(f"{path}/logs")).json()
    fits(execution_answers.Logs, logs)
    assert {log["compensates"] for log in logs["logs"]} == {True, False}


@pytest.mark.requirement("API.4")
async def test_cancel_leaves_the_last_nodes_to_run(
    api: httpx.AsyncClient, account: Account, make_workflow: MakeWorkflow, start: StartExecution,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """It is acknowledged at once; a second one cuts them off."""
    id = (await start(await make_workflow(UNDOABLE))).execution_id
    [question] = await park(engine_pool, account.tenant_id, id, "pay")
    path = f"{WORKFLOWS}/executions/exec_{id.hex}"
    cancelled = (await api.post(f"{path}/cancel")).json()
    fits(execution_answers.Cancellation, cancelled)
    status = (await api.get(path)).json()
    fits(execution_answers.Execution, status)
    assert (status["status"], status["ending"]) == (Status.RUNNING, Status.CANCELLED)
    assert (await api.post(f"{path}/approve", json={})).status_code in (404, 409), question
    assert (await api.post(f"{path}/cancel")).status_code == 200
    status = (await api.get(path)).json()
    assert (status["status"], status["ending"]) == (Status.CANCELLED, None)
    events = (await api.get(f"{path}/events")).json()["events"]
    assert [event["type"] for event in events][-2:] == ["workflow_ending", "workflow_cancelled"]
