"""Redis: one command of those that an agent may use, its words bound and its answer bounded."""

import asyncio
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from agents.agent import AgentContext
from agents.database_clients import CONNECTIONS, key_of
from agents.database_parameters import DatabaseParameters, bound, check_used, refuse_own
from agents.errors import AgentError

READS = frozenset((
    "GET", "MGET", "STRLEN", "GETRANGE", "EXISTS", "TYPE", "TTL", "PTTL", "EXPIRETIME",
    "PEXPIRETIME", "DBSIZE", "PING", "ECHO", "TIME", "HGET", "HMGET", "HGETALL", "HKEYS",
    "HVALS", "HLEN", "HEXISTS", "HSTRLEN", "HRANDFIELD", "HSCAN", "LRANGE", "LLEN", "LINDEX",
    "LPOS", "SMEMBERS", "SCARD", "SISMEMBER", "SMISMEMBER", "SRANDMEMBER", "SSCAN", "SINTER",
    "SUNION", "SDIFF", "SINTERCARD", "ZRANGE", "ZREVRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE",
    "ZCARD", "ZCOUNT", "ZSCORE", "ZMSCORE", "ZRANK", "ZREVRANK", "ZSCAN", "ZRANDMEMBER",
    "XRANGE", "XREVRANGE", "XLEN", "SCAN", "BITCOUNT", "GETBIT", "PFCOUNT", "GEOPOS", "GEODIST",
    "GEOSEARCH",
))  # fmt: skip
WRITES = frozenset((
    "SET", "SETNX", "SETEX", "PSETEX", "MSET", "MSETNX", "GETSET", "GETDEL", "GETEX", "APPEND",
    "SETRANGE", "INCR", "INCRBY", "INCRBYFLOAT", "DECR", "DECRBY", "DEL", "UNLINK", "EXPIRE",
    "PEXPIRE", "EXPIREAT", "PEXPIREAT", "PERSIST", "RENAME", "RENAMENX", "COPY", "HSET",
    "HSETNX", "HMSET", "HDEL", "HINCRBY", "HINCRBYFLOAT", "LPUSH", "RPUSH", "LPUSHX", "RPUSHX",
    "LPOP", "RPOP", "LREM", "LSET", "LTRIM", "LINSERT", "LMOVE", "SADD", "SREM", "SPOP", "SMOVE",
    "ZADD", "ZREM", "ZINCRBY", "ZPOPMIN", "ZPOPMAX", "ZREMRANGEBYSCORE", "ZREMRANGEBYRANK",
    "XADD", "XDEL", "XTRIM", "PUBLISH", "PFADD", "SETBIT", "GEOADD",
))  # fmt: skip
_PAIRS = frozenset(("HGETALL",))
_CURSORS = frozenset(("SCAN", "SSCAN", "HSCAN", "ZSCAN"))
_WORDS = 10_000
_SCAN_STEP = 1_000
_PORT = 6379


async def run_redis(
    parameters: DatabaseParameters, context: AgentContext
) -> tuple[list[Any], int, bool]:
    """Return the answer as rows, their count, and whether they were cut.

    Raises:
        AgentError: The command or the address is not allowed or wrong (final), or the server is
            away or busy (retryable).
    """
    words = _words(parameters)
    name = str(words[0]).upper()
    _check_allowed(name, parameters.read_only is not False)
    place = _parse(parameters.connection_string or "")
    addresses = await context.services.egress.check_address(place["host"], place["port"])
    await refuse_own(place["host"], place["port"], addresses, context)
    key = key_of(context.tenant_id, "redis", parameters.connection_string, addresses[0])

    async def open_redis() -> Redis:
        return _client(place, addresses[0])

    clients = await context.services.clients()
    try:
        async with asyncio.timeout(parameters.timeout):
            async with clients.use(key, open_redis, Redis.aclose) as redis:
                if name in _CURSORS:
                    return await _scan(redis, name, words, parameters, context)
                answer = await redis.execute_command(name, *words[1:])
    except (TimeoutError, OSError, RedisError) as error:
        raise _failure(error) from error
    return _rows(name, answer, parameters.max_rows, context)


def _words(parameters: DatabaseParameters) -> list[str | bytes]:
    """Return a command's words; a value is one word, whatever stands in it."""
    query = parameters.query
    try:
        given = shlex.split(query) if isinstance(query, str) else list(query)
    except ValueError as error:
        raise AgentError(f"The command's quotes do not fit together: {error}.") from error
    if not given or len(given) > _WORDS:
        raise AgentError(f"A command has from 1 to {_WORDS} words.")
    used: set[int] = set()
    words: list[str | bytes] = []
    for number, word in enumerate(given):
        is_place = isinstance(word, str) and word[:1] == "$" and word[1:].isdecimal()
        if is_place and number:
            word = bound(word, parameters.params, used)
        words.append(_word(word))
    check_used(parameters.params, used)
    return words


