"""What the routes do with strange and repeated requests."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.metrics import EXECUTIONS, write_snapshot
from serve.metrics import PROCESS
from store.postgres import Pool
from tests.factories import Account, MakeWorkflow, StartExecution
from tests.store.rows import park

WORKFLOWS = "/api/v1/workflows"
SENTENCE = "Scrape https://shop.example and email the text to a@example.com"


def nested(levels: int) -> list[Any]:
    """Lists in lists."""
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("empty", [{"yaml": ""}, {"specification": {}}])
async def test_an_empty_source_is_none(api: httpx.AsyncClient, empty: dict[str, Any]) -> None:
    """An empty field beside a description does not hide the description."""
    body = {"description": SENTENCE, "dry_run": True, **empty}
    answer = await api.post(f"{WORKFLOWS}/create", json=body)
    assert answer.status_code == 200
    assert answer.json()["questions"] == []


@pytest.mark.parametrize(
    "body",
    [{}, {"description": ""}, {"description": "x", "yaml": "y"}, {"yaml": "y", "other": 1}],
)
async def test_exactly_one_source_is_needed(api: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """None, two, and a field that nobody knows are refused."""
    answer = await api.post(f"{WORKFLOWS}/create", json=body)
    assert answer.status_code == 422
    assert answer.json()["problems"]


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"[" * 100_000, 400), (b"\xff{", 400), (b'{"description": "\\ud800"}', 422), (b"1", 422)],
)
async def test_text_that_is_no_json_is_refused(
    api: httpx.AsyncClient, content: bytes, status: int
) -> None:
    """Depth, broken UTF-8 and half a surrogate pair do no harm."""
    headers = {"content-type": "application/json"}
    answer = await api.post(f"{WORKFLOWS}/create", content=content, headers=headers)
    assert answer.status_code == status


async def test_a_name_replaces_the_specification_s(api: httpx.AsyncClient) -> None:
    """The name of the request counts, in the YAML too; without one the text comes back as sent."""
    text = "# mine\nmetadata: {name: Before}\nnodes: [{id: a, agent: aggregator}]\n"
    for body, expected in (
        ({"yaml": text, "name": "After"}, "name: After"),
        ({"yaml": text}, "# mine\nmetadata: {name: Before}"),
    ):
        created = (await api.post(f"{WORKFLOWS}/create", json=body)).json()
        path = f"{WORKFLOWS}/{created['workflow_id']}?format=yaml"
        assert expected in (await api.get(path)).text


@pytest.mark.parametrize(
    "query",
    [{"limit": 0}, {"limit": 1001}, {"offset": -1}, {"offset": 10**30}, {"status": "sleeping"}],
)
async def test_pages_have_bounds(api: httpx.AsyncClient, query: dict[str, Any]) -> None:
    """What is beyond them is refused, in each list."""
    for path in (WORKFLOWS, f"{WORKFLOWS}/executions"):
        assert (await api.get(path, params=query)).status_code == 422


async def test_a_tag_that_cannot_be_stored_finds_nothing(api: httpx.AsyncClient) -> None:
    """A NUL character in a query is no error of ours."""
    answer = await api.get(WORKFLOWS, params={"tags": "a\x00b"})
    assert (answer.status_code, answer.json()["total"]) == (200, 0)


@pytest.mark.parametrize(("after", "status"), [(0, 200), (10**9, 200), (-1, 422), (2**63, 422)])
async def test_events_are_asked_for_by_number(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow, start: StartExecution,
    after: int, status: int,
) -> None:  # fmt: skip
    """A number that the database could not hold is refused."""
    started = await start(await make_workflow(), {"text": "x"})
    path = f"{WORKFLOWS}/executions/exec_{started.execution_id.hex}/events"
    assert (await api.get(path, params={"after": after})).status_code == status


@pytest.mark.requirement("USER.1")
async def test_an_idempotency_key_starts_once(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow
) -> None:
    """The same key and request give the same execution; another request answers 409."""
    path = f"{WORKFLOWS}/wf_{(await make_workflow()).id.hex}/execute"
    key = {"Idempotency-Key": "same"}
    first = await api.post(path, json={"input": {"text": "x"}}, headers=key)
    again = await api.post(path, json={"input": {"text": "x"}}, headers=key)
    other = await api.post(path, json={"input": {"text": "y"}}, headers=key)
    assert again.json() == first.json()
    assert other.status_code == 409
    assert (await api.get(f"{WORKFLOWS}/executions")).json()["total"] == 1


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_has_bounds(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow, key: str
) -> None:
    """An empty key would make every start the same one."""
    path = f"{WORKFLOWS}/wf_{(await make_workflow()).id.hex}/execute"
    answer = await api.post(path, json={}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
async def test_input_that_cannot_be_stored_is_refused(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow, text: str
) -> None:
    """Input is refused with its path before anything starts."""
    path = f"{WORKFLOWS}/wf_{(await make_workflow()).id.hex}/execute"
    escaped = text.encode("unicode_escape").replace(b"\\x00", b"\\u0000")
    answer = await api.post(
        path, content=b'{"input": {"text": "%s"}}' % escaped,
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["path"] == "input.text"


async def test_an_estimate_ends_with_the_deadline(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow
) -> None:
    """No estimate is beyond the execution's own timeout, however long its retries may take."""
    slow = {
        "nodes": [
            {"id": f"n{n}", "agent": "aggregator", "timeout": 604_800,
             "retry": {"max_attempts": 100, "initial_seconds": 3600, "max_seconds": 86_400}}
            for n in range(10)
        ],
        "edges": [{"from": f"n{n}", "to": f"n{n + 1}"} for n in range(9)],
    }  # fmt: skip
    path = f"{WORKFLOWS}/wf_{(await make_workflow(slow)).id.hex}/execute"
    answer = await api.post(path, json={"options": {"timeout_seconds": 60}})
    started = answer.json()
    assert started["started_at"] < started["estimated_completion"] < _after(started, 61)
    far = (await api.post(path, json={})).json()
    assert far["estimated_completion"] > _after(far, 86_400 * 100)
    assert far["estimated_completion"] < _after(far, 86_400 * 366)


