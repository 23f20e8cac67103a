"""The real app on the real database, without Ray: no executor holds a lease here."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from redis.asyncio import Redis
from rich.console import Console

from agents.planner import open_planner
from agents.planner_chain import PlannerSettings
from agents.registry import builtin_registry
from agents.settings import AgentSettings
from serve import cli, cli_agents, cli_egress, cli_plan, cli_secrets, cli_templates, cli_versions
from serve.api_config import ApiConfig
from serve.app import build_app, make_context
from serve.context import Context
from serve.remembered import Remembered
from serve.text_parser import TextParser
from store.live import LiveView
from store.parser_cache import ParserCache
from store.postgres import Pool
from store.secrets_keyring import KeyPlace
from store.secrets_sealing import KeyFile
from tests.eventually import eventually
from tests.factories import Account
from tests.serve.terminal import Result, Weft

BASE_URL = "http://weft.example"
MASTER_KEY = Path(tempfile.mkdtemp(prefix="weft-key-")) / "secrets-key"
KeyFile(MASTER_KEY).make()


class Method:
    """A method of a deployment, run in this process."""

    def __init__(self, run: Callable[..., Awaitable[Any]]) -> None:
        self._run = run

    async def remote(self, *arguments: Any) -> Any:
        """Call it."""
        return await self._run(*arguments)


class ParserHandle:
    """Does in this process what the parser deployment does in another."""

    def __init__(self, parser: TextParser) -> None:
        self.parse = Method(parser.parse)
        self.edit = Method(parser.edit)
        self.models = Method(parser.models)


def api_config(database_url: str, redis_url: str) -> ApiConfig:
    """Return what an API with these services is told."""
    return ApiConfig(
        database_url=database_url,
        redis_url=redis_url,
        base_url=BASE_URL,
        lease_seconds=10,
        webhook_key=b"k" * 32,
        secret_names=(),
        smtp_configured=False,
        secrets_keys=KeyPlace(MASTER_KEY),
    )


@pytest.fixture
def config(dsn: str, redis_url: str) -> ApiConfig:
    """What the API of this test is told."""
    return api_config(dsn, redis_url)


@pytest.fixture
def model_settings() -> AgentSettings:
    """The providers that read texts in a test: none."""
    return AgentSettings()


@pytest.fixture
async def parser(model_settings: AgentSettings, redis_url: str) -> AsyncIterator[ParserHandle]:
    """The parser."""
    signatures = builtin_registry().signatures
    async with (
        open_planner(PlannerSettings(seconds=30.0), model_settings, signatures) as planner,
        Redis.from_url(redis_url) as redis,
    ):
        remembered = Remembered(ParserCache(redis), signatures(), planner.models)
        yield ParserHandle(TextParser(planner, remembered if planner.models else None))


@pytest.fixture
def app(config: ApiConfig, parser: ParserHandle) -> FastAPI:
    """The whole app, not started yet."""
    return build_app(config, parser)


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller without a token; the app runs."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client,
    ):
        yield client


@pytest.fixture
def api(anonymous: httpx.AsyncClient, account: Account) -> httpx.AsyncClient:
    """A caller with the account's token."""
    anonymous.headers["Authorization"] = f"Bearer {account.token}"
    return anonymous


@pytest.fixture
def context(config: ApiConfig, api_pool: Pool, live: LiveView, parser: ParserHandle) -> Context:
    """What the routes share."""
    return make_context(config, api_pool, live, parser)


@pytest.fixture
async def url(
    app: FastAPI, account: Account, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """The app on a port of its own; clients speak to it as the account's owner."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        await eventually(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        monkeypatch.setenv("WEFT_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("WEFT_TOKEN", account.token)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True


@pytest.fixture
def weft(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Weft:
    """Return a function that runs a command line beside the app's own loop."""
    wide = partial(Console, width=160, highlight=False, markup=False, emoji=False)
    for module in (cli, cli_agents, cli_egress, cli_plan, cli_secrets, cli_templates, cli_versions):
        monkeypatch.setattr(module, "console", wide())
    monkeypatch.setattr(cli, "error_console", wide(stderr=True))

    def run(arguments: tuple[str, ...]) -> Result:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        captured = capsys.readouterr()
        return Result(int(str(ended.value.code or 0)), captured.out, captured.err)

    async def weft(*arguments: str) -> Result:
        return await asyncio.to_thread(run, arguments)

    return weft
