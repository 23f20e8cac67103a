"""What a running platform shows of itself: its metrics, Ray's, and Ray's dashboard."""

import json
from contextlib import suppress
from functools import partial
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from weft import Client

from serve.embedded import ray_folder
from tests.acceptance.builders import api_node, chain, trivial_node, workflow
from tests.acceptance.conftest import Platform
from tests.acceptance.recorder import Recorder
from tests.acceptance.test_people import approval, waiting
from tests.acceptance.waiting import until

pytestmark = pytest.mark.timeout(180)

ENGINE = {
    "weft_journal_flush_seconds", "weft_journal_flush_rows", "weft_journal_queue_entries",
    "weft_journal_retries", "weft_executions_running", "workflow_executions",
    "workflow_duration_seconds", "agent_execution_duration_seconds", "weft_leases_lost",
    "weft_recovered_executions", "weft_event_loop_lag_seconds",
}  # fmt: skip


def _tasks(platform: Platform, **only: str) -> list[dict[str, Any]]:
    """The tasks in Ray's dashboard, those alone whose fields have the given values."""
    filters = {"filter_keys": [*only], "filter_values": [*only.values()]}
    state = json.loads((platform.home / "platform.json").read_text())
    token = (platform.home / "ray-token").read_text()
    answer = httpx.get(
        f"{state['ray_dashboard_url']}/api/v0/tasks",
        params={"limit": 10_000, "detail": 1, "filter_predicates": ["="] * len(only), **filters},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    tasks: list[dict[str, Any]] = answer.json()["data"]["result"]["result"]
    return tasks


def _states(platform: Platform, execution_id: str) -> list[str]:
    """The states of the tasks in Ray's dashboard that bear an execution's name."""
    return [task["state"] for task in _tasks(platform, name=f"Test {execution_id}")]


@pytest.mark.requirement("FR-7.10", "NFR-5.3")
def test_metrics_of_every_process_are_in_one_place(platform: Platform, client: Client) -> None:
    """What executors and the supervisor measure stands at /metrics, each under its name."""
    created = client.create(specification=chain([trivial_node("one"), trivial_node("two")]))
    status = client.execute(created["workflow_id"], wait=True)
    assert status["status"] == "completed", status["error"]
    headers = {"Authorization": f"Bearer {platform.token}"}

    def families() -> dict[str, Any]:
        text = httpx.get(f"{platform.url}/metrics", headers=headers).text
        return {family.name: family for family in text_string_to_metric_families(text)}

    # A process writes what it has measured every few seconds.
    until(lambda: families().keys() >= ENGINE, 30)
    found = families()
    assert {sample.labels["process"] for sample in found["weft_executions_running"].samples} == {
        "executor-0", "executor-1",
    }  # fmt: skip
    agents = {s.labels["agent"] for s in found["agent_execution_duration_seconds"].samples}
    assert "aggregator" in agents
    assert found["weft_leases_lost"].samples[0].labels == {"process": "supervisor"}


def rays_metrics(platform: Platform) -> str:
    """What the agents of Ray's nodes export."""
    discovery = ray_folder(platform.home) / "prom_metrics_service_discovery.json"
    text = ""
    for entry in json.loads(discovery.read_text()):
        for target in entry["targets"]:
            # The file names ports before somebody listens there.
            with suppress(httpx.TransportError):
                text += httpx.get(f"http://{target}/metrics").text
    return text


@pytest.mark.requirement("FR-7.10", "NFR-5.3")
def test_our_metrics_appear_with_rays(platform: Platform, client: Client) -> None:
    """What the executors, the supervisor and the API measure is exported by Ray's agent, too."""
    created = client.create(specification=chain([trivial_node("one")]))
    assert client.execute(created["workflow_id"], wait=True)["status"] == "completed"
    wanted = [
        "ray_workflow_executions_total{",
        "ray_agent_execution_duration_seconds_count{",
        "ray_weft_journal_flush_seconds_bucket{",
        "ray_weft_executions_running{",
        "ray_weft_leases_lost_total{",
        "ray_weft_http_requests_total{",
        'process="supervisor"',
        'process="executor-0"',
    ]
    until(lambda: not [name for name in wanted if name not in rays_metrics(platform)], 60)


@pytest.mark.requirement("FR-7.10", "NFR-5.3")
def test_metrics_of_a_dedicated_execution_appear_with_rays(
    platform: Platform, client: Client, recorder: Recorder
) -> None:
    """The agent of each of Ray's nodes exports what its executor measures while it runs."""
    recorder.held.clear()
    nodes = [trivial_node("one"), api_node("call", recorder.url)]
    document = chain(nodes, settings={"execution": {"isolation": "dedicated"}})
    id = client.execute(client.create(specification=document)["workflow_id"])["execution_id"]
    wanted = (
        "ray_weft_journal_flush_seconds_count",
        "ray_agent_execution_duration_seconds_count",
    )
    until(lambda: all(name in rays_metrics(platform) for name in wanted), 60)
    recorder.held.set()
    assert client.wait(id, timeout=60)["status"] == "completed"


def _shown_as(platform: Platform, execution_id: str, *states: str) -> bool:
    return not {*states}.isdisjoint(_states(platform, execution_id))


def _with_a_task(platform: Platform, client: Client, workflow_id: str, state: str) -> str:
    """Start executions until the task of one has a state; returns that execution.

    An executor that finds an execution in the database before it is told of it drives it at once,
    and the task that tells has nothing left to do.
    """
    for _ in range(5):
        execution_id = client.execute(workflow_id)["execution_id"]
        until(partial(_shown_as, platform, execution_id, state, "FINISHED"), 60)
        if _shown_as(platform, execution_id, state):
            return execution_id
    raise AssertionError(f"No execution's task was {state}.")


@pytest.mark.requirement("CARD.5", "FR-7.1")
def test_states_in_rays_dashboard_match_ours(
    platform: Platform, client: Client, recorder: Recorder
) -> None:
    """A task runs while its execution does, not when that waits or has ended, and fails with it."""
    recorder.held.clear()
    nodes = [api_node("call", recorder.url), approval("ask")]
    created = client.create(specification=workflow(nodes, ["call>ask"]))
    execution_id = _with_a_task(platform, client, created["workflow_id"], "RUNNING")
    assert client.execution(execution_id)["status"] == "running"
    recorder.held.set()
    until(lambda: waiting(client, execution_id), 60)
    until(lambda: set(_states(platform, execution_id)) == {"FINISHED"}, 60)
    client.approve(execution_id)
    assert client.wait(execution_id, timeout=60)["status"] == "completed"
    until(lambda: set(_states(platform, execution_id)) == {"FINISHED"}, 60)
    node = trivial_node("one") | {"parameters": {"aggregation": "count", "data": "{input.none}"}}
    broken = client.create(specification=chain([node]))
    failed = _with_a_task(platform, client, broken["workflow_id"], "FAILED")
    assert client.execution(failed)["status"] == "failed"


@pytest.mark.requirement("CARD.5")
def test_every_task_and_actor_in_rays_dashboard_has_a_name(
    platform: Platform, client: Client
) -> None:
    """An execution's task is named after workflow and execution, a chunk after its items."""
    each = {
        "id": "each", "agent": "data_processing", "pattern": "map", "input_keys": ["input.items"],
        "parameters": {"operation": "transform", "data": "{item}"},
    }  # fmt: skip
    created = client.create(specification=chain([each]))
    execution = client.execute(created["workflow_id"], {"items": [1, 2, 3]}, wait=True)
    assert execution["status"] == "completed", execution["error"]
    execution_id = execution["execution_id"]

    def named() -> bool:
        names = {task["name"] for task in _tasks(platform) if execution_id in task["name"]}
        chunks = [name for name in names if name.startswith("map Test ") and "each[" in name]
        return f"Test {execution_id}" in names and bool(chunks)

    until(named, 60)
    # What is left without a name of ours is called by its actor and method.
    other = {task["name"] for task in _tasks(platform) if task["name"].startswith("run_chunk")}
    assert other == set()
    methods = {"__init__", "ready"}
    assert {
        task["name"].split(".")[1]
        for task in _tasks(platform)
        if task["name"].startswith(("ExecutionActor.", "Supervisor."))
    } <= methods