def _word(value: Any) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _check_allowed(name: str, read_only: bool) -> None:
    if name in READS or (name in WRITES and not read_only):
        return
    if name in WRITES:
        raise AgentError(
            f"{name} writes, and the node only reads.",
            remedy="Set `read_only: false` if it is to write.",
        )
    raise AgentError(
        f"The command {name[:50]} is not one that agents may use.",
        remedy="Read with GET, HGETALL, LRANGE, SMEMBERS, ZRANGE, SCAN and the like.",
    )


def _parse(url: str) -> dict[str, Any]:
    wrong = AgentError(
        "The connection string cannot be used.",
        remedy="Write it as redis://user:password@host:port/0, or rediss:// for TLS.",
    )
    try:
        parts = urlsplit(url.strip())
        port = parts.port or _PORT
    except ValueError as error:
        raise wrong from error
    number = parts.path.strip("/") or "0"
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or parts.query:
        raise wrong
    if not number.isdecimal() or "," in parts.netloc:
        raise wrong
    return {
        "host": parts.hostname,
        "port": port,
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "db": int(number),
        "tls": parts.scheme == "rediss",
    }


class _NamedConnection(SSLConnection):
    """Goes to a checked address, and proves the name."""

    def __init__(self, proven_name: str, **options: Any) -> None:
        super().__init__(**options)
        self._proven_name = proven_name

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {**super()._connection_arguments(), "server_hostname": self._proven_name}


def _client(place: Mapping[str, Any], address: str) -> Redis:
    options = {name: place[name] for name in ("port", "username", "password", "db")}
    kind: type[Connection] = Connection
    if place["tls"]:
        kind = _NamedConnection
        options |= {"proven_name": place["host"], "ssl_check_hostname": True}
    pool = BlockingConnectionPool(
        connection_class=kind,
        host=address,
        max_connections=CONNECTIONS,
        timeout=None,
        socket_connect_timeout=10,
        # A command that writes would be made twice.
        retry=Retry(NoBackoff(), 0),
        **options,
    )
    return Redis.from_pool(pool)


async def _scan(
    redis: Redis,
    name: str,
    words: list[str | bytes],
    parameters: DatabaseParameters,
    context: AgentContext,
) -> tuple[list[Any], int, bool]:
    """Go on from cursor to cursor until the end, or until there are rows enough."""
    place = 1 if name == "SCAN" else 2
    if len(words) <= place:
        raise AgentError(f"{name} needs a cursor; begin with 0.")
    if "COUNT" not in {str(word).upper() for word in words[place + 1 :]}:
        words = [*words, "COUNT", str(_SCAN_STEP)]
    found: list[Any] = []
    while True:
        cursor, more = await redis.execute_command(name, *words[1:])
        found += _flat(name, more)
        if int(cursor) == 0 or len(found) > parameters.max_rows:
            return _rows(name, found, parameters.max_rows, context)
        words[place] = str(int(cursor))


def _flat(name: str, more: Any) -> list[Any]:
    if name == "HSCAN":
        return [{"field": field, "value": value} for field, value in dict(more).items()]
    if name == "ZSCAN":
        return [{"member": member, "score": score} for member, score in more]
    return list(more)


def _rows(
    name: str, answer: Any, max_rows: int, context: AgentContext
) -> tuple[list[Any], int, bool]:
    plain = _plain(answer)
    if name in _PAIRS and not plain:
        plain = []
    rows = plain if isinstance(plain, list) else [plain]
    cut = len(rows) > max_rows
    rows = rows[:max_rows]
    limit = context.services.settings.max_response_bytes
    if len(orjson.dumps(rows)) > limit:
        raise AgentError(
            f"The result is larger than {limit} bytes.", remedy="Ask for a smaller part of it."
        )
    return rows, len(rows), cut


def _plain(value: Any) -> Any:
    """Return an answer as JSON; bytes that are no text are replaced."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {str(_plain(name)): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, map(_plain, value)))
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _failure(error: Exception) -> AgentError:
    if isinstance(error, AuthenticationError):
        return AgentError(f"Redis refuses the login: {error}.")
    if isinstance(error, ResponseError) and not isinstance(error, BusyLoadingError | TryAgainError):
        return AgentError(f"Redis answers: {error}.", retryable=str(error).startswith("LOADING"))
    return AgentError(
        f"Redis does not answer: {type(error).__name__}: {error}.",
        retryable=True,
        remedy="Check its address and that it runs.",
    )
