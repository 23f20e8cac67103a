"""Bad input gets a clear error with a remedy, and nothing is lost or half done."""

import json
import re
from typing import Any

import httpx
import pytest
from weft import Client, WeftError

from tests.acceptance.builders import api_node, chain, trivial_node, workflow
from tests.acceptance.conftest import Platform
from tests.acceptance.recorder import Recorder

pytestmark = pytest.mark.timeout(120)


def refusal(client: Client, **source: object) -> WeftError:
    """The error with which a creation is refused; nothing may be stored by it."""
    before = client.list()["total"]
    with pytest.raises(WeftError) as refused:
        client.create(**source)  # type: ignore[arg-type]
    assert client.list()["total"] == before
    return refused.value


@pytest.mark.requirement("FR-1.4")
def test_broken_yaml_is_refused_with_its_line(client: Client) -> None:
    """YAML that does not parse says where."""
    error = refusal(client, yaml="nodes:\n  - id: a\n    agent: llm\n   broken: [")
    assert error.status == 422
    assert error.problems[0]["line"] in (3, 4)
    assert error.problems[0]["remedy"]


@pytest.mark.requirement("FR-1.4")
def test_every_problem_is_told_at_once(client: Client) -> None:
    """An unknown agent, an unknown reference and a dangling edge are told together."""
    nodes: list[dict[str, Any]] = [{"id": "a", "agent": "telepathy"},
             {"id": "b", "agent": "llm", "parameters": {"prompt": "{nothing}"}}]  # fmt: skip
    error = refusal(client, specification=workflow(nodes, ["a>b", "b>c"]))
    assert {"unknown_agent", "unknown_reference"} <= {p["rule"] for p in error.problems}
    assert all(problem["remedy"] and problem["path"] for problem in error.problems)


@pytest.mark.requirement("FR-1.4")
def test_a_header_injection_is_refused(client: Client, recorder: Recorder) -> None:
    """A recipient with a line break is refused, at the latest when it is known."""
    mail = {
        "id": "mail", "agent": "email",
        "parameters": {"to": "{input.to}", "subject": "Hello", "body": "Hello"},
    }  # fmt: skip
    created = client.create(specification=chain([mail]))
    evil = "a@example.com\nBcc: b@example.com"
    status = client.execute(created["workflow_id"], {"to": evil}, wait=True)
    assert status["status"] == "failed"
    assert "line break" in status["error"]["message"]


def test_a_large_body_is_refused(platform: Platform) -> None:
    """5 MB are refused with 413, declared or streamed."""
    url = f"{platform.url}/api/v1/workflows/create"
    headers = {"Authorization": f"Bearer {platform.token}", "Content-Type": "application/json"}
    body = json.dumps({"description": "x" * 5_000_000}).encode()
    answer = httpx.post(url, headers=headers, content=body, timeout=30)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["remedy"]
    parts = (body[n : n + 65_536] for n in range(0, len(body), 65_536))
    answer = httpx.post(url, headers=headers, content=parts, timeout=30)
    assert answer.status_code == 413


@pytest.mark.requirement("FR-2.10", "NFR-3.4")
def test_a_server_that_never_answers_is_given_up(client: Client, recorder: Recorder) -> None:
    """A node's timeout ends the attempt, its retries are told, and the execution fails."""
    recorder.held.clear()
    node = api_node("call", recorder.url, timeout=1,
                    retry={"max_attempts": 2, "initial_seconds": 0.1})  # fmt: skip
    created = client.create(specification=chain([node, trivial_node("after")]))
    status = client.execute(created["workflow_id"], wait=True)
    recorder.held.set()
    assert status["status"] == "failed"
    assert status["error"]["node_id"] == "call"
    assert "1 s" in status["error"]["message"]
    logs = client.logs(status["execution_id"])
    assert [(log["attempt"], log["status"]) for log in logs] == [(1, "failed"), (2, "failed")]
    kinds = [event["type"] for event in client.events(status["execution_id"])]
    assert kinds == ["workflow_started", "node_started", "node_retrying", "node_failed",
                     "workflow_failed"]  # fmt: skip


