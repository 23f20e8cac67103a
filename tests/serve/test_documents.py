"""The JSON of answers: each of the shape that is declared, built from real rows."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import httpx
import pytest

from serve import answers, execution_answers
from serve.documents import queued_document, timestamp
from store.postgres import Pool
from store.queue import QueuePlace
from store.records import (
    EventRecord,
    MapItemRecord,
    MoveRecord,
    NodeLogRecord,
    ProgressRecord,
)
from store.status import Status
from tests.factories import Account, MakeWorkflow, StartExecution
from tests.serve.shapes import fits
from tests.store.rows import park, write

WORKFLOWS = "/api/v1/workflows"
SENTENCE = (
    "Scrape the reviews at https://shop.example/reviews → analyze the sentiment of each review in "
    "parallel → generate a markdown report → email the report to ops@example.com"
)
MAPPED: dict[str, Any] = {
    "metadata": {"name": "Lengths", "tags": ["text"]},
    "nodes": [
        {"id": "each", "agent": "data_processing", "pattern": "map", "input_keys": ["input.texts"],
         "parameters": {"operation": "transform", "script": "return len(data)", "data": "{item}"}},
        {"id": "sum", "agent": "aggregator", "input_keys": ["each"], "output_key": "total",
         "parameters": {"aggregation": "sum"}},
        {"id": "never", "agent": "aggregator", "input_keys": ["total"],
         "parameters": {"aggregation": "count"}},
    ],
    "edges": [{"from": "each", "to": "sum"}, {"from": "sum", "to": "never"}],
}  # fmt: skip
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def attempt(account: Account, execution_id: UUID, node_id: str, **fields: Any) -> NodeLogRecord:
    """A completed attempt at a node, of 1.5 seconds."""
    values: dict[str, Any] = {
        "task_id": f"task-{node_id}", "attempt": 1, "agent_name": "aggregator",
        "status": "completed", "input_json": "{}", "output_json": None, "metadata_json": None,
        "started_at": BEGUN, "completed_at": BEGUN + timedelta(seconds=1.5),
    }  # fmt: skip
    return NodeLogRecord(account.tenant_id, execution_id, node_id, **{**values, **fields})


async def written(pool: Pool, account: Account, execution_id: UUID) -> None:
    """Write what an execution of `MAPPED` leaves when its second node has failed."""
    place = (account.tenant_id, execution_id)
    await write(
        pool,
        attempt(account, execution_id, "each", agent_name="data_processing",
                output_json="[3,1]", metadata_json='{"items":3}'),
        *(MapItemRecord(*place, "each", "task-each", n, "failed" if n == 1 else "completed", 1,
                        "1", "Too long." if n == 1 else None) for n in range(3)),
        attempt(account, execution_id, "sum", status="failed", output_json="4",
                error_message="No.", error_trace="sum: No.", cost_usd=0.25, llm_tokens=7),
        ProgressRecord(execution_id, completed=1, failed=1, llm_tokens=7, cost_usd=0.25),
        EventRecord(*place, UUID(int=1), "node_failed", "sum", '{"error":"No."}'),
        MoveRecord(execution_id, 1, Status.RUNNING),
        MoveRecord(execution_id, 1, Status.FAILED, error_message="No.", error_node_id="sum"),
    )  # fmt: skip


@pytest.mark.requirement("API.1", "FR-1.10")
async def test_creating_answers_the_graph(api: httpx.AsyncClient) -> None:
    """A sentence becomes a workflow; the dry run shows the same and stores nothing."""
    shown = await api.post(f"{WORKFLOWS}/create", json={"description": SENTENCE, "dry_run": True})
    assert shown.status_code == 200
    fits(answers.DryRun, shown.json())
    assert (await api.get(WORKFLOWS)).json()["total"] == 0
    created = await api.post(f"{WORKFLOWS}/create", json={"description": SENTENCE})
    assert created.status_code == 201
    fits(answers.CreatedWorkflow, created.json())
    assert created.json()["parsed_specification"] == shown.json()["parsed_specification"]


async def test_a_dry_run_of_a_broken_specification_shows_it(api: httpx.AsyncClient) -> None:
    """Duplicates, cycles and dangling edges are drawn and told; the shape stays."""
    broken = {
        "nodes": [{"id": "a", "agent": "llm"}, {"id": "a", "agent": "telepathy"},
                  {"id": "b", "agent": "llm"}],
        "edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "a"}, {"from": "b", "to": "zz"}],
    }  # fmt: skip
    body = {"specification": broken, "dry_run": True}
    shown = (await api.post(f"{WORKFLOWS}/create", json=body)).json()
    fits(answers.DryRun, shown)
    assert not shown["plan"]["runnable"]
    rules = {problem["rule"] for problem in shown["problems"]}
    assert {"unknown_agent", "duplicate_id"} <= rules


async def test_what_is_refused_is_a_problem(api: httpx.AsyncClient) -> None:
    """Questions and problems have the declared shape too."""
    asked = await api.post(f"{WORKFLOWS}/create", json={"description": "asdf qwer"})
    fits(answers.ProblemDetails, asked.json())
    assert asked.json()["questions"]
    refused = await api.post(f"{WORKFLOWS}/create", json={"yaml": "nodes: ["})
    fits(answers.ProblemDetails, refused.json())
    assert refused.json()["problems"][0]["line"]


@pytest.mark.requirement("API.5", "FR-4.2")
async def test_workflows_are_shown(api: httpx.AsyncClient) -> None:
    """A list, one workflow as JSON and as YAML, and an archived one."""
    body = {"specification": MAPPED, "tags": ["mine"]}
    created = (await api.post(f"{WORKFLOWS}/create", json=body)).json()
    path = f"{WORKFLOWS}/{created['workflow_id']}"
    page = (await api.get(WORKFLOWS, params={"tags": "mine, text", "status": "active"})).json()
    fits(answers.WorkflowPage, page)
    assert page["workflows"][0]["tags"] == ["mine", "text"]
    fits(answers.Workflow, (await api.get(path)).json())
    for options in ({"params": {"format": "yaml"}}, {"headers": {"Accept": "application/yaml"}}):
        answer = await api.get(path, **options)  # type: ignore[arg-type]
        assert answer.headers["content-type"].startswith("application/yaml")
        assert "name: Lengths" in answer.text
    archived = (await api.post(f"{path}/archive")).json()
    fits(answers.Workflow, archived)
    assert archived["status"] == "archived"
    refused = await api.post(f"{path}/execute", json={"input": {"texts": []}})
    assert refused.status_code == 409
    fits(answers.ProblemDetails, refused.json())


@pytest.mark.requirement("API.2", "API.4")
async def test_starting_and_cancelling(api: httpx.AsyncClient, make_workflow: MakeWorkflow) -> None:
    """An accepted start names its stream and its estimate; a cancel counts what is left."""
    workflow_id = f"wf_{(await make_workflow(MAPPED)).id.hex}"
    path = f"{WORKFLOWS}/{workflow_id}/execute"
    answer = await api.post(path, json={"input": {"texts": ["a"]}})
    assert answer.status_code == 202
    started = answer.json()
    fits(execution_answers.StartedExecution, started)
    # No executor holds a lease here.
    assert started["status"] == "pending"
    assert started["progress"]["current_node"] == "each"
    assert started["websocket_url"].startswith(
        "ws://weft.example/api/v1/workflows/executions/exec_"
    )
    execution = f"{WORKFLOWS}/executions/{started['execution_id']}"
    queued = (await api.get(execution)).json()
    fits(execution_answers.Execution, queued)
    assert queued["queued"] == {
        "reason": "capacity", "ahead": 0,
        "message": "Waits in the queue: it is next; no executor has room.",
    }  # fmt: skip
    cancelled = (await api.post(f"{execution}/cancel")).json()
    fits(execution_answers.Cancellation, cancelled)
    assert (cancelled["completed_nodes"], cancelled["pending_nodes"]) == (0, 3)
    again = (await api.post(f"{execution}/cancel")).json()
    assert again == cancelled
    ended = (await api.get(execution)).json()
    assert {node["status"] for node in ended["nodes"]} == {"skipped"}


@pytest.mark.requirement("API.3", "API.8", "FR-7.2", "FR-7.5", "FR-7.7")
async def test_an_execution_is_shown_node_by_node(
    api: httpx.AsyncClient, account: Account, make_workflow: MakeWorkflow, start: StartExecution,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """Status, logs, events and history have the declared shapes and the rows' values."""
    workflow = await make_workflow(MAPPED)
    execution_id = (await start(workflow, {"texts": ["abc", "?", "x"]})).execution_id
    await written(engine_pool, account, execution_id)
    path = f"{WORKFLOWS}/executions/exec_{execution_id.hex}"
    status = (await api.get(path)).json()
    fits(execution_answers.Execution, status)
    each, total, never = status["nodes"]
    assert each["items"] == {"count": 3, "completed": 2, "failed": 1}
    assert each["output"] == {"each": [3, 1]}
    assert each["duration_seconds"] == 1.5
    assert (total["output"], total["error"]) == ({"total": 4}, "No.")
    assert never == {"node_id": "never", "agent": "aggregator", "status": "skipped"}
    assert status["error"] == {"node_id": "sum", "message": "No."}
    assert status["cost"] == {"llm_tokens": 7, "api_calls": 0, "total_usd": 0.25}
    logs = (await api.get(f"{path}/logs")).json()
    fits(execution_answers.Logs, logs)
    assert [log["error_trace"] for log in logs["logs"]] == [None, "sum: No."]
    events = (await api.get(f"{path}/events")).json()
    fits(execution_answers.Events, events)
    assert [event["seq"] for event in events["events"]] == [1, 2]
    assert (await api.get(f"{path}/events?after=1")).json()["events"] == events["events"][1:]
    for history in (f"{WORKFLOWS}/wf_{workflow.id.hex}/executions", f"{WORKFLOWS}/executions"):
        page = (await api.get(history, params={"status": "failed"})).json()
        fits(execution_answers.ExecutionPage, page)
        assert (page["total"], page["success_rate"], page["total_cost_usd"]) == (1, 0.0, 0.25)
        assert (await api.get(history, params={"status": "completed"})).json()["total"] == 0


