"""What an executor drives executions with, opened together and closed together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from actors.checkpointer import JournalSaver
from actors.config import ExecutorConfig
from actors.driver import Driver
from actors.graphs import GraphCache
from actors.hosting import Host
from actors.journal import Journal
from actors.limits import open_shared_services
from actors.metrics import count_ended
from actors.run import Run
from actors.secrets import Secrets, VaultPlace
from agents.registry import builtin_registry
from store.egress import EgressLists
from store.live import open_live_view
from store.postgres import Pool, open_pool
from store.secrets import Vault
from store.secrets_keyring import Keyring


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts of one executor process."""

    pool: Pool
    host: Host
    journal: Journal
    driver: Driver
    runs: dict[UUID, Run]
    """The executions that are being driven, by id."""


@asynccontextmanager
async def open_engine(config: ExecutorConfig, executor_id: UUID) -> AsyncIterator[Engine]:
    """Open an engine; its journal must be run by the caller.

    Raises:
        DatabaseUnavailable: Postgres does not answer.
    """
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(config.database_url, "weft_engine", size=8)
        )
        live = await stack.enter_async_context(open_live_view(config.redis_url, count_ended))
        services = await stack.enter_async_context(open_shared_services(config.agents))
        runs: dict[UUID, Run] = {}
        journal = Journal(pool, executor_id, live.publish)
        host = Host(pool, journal, builtin_registry(), services, _secrets(config, pool, stack))
        host.say = live.say
        saver = JournalSaver(pool, journal, runs.get)
        yield Engine(pool, host, journal, Driver(host, GraphCache(pool, saver), runs), runs)


def _secrets(config: ExecutorConfig, pool: Pool, stack: AsyncExitStack) -> Secrets:
    if config.secrets_keys is None:
        return Secrets(config.secrets, lists=EgressLists(pool.acquire))
    keys = Keyring(config.secrets_keys)
    stack.callback(keys.close)
    place = VaultPlace(config.database_url, config.secrets_keys)
    vault = Vault(pool.acquire, keys)
    return Secrets(config.secrets, vault, place, EgressLists(pool.acquire))