@pytest.mark.requirement("NFR-4.1")
def test_nothing_is_shown_without_a_token(platform: Platform) -> None:
    """Every route but health, readiness and the login page answers 401."""
    headers = {"Authorization": f"Bearer {platform.token}"}
    assert httpx.get(f"{platform.url}/openapi.json").status_code == 401
    document = httpx.get(f"{platform.url}/openapi.json", headers=headers).json()
    for path, operations in document["paths"].items():
        if path in ("/health", "/ready", "/api/v1/session"):
            continue
        for method in operations:
            answer = httpx.request(
                method, platform.url + re.sub(r"\{\w+\}", "1", path),
                json={} if method in ("post", "put") else None,
            )  # fmt: skip
            assert answer.status_code == 401, (method, path, answer.text)
            assert answer.json()["remedy"]
    assert httpx.get(f"{platform.url}/health").json() == {"status": "ok"}
    assert httpx.get(f"{platform.url}/ready").json()["status"] == "ready"
    assert "<html" in httpx.get(f"{platform.url}/").text


def test_another_tenant_is_refused(platform: Platform) -> None:
    """A header or a body that names another organization answers 403."""
    url = f"{platform.url}/api/v1/workflows"
    headers = {"Authorization": f"Bearer {platform.token}"}
    other = "org_" + "0" * 32
    assert httpx.get(url, headers={**headers, "X-Tenant-ID": other}).status_code == 403
    body = {"description": "email me the news", "organization_id": other}
    assert httpx.post(f"{url}/create", headers=headers, json=body).status_code == 403


@pytest.mark.requirement("USER.1")
def test_an_idempotency_key_starts_once(platform: Platform, client: Client) -> None:
    """The same key and body give the same execution; another body answers 409."""
    created = client.create(specification=chain([trivial_node("one")]))
    first = client.execute(created["workflow_id"], {"n": 1}, idempotency_key="same")
    again = client.execute(created["workflow_id"], {"n": 1}, idempotency_key="same")
    assert again["execution_id"] == first["execution_id"]
    with pytest.raises(WeftError) as refused:
        client.execute(created["workflow_id"], {"n": 2}, idempotency_key="same")
    assert refused.value.status == 409


def test_rubbish_is_met_with_questions(client: Client) -> None:
    """Text that is no workflow is answered with a question, not with an error page."""
    error = refusal(client, description="asdf qwer")
    assert error.status == 422
    assert error.questions


def test_input_is_checked_against_its_schema(client: Client) -> None:
    """Input that does not fit state_schema.input is refused before anything starts."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    specification = chain([trivial_node("one")], state_schema={"input": schema})
    created = client.create(specification=specification)
    with pytest.raises(WeftError) as refused:
        client.execute(created["workflow_id"], {"n": "three"})
    assert refused.value.status == 422
    assert "n" in refused.value.problems[0]["path"]
    assert client.get(created["workflow_id"])["executions_count"] == 0


def test_odd_characters_are_refused_or_replaced(client: Client) -> None:
    """What the database refuses is refused in an input and replaced in what a node made."""
    node = {
        "id": "make", "agent": "data_processing",
        "parameters": {"operation": "transform", "data": "{input.text}",
                       "script": "return [data, data + chr(0), float('nan')]"},
        "output": "made",
    }  # fmt: skip
    created = client.create(specification=chain([node]))
    with pytest.raises(WeftError) as refused:
        client.execute(created["workflow_id"], {"text": "a\u0000b"})
    assert refused.value.problems[0]["remedy"]
    status = client.execute(created["workflow_id"], {"text": "\u2713"}, wait=True)
    assert status["status"] == "completed", status["error"]
    assert status["output"]["made"] == ["\u2713", "\u2713\ufffd", None]


def test_deep_nesting_is_refused(client: Client) -> None:
    """Input nested too deep to be stored is refused, and nothing starts."""
    deep: list[object] = []
    for _ in range(300):
        deep = [deep]
    created = client.create(specification=chain([trivial_node("one")]))
    with pytest.raises(WeftError) as refused:
        client.execute(created["workflow_id"], {"deep": deep})
    assert refused.value.status == 422
    assert client.get(created["workflow_id"])["executions_count"] == 0