@pytest.mark.requirement("FR-2.7")
async def test_a_question_is_shown_and_answered(
    api: httpx.AsyncClient, account: Account, make_workflow: MakeWorkflow, start: StartExecution,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """A waiting execution shows its question; the first answer counts, and may be repeated."""
    execution_id = (await start(await make_workflow(), {"text": "x"})).execution_id
    await park(engine_pool, account.tenant_id, execution_id, "only")
    path = f"{WORKFLOWS}/executions/exec_{execution_id.hex}"
    status = (await api.get(path)).json()
    fits(execution_answers.Execution, status)
    assert (status["status"], status["approvals"][0]["status"]) == ("waiting", "pending")
    decision = (await api.post(f"{path}/approve", json={"comment": "Yes."})).json()
    fits(execution_answers.Decision, decision)
    assert (await api.post(f"{path}/approve", json={})).json() == decision
    refused = await api.post(f"{path}/approve", json={"decision": "reject"})
    assert refused.status_code == 409
    assert account.principal.email in refused.json()["detail"]
    fits(execution_answers.Execution, (await api.get(path)).json())


@pytest.mark.requirement("NFR-3.5")
async def test_who_am_i_and_how_is_it(api: httpx.AsyncClient) -> None:
    """Session, health and readiness; without an executor nothing is ready."""
    fits(answers.Session, (await api.get("/api/v1/session")).json())
    fits(answers.Health, (await api.get("/health")).json())
    ready = await api.get("/ready")
    assert ready.status_code == 503
    fits(answers.Readiness, ready.json())
    assert ready.json()["checks"] == {
        "postgres": "ok", "redis": "ok", "executors": "none holds a lease",
    }  # fmt: skip


def test_times_are_utc_with_a_z() -> None:
    """A time of another zone is told in UTC; none is null."""
    moment = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp(moment) == "2026-01-01T00:00:00Z"
    assert timestamp(None) is None


@pytest.mark.requirement("USER.10")
@pytest.mark.parametrize(
    ("place", "message"),
    [
        (("concurrency", 3, "workflow", 2), "3 before it; the workflow runs at most 2 at once."),
        (("concurrency", 0, "key", 1), "it is next; the workflow runs at most 1 with its key at "
         "once."),
        (("concurrency", 1000, "organization", 50), "1000 or more before it; the organization "
         "runs at most 50 at once."),
        (("capacity", 1), "1 before it; no executor has room."),
    ],
)  # fmt: skip
def test_the_queue_is_told_in_a_sentence(place: tuple[Any, ...], message: str) -> None:
    """How many go before it, and what holds it back."""
    document = queued_document(QueuePlace(*place))
    assert document is not None
    assert document["message"] == f"Waits in the queue: {message}"


@pytest.mark.requirement("USER.10")
def test_who_is_paused_or_starting_waits_for_no_other() -> None:
    """Then how many go before it is of no interest."""
    told = [queued_document(QueuePlace(reason, 2)) for reason in ("paused", "starting")]
    assert [document and document["message"] for document in told] == [
        "Stands in the queue, paused.", "Starts: its own process is not up yet.",
    ]  # fmt: skip
    assert queued_document(None) is None
