"""The database agent: one statement with bound parameters on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import orjson
from asyncpg.exceptions import InterfaceError, PostgresError
from pydantic import Field

from agents.agent import AgentContext, AgentResult, Parameters, SideEffect, Usage
from agents.bound import check_host
from agents.columns import bind, plain
from agents.egress import Egress
from agents.errors import AgentError

_MAX_ROWS = 10_000
_BATCH_ROWS = 500
_ALLOWED_OPTIONS = frozenset({"sslmode", "application_name", "connect_timeout"})
# Classes and codes of SQLSTATE for which another attempt may succeed.
_RETRYABLE_STATES = ("08", "40", "53", "55P03", "57P", "58")
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class DatabaseParameters(Parameters):
    """One statement."""

    database: Literal["postgresql", "mongodb", "redis"] = "postgresql"
    connection_string: str | None = Field(
        default=None, description="postgresql://user:password@host:port/name; the tenant's if none."
    )
    query: str = Field(min_length=1, description="SQL with $1, $2 … for the params.")
    params: tuple[Any, ...] = Field(default=(), description="Values bound to $1, $2 …")
    timeout: float = Field(default=30, gt=0, le=3600, description="Seconds for the statement.")


class Database:
    """Reads and writes PostgreSQL; values come back as JSON."""

    name: ClassVar[str] = "database"
    description: ClassVar[str] = "Runs a SQL statement on PostgreSQL."
    parameters: ClassVar[type[Parameters]] = DatabaseParameters
    side_effect: ClassVar[SideEffect] = "writes"
    closed: ClassVar[tuple[str, ...]] = ("database", "connection_string")
    default_timeout_seconds: ClassVar[float] = 60.0
    output_fields: ClassVar[tuple[str, ...]] = ("rows", "row_count")
    estimated_seconds: ClassVar[float] = 0.1

    async def run(self, parameters: DatabaseParameters, context: AgentContext) -> AgentResult:
        """Return `{"rows": [...], "row_count": n}`; without rows, n is how many were changed.

        Raises:
            AgentError: The statement or the address is wrong (final), or the server is busy or
                away (retryable).
        """
        if parameters.database != "postgresql":
            raise AgentError(
                f"Only postgresql works so far, not {parameters.database}.",
                remedy="Use a PostgreSQL database, or the api agent for a service over HTTP.",
            )
        dsn, trusted = _dsn(parameters, context)
        try:
            async with asyncio.timeout(parameters.timeout + 10):
                async with _connection(dsn, trusted, parameters.timeout, context) as connection:
                    limit = context.services.settings.max_response_bytes
                    rows, count, cut = await _execute(connection, parameters, limit)
        except PostgresError as error:
            raise _failure(error) from error
        except (InterfaceError, ValueError) as error:
            raise AgentError(f"The statement cannot be run: {error}.") from error
        except (OSError, TimeoutError) as error:
            raise AgentError(
                f"The database does not answer: {type(error).__name__}: {error}.",
                retryable=True,
                remedy="Check its address and that it runs.",
            ) from error
        metadata = {"truncated": True, "max_rows": _MAX_ROWS} if cut else {}
        return AgentResult({"rows": rows, "row_count": count}, Usage(), metadata)


def _dsn(parameters: DatabaseParameters, context: AgentContext) -> tuple[str, bool]:
    """The address, and whether it is the operator's own."""
    if parameters.connection_string:
        return parameters.connection_string, False
    default = context.services.settings.default_database_url
    if default is None:
        raise AgentError(
            "The node names no database and there is no default one.",
            remedy="Give `connection_string`, or set WEFT_AGENT_DATABASE_URL and start the "
            "platform again.",
        )
    return default.get_secret_value(), True


@dataclass(frozen=True, slots=True)
class _Target:
    host: str
    port: int
    user: str
    password: str
    database: str
    ssl: str


