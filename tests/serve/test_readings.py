"""Reading executions for many requests: together, and each its own."""

import asyncio
from collections.abc import Iterable
from uuid import UUID, uuid4

import pytest

from serve import readings
from serve.readings import READS_AT_ONCE, Readings
from store.errors import NotFound
from store.history import Whole, get_executions_whole
from store.postgres import UNREACHABLE, Pool
from tests.factories import Account, MakeAccount, MakeWorkflow, StartExecution


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[set[UUID]]:
    """What each query asked for."""
    asked: list[set[UUID]] = []

    async def counted(pool: Pool, tenant_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Whole]:
        asked.append(set(ids))
        return await get_executions_whole(pool, tenant_id, ids)

    monkeypatch.setattr(readings, "get_executions_whole", counted)
    return asked


async def test_those_who_ask_together_share_a_read(
    reads: list[set[UUID]],
    api_pool: Pool,
    account: Account,
    make_workflow: MakeWorkflow,
    start: StartExecution,
) -> None:
    """Each gets its own; one that does not exist fails alone."""
    workflow = await make_workflow()
    ids = [(await start(workflow)).execution_id for _ in range(3)]
    reader = Readings(api_pool)
    asked = [*ids, ids[0], uuid4()]
    found = await asyncio.gather(
        *(reader.read(account.tenant_id, id) for id in asked), return_exceptions=True
    )
    assert reads == [set(asked)]
    assert [one.execution["id"] for one in found[:4] if isinstance(one, Whole)] == asked[:4]
    assert isinstance(found[4], NotFound)


async def test_those_who_ask_while_reads_run_share_the_next(
    reads: list[set[UUID]],
    api_pool: Pool,
    account: Account,
    make_workflow: MakeWorkflow,
    start: StartExecution,
) -> None:
    """Only so many reads of a tenant run at once, and none takes in who comes later."""
    id = (await start(await make_workflow())).execution_id
    reader = Readings(api_pool)
    asking = []
    for _ in range(READS_AT_ONCE + 3):
        asking.append(asyncio.create_task(reader.read(account.tenant_id, id)))
        # A turn in which it asks, and one in which its read begins, if it may.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    found = await asyncio.gather(*asking)
    assert {one.execution["id"] for one in found} == {id}
    assert len(reads) == READS_AT_ONCE + 1


async def test_tenants_are_read_apart(
    api_pool: Pool,
    account: Account,
    make_account: MakeAccount,
    make_workflow: MakeWorkflow,
    start: StartExecution,
) -> None:
    """Who asks for another tenant's execution finds none, whoever asks at the same time."""
    id = (await start(await make_workflow())).execution_id
    other = await make_account("Globex")
    reader = Readings(api_pool)
    own, foreign = await asyncio.gather(
        reader.read(account.tenant_id, id),
        reader.read(other.tenant_id, id),
        return_exceptions=True,
    )
    assert isinstance(own, Whole)
    assert isinstance(foreign, NotFound)


async def test_failed_read_fails_those_who_shared_it(api_pool: Pool, account: Account) -> None:
    """And nobody after them waits for it."""
    reader = Readings(api_pool)
    await api_pool.close()
    for _ in range(2):
        with pytest.raises(UNREACHABLE):
            await reader.read(account.tenant_id, uuid4())
