"""Which hosts workflows may reach, through the API, the clients and the command line."""

import asyncio
from dataclasses import replace

import httpx
import pytest
from weft import AsyncClient, Client

from serve.api_config import ApiConfig
from store.postgres import Pool
from tests.factories import Account, MakeAccount
from tests.serve.conftest import api_config
from tests.serve.terminal import Weft

EGRESS = "/api/v1/egress"
HOSTS = ["api.example.com", "*.example.org"]
YAML = (
    "{metadata: {name: w}, nodes: [{id: a, agent: api, parameters: "
    "{url: 'https://other.example:8443/x'}}], edges: []}"
)


@pytest.mark.requirement("NFR-4.5")
async def test_a_list_is_set_replaced_and_removed(api: httpx.AsyncClient) -> None:
    """Null is every public host, an empty list is none."""
    first = (await api.get(EGRESS)).json()
    assert first == {
        "hosts": None, "updated_at": None, "operator_hosts": None, "loopback": False
    }  # fmt: skip
    given = ["API.example.com", "*.example.org.", "api.example.com"]
    answer = await api.put(EGRESS, json={"hosts": given})
    assert answer.status_code == 200, answer.text
    assert answer.json()["hosts"] == HOSTS
    assert (await api.get(EGRESS)).json() == answer.json()
    assert (await api.put(EGRESS, json={"hosts": []})).json()["hosts"] == []
    assert (await api.get(EGRESS)).json()["hosts"] == []
    await api.put(EGRESS, json={"hosts": None})
    assert (await api.get(EGRESS)).json() == first


@pytest.mark.parametrize(
    "body", [{}, {"hosts": ["https://a.example"]}, {"hosts": ["*"]}, {"hosts": ["a"] * 1001}]
)
async def test_what_is_no_list_is_refused(api: httpx.AsyncClient, body: dict[str, object]) -> None:
    """The answer is 422, and nothing is set."""
    assert (await api.put(EGRESS, json=body)).status_code == 422
    assert (await api.get(EGRESS)).json()["hosts"] is None


@pytest.mark.requirement("NFR-4.1")
async def test_only_owners_and_admins_change_it(api: httpx.AsyncClient, owner_pool: Pool) -> None:
    """An editor reads it and may not change it."""
    await owner_pool.execute("UPDATE organization_members SET role = 'editor'")
    assert (await api.put(EGRESS, json={"hosts": HOSTS})).status_code == 403
    assert (await api.get(EGRESS)).status_code == 200


@pytest.mark.requirement("NFR-4.1")
async def test_another_tenant_has_a_list_of_its_own(
    api: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    """What one sets another does not see."""
    await api.put(EGRESS, json={"hosts": HOSTS})
    headers = {"Authorization": f"Bearer {(await make_account('Other')).token}"}
    assert (await api.get(EGRESS, headers=headers)).json()["hosts"] is None


async def test_a_plan_warns_of_hosts_that_may_not_be_reached(api: httpx.AsyncClient) -> None:
    """The warning is gone once the list has the host."""

    async def warned() -> list[str]:
        answer = await api.post("/api/v1/workflows/create", json={"yaml": YAML, "dry_run": True})
        found = answer.json()["plan"]["warnings"]
        return [one["message"] for one in found if one["rule"] == "host_not_reachable"]

    assert await warned() == []
    await api.put(EGRESS, json={"hosts": HOSTS})
    assert "`a` calls other.example:8443" in (await warned())[0]
    await api.put(EGRESS, json={"hosts": ["*.b.example", "other.example"]})
    assert await warned() == []


class TestWithAListOfTheOperators:
    """An installation that allows some hosts only."""

    @pytest.fixture
    def config(self, dsn: str, redis_url: str) -> ApiConfig:
        """What the API is told."""
        return replace(api_config(dsn, redis_url), allowed_hosts=("*.example.com", "a.example"))

    @pytest.mark.requirement("NFR-4.5")
    async def test_a_list_cannot_go_beyond_it(self, api: httpx.AsyncClient) -> None:
        """The answer names what is too much; what is within is set."""
        beyond = ["x.example.com", "b.example", "*.b.example"]
        answer = await api.put(EGRESS, json={"hosts": beyond})
        assert answer.status_code == 422
        assert "b.example, *.b.example" in answer.text
        told = (await api.put(EGRESS, json={"hosts": ["*.x.example.com", "a.example"]})).json()
        assert told["operator_hosts"] == ["*.example.com", "a.example"]

    async def test_a_plan_warns_of_it(self, api: httpx.AsyncClient) -> None:
        """Without a list of the organization's own, too."""
        answer = await api.post("/api/v1/workflows/create", json={"yaml": YAML, "dry_run": True})
        rules = [one["rule"] for one in answer.json()["plan"]["warnings"]]
        assert "host_not_reachable" in rules


async def test_both_clients_set_and_read_it(url: str, account: Account) -> None:
    """They tell the same."""

    def work() -> None:
        with Client() as client:
            told = client.set_egress(HOSTS)
            assert client.egress() == told
            assert client.set_egress(None)["hosts"] is None

    await asyncio.to_thread(work)
    async with AsyncClient() as client:
        told = await client.set_egress(HOSTS)
        assert await client.egress() == told


async def test_the_command_line_sets_and_clears_it(weft: Weft) -> None:
    """A list, none at all, and every public host."""
    assert "every public host" in (await weft("egress", "show")).out
    done = await weft("egress", "set", "--host", "api.example.com", "--host", "*.example.org")
    assert "Workflows may reach api.example.com, *.example.org.\n" in done.out
    assert '"*.example.org"' in (await weft("egress", "show", "--json")).out
    assert "reach no host" in (await weft("egress", "set", "--nothing")).out
    assert (await weft("egress", "set")).code == 2
    assert "every public host" in (await weft("egress", "clear")).out
