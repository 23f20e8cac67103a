"""Secrets of a tenant in executions: opened for an attempt, bound to hosts, left nowhere."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
import structlog.testing
from redis.asyncio import Redis

from agents.api import Api
from agents.data_processing import DataProcessing
from agents.redaction import Redaction, forms
from agents.registry import Registry
from agents.web_scraping import WebScraping
from store.live import LiveView
from store.postgres import Pool
from store.secrets import Vault, delete_secret, set_secret
from store.secrets_keyring import KeyPlace, Keyring, KmsPlace
from store.secrets_sealing import KeyFile
from tests.actors.canary import everything_in_postgres, everything_in_redis, found_in
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.echo import Echo, open_echo
from tests.actors.process import Process
from tests.actors.testing_agent import Step
from tests.factories import Account
from tests.kms import REGION, Kms

CANARY = 'kanárie "9f3A/+?" of the mine &c'
AT_ONCE = {"max_attempts": 3, "backoff": "fixed", "initial_seconds": 0}


@pytest.fixture
def registry(step: Step) -> Registry:
    """Agents that call, one that does not, and `step`."""
    return Registry((Api(), DataProcessing(), WebScraping(), step))


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    """A service."""
    async with open_echo() as opened:
        yield opened


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    """A master key."""
    KeyFile(tmp_path / "key").make()
    return Keyring(KeyPlace(tmp_path / "key"))


@pytest.fixture
async def process(process_of: OpenProcess, engine_pool: Pool, keys: Keyring) -> Process:
    """A process that opens tenants' secrets; the operator has some as well."""
    vault = Vault(engine_pool.acquire, keys)
    return await process_of(vault=vault, secrets={"operators": "everybody's", "own": "as well"})


@pytest.fixture
async def canary(api_pool: Pool, keys: Keyring, account: Account) -> str:
    """A secret named `token` that may go to 127.0.0.1."""
    await set_secret(
        api_pool, keys, account.tenant_id, account.principal.user_id, "token", CANARY,
        ["127.0.0.1"],
    )  # fmt: skip
    return CANARY


def _workflow(*nodes: dict[str, Any], edges: Any = ()) -> dict[str, Any]:
    return {"metadata": {"name": "w"}, "nodes": list(nodes), "edges": list(edges)}


def _api(url: str, **node: Any) -> dict[str, Any]:
    body = {"token": "{secrets.token}", "list": ["before {secrets.token} behind"]}
    auth = {"type": "basic", "username": "u", "password": "{secrets.token}"}
    parameters = {"url": url, "method": "POST", "body": body, "auth": auth,
                  "params": {"key": "{secrets.token}"}}  # fmt: skip
    return {"id": "call", "agent": "api", "parameters": parameters, **node}


async def _run(begin: Begin, process: Process, specification: dict[str, Any]) -> UUID:
    id = await begin(specification, {"items": [1, 2, 3]}, process)
    await process.drive(id)
    await process.settle()
    return id


