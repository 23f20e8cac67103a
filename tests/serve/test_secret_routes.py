"""Secrets through the API, the clients and the command line."""

import asyncio
import io
import sys

import httpx
import pytest
from weft import AsyncClient, Client

from store.postgres import Pool
from tests.factories import Account, MakeAccount
from tests.kms import REGION, Kms
from tests.serve.conftest import MASTER_KEY
from tests.serve.terminal import Weft

SECRETS = "/api/v1/secrets"
VALUE = "s3cret-of-the-service"
BODY = {"value": VALUE, "hosts": ["API.example.com", "*.example.org."]}


@pytest.mark.requirement("FR-4.9")
async def test_a_secret_is_set_and_told_without_its_value(
    api: httpx.AsyncClient, owner_pool: Pool
) -> None:
    """Names, hosts and times come back; what is stored is not what was sent."""
    answer = await api.put(f"{SECRETS}/token", json=BODY)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["name"], told["version"]) == ("token", 1)
    assert told["hosts"] == ["api.example.com", "*.example.org"]
    listed = await api.get(SECRETS)
    assert listed.json() == {"secrets": [told]}
    assert told.keys() == {
        "name", "hosts", "version", "created_at", "updated_at", "last_used_at"
    }  # fmt: skip
    assert VALUE not in answer.text + listed.text
    row = await owner_pool.fetchrow("SELECT * FROM secrets")
    assert VALUE.encode() not in row["ciphertext"]


async def test_a_secret_is_replaced_and_deleted(api: httpx.AsyncClient) -> None:
    """Setting it again raises its version; once deleted it is not found."""
    await api.put(f"{SECRETS}/token", json=BODY)
    again = await api.put(f"{SECRETS}/token", json={"value": VALUE, "hosts": ["10.0.0.1"]})
    assert (again.json()["version"], again.json()["hosts"]) == (2, ["10.0.0.1"])
    assert (await api.delete(f"{SECRETS}/token")).status_code == 204
    assert (await api.delete(f"{SECRETS}/token")).status_code == 404
    assert (await api.get(SECRETS)).json() == {"secrets": []}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("Token", BODY),
        ("1", BODY),
        ("token", {"value": "short", "hosts": ["a.example"]}),
        ("token", {"value": VALUE, "hosts": []}),
        ("token", {"value": VALUE, "hosts": ["https://a.example/"]}),
        ("token", {"value": VALUE, "hosts": ["a.example:443"]}),
        ("token", {"value": VALUE, "hosts": ["*"]}),
        ("token", {"value": VALUE, "hosts": ["*.com"]}),
        ("token", {"value": [VALUE], "hosts": ["a.example"]}),
        ("token", {"valeu": VALUE, "hosts": ["a.example"]}),
    ],
)
async def test_what_cannot_be_a_secret_is_refused(
    api: httpx.AsyncClient, name: str, body: object
) -> None:
    """The refusal says what is wrong and does not repeat the value."""
    answer = await api.put(f"{SECRETS}/{name}", json=body)
    assert answer.status_code == 422
    assert VALUE not in answer.text


@pytest.mark.requirement("NFR-4.1")
async def test_only_owners_and_admins_set_secrets(api: httpx.AsyncClient, owner_pool: Pool) -> None:
    """An editor sees their names, which specifications need, and changes nothing."""
    await owner_pool.execute("UPDATE organization_members SET role = 'editor'")
    assert (await api.put(f"{SECRETS}/token", json=BODY)).status_code == 403
    assert (await api.delete(f"{SECRETS}/token")).status_code == 403
    assert (await api.get(SECRETS)).json() == {"secrets": []}


