"""No tenant sees, changes or starts anything of another, in any table and by any SQL."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from asyncpg import exceptions

from store import executions, history, workflows
from store.custom_agents import register_agent
from store.decisions import decide_approval
from store.egress import set_egress_list
from store.errors import NotFound
from store.live import LiveView
from store.origins import Origin, Reuse
from store.parser_calls import ParserCall, record_parser_calls
from store.postgres import Pool, tenant_transaction
from store.secrets import set_secret
from store.secrets_keyring import KeyPlace, Keyring
from store.secrets_sealing import KeyFile
from tests.factories import Account, MakeAccount, MakeWorkflow, StartExecution
from tests.store.agents import new_agent
from tests.store.rows import park, records_of_each_kind, write

TABLES = """
SELECT c.relname FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relrowsecurity
"""
READABLE = TABLES + " AND has_column_privilege('weft_api', c.oid, 'tenant_id', 'SELECT')"
WRITABLE = TABLES + " AND has_table_privilege('weft_api', c.oid, 'UPDATE')"


@pytest.fixture
async def execution_id(
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    owner_pool: Pool,
    engine_pool: Pool,
    api_pool: Pool,
    tmp_path: Path,
) -> UUID:
    """An execution of the first tenant, which has a row in every table."""
    workflow = await make_workflow(tags=["private"])
    started = await start(workflow, webhook_url="https://example.com/hook")
    tenant_id = account.tenant_id
    await write(engine_pool, *records_of_each_kind(tenant_id, started.execution_id))
    await park(engine_pool, tenant_id, started.execution_id, "only")
    await register_agent(api_pool, new_agent(account))
    await owner_pool.execute(
        "INSERT INTO webhook_deliveries (id, tenant_id, execution_id, url, body) "
        "VALUES (gen_random_uuid(), $1, $2, 'https://example.com/hook', '{}')",
        tenant_id,
        started.execution_id,
    )
    await owner_pool.execute(
        "INSERT INTO execution_signals (id, tenant_id, execution_id, event, payload) "
        "VALUES (gen_random_uuid(), $1, $2, 'paid', '{}')",
        tenant_id,
        started.execution_id,
    )
    await owner_pool.execute(
        "INSERT INTO execution_seeds (tenant_id, execution_id, node_id, visit) "
        "VALUES ($1, $2, 'only', 1)",
        tenant_id,
        started.execution_id,
    )
    call = ParserCall("gpt-4", "answered", 1, 1000, 100, 0.001, 900.0)
    user_id = account.principal.user_id
    await record_parser_calls(owner_pool, tenant_id, user_id, "create", [call])
    KeyFile(tmp_path / "key").make()
    keys = Keyring(KeyPlace(tmp_path / "key"))
    await set_secret(api_pool, keys, tenant_id, user_id, "token", "of the first", ["a.example"])
    await set_egress_list(api_pool, tenant_id, user_id, ["a.example"])
    for row in await owner_pool.fetch(TABLES):
        count = await owner_pool.fetchval(f"SELECT count(*) FROM {row['relname']}")  # noqa: S608
        assert count > 0, f"{row['relname']} is empty, so nothing would be tested of it"
    return started.execution_id


@pytest.mark.requirement("NFR-4.1")
@pytest.mark.usefixtures("execution_id")
async def test_rows_of_another_tenant_cannot_be_read(
    make_account: MakeAccount, api_pool: Pool, owner_pool: Pool
) -> None:
    """Every table that the API may read is empty for a tenant without rows of its own."""
    other = await make_account("Globex")
    tables = [row["relname"] for row in await owner_pool.fetch(READABLE)]
    assert len(tables) > 8
    async with tenant_transaction(api_pool, other.tenant_id) as connection:
        for table in tables:
            every = f"SELECT tenant_id FROM {table} WHERE true OR tenant_id IS NULL"  # noqa: S608
            seen = {row["tenant_id"] for row in await connection.fetch(every)}
            assert seen <= {other.tenant_id}, table


@pytest.mark.requirement("NFR-4.1")
@pytest.mark.usefixtures("execution_id")
async def test_rows_of_another_tenant_cannot_be_changed(
    make_account: MakeAccount, api_pool: Pool, owner_pool: Pool
) -> None:
    """An update without any condition touches no row of another tenant."""
    other = await make_account("Globex")
    tables = [row["relname"] for row in await owner_pool.fetch(WRITABLE)]
    assert len(tables) == 9
    async with tenant_transaction(api_pool, other.tenant_id) as connection:
        for table in tables:
            every = f"UPDATE {table} SET tenant_id = tenant_id WHERE true"  # noqa: S608
            assert await connection.execute(every) == "UPDATE 0", table


@pytest.mark.requirement("NFR-4.1")
async def test_row_cannot_be_given_to_another_tenant(
    account: Account, make_account: MakeAccount, make_workflow: MakeWorkflow, api_pool: Pool
) -> None:
    """Neither an insert nor an update leaves a row in another tenant."""
    other = await make_account("Globex")
    await make_workflow(account=other)
    with pytest.raises(exceptions.InsufficientPrivilegeError, match="row-level security"):
        async with tenant_transaction(api_pool, other.tenant_id) as connection:
            await connection.execute("UPDATE workflows SET tenant_id = $1", account.tenant_id)
    with pytest.raises(exceptions.InsufficientPrivilegeError, match="row-level security"):
        async with tenant_transaction(api_pool, other.tenant_id) as connection:
            await connection.execute(
                "INSERT INTO workflow_specifications (tenant_id, sha256, document) "
                "VALUES ($1, 'x', '{}')",
                account.tenant_id,
            )


@pytest.mark.requirement("NFR-4.1")
@pytest.mark.usefixtures("execution_id")
async def test_without_a_tenant_nothing_is_seen(api_pool: Pool, account: Account) -> None:
    """A connection that names no tenant, or named one before, sees no row."""
    async with tenant_transaction(api_pool, account.tenant_id) as connection:
        assert await connection.fetchval("SELECT count(*) FROM workflows") == 1
    async with api_pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM workflows") == 0
        await connection.execute("SELECT set_config('app.current_tenant', '', false)")
        assert await connection.fetchval("SELECT count(*) FROM workflows") == 0


@pytest.mark.requirement("NFR-4.1")
async def test_another_tenants_workflow_cannot_be_used(
    make_account: MakeAccount, make_workflow: MakeWorkflow, start: StartExecution, api_pool: Pool
) -> None:
    """Reading, starting, archiving and deleting all say that there is no such workflow."""
    workflow = await make_workflow()
    other = await make_account("Globex")
    with pytest.raises(NotFound):
        await workflows.get_workflow(api_pool, other.tenant_id, workflow.id)
    with pytest.raises(NotFound):
        await start(workflow, account=other)
    with pytest.raises(NotFound):
        await workflows.archive_workflow(api_pool, other.tenant_id, workflow.id)
    with pytest.raises(NotFound):
        await workflows.delete_workflow(api_pool, other.tenant_id, workflow.id)
    assert await workflows.list_workflows(api_pool, other.tenant_id) == ([], 0)


@pytest.mark.requirement("NFR-4.1")
async def test_another_tenants_execution_cannot_be_used(
    execution_id: UUID, make_account: MakeAccount, api_pool: Pool, live: LiveView
) -> None:
    """Reading, answering, cancelling and listening find nothing."""
    other = (await make_account("Globex")).tenant_id
    assert await history.get_executions_whole(api_pool, other, [execution_id]) == {}
    with pytest.raises(NotFound):
        await history.list_node_logs(api_pool, other, execution_id)
    with pytest.raises(NotFound):
        await decide_approval(
            api_pool, live, other, execution_id, uuid4(), decision="approve", value=None,
            comment="", decided_by="x", owner_id=None,
        )  # fmt: skip
    assert not await executions.cancel_parked(api_pool, live, other, execution_id, "x")
    assert await executions.events_after(api_pool, other, execution_id, 0, 10) == []
    assert (await history.list_executions(api_pool, other))[0] == []


@pytest.mark.requirement("NFR-4.1")
async def test_idempotency_keys_of_tenants_do_not_meet(
    make_account: MakeAccount, make_workflow: MakeWorkflow, start: StartExecution
) -> None:
    """Two tenants that choose the same key start an execution each."""
    other = await make_account("Globex")
    mine, theirs = await make_workflow(), await make_workflow(account=other)
    first = await start(mine, idempotency_key="same")
    second = await start(theirs, idempotency_key="same", account=other)
    assert first.created
    assert second.created


@pytest.mark.requirement("NFR-4.1", "USER.3")
async def test_results_of_another_tenant_cannot_be_reused(
    execution_id: UUID,
    make_account: MakeAccount,
    make_workflow: MakeWorkflow,
    start: StartExecution,
    owner_pool: Pool,
) -> None:
    """An execution that claims to come of another tenant's gets none of its results."""
    other = await make_account("Globex")
    forged = Origin(execution_id, "retry", Reuse(1_000, maps=("only",), unfinished=True))
    workflow = await make_workflow(account=other)
    started = await start(workflow, account=other, origin=forged)
    for table in ("execution_seeds", "execution_map_items"):
        count = f"SELECT count(*) FROM {table} WHERE execution_id = $1"  # noqa: S608
        assert await owner_pool.fetchval(count, started.execution_id) == 0
