"""The synchronous client against a real HTTP server."""

import socket

import pytest
from weft import Client, Retries, Unreachable, WeftError

from tests.client.fake_api import TOKEN, FakeApi

QUICK = Retries(attempts=6, initial_seconds=0.01)


def test_create_sends_the_sentence_with_its_token(api: FakeApi, client: Client) -> None:
    """A sentence becomes a workflow; the request carries the bearer token."""
    workflow = client.create("Scrape the reviews", name="Reviews", tags=["a", "b"])
    assert workflow["workflow_id"].startswith("wf_")
    assert workflow["levels"][0] == ["scrape_reviews"]
    method, path, headers, body = api.requests[-1]
    assert (method, path) == ("POST", "/api/v1/workflows/create")
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert body == {"description": "Scrape the reviews", "name": "Reviews", "tags": ["a", "b"]}


@pytest.mark.parametrize("description", [None, "x"])
def test_create_wants_exactly_one_source(client: Client, description: str | None) -> None:
    """No source, or two, is a mistake of the caller and sends nothing."""
    with pytest.raises(ValueError, match="exactly one"):
        client.create(description, yaml=description)


def test_questions_come_as_an_error_and_answers_solve_it(client: Client) -> None:
    """A sentence that leaves something open raises with questions; answers create it."""
    with pytest.raises(WeftError) as raised:
        client.create("Email the summary to me?")
    assert raised.value.status == 422
    assert [question["id"] for question in raised.value.questions] == ["email_to"]
    created = client.create("Email the summary to me?", answers={"email_to": "a@example.com"})
    assert created["status"] == "active"


def test_problems_keep_their_place_and_remedy(client: Client) -> None:
    """A wrong specification raises with every problem."""
    with pytest.raises(WeftError, match="specification is wrong") as raised:
        client.create(yaml="explode")
    assert raised.value.problems[0]["path"] == "nodes[0].agent"
    assert raised.value.problems[0]["remedy"] == "Use one of llm, api."


def test_dry_run_stores_nothing(api: FakeApi, client: Client) -> None:
    """A dry run answers the plan and creates no workflow."""
    plan = client.dry_run("Check website uptime")
    assert plan["dry_run"]
    assert plan["parsed_specification"]["pattern"] == "conditional"
    assert api.world.workflows == {}


@pytest.mark.requirement("USER.27")
def test_get_list_archive_delete(client: Client, workflow_id: str) -> None:
    """A workflow can be fetched as JSON and YAML, listed, archived and deleted."""
    assert client.get(workflow_id)["specification"]["pattern"] == "map_reduce"
    assert client.get_yaml(workflow_id).startswith("pattern:")
    assert client.list(status="active", tags=["reviews"])["total"] == 1
    assert client.archive(workflow_id)["status"] == "archived"
    client.delete(workflow_id)
    assert client.list()["workflows"] == []


def test_execute_and_wait_returns_the_end(api: FakeApi, client: Client, workflow_id: str) -> None:
    """With `wait` the finished execution comes back."""
    api.world.on_start = api.world.run_to_the_end
    execution = client.execute(workflow_id, {"url": "http://site"}, wait=True)
    assert execution["status"] == "completed"
    assert execution["progress"]["completed_nodes"] == 6
    assert api.calls("POST", "/execute") == [
        {"input": {"url": "http://site"}, "options": {"async": True}}
    ]


def test_options_of_a_start_are_sent_when_given(
    api: FakeApi, client: Client, workflow_id: str
) -> None:
    """A priority of zero is one, too."""
    client.execute(workflow_id, timeout_seconds=5, priority=0)
    [body] = api.calls("POST", "/execute")
    assert body["options"] == {"async": True, "timeout_seconds": 5, "priority": 0}


