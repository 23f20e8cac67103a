"""Migrations: once each, in order, from several processes at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from store import migrate as migrate_module
from store.errors import DatabaseUnavailable, MigrationError
from store.migrate import Migration, migrate, migrations
from store.postgres import Pool

KNOWN = migrations()
ConnectBefore = Callable[[str], Awaitable[asyncpg.Connection]]


@pytest.fixture
def another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version with one more migration, which fails in its second statement."""
    sql = "CREATE TABLE one_more (n integer); SELECT 1 / 0;"
    further = Migration(len(KNOWN) + 1, "one_more.sql", sql)
    monkeypatch.setattr(migrate_module, "migrations", lambda: [*KNOWN, further])


@pytest.fixture
def connect_before(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> ConnectBefore:
    """Return what migrates up to before a migration, by the end of its name, and connects."""

    async def connected(name: str) -> asyncpg.Connection:
        [number] = [one.number for one in KNOWN if one.name.endswith(name)]
        before = [one for one in KNOWN if one.number < number]
        with monkeypatch.context() as older:
            older.setattr(migrate_module, "migrations", lambda: before)
            await migrate(empty_dsn)
        return await asyncpg.connect(empty_dsn)

    return connected


async def test_migrating_again_runs_nothing(dsn: str) -> None:
    """A database that is up to date is left alone."""
    assert await migrate(dsn) == 0


async def test_several_at_once_run_each_migration_once(empty_dsn: str) -> None:
    """Processes that start together share the work."""
    ran = await asyncio.gather(*(migrate(empty_dsn) for _ in range(4)))
    assert sorted(ran) == [0, 0, 0, len(KNOWN)]


OLD_WORKFLOW = """
INSERT INTO workflows (id, tenant_id, organization_id, name, version, pattern, specification,
    specification_sha256, yaml_text)
VALUES ($1, $1, $1, 'Old', '2.1.0', 'sequential', '{"nodes": []}', 'abc', '# old')
"""


@pytest.mark.requirement("FR-4.4")
async def test_workflows_of_an_older_version_get_their_first_version(
    empty_dsn: str, connect_before: ConnectBefore
) -> None:
    """What a workflow says is published under the version that it names."""
    connection = await connect_before("_versions.sql")
    try:
        # Foreign keys of organizations are beside the point.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(OLD_WORKFLOW, UUID(int=1))
        await connection.execute("SET session_replication_role = origin")
        await migrate(empty_dsn)
        [row] = await connection.fetch("SELECT * FROM workflow_versions")
    finally:
        await connection.close()
    assert (row["workflow_id"], row["version"], row["state"]) == (UUID(int=1), "2.1.0", "published")
    assert (row["specification_sha256"], row["yaml_text"]) == ("abc", "# old")


OLD_EXECUTION = """
INSERT INTO workflow_executions (id, tenant_id, organization_id, workflow_id, specification_sha256,
    total_nodes, created_at)
VALUES ($2, $1, $1, $1, $3, 1, now() + $4::integer * interval '1 hour')
"""
OLD_VERSION = """
INSERT INTO workflow_versions (tenant_id, workflow_id, version, state, specification,
    specification_sha256, yaml_text, created_at)
VALUES ($1, $1, $2, 'published', '{}', $3, '', now() + $4::integer * interval '1 hour')
"""


@pytest.mark.requirement("FR-4.4", "USER.2")
async def test_executions_of_an_older_version_learn_which_one_they_run(
    empty_dsn: str, connect_before: ConnectBefore
) -> None:
    """The current one if its content is theirs, else the newest with it that was there by then."""
    connection = await connect_before("versions_of_executions.sql")
    one = UUID(int=1)
    try:
        # Foreign keys of organizations are beside the point.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(OLD_WORKFLOW, one)
        for hour, version, content in ((0, "1.0.0", "x"), (2, "1.0.1", "y"), (4, "1.0.2", "x"),
                                       (6, "2.1.0", "abc")):  # fmt: skip
            await connection.execute(OLD_VERSION, one, version, content, hour)
        for hour, content in ((1, "x"), (3, "y"), (5, "x"), (7, "abc"), (8, "gone")):
            await connection.execute(OLD_EXECUTION, one, UUID(int=hour), content, hour)
        await connection.execute("SET session_replication_role = origin")
        await migrate(empty_dsn)
        rows = await connection.fetch(
            "SELECT workflow_version FROM workflow_executions ORDER BY id"
        )
    finally:
        await connection.close()
    versions = [row["workflow_version"] for row in rows]
    assert versions == ["1.0.0", "1.0.1", "1.0.2", "2.1.0", "2.1.0"]


OLD_CHECKPOINT = """
INSERT INTO execution_checkpoints (tenant_id, execution_id, checkpoint_number, checkpoint_ns,
    checkpoint_id, node_id, state_snapshot, metadata, epoch, created_at)
VALUES ($1, $1, $2::integer, '', 'c' || $2::integer, 'loop', '{}', '{}', 1,
    now() + $2::integer * interval '1 s')
"""
OLD_EVENT = """
INSERT INTO execution_events
    (tenant_id, execution_id, seq, event_id, event_type, payload, created_at)
VALUES ($1, $1, $2::integer, gen_random_uuid(), 'node_completed', '{}',
    now() + $2::integer * interval '1 s')
"""


@pytest.mark.requirement("USER.3")
async def test_checkpoints_of_an_older_version_learn_their_last_event(
    empty_dsn: str, connect_before: ConnectBefore
) -> None:
    """The events of a checkpoint's own transaction belong to it; without any it is none."""
    connection = await connect_before("_time_travel.sql")
    try:
        # Foreign keys of executions are beside the point.
        await connection.execute("SET session_replication_role = replica")
        async with connection.transaction():
            for number in (1, 2, 3):
                await connection.execute(OLD_CHECKPOINT, UUID(int=1), number)
            await connection.execute(OLD_EVENT, UUID(int=1), 2)
        await migrate(empty_dsn)
        rows = await connection.fetch(
            "SELECT event_seq FROM execution_checkpoints ORDER BY checkpoint_number"
        )
    finally:
        await connection.close()
    assert [row["event_seq"] for row in rows] == [0, 2, 2]


async def test_changed_migration_is_refused(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose text differs from what ran is named."""
    changed = [Migration(one.number, one.name, one.sql + "\n") for one in KNOWN]
    monkeypatch.setattr(migrate_module, "migrations", lambda: changed)
    with pytest.raises(MigrationError, match=r"0001_initial\.sql changed after it ran"):
        await migrate(dsn)


async def test_newer_schema_is_refused(dsn: str, owner_pool: Pool) -> None:
    """An older version does not touch what a newer one made."""
    await owner_pool.execute(
        "INSERT INTO schema_migrations (number, name, sha256) VALUES (99, 'later', 'x')"
    )
    with pytest.raises(MigrationError, match="is at migration 99"):
        await migrate(dsn)


@pytest.mark.usefixtures("another")
async def test_failed_migration_leaves_nothing(dsn: str, owner_pool: Pool) -> None:
    """What ran before the failing statement is undone, and the failure is ours."""
    with pytest.raises(MigrationError, match="division by zero"):
        await migrate(dsn)
    assert await owner_pool.fetchval("SELECT to_regclass('one_more')") is None
    assert await owner_pool.fetchval("SELECT max(number) FROM schema_migrations") == len(KNOWN)


@pytest.mark.usefixtures("another")
async def test_failed_migration_frees_the_lock(dsn: str) -> None:
    """Whoever waits for the right to migrate gets it after a failure."""
    with pytest.raises(MigrationError):
        await migrate(dsn)
    connection = await asyncpg.connect(dsn)
    try:
        assert await connection.fetchval("SELECT pg_try_advisory_lock($1)", migrate_module.LOCK_KEY)
    finally:
        await connection.close()


@pytest.mark.parametrize("names", [["0001_a.sql", "0003_b.sql"], ["0001_a.sql", "0001_b.sql"]])
def test_numbers_have_no_gap(
    names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing or doubled number is found when the files are read."""
    (tmp_path / "migrations").mkdir()
    for name in names:
        (tmp_path / "migrations" / name).write_text("SELECT 1")
    monkeypatch.setattr(resources, "files", lambda _package: tmp_path)
    with pytest.raises(MigrationError, match="without a gap"):
        migrations()


async def test_no_database_is_said_with_a_remedy(tmp_path: Path) -> None:
    """A server that does not answer is an error that names the setting."""
    with pytest.raises(DatabaseUnavailable, match="DATABASE_URL"):
        await migrate(f"postgresql://weft@/postgres?host={tmp_path}&port=5432")


async def test_missing_database_is_said_with_a_remedy(dsn: str) -> None:
    """A server without that database is the same error."""
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        await migrate(dsn.replace("/test_", "/missing_"))
