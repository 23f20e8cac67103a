"""Secrets go to the hosts that they were registered for, checked where requests leave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from agents.agent import AgentContext
from agents.api import Api
from agents.api_parameters import ApiParameters
from agents.bound import BoundSecret, SecretRefused, check_host, holding, host_pattern
from agents.database import Database
from agents.database_parameters import DatabaseParameters
from agents.errors import AgentError
from agents.mail import Email
from agents.mail_message import EmailParameters
from agents.services import open_services
from agents.settings import AgentSettings
from agents.web_scraping import WebScraping, WebScrapingParameters
from tests.actors.echo import Echo, open_echo

SOME = UUID(int=1)
SETTINGS = AgentSettings(
    allow_loopback=True,
    smtp_url=SecretStr("smtp://127.0.0.1:1"),
    default_database_url=SecretStr("postgresql://u:p@127.0.0.1:1/x"),
)


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    """A service."""
    async with open_echo() as opened:
        yield opened


@pytest.fixture
async def context() -> AsyncIterator[AgentContext]:
    """What an agent is given."""
    async with open_services(SETTINGS) as services:
        yield AgentContext(SOME, SOME, SOME, "a", services)


def _held(*hosts: str) -> list[BoundSecret]:
    return [BoundSecret("token", hosts)]


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("api.example.com", "API.Example.COM", True),
        ("api.example.com", "api.example.com.", True),
        ("api.example.com", "xapi.example.com", False),
        ("api.example.com", "api.example.com.evil.example", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "evilexample.com", False),
        ("127.0.0.1", "127.0.0.2", False),
        ("::1", "[::1]", True),
        ("0:0:0:0:0:0:0:1", "::1", True),
        ("bücher.example", "xn--bcher-kva.example", True),
        ("xn--bcher-kva.example", "Bücher.example", True),
    ],
)
def test_hosts_fit_whole(pattern: str, host: str, fits: bool) -> None:
    """A name fits itself however it is written; a star stands for names below."""
    with holding(_held(host_pattern(pattern))):
        if fits:
            check_host(host)
        else:
            with pytest.raises(SecretRefused, match="token"):
                check_host(host)


async def test_each_attempt_holds_its_own() -> None:
    """What runs beside it is not bound by it, nor what comes after."""
    inside = asyncio.Event()

    async def bound() -> None:
        with holding(_held("a.example")):
            inside.set()
            await asyncio.sleep(0)
            with pytest.raises(SecretRefused):
                check_host("b.example")
        check_host("b.example")

    async def free() -> None:
        await inside.wait()
        check_host("b.example")

    await asyncio.gather(bound(), free())


Call = Callable[[AgentContext, Echo], Awaitable[Any]]


def _api(context: AgentContext, echo: Echo) -> Awaitable[Any]:
    return Api().run(ApiParameters(url=echo.url("/ok")), context)


def _scrape(context: AgentContext, echo: Echo) -> Awaitable[Any]:
    return WebScraping().run(WebScrapingParameters(url=echo.url("/page")), context)


def _browse(context: AgentContext, echo: Echo) -> Awaitable[Any]:
    parameters = WebScrapingParameters(url=echo.url("/page"), mode="browser")
    return WebScraping().run(parameters, context)


def _mail(context: AgentContext, echo: Echo) -> Awaitable[Any]:
    return Email().run(EmailParameters(to="a@b.example", body="x"), context)


def _query(context: AgentContext, echo: Echo) -> Awaitable[Any]:
    dsn = f"postgresql://u:p@127.0.0.1:{echo.port}/x"
    return Database().run(DatabaseParameters(connection_string=dsn, query="SELECT 1"), context)


def _query_default(context: AgentContext, echo: Echo) -> Awaitable[Any]:
    return Database().run(DatabaseParameters(query="SELECT 1"), context)


@pytest.mark.requirement("FR-4.9")
@pytest.mark.parametrize("call", [_api, _scrape, _mail, _query, _query_default])
async def test_no_agent_takes_a_secret_elsewhere(
    call: Call, context: AgentContext, echo: Echo
) -> None:
    """The refusal names the secret and the host, is final, and comes before anything is sent."""
    with holding(_held("api.example.com")), pytest.raises(SecretRefused) as refused:
        await call(context, echo)
    assert "`token` is not sent to 127.0.0.1" in str(refused.value)
    assert not refused.value.retryable
    assert echo.heads == []


async def test_a_connection_that_is_there_already_is_no_way_around(
    context: AgentContext, echo: Echo
) -> None:
    """The same client sends to a host for one attempt and refuses it to the next."""
    await _api(context, echo)
    with holding(_held("127.0.0.2")), pytest.raises(SecretRefused):
        await _api(context, echo)
    assert len(echo.heads) == 1


@pytest.mark.requirement("FR-4.9")
@pytest.mark.parametrize("call", [_api, _scrape])
async def test_a_host_of_the_secret_is_called(
    call: Call, context: AgentContext, echo: Echo
) -> None:
    """The address fits, so the service gets the request."""
    with holding(_held("127.0.0.1")):
        await call(context, echo)
    assert len([head for head in echo.heads if "robots.txt" not in str(head)]) == 1


async def test_a_redirect_to_another_host_is_refused(context: AgentContext, echo: Echo) -> None:
    """The first host is called, the one that it leads to is not; one of the same host is."""
    away = ApiParameters(url=echo.url("/to/127.0.0.2"))
    with holding(_held("127.0.0.1")), pytest.raises(SecretRefused, match=r"127\.0\.0\.2"):
        await Api().run(away, context)
    assert len(echo.heads) == 1
    near = ApiParameters(url=echo.url("/to/127.0.0.1"))
    with holding(_held("127.0.0.1")):
        result = await Api().run(near, context)
    assert result.output["status_code"] == 200


async def test_a_browser_gets_no_secret(context: AgentContext, echo: Echo) -> None:
    """Where a browser is led is not in our hands, so it is refused even the right host."""
    with holding(_held("127.0.0.1")), pytest.raises(AgentError, match="mode: http"):
        await _browse(context, echo)
    assert echo.heads == []
