"""Who is calling, and what they may do."""

from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from serve.context import COOKIE
from tests.factories import ONE_NODE, Account, MakeAccount, MakeWorkflow, StartExecution
from tests.serve.conftest import BASE_URL

WORKFLOWS = "/api/v1/workflows"
NEW = {"specification": ONE_NODE}


def bearer(token: str) -> dict[str, str]:
    """The header of a token."""
    return {"Authorization": f"Bearer {token}"}


async def become(dsn: str, account: Account, role: str) -> None:
    """Give the account's user another role."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "UPDATE organization_members SET role = $1 WHERE user_id = $2",
            role, account.principal.user_id,
        )  # fmt: skip
    finally:
        await connection.close()


@pytest.mark.requirement("NFR-4.1")
@pytest.mark.parametrize(
    "headers",
    [{}, bearer("wrong"), bearer(""), {"Authorization": "Basic abc"}, {"Cookie": f"{COOKIE}=x"}],
)
async def test_without_a_known_token_nothing_is_answered(
    anonymous: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """No token, a wrong one and a wrong cookie answer 401 and say how to send one."""
    answer = await anonymous.get(WORKFLOWS, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Bearer" in answer.json()["remedy"]


async def test_the_word_bearer_may_be_written_in_any_case(
    anonymous: httpx.AsyncClient, account: Account
) -> None:
    """Schemes are not case-sensitive."""
    answer = await anonymous.get(WORKFLOWS, headers={"Authorization": f"bEARER  {account.token}"})
    assert answer.status_code == 200


async def test_a_token_becomes_a_cookie(anonymous: httpx.AsyncClient, account: Account) -> None:
    """The cookie is out of reach of scripts, works, and is forgotten on request."""
    opened = await anonymous.post("/api/v1/session", json={"token": account.token})
    cookie = opened.headers["set-cookie"].lower()
    assert opened.status_code == 204
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    session = (await anonymous.get("/api/v1/session")).json()
    assert session["role"] == "owner"
    assert session["user"]["email"] == account.principal.email
    assert (await anonymous.delete("/api/v1/session")).status_code == 204
    assert (await anonymous.get("/api/v1/session")).status_code == 401


async def test_behind_https_the_cookie_is_secure(
    anonymous: httpx.AsyncClient, account: Account
) -> None:
    """A proxy that ends TLS says so, and the cookie then stays on TLS."""
    opened = await anonymous.post(
        "/api/v1/session", json={"token": account.token}, headers={"X-Forwarded-Proto": "https"}
    )
    assert "secure" in opened.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        (BASE_URL, 200),
        ("https://evil.example", 403),
        ("http://weft.example.evil.example", 403),
        ("http://weft.example:81", 403),
        ("null", 403),
    ],
)
async def test_a_cookie_works_from_our_own_pages_only(
    anonymous: httpx.AsyncClient, account: Account, origin: str | None, status: int
) -> None:
    """Another site's page cannot use the cookie that the browser adds."""
    headers = {"Cookie": f"{COOKIE}={account.token}", **({"Origin": origin} if origin else {})}
    assert (await anonymous.get(WORKFLOWS, headers=headers)).status_code == status


async def test_a_token_in_a_header_works_from_anywhere(api: httpx.AsyncClient) -> None:
    """No browser adds a bearer token by itself."""
    answer = await api.get(WORKFLOWS, headers={"Origin": "https://other.example"})
    assert answer.status_code == 200


@pytest.mark.requirement("NFR-4.2")
@pytest.mark.parametrize(
    ("role", "creates", "deletes"),
    [("owner", 201, 204), ("admin", 201, 204), ("editor", 201, 403), ("viewer", 403, 403)],
)
async def test_roles(
    api: httpx.AsyncClient, account: Account, make_workflow: MakeWorkflow, dsn: str,
    role: str, creates: int, deletes: int,
) -> None:  # fmt: skip
    """Everybody looks; editors create and execute; admins and owners delete."""
    workflow = f"{WORKFLOWS}/wf_{(await make_workflow()).id.hex}"
    await become(dsn, account, role)
    assert (await api.get(workflow)).status_code == 200
    created = await api.post(f"{WORKFLOWS}/create", json=NEW)
    executed = await api.post(f"{workflow}/execute", json={"input": {"text": "x"}})
    archived = await api.post(f"{workflow}/archive")
    assert created.status_code == creates
    assert executed.status_code == (202 if creates == 201 else 403)
    assert archived.status_code == (200 if creates == 201 else 403)
    if creates == 403:
        assert created.json()["detail"] == f"The role {role} may not create workflows."
        assert (await api.delete(workflow)).status_code == deletes
    else:
        new = f"{WORKFLOWS}/{created.json()['workflow_id']}"
        assert (await api.delete(new)).status_code == deletes