@pytest.mark.requirement("NFR-4.1")
async def test_another_tenant_has_secrets_of_its_own(
    api: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    """The same name is another secret there, and what is not there cannot be deleted."""
    await api.put(f"{SECRETS}/token", json=BODY)
    other = await make_account("Globex")
    headers = {"Authorization": f"Bearer {other.token}"}
    assert (await api.get(SECRETS, headers=headers)).json() == {"secrets": []}
    assert (await api.delete(f"{SECRETS}/token", headers=headers)).status_code == 404
    assert len((await api.get(SECRETS)).json()["secrets"]) == 1


async def test_a_missing_master_key_is_not_the_callers_fault(
    api: httpx.AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The answer is 503 and does not say where the key is."""
    aside = MASTER_KEY.with_name("aside")
    MASTER_KEY.rename(aside)
    try:
        answer = await api.put(f"{SECRETS}/token", json=BODY)
    finally:
        aside.rename(MASTER_KEY)
    assert answer.status_code == 503
    assert str(MASTER_KEY) not in answer.text


async def test_a_plan_says_which_secrets_are_not_set(api: httpx.AsyncClient) -> None:
    """The warning names the command that sets it, and is gone once it is set."""
    yaml = (
        "{metadata: {name: w}, nodes: [{id: a, agent: api, parameters: "
        "{url: 'https://api.example.com', headers: {X: '{secrets.token}'}}}], edges: []}"
    )

    async def warnings() -> list[str]:
        answer = await api.post("/api/v1/workflows/create", json={"yaml": yaml, "dry_run": True})
        found = answer.json()["plan"]["warnings"]
        return [one["remedy"] for one in found if one["rule"] == "needs_secret"]

    [remedy] = await warnings()
    assert "weft secrets set token --host" in remedy
    await api.put(f"{SECRETS}/token", json=BODY)
    assert await warnings() == []


async def test_both_clients_set_list_and_delete(url: str, account: Account) -> None:
    """They tell the same; the value is in nothing that they give back."""

    def work() -> None:
        with Client() as client:
            told = client.set_secret("token", VALUE, ["a.example"])
            assert client.secrets() == [told]
            assert VALUE not in str(told)
            client.delete_secret("token")

    await asyncio.to_thread(work)
    async with AsyncClient() as client:
        told = await client.set_secret("token", VALUE, ["a.example"])
        assert await client.secrets() == [told]
        await client.delete_secret("token")
        assert await client.secrets() == []


async def test_the_command_line_takes_the_value_from_standard_input(
    weft: Weft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in no argument, and no command prints it."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{VALUE}\n"))
    done = await weft("secrets", "set", "token", "--host", "a.example", "--host", "*.b.example")
    assert done.code == 0
    assert "token is set for a.example, *.b.example.\n" in done.out
    listed = await weft("secrets", "list")
    assert "token" in listed.out
    assert "*.b.example" in listed.out
    assert VALUE not in done.out + listed.out + (await weft("secrets", "list", "--json")).out
    assert "token is deleted." in (await weft("secrets", "delete", "token")).out
    assert "no secrets" in (await weft("secrets", "list")).out


@pytest.mark.requirement("FR-4.9")
async def test_the_command_line_rotates_the_master_key(
    weft: Weft, api: httpx.AsyncClient, dsn: str, owner_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the platform runs, every secret's key is wrapped anew, and setting goes on."""
    monkeypatch.setenv("WEFT_HOME", str(MASTER_KEY.parent))
    monkeypatch.setenv("DATABASE_URL", dsn)
    await api.put(f"{SECRETS}/token", json=BODY)
    before = await owner_pool.fetchval("SELECT key_id FROM secrets")
    done = await weft("secrets", "rotate")
    assert "wraps the keys of 1 secrets" in done.out
    after = await owner_pool.fetchval("SELECT key_id FROM secrets")
    assert before != after
    await api.put(f"{SECRETS}/token", json=BODY)
    assert await owner_pool.fetchval("SELECT key_id FROM secrets") == after
    monkeypatch.setenv("WEFT_HOME", "/nowhere")
    failed = await weft("secrets", "rotate")
    assert (failed.code, "cannot be read" in failed.err) == (1, True)


@pytest.mark.requirement("FR-4.9")
async def test_the_command_line_rotates_to_kms(
    weft: Weft, api: httpx.AsyncClient, dsn: str, owner_pool: Pool, kms: Kms,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """With a KMS key set every secret's key is wrapped by that; the value is not sent there."""
    await api.put(f"{SECRETS}/token", json=BODY)
    key = kms.make_key("alias/weft")
    for name, value in (
        ("WEFT_HOME", str(MASTER_KEY.parent)),
        ("DATABASE_URL", dsn),
        ("WEFT_SECRETS_KMS_KEY", "alias/weft"),
        ("WEFT_SECRETS_KMS_REGION", REGION),
        ("WEFT_SECRETS_KMS_ENDPOINT", kms.url),
    ):
        monkeypatch.setenv(name, value)
    assert "wraps the keys of 1 secrets" in (await weft("secrets", "rotate")).out
    assert await owner_pool.fetchval("SELECT key_id FROM secrets") == f"kms:{key}"
    assert VALUE not in str(kms.calls)