@asynccontextmanager
async def _connection(
    dsn: str, trusted: bool, timeout_seconds: float, context: AgentContext
) -> AsyncIterator[asyncpg.Connection]:
    settings = {
        "statement_timeout": str(int(timeout_seconds * 1000)),
        "application_name": f"weft {context.node_id}"[:63],
    }
    if trusted:
        check_host(urlsplit(dsn).hostname or "localhost")
        connection = await asyncpg.connect(dsn, timeout=10, server_settings=settings)
    else:
        target = _parse(dsn)
        connection = await asyncpg.connect(
            host=await _pinned(target, context.services.egress),
            port=target.port,
            user=target.user,
            # An empty password keeps the driver from looking for one in this machine's files.
            password=target.password,
            database=target.database,
            ssl=target.ssl,
            timeout=10,
            server_settings=settings,
        )
    try:
        for kind in ("json", "jsonb"):
            await connection.set_type_codec(
                kind, schema="pg_catalog", encoder=str, decoder=orjson.loads
            )
        yield connection
    finally:
        connection.terminate() if connection.is_in_transaction() else await connection.close()


async def _pinned(target: _Target, egress: Egress) -> str:
    """The checked address; with verify-full the name itself, which the certificate then proves."""
    addresses = await egress.check_address(target.host, target.port)
    return target.host if target.ssl == "verify-full" else addresses[0]


def _parse(dsn: str) -> _Target:
    """Read a user's connection string; only what reaches no file of this machine is allowed."""
    wrong = AgentError(
        "The connection string cannot be used.",
        remedy="Write it as postgresql://user:password@host:port/name, with sslmode at most.",
    )
    try:
        parts = urlsplit(dsn.strip())
        port = parts.port or 5432
    except ValueError as error:
        raise wrong from error
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    ssl = options.get("sslmode", "prefer")
    if (
        parts.scheme not in ("postgresql", "postgres")
        or not parts.hostname
        or "," in parts.netloc
        or not options.keys() <= _ALLOWED_OPTIONS
        or ssl not in _SSL_MODES
    ):
        raise wrong
    user = unquote(parts.username or "postgres")
    return _Target(
        host=parts.hostname,
        port=port,
        user=user,
        password=unquote(parts.password or ""),
        database=unquote(parts.path.lstrip("/")) or user,
        ssl=ssl,
    )


async def _execute(
    connection: asyncpg.Connection, parameters: DatabaseParameters, max_bytes: int
) -> tuple[list[dict[str, Any]], int, bool]:
    """Run the statement in one transaction; give its rows, their count, and whether it was cut."""
    rows: list[dict[str, Any]] = []
    async with connection.transaction():
        statement = await connection.prepare(parameters.query)
        values = bind(statement.get_parameters(), parameters.params)
        if not statement.get_attributes():
            await statement.fetch(*values)
            return rows, _changed(statement.get_statusmsg()), False
        cursor = await statement.cursor(*values)
        size = 0
        while batch := await cursor.fetch(_BATCH_ROWS):
            found = [{name: plain(value) for name, value in dict(row).items()} for row in batch]
            size += len(orjson.dumps(found))
            if size > max_bytes:
                raise AgentError(
                    f"The result is larger than {max_bytes} bytes.",
                    remedy="Select fewer columns or rows.",
                )
            rows.extend(found)
            if len(rows) > _MAX_ROWS:
                return rows[:_MAX_ROWS], _MAX_ROWS, True
    return rows, len(rows), False


def _changed(status: str | None) -> int:
    """The number at the end of a command tag such as `INSERT 0 3`."""
    last = (status or "").rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


def _failure(error: PostgresError) -> AgentError:
    state = str(getattr(error, "sqlstate", None) or "")
    detail = getattr(error, "detail", None)
    remedy = str(getattr(error, "hint", None) or "")
    if state == "57014":
        remedy = "Make the statement cheaper or raise `timeout`."
    elif state == "42P01":
        remedy = "Create the table first, or name one that is there."
    retryable = state.startswith(_RETRYABLE_STATES) and state != "57014"
    text = f"The database answers {state}: {error}." + (f" {detail}" if detail else "")
    return AgentError(text, retryable=retryable, remedy=remedy)
