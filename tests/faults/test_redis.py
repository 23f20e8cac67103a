"""Redis dies, forgets or hangs: nobody waits for it, and Postgres has every event."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from redis.asyncio import Redis

from serve.embedded import embedded_redis, socket_folder
from store.live import execution_channel, state_key
from tests.eventually import eventually
from tests.faults.conftest import Begin, Crew
from tests.faults.specifications import ask, posts, row


class Server:
    """A Redis of one test alone."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._stack = ExitStack()
        self.url = ""

    def start(self) -> None:
        """Start it, or start it again."""
        before = {child.pid for child in psutil.Process().children()}
        self.url = self._stack.enter_context(embedded_redis(self._home, dict(os.environ)))
        [self._process] = [
            child for child in psutil.Process().children() if child.pid not in before
        ]

    def signal(self, number: signal.Signals) -> None:
        """Kill, freeze or thaw it."""
        self._process.send_signal(number)

    def close(self) -> None:
        """End it for good."""
        self.signal(signal.SIGCONT)
        self._stack.close()


@pytest.fixture
def server(server_home: Path) -> Iterator[Server]:
    """The server of this test."""
    home = server_home / "redis"
    (home / "logs").mkdir(parents=True, exist_ok=True)
    opened = Server(home)
    opened.start()
    yield opened
    opened.close()
    sockets = socket_folder(home)
    shutil.rmtree(sockets.with_name(f"{sockets.name}-r"))


@pytest.fixture
def redis_url(server: Server) -> str:
    """Everything in these tests uses that server."""
    return server.url


@pytest.mark.requirement("NFR-3.3")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hangs"])
async def test_redis_is_away(
    number: signal.Signals, server: Server, begin: Begin, crew: Crew
) -> None:
    """Executions begin, ask, are answered and end all the same; their events are complete."""
    crew.recoverer()
    owner = await crew.executor()
    gate = crew.effects.hold("a")
    document = row([posts("a", crew.effects.url), ask("ok"), posts("b", crew.effects.url)])
    [before] = await begin(document, owner)
    await eventually(lambda: gate.held)
    async with crew.fault():
        server.signal(number)
        gate.opened.set()
        ids = [before, *await begin(document, owner)]
        await crew.until("waiting", *ids)
        for id in ids:
            assert await crew.answer(id, "approve")
        await crew.until("completed", *ids)
    assert await crew.effects.count() == 2 * len(ids)
    await crew.check("a", "b")


async def test_redis_comes_back(server: Server, begin: Begin, crew: Crew) -> None:
    """What happens from then on is told again, by the processes that were there before."""
    crew.recoverer()
    owner = await crew.executor()
    [id] = await begin(row([ask("ok"), posts("b", crew.effects.url)]), owner)
    await crew.until("waiting", id)
    async with crew.fault():
        server.signal(signal.SIGKILL)
        [missed] = await begin(row([posts("b", crew.effects.url)]), owner)
        await crew.until("completed", missed)
        await eventually(lambda: owner.logged("live_view.not_published"))
        server.start()
    async with Redis.from_url(server.url) as redis, redis.pubsub() as heard:
        await heard.subscribe(execution_channel(id))
        await crew.answer(id, "approve")
        await crew.until("completed", id)
        state = state_key(id)
        await eventually(lambda: _is(redis, state, b"completed"))
        assert await redis.exists(state_key(missed)) == 0
        kinds: list[bytes] = []
        async for message in heard.listen():
            if message["type"] == "message":
                kinds.append(message["data"])
            if b"workflow_completed" in (kinds or [b""])[-1]:
                break
    assert len(kinds) >= 4
    await crew.check("b")


async def test_redis_forgets(server: Server, begin: Begin, crew: Crew) -> None:
    """Emptied with its scripts in the middle of an execution, it is told what follows."""
    owner = await crew.executor()
    gate = crew.effects.hold("b")
    [id] = await begin(row([posts(name, crew.effects.url) for name in "abc"]), owner)
    await eventually(lambda: gate.held)
    async with Redis.from_url(server.url) as redis:
        async with crew.fault():
            await redis.flushall()
            await redis.script_flush()
            gate.opened.set()
            await crew.until("completed", id)
        await eventually(lambda: _is(redis, state_key(id), b"completed"))
    assert owner.logged("live_view.not_published") == []
    await crew.check(*"abc")


async def _is(redis: Redis, key: str, status: bytes) -> bool:
    return bool(await redis.hget(key, "status") == status)
