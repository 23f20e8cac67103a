"""The end of what is kept: everything of an execution goes, and nothing else."""

from typing import Protocol
from uuid import UUID

import pytest
from asyncpg import exceptions

from store import retention
from store.errors import Conflict, NotFound
from store.postgres import Pool, tenant_transaction
from store.records import MoveRecord
from store.statements import statement
from store.status import Status
from tests.factories import ONE_NODE, Account, MakeAccount, MakeWorkflow, StartExecution
from tests.store.rows import park, records_of_each_kind, write

TABLES = """
SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    AND a.attname = 'execution_id' AND NOT a.attisdropped
"""
BEGIN = "UPDATE workflow_executions SET status = 'running' WHERE id = $1"
WAIT = "UPDATE workflow_executions SET status = 'waiting', completed_at = NULL WHERE id = $1"
END = (
    "UPDATE workflow_executions SET status = 'completed', completed_at = now() - interval '9 days' "
    "WHERE id = $1"
)
PARENT = "SELECT parent_execution_id FROM workflow_executions WHERE id = $1"
AGE = (
    "UPDATE workflow_executions SET completed_at = completed_at - make_interval(days => $2), "
    "expires_at = expires_at - make_interval(days => $2), "
    "started_at = started_at - make_interval(days => $2) WHERE id = $1"
)
pytestmark = pytest.mark.requirement("DATA.1")


class MakeEnded(Protocol):
    """Makes an execution that ended."""

    async def __call__(
        self, days: int, account: Account | None = None, retention_days: float | None = None
    ) -> UUID:
        """Make one that ended so many days ago; its workflow may say how long it is kept."""
        ...


@pytest.fixture
def ended(
    make_workflow: MakeWorkflow, start: StartExecution, account: Account, owner_pool: Pool,
    engine_pool: Pool,
) -> MakeEnded:  # fmt: skip
    """Make an execution with a row of each kind that ended some days ago."""
    own = account

    async def make(
        days: int, account: Account | None = None, retention_days: float | None = None
    ) -> UUID:
        account = account or own
        settings = {"settings": {"retention_days": retention_days}} if retention_days else {}
        workflow = await make_workflow({**ONE_NODE, **settings}, account=account)
        id = (await start(workflow, account=account)).execution_id
        await write(engine_pool, *records_of_each_kind(account.tenant_id, id))
        await park(engine_pool, account.tenant_id, id, "only")
        for sql in (
            "INSERT INTO webhook_deliveries (id, tenant_id, execution_id, url, body, delivered_at) "
            "VALUES (gen_random_uuid(), $1, $2, 'https://example.com/hook', '{}', now())",
            "INSERT INTO execution_signals (id, tenant_id, execution_id, event, payload) "
            "VALUES (gen_random_uuid(), $1, $2, 'paid', '{}')",
            "INSERT INTO execution_seeds (tenant_id, execution_id, node_id, visit) "
            "VALUES ($1, $2, 'only', 1)",
        ):
            await owner_pool.execute(sql, account.tenant_id, id)
        await engine_pool.execute(BEGIN, id)
        assert not await write(engine_pool, MoveRecord(id, 1, Status.COMPLETED, output_json="1"))
        await owner_pool.execute(AGE, id, days)
        return id

    return make


async def _rows(pool: Pool, execution_id: UUID) -> dict[str, int]:
    return {
        row["relname"]: await pool.fetchval(
            f"SELECT count(*) FROM {row['relname']} WHERE execution_id = $1",  # noqa: S608
            execution_id,
        )
        for row in await pool.fetch(TABLES)
    }


async def _exists(pool: Pool, execution_id: UUID) -> bool:
    found = await pool.fetchval("SELECT 1 FROM workflow_executions WHERE id = $1", execution_id)
    return found is not None


async def test_everything_of_an_execution_goes(
    ended: MakeEnded, owner_pool: Pool, engine_pool: Pool
) -> None:
    """Each table that names executions loses this one's rows and no other's."""
    old, young = await ended(31), await ended(29)
    before = await _rows(owner_pool, old)
    assert 0 not in before.values(), "a table without a row would not be tested"
    assert await retention.delete_expired_executions(engine_pool, 30) == 1
    assert set((await _rows(owner_pool, old)).values()) == {0}
    assert await _rows(owner_pool, young) == before
    assert (await _exists(owner_pool, old), await _exists(owner_pool, young)) == (False, True)
    assert await retention.delete_expired_executions(engine_pool, 30) == 0