async def test_a_viewer_neither_cancels_nor_answers(
    api: httpx.AsyncClient, account: Account, make_workflow: MakeWorkflow, start: StartExecution,
    dsn: str,
) -> None:  # fmt: skip
    """Whoever only looks changes no execution."""
    started = await start(await make_workflow(), {"text": "x"})
    await become(dsn, account, "viewer")
    path = f"{WORKFLOWS}/executions/exec_{started.execution_id.hex}"
    assert (await api.post(f"{path}/cancel")).status_code == 403
    assert (await api.post(f"{path}/approve", json={})).status_code == 403
    assert (await api.get(path)).json()["status"] == "pending"


@pytest.mark.requirement("NFR-4.1")
async def test_another_organization_s_things_do_not_exist(
    api: httpx.AsyncClient, make_account: MakeAccount, make_workflow: MakeWorkflow,
    start: StartExecution,
) -> None:  # fmt: skip
    """What belongs to another tenant answers 404, whatever is asked of it."""
    other = await make_account("Other")
    workflow = await make_workflow(account=other)
    started = await start(workflow, {"text": "x"}, account=other)
    wf = f"{WORKFLOWS}/wf_{workflow.id.hex}"
    execution = f"{WORKFLOWS}/executions/exec_{started.execution_id.hex}"
    for method, path in [
        ("GET", wf), ("POST", f"{wf}/archive"), ("DELETE", wf), ("GET", f"{wf}/executions"),
        ("GET", execution), ("GET", f"{execution}/logs"), ("GET", f"{execution}/events"),
        ("POST", f"{execution}/cancel"),
    ]:  # fmt: skip
        assert (await api.request(method, path)).status_code == 404, (method, path)
    assert (await api.post(f"{wf}/execute", json={})).status_code == 404
    assert (await api.post(f"{execution}/approve", json={})).status_code == 404
    assert (await api.get(WORKFLOWS)).json()["total"] == 0
    assert (await api.get(f"{WORKFLOWS}/executions")).json()["total"] == 0


async def test_naming_another_organization_is_refused(
    api: httpx.AsyncClient, account: Account, make_account: MakeAccount
) -> None:
    """Header, query and body may name the token's own organization, and no other."""
    own = f"org_{account.principal.organization_id.hex}"
    other = f"org_{(await make_account('Other')).principal.organization_id.hex}"

    async def statuses(name: str) -> list[int]:
        answers = [
            await api.get(WORKFLOWS, headers={"X-Tenant-ID": name}),
            await api.get(WORKFLOWS, params={"organization_id": name}),
            await api.post(f"{WORKFLOWS}/create", json={**NEW, "organization_id": name}),
        ]
        return [answer.status_code for answer in answers]

    assert await statuses(own) == [200, 200, 201]
    assert await statuses(str(account.principal.organization_id)) == [200, 200, 201]
    assert await statuses(other) == [403, 403, 403]


def refusal(client: TestClient, path: str, **options: Any) -> WebSocketDisconnect:
    """How a WebSocket is closed."""
    with client.websocket_connect(path, **options) as socket:
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
        return closed.value


@pytest.mark.requirement("API.10", "NFR-4.1")
async def test_a_websocket_needs_a_token_too(
    app: FastAPI, account: Account, make_workflow: MakeWorkflow, start: StartExecution
) -> None:
    """Refusals are told by the code that a browser can read: 4000 and the HTTP status."""
    started = await start(await make_workflow(), {"text": "x"})
    path = f"{WORKFLOWS}/executions/exec_{started.execution_id.hex}/stream"
    cookie = {"Cookie": f"{COOKIE}={account.token}", "Origin": "https://evil.example"}
    none = f"{WORKFLOWS}/executions/exec_{'0' * 32}/stream"
    with TestClient(app, base_url=BASE_URL) as client:
        assert refusal(client, path).code == 4401
        assert refusal(client, path, headers=bearer("wrong")).code == 4401
        assert refusal(client, path, headers=cookie).code == 4403
        assert refusal(client, none, headers=bearer(account.token)).code == 4404
        assert refusal(client, f"{WORKFLOWS}/stream").code == 4401
