"""The API as its users meet it, on a real platform."""

import base64
import hashlib
import hmac
import json

import httpx
import pytest
from weft import Client, WeftError

from actors.webhooks import signing_secret
from tests.acceptance.builders import chain, trivial_node
from tests.acceptance.conftest import Platform
from tests.acceptance.recorder import Recorder
from tests.acceptance.waiting import until

pytestmark = pytest.mark.timeout(120)

YAML = """\
# What the team counts on Mondays.
metadata:
  name: Counting
  tags: [counting, mondays]
nodes:
  - id: count  # the only step
    agent: aggregator
    parameters:
      aggregation: count
      data: "{input.things}"
    output_key: number
"""


@pytest.mark.requirement("FR-1.3", "FR-4.2", "USER.22", "USER.27")
def test_yaml_comes_back_as_it_was_sent(client: Client) -> None:
    """A workflow's YAML keeps its comments; archived it does not run; deleted it is gone."""
    created = client.create(yaml=YAML)
    workflow_id = created["workflow_id"]
    assert client.get_yaml(workflow_id) == YAML
    status = client.execute(workflow_id, {"things": [1, 2]}, wait=True)
    assert status["output"] == {"number": 2}
    listed = client.list(tags=["mondays"])
    assert [w["workflow_id"] for w in listed["workflows"]] == [workflow_id]
    assert listed["workflows"][0]["executions_count"] == 1
    assert client.archive(workflow_id)["status"] == "archived"
    with pytest.raises(WeftError) as refused:
        client.execute(workflow_id, {"things": []})
    assert refused.value.status == 409
    client.delete(workflow_id)
    with pytest.raises(WeftError) as gone:
        client.get(workflow_id)
    assert gone.value.status == 404
    assert client.execution(status["execution_id"])["status"] == "completed"


@pytest.mark.requirement("FR-1.10", "FR-1.1", "FR-1.2", "FR-1.5", "CARD.2", "FIRST.1")
def test_a_dry_run_shows_and_stores_nothing(client: Client) -> None:
    """A sentence is shown as a graph and a plan; nothing is stored or called."""
    before = client.list()["total"]
    sentence = (
        "Scrape the reviews at http://127.0.0.1:9/ → analyze the sentiment of each review in "
        "parallel → generate a markdown insights report → email the report to ops@example.com"
    )
    shown = client.dry_run(sentence)
    agents = [node["agent"] for node in shown["parsed_specification"]["nodes"]]
    assert agents == ["web_scraping", "llm", "aggregator", "email"]
    assert shown["parsed_specification"]["pattern"] == "map_reduce"
    assert shown["problems"] == []
    assert len(shown["plan"]["nodes"]) == 4
    assert "flowchart" in shown["diagram"]
    assert client.list()["total"] == before
    assert client.dry_run(sentence)["yaml"] == shown["yaml"]


