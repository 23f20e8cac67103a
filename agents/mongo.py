"""MongoDB: one command, without code in it, on servers whose every address is checked.

The driver is never left to find servers by itself: it would connect to whatever a server names.
It is given one checked address at a time; which member of a replica set takes writes is asked for,
and that member's address is checked like the first one's.
"""

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import bson
import orjson
from bson import json_util
from pymongo import AsyncMongoClient
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    InvalidName,
    OperationFailure,
    PyMongoError,
)

from agents.agent import AgentContext
from agents.columns import plain
from agents.database_clients import CONNECTIONS, key_of, named_context
from agents.database_parameters import DatabaseParameters, bound, check_used
from agents.errors import AgentError
from agents.mongo_srv import found_by_name, with_records

_PORT = 27017
_BY_NAME = "mongodb+srv"
_CONNECT_MS = 5_000
_BATCH = 500
_LEVELS = 100
_READS = frozenset(("find", "aggregate", "count", "distinct"))
_WRITES = frozenset(("insert", "update", "delete", "findAndModify"))
_CURSORS = frozenset(("find", "aggregate"))
_CODE = frozenset(("$where", "$function", "$accumulator", "mapReduce", "$eval", "$code"))
_WRITING_STAGES = frozenset(("$out", "$merge"))
_OPTIONS = frozenset((
    "authSource", "authMechanism", "tls", "ssl", "replicaSet", "directConnection", "retryWrites",
    "w", "appName", "readPreference",
))  # fmt: skip
_MECHANISMS = ("SCRAM-SHA-1", "SCRAM-SHA-256")
_RETRIED = frozenset((6, 7, 89, 91, 112, 189, 251, 262, 9001, 10107, 11600, 11602, 13435, 13436))
"""Codes after which another attempt may succeed: network, failover, write conflicts."""
_REFUSED = frozenset((
    "lsid", "txnNumber", "startTransaction", "autocommit", "$db", "$clusterTime", "getMore",
))  # fmt: skip


async def run_mongo(
    parameters: DatabaseParameters, context: AgentContext
) -> tuple[list[Any], int, bool]:
    """Return the documents, their count or how many were changed, and whether they were cut.

    Raises:
        AgentError: The command or an address is not allowed or wrong (final), or the server is
            away or busy (retryable).
    """
    command = _command(parameters)
    name = next(iter(command))
    writes = name in _WRITES or bool(_names(command, _WRITING_STAGES))
    _check_allowed(command, name, writes, parameters.read_only is not False)
    place = _parse(parameters.connection_string or "")
    if place["by_name"]:
        [(name_of_all, _)] = place["hosts"]
        records = await found_by_name(name_of_all, context.services.egress)
        place = with_records(place, *records)
    try:
        async with asyncio.timeout(parameters.timeout + 10):
            if name not in _WRITES:
                command["maxTimeMS"] = int(parameters.timeout * 1000)
            for host, port in place["hosts"]:
                try:
                    return await _at(place, host, port, command, parameters, context, writes)
                except ConnectionFailure:
                    if (host, port) == place["hosts"][-1]:
                        raise
    except (PyMongoError, bson.errors.BSONError, TimeoutError, OSError, OverflowError) as error:
        raise _failure(error) from error
    raise AgentError("The connection string names no host.")


async def _at(
    place: Mapping[str, Any],
    host: str,
    port: int,
    command: dict[str, Any],
    parameters: DatabaseParameters,
    context: AgentContext,
    writes: bool,
    moves: int = 1,
) -> tuple[list[Any], int, bool]:
    """Run a command at one server; a write goes on to the primary that it names, once."""
    addresses = await context.services.egress.check_address(host, port)
    key = key_of(
        context.tenant_id, "mongodb", parameters.connection_string, host, port, addresses[0]
    )

    async def open_client() -> AsyncMongoClient[dict[str, Any]]:
        return _client(place, host, addresses[0], port)

    clients = await context.services.clients()
    async with clients.use(key, open_client, AsyncMongoClient.close) as client:
        if writes and moves:
            told = await client.admin.command("hello")
            primary = told.get("primary")
            if not told.get("isWritablePrimary", True) and isinstance(primary, str):
                name, _, number = primary.rpartition(":")
                return await _at(
                    place, name, int(number), command, parameters, context, writes, moves - 1
                )
        return await _run(client[place["database"]], command, parameters, context)


