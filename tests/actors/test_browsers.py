"""One Chromium for all processes of a machine, kept by an actor, and what its end does."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import psutil
import pytest
import ray

from actors.browsers import RemoteBrowserKeeper, end_keepers
from actors.limits import open_shared_services
from actors.names import NAMESPACE
from agents.agent import AgentContext
from agents.errors import AgentError
from agents.services import Services
from agents.settings import AgentSettings
from agents.web_scraping import WebScraping, WebScrapingParameters
from tests import chromium
from tests.agents.website import Asked, Reply, Site, open_site, page
from tests.eventually import eventually
from tests.local_ray import local_ray

pytestmark = [pytest.mark.timeout(180), pytest.mark.requirement("FR-3.2")]

SETTINGS = AgentSettings(allow_loopback=True, browser_concurrency=2)


def chromiums() -> list[psutil.Process]:
    """Return the Chromiums of actors; other tests of this process have some as well."""
    return [one for one in chromium.chromiums() if _actor_above(one)]


def _actor_above(process: psutil.Process) -> psutil.Process | None:
    for above in process.parents():
        with suppress(psutil.Error):
            if above.cmdline()[:1] and above.cmdline()[0].startswith("ray::"):
                return above
    return None


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A Ray of this module's own."""
    with local_ray(NAMESPACE):
        yield


@pytest.fixture
async def shared(cluster: None) -> AsyncIterator[Services]:
    """Services as a process of the cluster has them; no browser is left behind."""
    async with open_shared_services(SETTINGS) as opened:
        yield opened
    end_keepers()
    await eventually(lambda: not chromiums(), seconds=30)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A site on loopback."""
    async with open_site() as opened:
        yield opened


async def scraped(services: Services, url: str) -> Any:
    """Scrape a page in the browser once, as an attempt does."""
    context = AgentContext(UUID(int=1), UUID(int=2), UUID(int=3), "read", services)
    parameters = WebScrapingParameters(url=url, selector="p", mode="browser")
    return (await WebScraping().run(parameters, context)).output


@ray.remote(num_cpus=0, max_retries=0)
def scrape_elsewhere(url: str) -> Any:
    """Scrape a page in another process; return what was read, or the error and its kind."""

    async def scrape() -> Any:
        async with open_shared_services(SETTINGS) as services:
            try:
                return await scraped(services, url)
            except AgentError as error:
                return {"error": str(error), "retryable": error.retryable}

    return asyncio.run(scrape())


def elsewhere(url: str) -> Awaitable[Any]:
    """Begin to scrape a page in another process."""
    reference: Any = scrape_elsewhere.remote(url)
    return asyncio.wrap_future(reference.future())


def held(site: Site, path: str) -> tuple[asyncio.Event, asyncio.Event]:
    """Let a page come only when it is let go; return when it was asked for, and what lets it go."""
    came, go = asyncio.Event(), asyncio.Event()

    async def answer(_asked: Asked) -> Reply:
        came.set()
        await go.wait()
        return page("<p>there</p>")

    site.replies[path] = answer
    return came, go


def keeper_process() -> psutil.Process:
    """Return the actor's process, below which the Chromium of this machine runs."""
    [only] = chromiums()
    above = _actor_above(only)
    assert above is not None
    return above


async def test_two_processes_have_one_chromium(shared: Services, site: Site) -> None:
    """What two processes read at the same time is read in the same browser."""
    came, go = held(site, "/there")
    other = elsewhere(site.url("/there"))
    await came.wait()
    site.replies["/here"] = page("<p>here</p>")
    assert await scraped(shared, site.url("/here")) == ["here"]
    assert len(chromiums()) == 1
    go.set()
    assert await other == ["there"]


@pytest.mark.faults
@pytest.mark.parametrize(
    "victim", [lambda: chromiums()[0], keeper_process], ids=["browser", "keeper"]
)
async def test_killed_part_costs_an_attempt(
    shared: Services, site: Site, victim: Callable[[], psutil.Process]
) -> None:
    """A kill in the middle of another process's page fails that attempt; the next one works."""
    came, go = held(site, "/there")
    other = elsewhere(site.url("/there"))
    await came.wait()
    site.replies["/here"] = page("<p>here</p>")
    assert await scraped(shared, site.url("/here")) == ["here"]
    [before] = chromiums()
    victim().send_signal(signal.SIGKILL)
    failed = await other
    assert failed["retryable"], failed
    await eventually(lambda: not before.is_running(), seconds=30)
    go.set()
    again = elsewhere(site.url("/there"))
    assert await scraped(shared, site.url("/here")) == ["here"]
    assert await again == ["there"]
    assert len(chromiums()) == 1


async def test_idle_keeper_ends(cluster: None) -> None:
    """An actor whose browser nobody has used for a while is gone; its name is free again."""
    actor: Any = RemoteBrowserKeeper.options(name="browser idle", namespace=NAMESPACE).remote(
        None, 1, 0.0
    )
    reader, writer = await asyncio.open_unix_connection(await actor.address.remote())
    writer.write(b"{}\n")
    assert b"endpoint" in await reader.readline()
    writer.close()
    await eventually(lambda: "browser idle" not in ray.util.list_named_actors(), seconds=30)
    await eventually(lambda: not chromiums(), seconds=30)
