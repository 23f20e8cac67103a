"""The built-in agents with servers of their own to reach: web, mail, a database, a webhook."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from pydantic import SecretStr

from agents.registry import Registry, builtin_registry
from agents.services import Services, open_services
from agents.settings import AgentSettings
from store.live import LiveView
from store.postgres import Pool
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.process import Process
from tests.actors.templates.world import WEBHOOK, World
from tests.agents.website import Site
from tests.factories import Account, MakeWorkflow
from tests.mailbox import Mailbox

# Then a case that fails shows what it compared.
pytest.register_assert_rewrite(
    *(f"tests.actors.templates.{name}_cases" for name in ("data", "event", "people", "web"))
)


@pytest.fixture
async def database(empty_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """The database that templates write to."""
    connection = await asyncpg.connect(empty_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def services(mailbox: Mailbox, empty_dsn: str) -> AsyncIterator[Services]:
    """What agents share; mail and database are configured, no model has a key."""
    settings = AgentSettings(
        allow_loopback=True,
        sandbox_processes=1,
        smtp_url=mailbox.url,
        default_database_url=SecretStr(empty_dsn),
    )
    async with open_services(settings) as opened:
        yield opened


@pytest.fixture
def registry() -> Registry:
    """The agents of an installation."""
    return builtin_registry()


@pytest.fixture
async def process(process_of: OpenProcess, site: Site) -> Process:
    """An executor that knows the address of a webhook."""
    return await process_of(secrets={WEBHOOK: site.url("/hook")})


@pytest.fixture
def world(
    site: Site, mailbox: Mailbox, database: asyncpg.Connection, process: Process,
    engine_pool: Pool, api_pool: Pool, live: LiveView, account: Account, begin: Begin, look: Look,
    make_workflow: MakeWorkflow,
) -> World:  # fmt: skip
    """All of it."""
    return World(
        site,
        mailbox,
        database,
        process,
        engine_pool,
        api_pool,
        live,
        account,
        begin,
        look,
        make_workflow,
    )