@pytest.mark.requirement("FR-4.9")
async def test_a_secret_is_found_nowhere(
    begin: Begin,
    process: Process,
    canary: str,
    echo: Echo,
    look: Look,
    dsn: str,
    redis_url: str,
    live: LiveView,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After success, failure, retry and a map the service has it, and nothing else does."""
    published: list[tuple[str, bytes]] = []
    caplog.set_level("DEBUG")

    async def listen() -> None:
        async with Redis.from_url(redis_url) as redis, redis.pubsub() as channels:
            await channels.psubscribe("*")
            listening.set()
            async for message in channels.listen():
                published.append(("published", repr(message).encode("utf-8")))

    listening = asyncio.Event()
    listener = asyncio.create_task(listen())
    await listening.wait()
    page = {"url": echo.url("/page?key={secrets.token}"), "mode": "http"}
    broken = {"value": "{secrets.token}", "fail": "No: {secrets.token}"}
    specifications = [
        _workflow(_api(echo.url("/ok"))),
        _workflow({"id": "page", "agent": "web_scraping", "parameters": page}),
        _workflow(
            _api(echo.url("/ok"), pattern="map", input_keys=["input.items"]),
        ),
        _workflow(_api(echo.url("/to/127.0.0.2"))),
        _workflow({"id": "page", "agent": "web_scraping", "retry": AT_ONCE, "parameters": {
            "url": "http://127.0.0.1:1/?key={secrets.token}", "mode": "http"}}),
        _workflow({"id": "bad", "agent": "api", "parameters": {
            "url": echo.url("/ok"), "timeout": "{secrets.token}"}}),
        _workflow({"id": "bad", "agent": "api", "parameters": {
            "url": echo.url("/ok"), "headers": {"X": "{secrets.token}\n"}}}),
        _workflow({"id": "step", "agent": "step", "parameters": broken}),
    ]  # fmt: skip
    statuses = [
        await look.status(await _run(begin, process, specification))
        for specification in specifications
    ]
    await process.journal.drain()
    assert statuses == ["completed", "completed", "completed", *["failed"] * 5]
    assert found_in(canary, [("sent", "".join(echo.heads).encode())])
    output = capfd.readouterr()
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)
    assert published
    places = [
        *await everything_in_postgres(dsn),
        *await everything_in_redis(redis_url),
        *published,
        ("stdout", output.out.encode()),
        ("stderr", output.err.encode()),
        *((record.name, record.getMessage().encode()) for record in caplog.records),
    ]
    assert found_in(canary, places) == []
    names = {name for name, _ in places}
    assert {"secrets.ciphertext", "execution_node_logs.output_data"} <= names


@pytest.mark.requirement("FR-4.9")
async def test_the_search_finds_what_is_there(dsn: str, owner_pool: Pool) -> None:
    """A secret in a text, in bytes, and inside base64 is found: silence means something."""
    for column in ("name", "email"):
        assert found_in(CANARY, [(column, json.dumps([CANARY]).encode())])
    await owner_pool.execute("CREATE TABLE found (a bytea, b jsonb)")
    await owner_pool.execute(
        "INSERT INTO found VALUES ($1, $2)", b"x" + CANARY.encode(), json.dumps({"k": CANARY})
    )
    found = found_in(CANARY, await everything_in_postgres(dsn))
    assert {place for place, _ in found} == {"found.a", "found.b"}


@pytest.mark.requirement("FR-4.9")
async def test_a_secret_for_another_host_is_not_sent(
    begin: Begin, process: Process, canary: str, echo: Echo, look: Look
) -> None:
    """The node fails for good, and says which secret and which host."""
    url = echo.url("/ok", "127.0.0.2")
    id = await _run(begin, process, _workflow(_api(url, retry=AT_ONCE)))
    [log] = [log for log in await look.logs(id) if log["error_message"]]
    assert "`token` is not sent to 127.0.0.2: it was registered for 127.0.0.1" in str(
        log["error_message"]
    )
    assert echo.heads == []


async def test_a_secret_is_no_value_for_what_calls_nobody(
    begin: Begin, process: Process, canary: str, look: Look
) -> None:
    """A node that only computes could hand it on in another shape, so it gets none."""
    node = {"id": "a", "agent": "step", "parameters": {"value": "{secrets.token}"}}
    id = await _run(begin, process, _workflow(node))
    assert "is for calls of its hosts" in (await look.row(id))["error_message"]


async def test_a_name_of_the_operators_is_not_shadowed(
    begin: Begin, process: Process, look: Look, api_pool: Pool, keys: Keyring, account: Account
) -> None:
    """Where both have one of a name, neither is taken, and the error says what to do."""
    node = {"id": "a", "agent": "step", "parameters": {"value": "<{secrets.operators}>"}}
    user = account.principal.user_id
    await set_secret(
        api_pool, keys, account.tenant_id, user, "own", "not everybody's", ["a.example"]
    )
    assert await look.status(await _run(begin, process, _workflow(node))) == "completed"
    node = {"id": "a", "agent": "step", "parameters": {"value": "<{secrets.own}>"}}
    id = await _run(begin, process, _workflow(node))
    assert "the operator's and the organization's" in (await look.row(id))["error_message"]


async def test_a_deleted_secret_is_not_set(
    begin: Begin, process: Process, look: Look, api_pool: Pool, canary: str, account: Account
) -> None:
    """The node fails with the command that sets it."""
    await delete_secret(api_pool, account.tenant_id, "token")
    id = await _run(begin, process, _workflow(_api("http://127.0.0.1:1/")))
    assert "weft secrets set token --host" in (await look.row(id))["error_message"]


async def test_a_lost_master_key_is_told(
    begin: Begin,
    process: Process,
    look: Look,
    canary: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The node fails and says whom to ask; the log says which key is missing."""
    told = structlog.testing.CapturingLogger()
    monkeypatch.setattr("actors.secrets.log", told)
    (tmp_path / "key").write_text("ab" * 32)
    id = await _run(begin, process, _workflow(_api("http://127.0.0.1:1/")))
    message = (await look.row(id))["error_message"]
    assert "The secrets token cannot be opened" in message
    assert str(tmp_path) not in message
    assert str(tmp_path) in told.calls[0].kwargs["error"]


def test_a_secret_is_taken_out_however_it_is_written() -> None:
    """In texts, keys, lists; short ones only out of errors, since they could be anything."""
    redaction = Redaction({"token": CANARY, "pin": "1234"})
    for form in forms(CANARY):
        assert found_in(CANARY, [("x", redaction.text(f"<{form}>").encode())]) == []
    value = redaction.value({CANARY: [f"a {CANARY}", 1, None, "1234"]})
    assert value == {"{secrets.token}": ["a {secrets.token}", 1, None, "1234"]}
    assert redaction.text("pin 1234") == "pin {secrets.pin}"
    assert Redaction({}).value([1]) == [1]


@pytest.mark.requirement("FR-4.9")
@pytest.mark.parametrize(
    ("refusal", "calls"), [("ThrottlingException", 6), ("DisabledException", 1)]
)
async def test_a_node_waits_for_kms_and_not_for_a_disabled_key(
    kms: Kms, begin: Begin, process_of: OpenProcess, engine_pool: Pool, api_pool: Pool,
    account: Account, look: Look, echo: Echo, tmp_path: Path, refusal: str, calls: int,
) -> None:  # fmt: skip
    """What passes is tried again, what does not fails; where the key is stands in no error."""
    keys = Keyring(KeyPlace(tmp_path, KmsPlace(kms.make_key(), (), REGION, kms.url)))
    await set_secret(
        api_pool, keys, account.tenant_id, account.principal.user_id, "token", CANARY,
        ["127.0.0.1"],
    )  # fmt: skip
    process = await process_of(vault=Vault(engine_pool.acquire, keys), secrets={})
    kms.refusal = refusal
    retry = {**AT_ONCE, "max_attempts": 2}
    id = await _run(begin, process, _workflow(_api(echo.url("/"), retry=retry)))
    keys.close()
    message = (await look.row(id))["error_message"]
    assert "cannot be opened on this platform" in message
    assert "kms" not in message.lower()
    # Two attempts of the node, each with three tries of one call; or one that is final.
    assert kms.called("Decrypt") == calls