async def _run(
    database: Any, command: dict[str, Any], parameters: DatabaseParameters, context: AgentContext
) -> tuple[list[Any], int, bool]:
    name = next(iter(command))
    if name not in _CURSORS:
        answer = await database.command(command)
        return _answered(name, answer, parameters.max_rows, context)
    if name == "aggregate":
        command = {**command, "cursor": {"batchSize": _BATCH}}
    else:
        command = {**command, "batchSize": min(_BATCH, parameters.max_rows + 1)}
    rows: list[Any] = []
    size = 0
    cursor = await database.cursor_command(command)
    async with cursor:
        async for document in cursor:
            if len(rows) == parameters.max_rows:
                return rows, len(rows), True
            rows.append(_json(document))
            size += len(orjson.dumps(rows[-1]))
            _check_size(size, context)
    return rows, len(rows), False


def _answered(
    name: str, answer: Mapping[str, Any], max_rows: int, context: AgentContext
) -> tuple[list[Any], int, bool]:
    if errors := answer.get("writeErrors"):
        raise AgentError(f"MongoDB refuses to write: {str(errors[0].get('errmsg'))[:500]}.")
    if name == "distinct":
        rows = [_json(value) for value in answer.get("values", ())]
        _check_size(len(orjson.dumps(rows)), context)
        return rows[:max_rows], min(len(rows), max_rows), len(rows) > max_rows
    if name == "findAndModify":
        found = answer.get("value")
        return ([] if found is None else [_json(found)]), int(found is not None), False
    count = int(answer.get("nModified", answer.get("n", 0)) or 0)
    if name == "count":
        return [{"count": count}], 1, False
    return [], max(count, len(answer.get("upserted", ()))), False


def _command(parameters: DatabaseParameters) -> dict[str, Any]:
    """Return the command with its values in place.

    Raises:
        AgentError: It is no command, or a value would be more than a value.
    """
    query = parameters.query
    if isinstance(query, str):
        try:
            query = orjson.loads(query)
        except orjson.JSONDecodeError as error:
            raise AgentError(f"The MongoDB command is no JSON: {error}.") from error
    if not isinstance(query, dict) or not query:
        raise AgentError("A MongoDB command is an object whose first field names it.")
    used: set[int] = set()
    filled = _filled(query, parameters.params, used, _LEVELS)
    check_used(parameters.params, used)
    try:
        # {"$oid": …} and {"$date": …} are how JSON says what it has no values for.
        return dict(_typed(filled))
    except (TypeError, ValueError, bson.errors.BSONError) as error:
        raise AgentError(f"The MongoDB command holds a value that is none: {error}.") from error


def _filled(value: Any, params: tuple[Any, ...], used: set[int], levels: int) -> Any:
    if not levels:
        raise AgentError(f"The MongoDB command is nested more than {_LEVELS} levels deep.")
    if isinstance(value, str) and value[:1] == "$" and value[1:].isdecimal():
        given = bound(value, params, used)
        _check_plain(given)
        return given
    if isinstance(value, Mapping):
        return {name: _filled(one, params, used, levels - 1) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(one, params, used, levels - 1) for one in value]
    return value


def _check_plain(value: Any) -> None:
    """Refuse a bound value that could be an operator."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            if str(name).startswith("$") and name not in ("$oid", "$date"):
                raise AgentError(f"A value of `params` holds the operator {str(name)[:50]}.")
            _check_plain(one)
    elif isinstance(value, list | tuple):
        for one in value:
            _check_plain(one)


def _typed(value: Any) -> Any:
    if isinstance(value, Mapping):
        if len(value) == 1 and next(iter(value)) in ("$oid", "$date"):
            return json_util.object_hook(dict(value))
        return {name: _typed(one) for name, one in value.items()}
    return [_typed(one) for one in value] if isinstance(value, list) else value


def _check_allowed(command: Mapping[str, Any], name: str, writes: bool, read_only: bool) -> None:
    if name not in _READS | _WRITES:
        raise AgentError(
            f"The MongoDB command {name[:50]} is not one that agents may use.",
            remedy=f"Use one of {', '.join(sorted(_READS | _WRITES))}.",
        )
    if found := _names(command, _CODE):
        raise AgentError(f"{found} runs code in the database, which agents may not.")
    if own := _REFUSED & command.keys():
        raise AgentError(f"`{min(own)}` is the driver's own part of a command.")
    if writes and read_only:
        raise AgentError(
            "The command writes, and the node only reads.",
            remedy="Set `read_only: false` if it is to write.",
        )


def _names(value: Any, names: frozenset[str]) -> str:
    """Return one of some names that stands as a field anywhere in a value; empty: none does."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            if name in names:
                return str(name)
            if found := _names(one, names):
                return found
    elif isinstance(value, list | tuple):
        for one in value:
            if found := _names(one, names):
                return found
    return ""


