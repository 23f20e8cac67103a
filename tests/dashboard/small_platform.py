"""The real API, parser and engine in one thread, without Ray: a platform that starts in a second.

The tests of whole platforms stand in `tests/acceptance`; here many pages are looked at.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from uuid import UUID

import uvicorn
from weft import Client

from agents.planner import open_planner
from agents.planner_chain import PlannerSettings
from agents.registry import builtin_registry
from agents.services import open_services
from agents.settings import AgentSettings
from serve.app import build_app
from serve.platform import free_ports
from serve.text_parser import TextParser
from store.accounts import create_account
from store.live import open_live_view
from store.postgres import open_pool
from store.statements import statement
from tests.actors.process import Process, open_process
from tests.conftest import TEMPLATE, fresh_database
from tests.eventually import eventually
from tests.serve.conftest import ParserHandle, api_config

BEAT_SECONDS = 0.05


@dataclass(frozen=True)
class SmallPlatform:
    """Where it answers, to whom, and where it remembers."""

    url: str
    token: str
    dsn: str

    def client(self) -> Client:
        """A client with the platform's token."""
        return Client(self.url, token=self.token, timeout=20)


async def _host(process: Process) -> None:
    """Keep the lease, and drive what is the process's own, as an executor does."""
    driven: dict[UUID, asyncio.Task[None]] = {}
    while True:
        await process.pool.fetchval(statement("beat_executor"), process.id, len(driven), 0.0)
        for row in await process.pool.fetch(statement("list_owned_executions"), process.id):
            if row["id"] not in driven or driven[row["id"]].done():
                driven[row["id"]] = process.begin(row["id"])
        await asyncio.sleep(BEAT_SECONDS)


@asynccontextmanager
async def _serving(
    postgres_url: str, redis_url: str, readers: AgentSettings
) -> AsyncIterator[SmallPlatform]:
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(fresh_database(postgres_url, TEMPLATE))
        token = await create_account(dsn, "Acme", "olivia@example.com", "Olivia Owner")
        live = await stack.enter_async_context(open_live_view(redis_url))
        pool = await stack.enter_async_context(open_pool(dsn, "weft_engine", size=10))
        settings = AgentSettings(allow_loopback=True, sandbox_processes=1)
        services = await stack.enter_async_context(open_services(settings))
        process = await stack.enter_async_context(
            open_process(pool, live, builtin_registry(), services)
        )
        signatures = builtin_registry().signatures
        planner = await stack.enter_async_context(
            open_planner(PlannerSettings(seconds=20), readers, signatures)
        )
        [port] = free_ports(1)
        app = build_app(api_config(dsn, redis_url), ParserHandle(TextParser(planner)))
        server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error",
                           ws="websockets-sansio", timeout_graceful_shutdown=1)
        )  # fmt: skip
        async with asyncio.TaskGroup() as tasks:
            hosting = tasks.create_task(_host(process))
            tasks.create_task(server.serve())
            await eventually(lambda: server.started)
            yield SmallPlatform(f"http://127.0.0.1:{port}", token, dsn)
            server.should_exit = True
            hosting.cancel()


@contextmanager
def open_small_platform(
    postgres_url: str, redis_url: str, readers: AgentSettings | None = None
) -> Iterator[SmallPlatform]:
    """Serve on loopback, in a thread of its own, until the block ends.

    Args:
        postgres_url: The server in which it has a database of its own.
        redis_url: Its Redis.
        readers: The providers of language models that read texts; None: none.
    """
    opened: list[SmallPlatform] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    ending = asyncio.Event()

    async def serve() -> None:
        async with _serving(postgres_url, redis_url, readers or AgentSettings()) as platform:
            opened.append(platform)
            ready.set()
            await ending.wait()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=run, name="small-platform", daemon=True)
    thread.start()
    ready.wait(60)
    if not opened:
        raise RuntimeError("the small platform did not start")
    try:
        yield opened[0]
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(60)