@pytest.mark.requirement("USER.28", "FR-6.10")
def test_the_end_is_told_by_a_signed_webhook(
    client: Client, platform: Platform, recorder: Recorder
) -> None:
    """A webhook that fails once is sent again, signed each time over the same body."""
    recorder.status = 503
    created = client.create(specification=chain([trivial_node("one")]))
    started = client.execute(created["workflow_id"], webhook_url=f"{recorder.url}/hook")
    until(lambda: len(recorder.calls) == 1, 30)
    recorder.status = 200
    until(lambda: len(recorder.calls) == 2, 60)
    call = recorder.calls[1]
    assert call.body["type"] == "workflow_completed"
    assert call.body["execution_id"] == started["execution_id"]
    assert call.body["output"] == {"one_count": 3}
    headers = {name.lower(): value for name, value in call.headers.items()}
    from uuid import UUID

    tenant = UUID(client.session()["organization"]["id"].removeprefix("org_"))
    key = bytes.fromhex((platform.home / "key").read_text())
    secret = base64.b64decode(signing_secret(key, tenant).removeprefix("whsec_"))
    assert {c.headers.get("webhook-id") for c in recorder.calls} == {headers["webhook-id"]}
    # The body is checked by what the receiver got, as a receiver would.
    import orjson

    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode()
    digest = hmac.new(secret, signed + orjson.dumps(call.body), hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


@pytest.mark.requirement("API.10", "USER.17", "FR-2.8")
def test_a_stream_resumes_after_a_number(client: Client) -> None:
    """A watcher that comes back with its last number misses nothing and sees nothing twice."""
    created = client.create(specification=chain([trivial_node(n) for n in ("a", "b", "c")]))
    status = client.execute(created["workflow_id"], wait=True)
    whole = list(client.stream(status["execution_id"]))
    rest = list(client.stream(status["execution_id"], after=4))
    assert [m["seq"] for m in rest] == [m["seq"] for m in whole][4:]
    assert list(client.stream(status["execution_id"], after=whole[-1]["seq"])) == []


@pytest.mark.requirement("API.5", "API.8", "FR-7.6")
def test_executions_are_listed_across_workflows(client: Client) -> None:
    """The list of a workflow's executions has its totals; the list of all has names."""
    created = client.create(specification=chain([trivial_node("one")]), name="Listed")
    ended = [client.execute(created["workflow_id"], wait=True) for _ in range(3)]
    page = client.executions(workflow_id=created["workflow_id"], limit=2)
    assert page["total"] == 3
    assert [e["execution_id"] for e in page["executions"]] == [
        e["execution_id"] for e in reversed(ended[1:])
    ]
    assert page["success_rate"] == 1.0
    everything = client.executions(limit=1)
    assert everything["executions"][0]["workflow_name"] == "Listed"


@pytest.mark.requirement("FR-7.10", "NFR-3.5")
def test_metrics_and_readiness(platform: Platform) -> None:
    """Metrics need a token; readiness names each part."""
    assert httpx.get(f"{platform.url}/metrics").status_code == 401
    headers = {"Authorization": f"Bearer {platform.token}"}
    text = httpx.get(f"{platform.url}/metrics", headers=headers).text
    assert "weft_http_requests_total" in text
    checks = httpx.get(f"{platform.url}/ready").json()["checks"]
    assert checks == {"postgres": "ok", "redis": "ok", "executors": "ok"}


@pytest.mark.requirement("CARD.5")
def test_the_ray_dashboard_listens_on_loopback_and_names_what_runs(platform: Platform) -> None:
    """Ray's dashboard is not open to others, wants a token, and shows actors by our names."""
    state = json.loads((platform.home / "platform.json").read_text())
    url = state["ray_dashboard_url"]
    assert url.startswith("http://127.0.0.1:")
    assert httpx.get(f"{url}/api/v0/actors", timeout=30).status_code == 401
    token = (platform.home / "ray-token").read_text()
    headers = {"Authorization": f"Bearer {token}"}
    actors = httpx.get(f"{url}/api/v0/actors", headers=headers, timeout=30).json()
    names = {actor["name"] for actor in actors["data"]["result"]["result"]}
    assert {"supervisor", "executor-0", "executor-1"} <= names

    def shown() -> bool:
        tasks = httpx.get(
            f"{url}/api/v0/tasks?limit=10000&detail=1", headers=headers, timeout=30
        ).json()
        names = {task["name"] for task in tasks["data"]["result"]["result"]}
        return any(name.startswith("Listed exec_") for name in names)

    # Ray's workers report what they ran about once a second.
    until(shown, 30)


@pytest.mark.requirement("NFR-4.1")
def test_the_session_cookie_is_out_of_reach_of_scripts(platform: Platform) -> None:
    """A token becomes an HttpOnly, SameSite cookie that works from this site only."""
    with httpx.Client(base_url=platform.url) as browser:
        assert browser.post("/api/v1/session", json={"token": "wrong"}).status_code == 401
        answer = browser.post("/api/v1/session", json={"token": platform.token})
        assert answer.status_code == 204
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert browser.get("/api/v1/session").json()["role"] == "owner"
        elsewhere = {"Origin": "https://evil.example"}
        assert browser.get("/api/v1/session", headers=elsewhere).status_code == 403
        policy = browser.get("/").headers["content-security-policy"]
        assert "script-src 'self'" in policy
