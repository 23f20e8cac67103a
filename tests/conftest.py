"""Real servers for all tests: one PostgreSQL and one Redis a run, a fresh database a test."""

import asyncio
import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import structlog
from xdist.remote import Producer
from xdist.scheduler import Scheduling

from compiler.specification import Specification
from compiler.text import specification_hash, to_document
from serve.embedded import embedded_postgres, embedded_redis, socket_folder
from store.accounts import authenticate, create_account
from store.executions import Start, Started, start_execution
from store.live import LiveView, open_live_view
from store.migrate import migrate
from store.postgres import Pool, open_pool
from store.workflows import NewWorkflow, Workflow, create_workflow
from tests.agents.website import Site, open_site
from tests.factories import ONE_NODE, Account, MakeAccount, MakeWorkflow, StartExecution
from tests.kms import Kms, open_kms
from tests.mailbox import Mailbox, open_mailbox
from tests.recording import RequirementRecorder, named_requirements
from tests.sharing import ByFile

TEMPLATE = "weft_template"
SHARED = "weft_shared"
_numbers = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def _nothing_left_open() -> Iterator[None]:
    """Collect what a file's tests left open, so that they are told of it and not a later file's."""
    yield
    gc.collect()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--requirements`, `--mongodb`, and `--seed` and `--seconds` for the storm of faults."""
    parser.addoption("--requirements", metavar="FILE", help="write tests by requirement id (JSON)")
    parser.addoption("--seed", type=int, help="repeat the storm of faults with this seed")
    parser.addoption("--mongodb", metavar="URL", help="a MongoDB server in the stand-in's place")
    parser.addoption("--seconds", type=float, default=120, help="how long the storm lasts")


def pytest_configure(config: pytest.Config) -> None:
    """Record requirements when asked to; show logs without the values of all variables."""
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, plain])
    file = config.getoption("--requirements")
    # A worker tells the process that started it, which writes the file.
    if file and not hasattr(config, "workerinput"):
        config.pluginmanager.register(RequirementRecorder(Path(file)), "requirements")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the report of each test name the requirements that it shows."""
    for item in items:
        item.user_properties += named_requirements(item)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Share the tests among workers by file, those of Ray to one of them."""
    return ByFile(config, log)


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """A short folder for the servers of this run: in memory where there is room."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 2**30
    home = Path(tempfile.mkdtemp(prefix="weft-t-", dir=memory if roomy else None))
    (home / "logs").mkdir()
    yield home
    sockets = socket_folder(home)
    for folder in (home, sockets, sockets.with_name(f"{sockets.name}-r")):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(server_home: Path) -> Iterator[str]:
    """The address of this run's PostgreSQL, with a migrated template database."""
    with embedded_postgres(server_home, dict(os.environ)) as url:
        asyncio.run(_prepare(url))
        yield url


async def _prepare(url: str) -> None:
    async with _administrator(url) as connection:
        # The data lives as long as the run; a commit need not reach the disk.
        for setting in ("fsync = off", "full_page_writes = off", "max_wal_size = '256MB'"):
            await connection.execute(f"ALTER SYSTEM SET {setting}")
        await connection.execute("SELECT pg_reload_conf()")
        await connection.execute(f"CREATE DATABASE {TEMPLATE}")
        await migrate(database_url(url, TEMPLATE))
        await connection.execute(f"CREATE DATABASE {SHARED} TEMPLATE {TEMPLATE}")


@asynccontextmanager
async def _administrator(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def database_url(server: str, name: str) -> str:
    """Return the address of another database of the same server."""
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def redis_url(server_home: Path) -> Iterator[str]:
    """The address of this run's Redis-compatible server."""
    with embedded_redis(server_home, dict(os.environ)) as url:
        yield url


@asynccontextmanager
async def fresh_database(server: str, template: str) -> AsyncIterator[str]:
    """Create a database of a server; it is dropped afterwards."""
    name = f"test_{next(_numbers)}"
    async with _administrator(server) as connection:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield database_url(server, name)
    finally:
        # Another connection: a test may have restarted the server.
        async with _administrator(server) as connection:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def dsn(postgres_url: str) -> AsyncIterator[str]:
    """A fresh database with this version's schema."""
    async with fresh_database(postgres_url, TEMPLATE) as url:
        yield url


@pytest.fixture
def shared_dsn(postgres_url: str) -> str:
    """One database with this version's schema for all tests that write nothing."""
    return database_url(postgres_url, SHARED)


@pytest.fixture
async def empty_dsn(postgres_url: str) -> AsyncIterator[str]:
    """A fresh database without a schema."""
    async with fresh_database(postgres_url, "template1") as url:
        yield url


@pytest.fixture
async def owner_pool(dsn: str) -> AsyncIterator[Pool]:
    """Connections of role weft_owner."""
    async with open_pool(dsn, "weft_owner", size=4) as pool:
        yield pool


@pytest.fixture
async def api_pool(dsn: str) -> AsyncIterator[Pool]:
    """Connections of role weft_api."""
    async with open_pool(dsn, "weft_api", size=10) as pool:
        yield pool


@pytest.fixture
async def engine_pool(dsn: str) -> AsyncIterator[Pool]:
    """Connections of role weft_engine."""
    async with open_pool(dsn, "weft_engine", size=10) as pool:
        yield pool


@pytest.fixture
async def live(redis_url: str) -> AsyncIterator[LiveView]:
    """The live view."""
    async with open_live_view(redis_url) as view:
        yield view


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A web site on loopback."""
    async with open_site() as opened:
        yield opened


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """A mail server on loopback."""
    async with open_mailbox() as box:
        yield box


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kms]:
    """An AWS KMS on loopback, and credentials for it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with open_kms() as opened:
        yield opened


@pytest.fixture
def make_account(dsn: str, api_pool: Pool) -> MakeAccount:
    """Make an organization with its owner: `make_account(organization="Acme")`."""
    numbers = itertools.count(1)

    async def make(organization: str = "Acme") -> Account:
        email = f"owner{next(numbers)}@example.com"
        token = await create_account(dsn, organization, email, "Olivia Owner")
        principal = await authenticate(api_pool, token)
        assert principal is not None
        return Account(token, principal)

    return make


@pytest.fixture
async def account(make_account: MakeAccount) -> Account:
    """The organization that a test works for when it names none."""
    return await make_account()


@pytest.fixture
def make_workflow(api_pool: Pool, account: Account) -> MakeWorkflow:
    """Store a workflow: `make_workflow(specification, account=…, **fields)`."""
    own = account

    async def make(
        specification: Mapping[str, Any] = ONE_NODE, account: Account | None = None, **fields: Any
    ) -> Workflow:
        account = account or own
        checked = Specification.model_validate(specification)
        values: dict[str, Any] = {
            "tenant_id": account.tenant_id,
            "organization_id": account.principal.organization_id,
            "user_id": account.principal.user_id,
            "name": checked.metadata.name,
            "description": checked.metadata.description,
            "version": checked.metadata.version,
            "pattern": checked.pattern,
            "specification": to_document(checked),
            "specification_sha256": specification_hash(checked),
            "yaml_text": "nodes: []",
        }
        return await create_workflow(api_pool, NewWorkflow(**{**values, **fields}))

    return make


@pytest.fixture
def start(api_pool: Pool, live: LiveView, account: Account) -> StartExecution:
    """Start a workflow: `start(workflow, input, owner_id=…, **fields)`."""
    own = account

    async def begin(
        workflow: Workflow,
        input: Mapping[str, Any] | None = None,
        owner_id: UUID | None = None,
        account: Account | None = None,
        **fields: Any,
    ) -> Started:
        account = account or own
        values: dict[str, Any] = {
            "tenant_id": account.tenant_id,
            "organization_id": account.principal.organization_id,
            "workflow_id": workflow.id,
            "workflow_name": workflow.name,
            "user_id": account.principal.user_id,
            "specification_sha256": workflow.specification_sha256,
            "input": dict(input or {}),
            "total_nodes": len(workflow.specification["nodes"]),
        }
        request = Start(**{**values, **fields})
        return await start_execution(api_pool, live, request, owner_id)

    return begin
