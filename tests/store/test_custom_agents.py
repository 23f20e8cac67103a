"""Custom agents and their versions in the database."""

import asyncio
from dataclasses import replace

import pytest

from store.custom_agents import (
    change_agent,
    count_uses,
    get_agent,
    list_agent_versions,
    list_agents,
    read_agents,
    register_agent,
)
from store.errors import Conflict, NotFound
from store.postgres import Pool
from tests.factories import Account, MakeAccount
from tests.store.agents import new_agent

OTHER_CODE = {"type": "python_function", "code": "def execute():\n    return 2"}


async def test_an_agent_gets_a_version_for_each_change(api_pool: Pool, account: Account) -> None:
    """The first registration makes version 1, another code version 2, the same code none."""
    first = await register_agent(api_pool, new_agent(account))
    second = await register_agent(api_pool, new_agent(account, implementation=OTHER_CODE))
    third = await register_agent(api_pool, new_agent(account, implementation=OTHER_CODE))
    assert [one.outcome for one in (first, second, third)] == [
        "created", "new_version", "unchanged",
    ]  # fmt: skip
    assert [one.agent.version for one in (first, second, third)] == [1, 2, 2]
    assert first.agent.id == second.agent.id
    versions = await list_agent_versions(api_pool, account.tenant_id, "greeter")
    assert [one.version for one in versions] == [2, 1]
    old = await get_agent(api_pool, account.tenant_id, "greeter", 1)
    assert old.implementation["code"].endswith("1")
    assert old.current_version == 2


async def test_registrations_at_the_same_time_lose_no_version(
    api_pool: Pool, account: Account
) -> None:
    """Five people who register different code get five versions."""
    news = [
        new_agent(account, description=f"The {number}th.", may_replace=True) for number in range(5)
    ]
    done = await asyncio.gather(*(register_agent(api_pool, new) for new in news))
    assert sorted(one.agent.version for one in done) == [1, 2, 3, 4, 5]


async def test_an_earlier_version_becomes_the_current_one_again(
    api_pool: Pool, account: Account
) -> None:
    """Going back names a version; registering after it counts on from the last."""
    await register_agent(api_pool, new_agent(account))
    await register_agent(api_pool, new_agent(account, implementation=OTHER_CODE))
    user = account.principal.user_id
    back = await change_agent(
        api_pool, account.tenant_id, user, "greeter", may_replace=False, current_version=1
    )
    assert back.version == 1
    third = await register_agent(api_pool, new_agent(account, description="Greets better."))
    assert third.agent.version == 3
    with pytest.raises(NotFound, match="version 9"):
        await change_agent(
            api_pool, account.tenant_id, user, "greeter", may_replace=False, current_version=9
        )


async def test_only_its_owner_and_those_who_may_change_an_agent(
    api_pool: Pool, account: Account
) -> None:
    """Another user of the tenant registers no version of it, unless allowed to."""
    await register_agent(api_pool, new_agent(account))
    other = replace(new_agent(account, implementation=OTHER_CODE), user_id=account.tenant_id)
    with pytest.raises(Conflict, match="somebody else's"):
        await register_agent(api_pool, other)
    with pytest.raises(NotFound, match="There is no user"):
        await change_agent(
            api_pool, account.tenant_id, account.principal.user_id, "greeter",
            may_replace=True, owner_id=account.tenant_id,
        )  # fmt: skip


async def test_a_tenant_sees_its_own_agents_only(
    api_pool: Pool, account: Account, make_account: MakeAccount
) -> None:
    """Two tenants have an agent of the same name and each finds its own."""
    other = await make_account("Globex")
    await register_agent(api_pool, new_agent(account))
    await register_agent(api_pool, new_agent(other, description="Greets from Globex."))
    mine = await get_agent(api_pool, account.tenant_id, "greeter")
    theirs = await get_agent(api_pool, other.tenant_id, "greeter")
    assert mine.id != theirs.id
    assert theirs.description == "Greets from Globex."
    with pytest.raises(NotFound):
        await get_agent(api_pool, other.tenant_id, "unknown")


@pytest.mark.requirement("NFR-2.4")
async def test_a_tenant_has_over_a_thousand_agents(
    api_pool: Pool, engine_pool: Pool, account: Account
) -> None:
    """1,200 agents are listed by page, searched, and read by name."""
    for start in range(0, 1200, 100):
        news = [new_agent(account, f"agent_{start + at:04}") for at in range(100)]
        await asyncio.gather(*(register_agent(api_pool, new) for new in news))
    page, total = await list_agents(api_pool, account.tenant_id, limit=50, offset=1150)
    assert total == 1200
    assert [page[0].agent_name, page[-1].agent_name] == ["agent_1150", "agent_1199"]
    found, total = await list_agents(api_pool, account.tenant_id, text="AGENT_07", limit=10)
    assert total == 100
    assert len(found) == 10
    async with engine_pool.acquire() as connection:
        wanted = [("agent_0007", 0), ("agent_0008", 1), ("agent_0009", 2), ("nobody", 0)]
        read = await read_agents(connection, account.tenant_id, wanted)
    assert sorted(one.agent_name for one in read) == ["agent_0007", "agent_0008"]


async def test_uses_are_counted(api_pool: Pool, engine_pool: Pool, account: Account) -> None:
    """Counts are added up, and a name that is no agent changes nothing."""
    await register_agent(api_pool, new_agent(account))
    tenant = account.tenant_id
    await count_uses(engine_pool, {(tenant, "greeter"): 3, (tenant, "gone"): 1})
    await count_uses(engine_pool, {(tenant, "greeter"): 2})
    agent = await get_agent(api_pool, tenant, "greeter")
    assert agent.usage_count == 5
    assert agent.last_used_at is not None


async def test_inactive_agents_are_listed_by_their_status(api_pool: Pool, account: Account) -> None:
    """The list can be narrowed to a status and to an owner."""
    await register_agent(api_pool, new_agent(account, "one"))
    await register_agent(api_pool, new_agent(account, "two"))
    user = account.principal.user_id
    await change_agent(
        api_pool, account.tenant_id, user, "two", may_replace=False, status="inactive"
    )
    inactive, total = await list_agents(api_pool, account.tenant_id, status="inactive")
    assert ([one.agent_name for one in inactive], total) == (["two"], 1)
    mine, _ = await list_agents(api_pool, account.tenant_id, owner_id=user)
    assert len(mine) == 2
    nobodys, _ = await list_agents(api_pool, account.tenant_id, owner_id=account.tenant_id)
    assert nobodys == []
