"""What every table must have, read from the database's own catalog."""

import asyncpg
import pytest

from store.status import Status
from tests.factories import Connect

WITHOUT_TENANT = {"executors", "process_metrics", "schema_migrations"}
"""The only tables that belong to the platform and not to a tenant."""

TABLES = """
SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
    EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
            AND a.attnotnull AND NOT a.attisdropped) AS tenant
FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
"""
FOREIGN_KEYS = """
SELECT k.conname AS name, k.conrelid::regclass::text AS source,
    k.confrelid::regclass::text AS target,
    ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (n, place)
          JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.n
          ORDER BY u.place) AS columns,
    ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (n, place)
          JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.n
          ORDER BY u.place) AS targets
FROM pg_constraint AS k WHERE k.contype = 'f'
"""
TENANT = "(tenant_id = (NULLIF(current_setting('app.current_tenant'::text, true), ''::text))::uuid)"


async def _tenant_tables(pool: asyncpg.Connection) -> set[str]:
    return {row["name"] for row in await pool.fetch(TABLES) if row["tenant"]}


@pytest.mark.requirement("NFR-4.1")
async def test_every_table_belongs_to_a_tenant_or_is_named_here(shared: Connect) -> None:
    """A new table without tenant_id is a decision, not an oversight."""
    owner = await shared("weft_owner")
    rows = await owner.fetch(TABLES)
    assert {row["name"] for row in rows if not row["tenant"]} == WITHOUT_TENANT


@pytest.mark.requirement("NFR-4.1")
async def test_row_security_is_forced_on_every_tenant_table(shared: Connect) -> None:
    """Not even the owner of a table passes by its policies."""
    owner = await shared("weft_owner")
    rows = await owner.fetch(TABLES)
    open_tables = {
        row["name"] for row in rows if row["tenant"] and not (row["enabled"] and row["forced"])
    }
    assert open_tables == set()


@pytest.mark.requirement("NFR-4.1")
async def test_every_tenant_table_isolates_what_is_read_and_written(shared: Connect) -> None:
    """The API's policy compares the tenant on the way in and on the way out."""
    owner = await shared("weft_owner")
    rows = await owner.fetch("SELECT * FROM pg_policies WHERE roles = '{weft_api}'")
    found = {
        row["tablename"]
        for row in rows
        if (row["cmd"], row["qual"], row["with_check"]) == ("ALL", TENANT, TENANT)
        and row["permissive"] == "PERMISSIVE"
    }
    assert found == await _tenant_tables(owner)
    assert len(rows) == len(found), "a second permissive policy would widen the first"


@pytest.mark.requirement("NFR-4.1")
async def test_engine_and_owner_have_policies_of_their_own(shared: Connect) -> None:
    """Without one, forced row security would show them nothing and say nothing."""
    owner = await shared("weft_owner")
    rows = await owner.fetch("SELECT * FROM pg_policies WHERE policyname = 'platform'")
    found = {
        row["tablename"]
        for row in rows
        if set(row["roles"]) == {"weft_owner", "weft_engine"}
        and (row["qual"], row["with_check"]) == ("true", "true")
    }
    assert found == await _tenant_tables(owner)


@pytest.mark.requirement("NFR-4.1")
async def test_foreign_keys_between_tenant_tables_carry_the_tenant(shared: Connect) -> None:
    """Foreign keys pass by the policies, so no row may point at another tenant's."""
    owner = await shared("weft_owner")
    tenant = await _tenant_tables(owner)
    keys = await owner.fetch(FOREIGN_KEYS)
    between = [key for key in keys if key["source"] in tenant and key["target"] in tenant]
    assert len(between) > 10
    for key in between:
        pairs = set(zip(key["columns"], key["targets"], strict=True))
        assert ("tenant_id", "tenant_id") in pairs, key["name"]


async def test_no_role_passes_by_the_policies(shared: Connect) -> None:
    """None of the three roles is a superuser, may bypass row security or log in."""
    owner = await shared("weft_owner")
    rows = await owner.fetch("SELECT * FROM pg_roles WHERE rolname LIKE 'weft\\_%'")
    assert {row["rolname"] for row in rows} == {"weft_owner", "weft_api", "weft_engine"}
    for row in rows:
        assert not (row["rolsuper"] or row["rolbypassrls"] or row["rolcanlogin"]), row["rolname"]


async def test_every_tenant_table_is_owned_by_the_owner_role(shared: Connect) -> None:
    """Neither the API nor the engine can alter a table or its policies."""
    owner = await shared("weft_owner")
    owners = await owner.fetch("SELECT DISTINCT tableowner FROM pg_tables "
                                    "WHERE schemaname = 'public'")  # fmt: skip
    assert [row["tableowner"] for row in owners] == ["weft_owner"]


async def test_database_allows_the_statuses_that_we_know(shared: Connect) -> None:
    """The CHECK constraint and the enumeration say the same."""
    owner = await shared("weft_owner")
    text = await owner.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conname = 'workflow_executions_status_check'"
    )
    assert {word for word in text.split("'") if word.isalpha() and word.islower()} == set(Status)
