"""The real app on the real database, without Ray: no executor holds a lease here."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from agents.planner import open_planner
from agents.planner_chain import PlannerSettings
from agents.registry import builtin_registry
from agents.settings import AgentSettings
from serve.api_config import ApiConfig
from serve.app import build_app, make_context
from serve.context import Context
from serve.remembered import Remembered
from serve.text_parser import TextParser
from store.live import LiveView
from store.parser_cache import ParserCache
from store.postgres import Pool
from tests.factories import Account

BASE_URL = "http://weft.example"


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
        open_planner(PlannerSettings(), model_settings, signatures) as planner,
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