async def test_a_workflow_says_how_long_its_executions_are_kept(
    ended: MakeEnded, owner_pool: Pool, engine_pool: Pool
) -> None:
    """Its own retention counts more than the platform's, whichever is longer."""
    short, long, other = (
        await ended(3, retention_days=2),
        await ended(40, retention_days=50),
        (await ended(3)),
    )
    assert await retention.delete_expired_executions(engine_pool, None) == 1
    assert not await _exists(owner_pool, short)
    assert await retention.delete_expired_executions(engine_pool, 1) == 1
    assert (await _exists(owner_pool, long), await _exists(owner_pool, other)) == (True, False)


async def test_without_a_retention_everything_is_kept(
    ended: MakeEnded, owner_pool: Pool, engine_pool: Pool
) -> None:
    """Nothing is deleted that nobody asked for."""
    id = await ended(4000)
    assert await retention.delete_expired_executions(engine_pool, None) == 0
    assert await _exists(owner_pool, id)


@pytest.mark.parametrize("status", ["pending", "running", "waiting"])
async def test_what_has_not_ended_is_never_deleted(
    status: str, make_workflow: MakeWorkflow, start: StartExecution, account: Account,
    owner_pool: Pool, engine_pool: Pool, api_pool: Pool,
) -> None:  # fmt: skip
    """However old it is, and even when it is named."""
    id = (await start(await make_workflow())).execution_id
    await owner_pool.execute(
        "UPDATE workflow_executions SET status = $2, created_at = now() - interval '9 years', "
        "started_at = now() - interval '9 years' WHERE id = $1", id, status,
    )  # fmt: skip
    assert await retention.delete_expired_executions(engine_pool, 0.01) == 0
    assert await engine_pool.fetch(statement("delete_executions"), [id]) == []
    assert await retention.delete_old_executions(api_pool, account.tenant_id, 0.01) == 0
    with pytest.raises(Conflict, match=status):
        await retention.delete_execution(api_pool, account.tenant_id, id)
    assert await _exists(owner_pool, id)


async def test_what_somebody_is_still_to_be_told_of_is_kept(
    ended: MakeEnded, owner_pool: Pool, engine_pool: Pool
) -> None:
    """A webhook that is not delivered yet keeps its execution until it is, or given up."""
    id = await ended(9)
    await owner_pool.execute("UPDATE webhook_deliveries SET delivered_at = NULL")
    assert await retention.delete_expired_executions(engine_pool, 1) == 0
    await owner_pool.execute("UPDATE webhook_deliveries SET abandoned_at = now()")
    assert await retention.delete_expired_executions(engine_pool, 1) == 1
    assert not await _exists(owner_pool, id)


async def test_what_another_may_still_read_is_kept(
    ended: MakeEnded, account: Account, owner_pool: Pool, engine_pool: Pool, api_pool: Pool
) -> None:
    """A child goes when its parent has ended, before or after it; its parent's end is enough."""
    parent, child, other = await ended(9), await ended(9), await ended(9)
    await owner_pool.execute(
        "UPDATE workflow_executions SET parent_execution_id = $1, parent_wait_id = id::text "
        "WHERE id = ANY($2)",
        parent, [child, other],
    )  # fmt: skip
    await owner_pool.execute(WAIT, parent)
    assert await retention.delete_expired_executions(engine_pool, 1) == 0
    assert await engine_pool.fetch(statement("delete_executions"), [child]) == []
    assert await retention.count_old_executions(api_pool, account.tenant_id, 1) == 0
    assert await retention.delete_old_executions(api_pool, account.tenant_id, 1) == 0
    with pytest.raises(Conflict, match="that started it"):
        await retention.delete_execution(api_pool, account.tenant_id, child)
    await owner_pool.execute(END, parent)
    await retention.delete_execution(api_pool, account.tenant_id, child)
    await retention.delete_execution(api_pool, account.tenant_id, parent)
    assert await owner_pool.fetchval(PARENT, other) is None
    assert await retention.delete_expired_executions(engine_pool, 1) == 1


