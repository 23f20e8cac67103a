"""One Chromium for several clients of a machine, each of which sees what is its own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import async_playwright

from agents.browser import Browser, open_browser
from agents.browser_keeper import Keeper, open_keeper
from agents.egress import Egress
from agents.errors import AgentError
from agents.pages import BrowserLoader, Wish
from agents.services import Services
from tests.agents.website import Asked, Reply, Site, page
from tests.chromium import chromiums
from tests.eventually import eventually

pytestmark = pytest.mark.requirement("FR-3.2")

Open = Callable[[], Awaitable[Browser]]
OURS, THEIRS = UUID(int=1), UUID(int=2)
ALONE = """
import asyncio, sys
from agents.browser_keeper import open_keeper

async def main():
    async with open_keeper(sys.argv[1], 1) as keeper:
        reader, writer = await asyncio.open_unix_connection(keeper.address)
        writer.write(b"{}\\n")
        await reader.readline()
        print(keeper.address, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""
HOLDER = """
import socket, sys
with socket.socket(socket.AF_UNIX) as place:
    place.connect(sys.argv[1])
    place.sendall(b'{"place": "00000000-0000-0000-0000-000000000002"}\\n')
    print(place.recv(10), flush=True)
    sys.stdin.read()
"""


class At:
    """Says where a keeper is."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def address(self, *, anew: bool) -> str:
        """See `agents.browser_keeper.Keepers`."""
        return self._keeper.address


@pytest.fixture
async def keeper(chromium: str) -> AsyncIterator[Keeper]:
    """A keeper with one place."""
    async with open_keeper(chromium, 1) as opened:
        yield opened


@pytest.fixture
async def client(keeper: Keeper) -> AsyncIterator[Open]:
    """Opens ways into the keeper's browser, each as another process has it."""
    async with AsyncExitStack() as stack:

        async def open_client() -> Browser:
            opening = open_browser(Egress(allow_loopback=True), None, 1, At(keeper))
            return await stack.enter_async_context(opening)

        yield open_client


def listening() -> list[int]:
    """Return the ports that the servers and Chromiums of this process listen on."""
    return [
        connection.laddr.port
        for process in psutil.Process().children(recursive=True)
        if process.name().startswith(("node", "chrom", "headless"))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]


async def test_clients_share_a_chromium_and_nothing_in_it(keeper: Keeper, client: Open) -> None:
    """A second client gets the same Chromium, and none of the first one's contexts and pages."""
    one, other = await client(), await client()
    async with one.context() as context, one.page(context, OURS):
        async with other.context() as second:
            assert second.browser and context.browser
            assert [len(context.browser.contexts), len(second.browser.contexts)] == [1, 1]
            assert second.pages == []
        assert len(chromiums()) == 1
    assert len(chromiums()) == 1


async def test_way_in_is_the_users_alone(keeper: Keeper, client: Open) -> None:
    """The sockets are in a folder that only this user can open; no port and no other path is."""
    browser = await client()
    async with browser.context(), async_playwright() as playwright:
        folder = Path(keeper.address).parent
        assert oct(folder.stat().st_mode & 0o777) == "0o700"
        assert listening() == []
        [socket] = folder.glob("chromium-*")
        with pytest.raises(PlaywrightError, match="400"):
            await playwright.chromium.connect(f"ws+unix://{socket}:/other")


async def test_places_are_the_machines(keeper: Keeper, client: Open) -> None:
    """A page waits for a place that a page of another client has."""
    one, other = await client(), await client()
    opened: list[str] = []

    async def open_page(browser: Browser) -> None:
        async with browser.context() as context, browser.page(context, THEIRS):
            opened.append("second")

    async with (
        asyncio.TaskGroup() as group,
        one.context() as context,
        one.page(context, OURS) as shown,
    ):
        group.create_task(open_page(other))
        await shown.set_content("<p>first</p>")
        opened.append("first")
    assert opened == ["first", "second"]


async def test_dead_process_gives_its_place_back(keeper: Keeper, client: Open) -> None:
    """A process that is killed while it has the only place leaves it to the next."""
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, keeper.address,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"b'{}\\n'\n"
    holder.kill()
    browser = await client()
    async with browser.context() as context, browser.page(context, OURS) as shown:
        await shown.set_content("<p>there</p>")
    await holder.wait()


@asynccontextmanager
async def loading(services: Services, browser: Browser) -> AsyncIterator[BrowserLoader]:
    """Give a loader in a context of its own."""
    async with browser.context() as context:
        yield BrowserLoader(services, browser, context, OURS)


async def test_killed_chromium_is_replaced(services: Services, site: Site, client: Open) -> None:
    """A page that Chromium dies under fails for now; the next attempt finds another Chromium."""
    came = asyncio.Event()

    async def hang(_asked: Asked) -> Reply:
        came.set()
        return Reply(hang=True)

    site.replies["/"] = hang
    one, other = await client(), await client()

    async def kill() -> None:
        await came.wait()
        async with other.context():
            [process] = chromiums()
            process.send_signal(signal.SIGKILL)

    async with asyncio.TaskGroup() as group:
        group.create_task(kill())
        async with loading(services, one) as loader:
            with pytest.raises(AgentError) as caught:
                await loader.load(site.url(), Wish())
    assert caught.value.retryable
    site.replies["/"] = page("<p>back</p>")
    for browser in (one, other):
        async with loading(services, browser) as loader:
            assert "back" in (await loader.load(site.url(), Wish())).html
    assert len(chromiums()) == 1


async def test_idle_chromium_is_closed(chromium: str, services: Services, site: Site) -> None:
    """Without any use Chromium ends; the next use starts it again."""
    site.replies["/"] = page("<p>here</p>")
    idle: list[bool] = []
    async with open_keeper(chromium, 1, idle_seconds=0.0) as keeper:
        keeper.on_idle = lambda: idle.append(True)
        async with open_browser(Egress(allow_loopback=True), None, 1, At(keeper)) as browser:
            for times in (1, 2):
                async with loading(services, browser) as loader:
                    assert "here" in (await loader.load(site.url(), Wish())).html
                await eventually(lambda times=times: len(idle) == times)  # type: ignore[misc]
                assert chromiums() == []


async def test_chromium_ends_with_its_keeper(chromium: str) -> None:
    """A keeper's process that is killed leaves neither Chromium nor a folder."""
    alone = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ALONE, chromium, stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert alone.stdout is not None
    folder = Path((await alone.stdout.readline()).decode().strip()).parent
    [process] = chromiums()
    alone.kill()
    await alone.wait()
    await eventually(lambda: not process.is_running() and not folder.exists())
