"""PostgreSQL: one statement with bound parameters, in a transaction of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import orjson
from asyncpg.exceptions import InterfaceError, PostgresError

from agents.agent import AgentContext
from agents.bound import check_host
from agents.columns import bind, plain
from agents.database_clients import CONNECTIONS, key_of, named_context
from agents.database_parameters import DatabaseParameters
from agents.errors import AgentError

_BATCH_ROWS = 500
_IDLE_SECONDS = 60.0
_ALLOWED_OPTIONS = frozenset({"sslmode", "application_name", "connect_timeout"})
# Classes and codes of SQLSTATE for which another attempt may succeed.
_RETRYABLE_STATES = ("08", "40", "53", "55P03", "57P", "58")
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


_READS = ("select", "values", "table", "show")
"""What a statement that asks for nothing but rows begins with."""
_READ_ONLY_STATE = "25006"


async def run_postgres(
    parameters: DatabaseParameters, context: AgentContext
) -> tuple[list[dict[str, Any]], int, bool]:
    """Return the rows, their count or how many were changed, and whether they were cut.

    Raises:
        AgentError: The statement or the address is wrong (final), or the server is busy or away
            (retryable).
    """
    dsn, trusted = _dsn(parameters, context)
    try:
        async with asyncio.timeout(parameters.timeout + 10):
            async with _connection(dsn, trusted, parameters.timeout, context) as connection:
                limit = context.services.settings.max_response_bytes
                return await _execute(connection, parameters, limit)
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
    """Give a connection of the pool of this address; its bound of time is the pool's."""
    options: dict[str, Any] = {
        "server_settings": {
            "statement_timeout": str(int(timeout_seconds * 1000)),
            "application_name": "weft",
        }
    }
    if trusted:
        check_host(urlsplit(dsn).hostname or "localhost")
        options["dsn"] = dsn
    else:
        options |= await _checked(_parse(dsn), context)
    key = key_of(context.tenant_id, "postgresql", dsn, options.get("host"), timeout_seconds)

    async def open_pool() -> Any:
        return await asyncpg.create_pool(
            **options,
            timeout=10,
            min_size=0,
            max_size=CONNECTIONS,
            max_inactive_connection_lifetime=_IDLE_SECONDS,
            init=_set_codecs,
        )

    clients = await context.services.clients()
    async with clients.use(key, open_pool, _close) as pool, pool.acquire() as connection:
        yield connection


async def _close(pool: Any) -> None:
    # Nobody uses it any more; whoever does all the same loses a connection, not a result.
    pool.terminate()


async def _set_codecs(connection: asyncpg.Connection) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=str, decoder=orjson.loads
        )


async def _checked(target: _Target, context: AgentContext) -> dict[str, Any]:
    """Return where to connect: the checked address, whose certificate proves the name."""
    addresses = await context.services.egress.check_address(target.host, target.port)
    verified = target.ssl in ("verify-ca", "verify-full")
    return {
        "host": addresses[0],
        "port": target.port,
        "user": target.user,
        # An empty password keeps the driver from looking for one in this machine's files.
        "password": target.password,
        "database": target.database,
        "ssl": named_context(target.host, check_name=target.ssl == "verify-full")
        if verified
        else target.ssl,
    }


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
    query = str(parameters.query)
    async with connection.transaction(readonly=_reads(parameters.read_only, query)):
        statement = await connection.prepare(query)
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
            if len(rows) > parameters.max_rows:
                return rows[: parameters.max_rows], parameters.max_rows, True
    return rows, len(rows), False


def _reads(read_only: bool | None, query: str) -> bool:
    """Whether the server is to refuse writing."""
    if read_only is not None:
        return read_only
    return query.lstrip("( \t\r\n").lower().startswith(_READS)


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
    elif state == _READ_ONLY_STATE:
        remedy = "Set `read_only: false` if it is to write."
    retryable = state.startswith(_RETRYABLE_STATES) and state != "57014"
    text = f"The database answers {state}: {error}." + (f" {detail}" if detail else "")
    return AgentError(text, retryable=retryable, remedy=remedy)