async def test_what_was_started_is_stopped_before_its_starter_goes(
    ended: MakeEnded, account: Account, owner_pool: Pool, engine_pool: Pool, api_pool: Pool
) -> None:
    """Without the row nobody would know that they are to be stopped."""
    id = await ended(9)
    await owner_pool.execute("UPDATE workflow_executions SET abandons = true WHERE id = $1", id)
    assert await retention.delete_expired_executions(engine_pool, 1) == 0
    with pytest.raises(Conflict, match="just now"):
        await retention.delete_execution(api_pool, account.tenant_id, id)
    await engine_pool.execute(statement("settle_abandoned"))
    assert await retention.delete_expired_executions(engine_pool, 1) == 1


@pytest.mark.requirement("NFR-4.1")
async def test_a_tenant_deletes_its_own_only(
    ended: MakeEnded, make_account: MakeAccount, account: Account, owner_pool: Pool, api_pool: Pool
) -> None:
    """Another tenant's execution is not there, by name, by age, or by any SQL of the API."""
    other = await make_account("Globex")
    mine, theirs = await ended(9), await ended(9, account=other)
    with pytest.raises(NotFound):
        await retention.delete_execution(api_pool, account.tenant_id, theirs)
    assert await retention.count_old_executions(api_pool, account.tenant_id, 1) == 1
    assert await retention.delete_old_executions(api_pool, account.tenant_id, 1) == 1
    async with tenant_transaction(api_pool, account.tenant_id) as connection:
        assert await connection.fetch(statement("delete_own_executions"), [theirs]) == []
    assert await api_pool.fetch(statement("delete_own_executions"), [theirs]) == []
    with pytest.raises(exceptions.InsufficientPrivilegeError):
        await api_pool.fetch(statement("delete_executions"), [theirs])
    assert (await _exists(owner_pool, mine), await _exists(owner_pool, theirs)) == (False, True)
    await retention.delete_execution(api_pool, other.tenant_id, theirs)
    assert not await _exists(owner_pool, theirs)


async def test_by_age_a_tenant_deletes_whatever_its_workflow_says(
    ended: MakeEnded, account: Account, api_pool: Pool
) -> None:
    """Somebody who deletes by age means all of that age."""
    await ended(9, retention_days=100)
    await ended(9)
    assert await retention.count_old_executions(api_pool, account.tenant_id, 10) == 0
    assert await retention.count_old_executions(api_pool, account.tenant_id, 8) == 2
    assert await retention.delete_old_executions(api_pool, account.tenant_id, 8) == 2


async def test_an_execution_that_somebody_holds_is_left_for_later(
    ended: MakeEnded, account: Account, owner_pool: Pool, engine_pool: Pool, api_pool: Pool
) -> None:
    """A deletion waits for nobody, and its batch goes on without that one."""
    held, free = await ended(9), await ended(9)
    async with owner_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM workflow_executions WHERE id = $1 FOR UPDATE", held)
        assert await retention.delete_expired_executions(engine_pool, 1) == 1
        with pytest.raises(Conflict, match="just now"):
            await retention.delete_execution(api_pool, account.tenant_id, held)
    assert (await _exists(owner_pool, held), await _exists(owner_pool, free)) == (True, False)


async def test_specifications_go_with_the_last_that_has_them(
    ended: MakeEnded, owner_pool: Pool, engine_pool: Pool
) -> None:
    """One of a workflow, or of an execution that is kept, stays."""
    await ended(9)
    await owner_pool.execute(
        "INSERT INTO workflow_specifications (tenant_id, sha256, document) "
        "SELECT tenant_id, 'unused', '{}' FROM organizations"
    )
    assert await retention.delete_unused_specifications(engine_pool) == 1
    await owner_pool.execute("UPDATE workflows SET specification_sha256 = 'edited'")
    assert await retention.delete_unused_specifications(engine_pool) == 0
    assert await retention.delete_expired_executions(engine_pool, 1) == 1
    assert await retention.delete_unused_specifications(engine_pool) == 1


async def test_only_executions_and_workflows_have_specifications(owner_pool: Pool) -> None:
    """A further table that names specifications would have to keep them as well."""
    names = await owner_pool.fetch(
        "SELECT conrelid::regclass::text AS name FROM pg_constraint "
        "WHERE confrelid = 'workflow_specifications'::regclass"
    )
    assert {row["name"] for row in names} == {"workflow_executions"}