def _after(started: dict[str, Any], seconds: int) -> str:
    moment = datetime.fromisoformat(started["started_at"]) + timedelta(seconds=seconds)
    return moment.isoformat()


@pytest.mark.requirement("FR-2.7")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"decision": "perhaps"}, 422),
        ({"decision": ""}, 422),
        ({"approval_id": "appr_1"}, 404),
        ({"approval_id": f"appr_{'0' * 32}"}, 404),
        ({"value": nested(300)}, 422),
        ({"value": "a\x00b"}, 422),
        ({"comment": "x" * 10_001}, 422),
    ],
)
async def test_a_wrong_answer_decides_nothing(
    api: httpx.AsyncClient, account: Account, make_workflow: MakeWorkflow, start: StartExecution,
    engine_pool: Pool, body: dict[str, Any], status: int,
) -> None:  # fmt: skip
    """What is no answer is refused with a remedy, and the question stays open."""
    execution_id = (await start(await make_workflow(), {"text": "x"})).execution_id
    await park(engine_pool, account.tenant_id, execution_id, "only")
    path = f"{WORKFLOWS}/executions/exec_{execution_id.hex}"
    answer = await api.post(f"{path}/approve", json=body)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert (await api.get(path)).json()["approvals"][0]["status"] == "pending"


@pytest.mark.requirement("FR-2.7")
async def test_of_two_questions_one_has_to_be_named(
    api: httpx.AsyncClient, account: Account, make_workflow: MakeWorkflow, start: StartExecution,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """While two are open an answer without a name is for neither; without any there is none."""
    workflow = await make_workflow()
    silent = f"{WORKFLOWS}/executions/exec_{(await start(workflow, {})).execution_id.hex}"
    assert (await api.post(f"{silent}/approve", json={})).status_code == 409
    execution_id = (await start(workflow, {})).execution_id
    asked = await park(engine_pool, account.tenant_id, execution_id, "one", "two")
    path = f"{WORKFLOWS}/executions/exec_{execution_id.hex}/approve"
    refused = await api.post(path, json={})
    assert refused.status_code == 409
    assert all(f"appr_{id.hex}" in refused.json()["detail"] for id in asked)
    named = await api.post(path, json={"approval_id": f"appr_{asked[1].hex}"})
    assert named.json()["approval_id"] == f"appr_{asked[1].hex}"


async def test_what_has_ended_cannot_be_cancelled_nor_a_running_workflow_deleted(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow, start: StartExecution
) -> None:
    """A deletion waits for executions; after it they stay readable."""
    workflow = await make_workflow()
    started = await start(workflow, {"text": "x"})
    path = f"{WORKFLOWS}/wf_{workflow.id.hex}"
    execution = f"{WORKFLOWS}/executions/exec_{started.execution_id.hex}"
    assert (await api.delete(path)).status_code == 409
    assert (await api.post(f"{execution}/cancel")).status_code == 200
    assert (await api.delete(path)).status_code == 204
    assert (await api.get(path)).status_code == 404
    assert (await api.get(execution)).json()["status"] == "cancelled"


@pytest.mark.requirement("FR-7.10")
async def test_requests_are_counted_by_route(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow
) -> None:
    """Metrics know routes and not paths, and one word for methods that nobody has."""
    await api.get(f"{WORKFLOWS}/wf_{(await make_workflow()).id.hex}")
    await api.request("BREW", WORKFLOWS)
    text = (await api.get("/metrics")).text
    route = f'process="{PROCESS}",route="{WORKFLOWS}/{{workflow_id}}"'
    assert f'weft_http_requests_total{{method="GET",{route},status="200"}}' in text
    assert f'weft_http_request_seconds_count{{method="GET",{route}}}' in text
    assert "weft_executors 0.0" in text
    assert 'method="other"' in text
    assert "BREW" not in text
    assert "wf_" not in text


@pytest.mark.requirement("FR-7.10", "NFR-5.3")
async def test_metrics_are_those_of_all_processes(
    api: httpx.AsyncClient, engine_pool: Pool
) -> None:
    """What executors wrote of themselves last stands beside the API's own, told apart by name."""
    EXECUTIONS.record(2, "completed")
    for name in ("executor-0", "executor-1", "gone"):
        await write_snapshot(engine_pool, name)
    await engine_pool.execute(
        "UPDATE process_metrics SET written_at = now() - interval '1 hour' WHERE process = 'gone'"
    )
    families = {f.name: f for f in text_string_to_metric_families((await api.get("/metrics")).text)}
    processes = {
        sample.labels["process"]
        for sample in families["workflow_executions"].samples
        if sample.labels["status"] == "completed"
    }
    assert processes == {"executor-0", "executor-1", PROCESS}
