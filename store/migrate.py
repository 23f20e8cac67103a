"""Brings a database to this version's schema: roles, then numbered migrations.

Each file of `store/migrations/` runs once, in order, in a transaction of its own, under an
advisory lock; its SHA-256 is kept, and a file that changed after it ran is refused.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources

import asyncpg
from asyncpg import exceptions

from store.errors import DatabaseUnavailable, MigrationError
from store.postgres import UNREACHABLE, connect
from store.statements import statement

LOCK_KEY = 0x77656674
"""The advisory lock's key: "weft" in ASCII."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The checksum of its text."""
        return hashlib.sha256(self.sql.encode("utf-8")).hexdigest()


def migrations() -> list[Migration]:
    """Return all migrations, in order.

    Raises:
        MigrationError: Two files carry one number, or a number is missing.
    """
    folder = resources.files("store") / "migrations"
    found = [
        Migration(int(entry.name[:4]), entry.name, entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    ]
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError("Migration files must be numbered 0001, 0002, … without a gap.")
    return found


async def migrate(dsn: str) -> int:
    """Create the roles and run what is missing; safe to repeat and to run at once from several.

    Args:
        dsn: A login that may create roles, or that is a member of all three.

    Returns:
        How many migrations ran.

    Raises:
        DatabaseUnavailable: Nothing answers there.
        MigrationError: A migration changed after it ran, is newer than this version, or fails.
    """
    connection = await connect(dsn, None, timeout_seconds=30)
    try:
        await connection.execute(statement("lock_migrations"), LOCK_KEY)
        return await _migrate(connection)
    except UNREACHABLE as error:
        raise DatabaseUnavailable(str(error)) from error
    except exceptions.PostgresError as error:
        raise MigrationError(f"The schema could not be migrated: {error}") from error
    finally:
        # The lock ends with the connection, even with one that is broken.
        await connection.close()


async def _migrate(connection: asyncpg.Connection) -> int:
    await connection.execute(statement("create_roles"))
    await connection.execute(statement("take_owner_role"))
    await connection.execute(statement("create_migrations_table"))
    done = {
        row["number"]: row["sha256"] for row in await connection.fetch(statement("list_migrations"))
    }
    known = migrations()
    if newer := set(done) - {migration.number for migration in known}:
        raise MigrationError(
            f"The database is at migration {max(newer)}, which this version does not know. "
            "Start a newer version, or restore a dump."
        )
    ran = 0
    for migration in known:
        if migration.number in done:
            if done[migration.number] != migration.sha256:
                raise MigrationError(f"{migration.name} changed after it ran; restore its text.")
            continue
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                statement("insert_migration"), migration.number, migration.name, migration.sha256
            )
        ran += 1
    return ran