@pytest.mark.requirement("USER.1")
def test_a_start_is_repeated_with_the_same_key(
    api: FakeApi, client: Client, workflow_id: str
) -> None:
    """Bare 500s of the ingress are answered by the same start, which makes one execution."""
    api.failures = [("/execute", 500), ("/execute", 502), ("/execute", 503)]
    client.execute(workflow_id, {"url": "x"})
    keys = {headers["idempotency-key"] for _, path, headers, _ in api.requests if "/exec" in path}
    assert len(keys) == 1
    assert len(api.requests) == 4
    assert len(api.world.executions) == 1


def test_a_create_is_not_repeated_after_a_bare_failure(api: FakeApi, client: Client) -> None:
    """It may have been done already, so the caller is told instead."""
    api.failures = [("/create", 500)]
    with pytest.raises(WeftError, match="HTTP 500"):
        client.create("Scrape the reviews")
    assert len(api.requests) == 1


def test_problems_of_the_platform_are_not_repeated(api: FakeApi, client: Client) -> None:
    """An answer that says what is wrong is final."""
    with pytest.raises(WeftError) as raised:
        client.get("wf_none")
    assert (raised.value.status, raised.value.remedy) == (404, "List them.")
    assert len(api.requests) == 1


def test_repeating_ends(api: FakeApi, client: Client) -> None:
    """After the last attempt the failure is raised."""
    api.failures = [("/workflows", 503)] * 10
    with pytest.raises(WeftError, match="HTTP 503"):
        client.list()
    assert len(api.requests) == QUICK.attempts


def test_no_platform_is_said_with_a_remedy() -> None:
    """A refused connection names the address and how to start a platform."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with Client(address, TOKEN, retries=QUICK) as client, pytest.raises(Unreachable) as raised:
            client.list()
    assert address in raised.value.detail
    assert "weft up" in raised.value.remedy


def test_a_wrong_token_is_refused(api: FakeApi) -> None:
    """The platform's remedy reaches the caller."""
    with Client(api.base_url, "wrong") as client, pytest.raises(WeftError) as raised:
        client.list()
    assert (raised.value.status, raised.value.remedy) == (401, "Run `weft token`.")


def test_identifiers_cannot_leave_their_place(api: FakeApi, client: Client) -> None:
    """A slash in an identifier is part of it, not of the path."""
    with pytest.raises(WeftError):
        client.get("../session")
    assert api.requests[-1][1] == "/api/v1/workflows/../session"


@pytest.mark.requirement("FR-2.9")
def test_cancel(api: FakeApi, client: Client, workflow_id: str) -> None:
    """A cancel answers what was done and what was not."""
    execution_id = client.execute(workflow_id)["execution_id"]
    answer = client.cancel(execution_id)
    assert (answer["status"], answer["pending_nodes"]) == ("cancelled", 6)
    assert client.executions(status="cancelled")["total"] == 1
    assert client.executions(workflow_id=workflow_id)["total"] == 1


@pytest.mark.requirement("FR-2.7")
def test_approve_sends_decision_value_and_comment(
    api: FakeApi, client: Client, workflow_id: str
) -> None:
    """An open approval is decided; a second answer is refused."""
    execution_id = client.execute(workflow_id)["execution_id"]
    api.world.ask(execution_id, "approve_report")
    answer = client.approve(execution_id, "approve", value=3, comment="fine")
    assert answer["decision"] == "approve"
    assert api.calls("POST", "/approve") == [{"decision": "approve", "value": 3, "comment": "fine"}]
    with pytest.raises(WeftError, match="Nothing to decide"):
        client.approve(execution_id)


def test_logs_events_session_and_health(api: FakeApi, client: Client, workflow_id: str) -> None:
    """The lists come out of their envelopes; a platform that is not ready still answers."""
    api.world.on_start = api.world.run_to_the_end
    execution_id = client.execute(workflow_id)["execution_id"]
    assert client.logs(execution_id)[0]["node_id"] == "scrape_reviews"
    assert client.events(execution_id, after=2)[0]["seq"] == 3
    assert client.session()["user"]["email"] == "me@example.com"
    assert client.health()["status"] == "ok"
    api.ready = False
    assert client.ready()["checks"]["redis"] == "down"