def _parse(url: str) -> dict[str, Any]:
    """Read a connection string; only what reaches no file of this machine is allowed."""
    wrong = AgentError(
        "The connection string cannot be used.",
        remedy="Write it as mongodb://user:password@host:port,host2:port/database or "
        f"mongodb+srv://user:password@name/database, with {', '.join(sorted(_OPTIONS))} at most.",
    )
    try:
        parts = urlsplit(url.strip())
        login, _, places = parts.netloc.rpartition("@")
        hosts = [_host(place) for place in places.split(",")]
        by_name = parts.scheme == _BY_NAME
        if by_name and not _is_one_name(places):
            raise wrong
    except ValueError as error:
        raise wrong from error
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    mechanism = options.get("authMechanism", _MECHANISMS[1])
    known = options.keys() <= _OPTIONS and mechanism in _MECHANISMS
    if parts.scheme not in ("mongodb", _BY_NAME) or not known or not all(host for host, _ in hosts):
        raise wrong
    user, _, password = login.partition(":")
    return {
        "hosts": hosts,
        "by_name": by_name,
        "balanced": False,
        "given_source": options.get("authSource"),
        "username": unquote(user) or None,
        "password": unquote(password),
        "database": unquote(parts.path.lstrip("/")) or "test",
        "source": options.get("authSource") or unquote(parts.path.lstrip("/")) or "admin",
        "mechanism": options.get("authMechanism"),
        "tls": options.get("tls", options.get("ssl", str(by_name).lower())) == "true",
    }


def _is_one_name(places: str) -> bool:
    """Whether there is one name, without a port, that is no address."""
    return re.fullmatch(r"(?!\d+\.)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", places) is not None


def _host(place: str) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    return parts.hostname or "", parts.port or _PORT


def _client(
    place: Mapping[str, Any], host: str, address: str, port: int
) -> AsyncMongoClient[dict[str, Any]]:
    options: dict[str, Any] = {
        "host": f"[{address}]" if ":" in address else address,
        "port": port,
        "serverSelectionTimeoutMS": _CONNECT_MS,
        "connectTimeoutMS": _CONNECT_MS,
        "maxPoolSize": CONNECTIONS,
        "tls": place["tls"],
        "appname": "weft",
    }
    # Either keeps the driver at this address.
    options["loadBalanced" if place["balanced"] else "directConnection"] = True
    if place["username"]:
        options |= {
            "username": place["username"],
            "password": place["password"],
            "authSource": place["source"],
        }
        if place["mechanism"]:
            options["authMechanism"] = place["mechanism"]
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(**options)
    if place["tls"]:
        # The driver makes its context for the address; this one proves the name. It offers no
        # parameter for that (tests/agents/test_database_names.py fails if the context is not used).
        pool_options = client.options.pool_options
        pool_options._PoolOptions__ssl_context = named_context(host)  # type: ignore[attr-defined]
    return client


def _json(value: Any) -> Any:
    """Return a document as JSON: ids and moments as text, bytes in base64."""
    if isinstance(value, Mapping):
        return {str(name): _json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    if isinstance(value, bson.Decimal128):
        return plain(value.to_decimal())
    if isinstance(value, datetime | bytes | str | int | float | None):
        return plain(value)
    return str(value)


def _check_size(size: int, context: AgentContext) -> None:
    limit = context.services.settings.max_response_bytes
    if size > limit:
        raise AgentError(
            f"The result is larger than {limit} bytes.", remedy="Ask for fewer fields or documents."
        )


def _failure(error: Exception) -> AgentError:
    if isinstance(error, OperationFailure):
        remedy = ""
        if error.code in (50, 262):
            remedy = "Make the command cheaper or raise `timeout`."
        elif error.code in (13, 18):
            remedy = "Check the user, the password and its rights."
        return AgentError(
            f"MongoDB answers {error.code}: {str(error)[:500]}.",
            retryable=error.code in _RETRIED,
            remedy=remedy,
        )
    final = ConfigurationError | InvalidName | bson.errors.BSONError | OverflowError
    if isinstance(error, final):
        return AgentError(f"The command cannot be run: {error}.")
    return AgentError(
        f"MongoDB does not answer: {type(error).__name__}: {str(error)[:300]}.",
        retryable=True,
        remedy="Check its address and that it runs.",
    )
