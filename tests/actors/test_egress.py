"""An organization's list of hosts in executions: read for attempts, for maps, for webhooks."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from actors.secrets import Secrets
from actors.webhooks import WebhookSender
from agents.api import Api
from agents.data_processing import DataProcessing
from agents.errors import AgentError
from agents.registry import Registry
from agents.services import Services
from store import kept
from store.egress import EgressLists, delete_egress_list, set_egress_list
from store.executions import cancel_parked
from store.live import LiveView
from store.postgres import Pool
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.echo import Echo, open_echo
from tests.actors.process import Process
from tests.factories import Account, MakeAccount, MakeWorkflow, StartExecution

NOT_ALLOWED = "not among the hosts"


@pytest.fixture
def registry() -> Registry:
    """An agent that calls and one that does not."""
    return Registry((Api(), DataProcessing()))


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    """A service."""
    async with open_echo() as opened:
        yield opened


@pytest.fixture
async def process(
    process_of: OpenProcess, engine_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> Process:
    """A process that reads lists anew for each attempt."""
    monkeypatch.setattr(kept, "KEPT_SECONDS", 0.0)
    return await process_of(lists=EgressLists(engine_pool.acquire))


async def _allow(pool: Pool, account: Account, *hosts: str) -> None:
    await set_egress_list(pool, account.tenant_id, account.principal.user_id, hosts)


def _workflow(url: str, **node: Any) -> dict[str, Any]:
    call = {"id": "call", "agent": "api", "parameters": {"url": url}, **node}
    return {"metadata": {"name": "w"}, "nodes": [call], "edges": []}


async def _run(begin: Begin, process: Process, specification: dict[str, Any]) -> UUID:
    id = await begin(specification, {"items": [1, 2, 3]}, process)
    await process.drive(id)
    await process.settle()
    return id


@pytest.mark.requirement("NFR-4.5")
async def test_a_change_counts_for_attempts_that_start_afterwards(
    begin: Begin, process: Process, look: Look, api_pool: Pool, account: Account, echo: Echo
) -> None:
    """Without a list, with one that has not the host, with one that has it, and without again."""
    workflow = _workflow(echo.url("/ok"))
    assert await look.status(await _run(begin, process, workflow)) == "completed"
    await _allow(api_pool, account, "api.example.com")
    id = await _run(begin, process, workflow)
    assert NOT_ALLOWED in (await look.row(id))["error_message"]
    await _allow(api_pool, account, "api.example.com", "127.0.0.1")
    assert await look.status(await _run(begin, process, workflow)) == "completed"
    await delete_egress_list(api_pool, account.tenant_id)
    assert await look.status(await _run(begin, process, workflow)) == "completed"
    assert len(echo.heads) == 3


@pytest.mark.requirement("NFR-4.5")
async def test_items_of_a_map_stay_on_the_list(
    begin: Begin, process: Process, look: Look, api_pool: Pool, account: Account, echo: Echo
) -> None:
    """They run in processes of their own, which read it themselves."""
    await _allow(api_pool, account, "api.example.com")
    node = {"pattern": "map", "input_keys": ["input.items"]}
    workflow = _workflow(echo.url("/ok"), **node)
    workflow["state_schema"] = {"input": {"type": "object", "properties": {"items": {}}}}
    id = await _run(begin, process, workflow)
    assert NOT_ALLOWED in (await look.row(id))["error_message"]
    assert echo.heads == []


@pytest.mark.requirement("NFR-4.1")
async def test_another_tenants_list_does_not_count(
    begin: Begin, process: Process, look: Look, api_pool: Pool, make_account: MakeAccount,
    account: Account, echo: Echo,
) -> None:  # fmt: skip
    """What one allows itself changes nothing for another."""
    await _allow(api_pool, await make_account("Other"), "api.example.com")
    id = await _run(begin, process, _workflow(echo.url("/ok")))
    assert await look.status(id) == "completed"


@pytest.mark.requirement("NFR-4.5")
async def test_a_webhook_goes_to_no_host_beyond_the_list(
    make_workflow: MakeWorkflow, start: StartExecution, account: Account, live: LiveView,
    services: Services, api_pool: Pool, engine_pool: Pool, echo: Echo,
) -> None:  # fmt: skip
    """The delivery is refused and says why."""
    await _allow(api_pool, account, "api.example.com")
    started = await start(await make_workflow(), webhook_url=echo.url("/ok"))
    await cancel_parked(engine_pool, live, account.tenant_id, started.execution_id, "enough")
    await WebhookSender(engine_pool, live, services, b"k" * 32).deliver_due()
    told = await engine_pool.fetchval("SELECT last_error FROM webhook_deliveries")
    assert NOT_ALLOWED in told
    assert echo.heads == []


@pytest.mark.requirement("NFR-4.5")
async def test_a_list_that_cannot_be_read_lets_nothing_out(
    engine_pool: Pool, account: Account
) -> None:
    """The attempt fails, and another may succeed."""
    lists = EgressLists(engine_pool.acquire)
    await engine_pool.close()
    with pytest.raises(AgentError, match="cannot be read") as caught:
        await Secrets(lists=lists).hosts(account.tenant_id)
    assert caught.value.retryable


async def test_lists_are_read_once_for_a_while(engine_pool: Pool, account: Account) -> None:
    """Nodes that start together, and those of the next seconds, take no query of their own."""
    taken = 0

    def connections() -> Any:
        nonlocal taken
        taken += 1
        return engine_pool.acquire()

    lists = EgressLists(connections)
    for _ in range(100):
        assert await lists.hosts(account.tenant_id) is None
    assert taken == 1
