"""The database agent on a real PostgreSQL."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr, ValidationError

from agents.database_parameters import DatabaseParameters
from agents.egress import EgressRefused
from agents.errors import AgentError
from agents.settings import AgentSettings
from tests.agents.conftest import Run


@pytest.fixture
async def database(postgres: str) -> str:
    """The address of a server, with an empty table in it."""
    connection = await asyncpg.connect(postgres)
    await connection.execute("DROP TABLE IF EXISTS uptime_logs")
    await connection.execute(
        "CREATE TABLE uptime_logs (status text, timestamp timestamptz, n int, data jsonb)"
    )
    await connection.close()
    return postgres


@pytest.fixture
def settings(postgres: str) -> AgentSettings:
    """Settings whose default database is the test's."""
    return AgentSettings(allow_loopback=True, default_database_url=SecretStr(postgres))


@pytest.mark.requirement("FR-3.9")
async def test_statement_of_the_document(run: Run, database: str) -> None:
    """The document's INSERT runs on the default database, a number bound to a text column."""
    query = "INSERT INTO uptime_logs (status, timestamp) VALUES ($1, NOW())"
    result = await run("database", {"query": query, "params": [200]})
    assert result.output == {"rows": [], "row_count": 1}
    read = await run("database", {"query": "SELECT status, timestamp FROM uptime_logs"})
    assert read.output["row_count"] == 1
    assert read.output["rows"][0]["status"] == "200"
    assert "T" in read.output["rows"][0]["timestamp"]


@pytest.mark.requirement("FR-3.9")
async def test_connection_string_is_used(run: Run, database: str) -> None:
    """A named database is reached over TCP with its password."""
    parameters = {"connection_string": database, "query": "SELECT 1 AS one"}
    assert (await run("database", parameters)).output == {"rows": [{"one": 1}], "row_count": 1}


@pytest.mark.requirement("FR-3.9")
@pytest.mark.parametrize(
    ("sql", "value", "back"),
    [
        ("$1::int", "7", 7),
        ("$1::numeric", 1.5, 1.5),
        ("$1::bigint", 2**60, str(2**60)),
        ("$1::bool", "true", True),
        ("$1::jsonb", {"a": [1]}, {"a": [1]}),
        ("$1::jsonb", '"quoted"', "quoted"),
        ("$1::jsonb", "bare", "bare"),
        ("$1::text", {"a": 1}, '{"a":1}'),
        (
            "$1::uuid",
            "0190a0a0-0000-7000-8000-000000000000",
            "0190a0a0-0000-7000-8000-000000000000",
        ),
        ("$1::timestamptz", "2025-01-02T03:04:05Z", "2025-01-02T03:04:05+00:00"),
        ("$1::date", "2025-01-02", "2025-01-02"),
        ("$1::int[]", [1, "2"], [1, 2]),
        ("$1::text", None, None),
        ("$1::float8", "1e3", 1000.0),
        ("'NaN'::float8 + $1::float8", 1, None),
    ],
)
async def test_values_are_converted(run: Run, sql: str, value: object, back: object) -> None:
    """JSON values fit the parameters' types, and columns come back as JSON."""
    result = await run("database", {"query": f"SELECT {sql} AS v", "params": [value]})
    assert result.output["rows"] == [{"v": back}]


@pytest.mark.parametrize(
    ("query", "params", "words"),
    [
        ("SELECT $1::int", ["seven"], r"\$1 does not fit the type int4"),
        ("SELECT $1::int", [], "has 1 parameters, but `params` has 0"),
        ("SELEC 1", [], "42601"),
        ("SELECT * FROM no_such_table", [], "42P01"),
        ("SELECT 1; SELECT 2", [], "cannot insert multiple commands"),
    ],
)
async def test_wrong_statements_are_final(
    run: Run, query: str, params: list[Any], words: str
) -> None:
    """A mistake in the statement is told and not tried again."""
    with pytest.raises(AgentError, match=words) as caught:
        await run("database", {"query": query, "params": params})
    assert not caught.value.retryable


async def test_values_cannot_become_sql(run: Run, database: str) -> None:
    """A value with quotes and statements in it stays a value."""
    evil = "'); DROP TABLE uptime_logs; --"
    query = "INSERT INTO uptime_logs (status) VALUES ($1) RETURNING status"
    result = await run("database", {"query": query, "params": [evil]})
    assert result.output["rows"] == [{"status": evil}]


async def test_failed_statement_leaves_nothing(run: Run, database: str) -> None:
    """A statement that fails half-way changes nothing."""
    query = "INSERT INTO uptime_logs (n) SELECT 1 / (3 - i) FROM generate_series(1, 5) i"
    with pytest.raises(AgentError, match="division by zero"):
        await run("database", {"query": query})
    read = await run("database", {"query": "SELECT * FROM uptime_logs"})
    assert read.output["row_count"] == 0


