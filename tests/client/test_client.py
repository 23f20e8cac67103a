"""The synchronous client against a real HTTP server."""

import socket

import pytest
from weft import AsyncClient, Client, Retries, Unreachable, WeftError

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


@pytest.mark.requirement("FIRST.1")
async def test_a_sentence_may_be_read_offline(api: FakeApi, client: Client) -> None:
    """Both clients ask for it, and tell how the sentence was read."""
    reading = client.create("Ask a model", offline=True)["reading"]
    assert reading is not None
    assert reading["by"] == "offline"
    async with AsyncClient(api.base_url, TOKEN) as other:
        plan = await other.dry_run("Ask a model")
        await other.dry_run("Ask a model", offline=True)
    assert plan["reading"] is not None
    assert plan["reading"]["by"] == "gpt-4"
    bodies = [body for _, _, _, body in api.requests if body]
    assert [body.get("offline") for body in bodies] == [True, None, True]


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


@pytest.mark.requirement("USER.3")
def test_time_travel(api: FakeApi, client: Client, workflow_id: str) -> None:
    """Checkpoints and states are read; each way of going again is one start with a key."""
    api.world.on_start = api.world.run_to_the_end
    source = client.execute(workflow_id)["execution_id"]
    page = client.checkpoints(source, limit=10)
    assert (page["total"], page["checkpoints"][1]["node_id"]) == (7, "scrape_reviews")
    assert client.state(source, 2, full=True)["state"] == {"scrape_reviews": {"done": True}}
    api.failures = [("/rerun", 500), ("/fork", 502)]
    rerun = client.rerun(source, "send_email", state={"report": "x"})
    origin = {"execution_id": source, "kind": "rerun", "node_id": "send_email",
              "checkpoint_number": None}  # fmt: skip
    assert rerun["origin"] == origin
    assert client.fork(source, 3, idempotency_key="k")["origin"] is not None
    with pytest.raises(WeftError, match="nothing to retry"):
        client.retry(source)
    assert len(api.world.executions) == 3
    assert api.calls("POST", "/rerun")[-1] == {"node_id": "send_email", "state": {"report": "x"}}


@pytest.mark.requirement("USER.5")
def test_bulk_sends_action_and_filter(api: FakeApi, client: Client, workflow_id: str) -> None:
    """It may be repeated: each execution has a key of its own."""
    client.execute(workflow_id)
    api.failures = [("/bulk", 500)]
    told = client.bulk("cancel", dry_run=True, status="running", limit=5)
    assert (told["matched"], told["done"]) == (1, 0)
    assert api.calls("POST", "/bulk")[-1] == {
        "action": "cancel", "filter": {"status": "running", "limit": 5}, "dry_run": True,
    }  # fmt: skip


@pytest.mark.requirement("USER.3", "USER.5")
async def test_time_travel_asynchronously(api: FakeApi, workflow_id: str) -> None:
    """The asynchronous client has the same calls."""
    api.world.on_start = api.world.run_to_the_end
    source = api.world.start(workflow_id)
    async with AsyncClient(api.base_url, TOKEN, retries=QUICK) as client:
        assert (await client.checkpoints(source))["total"] == 7
        assert (await client.state(source, 1))["state"] == {}
        for made in (await client.rerun(source), await client.fork(source, 2)):
            assert made["status"] == "completed"
        api.world.finish(source, "failed")
        assert (await client.retry(source))["execution_id"] in api.world.executions
        assert (await client.bulk("rerun"))["matched"] == 4


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
    assert client.readers()["models"] == ["gpt-4"]
    assert client.health()["status"] == "ok"
    api.ready = False
    assert client.ready()["checks"]["redis"] == "down"