async def test_statement_has_a_timeout(run: Run) -> None:
    """A slow statement ends at its timeout, on the server too."""
    with pytest.raises(AgentError, match="raise `timeout`") as caught:
        await run("database", {"query": "SELECT pg_sleep(60)", "timeout": 0.2})
    assert not caught.value.retryable


async def test_rows_are_limited(run: Run) -> None:
    """A result without end is cut, and the log says so."""
    result = await run("database", {"query": "SELECT i FROM generate_series(1, 10500) i"})
    assert result.output["row_count"] == 10_000
    assert result.metadata["truncated"] is True


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql:///postgres?host=/tmp",
        "postgresql://u:p@example.com/db?passfile=/etc/shadow",
        "postgresql://u:p@a,b/db",
        "mysql://u:p@example.com/db",
        "host=example.com",
    ],
)
async def test_odd_connection_strings_are_refused(run: Run, dsn: str) -> None:
    """Sockets, files and several hosts cannot be smuggled in, and no password is shown."""
    with pytest.raises(AgentError, match="connection string cannot be used") as caught:
        await run("database", {"connection_string": dsn, "query": "SELECT 1"})
    assert ":p@" not in str(caught.value)


async def test_inner_address_is_refused(run: Run) -> None:
    """A database inside a network is not reached."""
    with pytest.raises(EgressRefused):
        dsn = "postgresql://u:p@10.0.0.5/db"
        await run("database", {"connection_string": dsn, "query": "SELECT 1"})


async def test_server_that_is_down_is_retried(run: Run, dead_port: int) -> None:
    """A refused connection may work later."""
    dsn = f"postgresql://u:p@127.0.0.1:{dead_port}/db"
    with pytest.raises(AgentError, match="does not answer") as caught:
        await run("database", {"connection_string": dsn, "query": "SELECT 1"})
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"database": "mongodb", "query": {"find": "x"}}, "mongodb has no default"),
        ({"database": "redis", "query": "GET x"}, "redis has no default"),
        ({"query": {"find": "x"}}, "a text of SQL"),
        ({"database": "redis", "query": {"a": 1}, "connection_string": "redis://h"}, "for Redis"),
        ({"query": ""}, "`query` is empty"),
    ],
)
def test_what_does_not_fit_a_database_is_told(parameters: dict[str, Any], words: str) -> None:
    """What one database takes and another does not is said when the workflow is checked."""
    with pytest.raises(ValidationError, match=words):
        DatabaseParameters.model_validate(parameters)


async def test_reading_statement_cannot_write(run: Run, database: str) -> None:
    """What begins with SELECT writes nothing, but when the node says that it may."""
    await _change(database, "CREATE SEQUENCE IF NOT EXISTS visits")
    query = "SELECT nextval('visits')"
    with pytest.raises(AgentError, match="Set `read_only: false`"):
        await run("database", {"query": query})
    result = await run("database", {"query": query, "read_only": False})
    assert result.output["row_count"] == 1
    with pytest.raises(AgentError, match="25006"):
        await run("database", {"query": "DELETE FROM uptime_logs", "read_only": True})


async def test_node_limits_its_rows(run: Run) -> None:
    """A node may ask for fewer rows than there are at most."""
    query = "SELECT i FROM generate_series(1, 10) i"
    result = await run("database", {"query": query, "max_rows": 3})
    assert result.output == {"rows": [{"i": 1}, {"i": 2}, {"i": 3}], "row_count": 3}


async def test_connections_are_kept(run: Run, database: str) -> None:
    """The next node of the tenant finds the connection; another tenant has its own."""
    query = {"connection_string": database, "query": "SELECT pg_backend_pid() AS pid"}
    first, again = [(await run("database", query)).output["rows"][0]["pid"] for _ in range(2)]
    other = await run("database", query, tenant_id=UUID(int=5))
    assert first == again
    assert other.output["rows"][0]["pid"] != first


async def _change(database: str, statement: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(statement)
    await connection.close()


class TestWithoutDefault:
    """An installation without a default database."""

    @pytest.fixture
    def settings(self) -> AgentSettings:
        """Settings that name no database."""
        return AgentSettings()

    async def test_missing_database_is_told(self, run: Run) -> None:
        """The error says what to give."""
        with pytest.raises(AgentError, match="connection_string"):
            await run("database", {"query": "SELECT 1"})


async def test_a_missing_table_says_what_to_do(run: Run, database: str) -> None:
    """A row for a table that is not there names the remedy."""
    with pytest.raises(AgentError, match="Create the table first"):
        await run("database", {"query": "INSERT INTO no_such_table (a) VALUES (1)"})
