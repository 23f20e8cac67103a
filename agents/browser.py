"""A process's way into the Chromium of its machine; every attempt gets a context of its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from playwright.async_api import Browser as PlaywrightBrowser
from playwright.async_api import BrowserContext, Page, Playwright, async_playwright
from playwright.async_api import Error as PlaywrightError

from agents.agent import AgentContext
from agents.bound import bounds
from agents.browser_keeper import LINE_BYTES, BrowserAway, Keeper, Keepers, open_keeper
from agents.chromium import HOW_TO_GET_ONE, find_chromium
from agents.egress import USER_AGENT, Egress
from agents.errors import AgentError
from agents.proxy import open_proxy
from agents.sessions import reachable_cookies

_CONNECT_MS = 10_000
_CLOSE_SECONDS = 3.0


class BrowserMissing(AgentError):
    """No Chromium was found on this machine."""

    def __init__(self) -> None:
        super().__init__("No Chromium was found on this machine.", remedy=HOW_TO_GET_ONE)


class Browser:
    """Opens contexts and pages in the machine's Chromium, which its keeper lends."""

    def __init__(self, playwright: Playwright, egress: Egress, keepers: Keepers) -> None:
        self._playwright = playwright
        self._egress = egress
        self._keepers = keepers
        self._lock = asyncio.Lock()
        self._browser: PlaywrightBrowser | None = None
        self._endpoint = ""

    @asynccontextmanager
    async def context(self) -> AsyncIterator[BrowserContext]:
        """Give a fresh context (no cookies, no cache of others).

        It has a way out of its own, since what may be reached is the attempt's.

        Raises:
            AgentError: Chromium does not start.
            BrowserAway: It has ended, and so has the next one.
        """
        async with open_proxy(self._egress) as port, AsyncExitStack() as stack:
            try:
                context = await self._new_context(stack, port, anew=False)
            except (OSError, PlaywrightError):
                try:
                    context = await self._new_context(stack, port, anew=True)
                except (OSError, PlaywrightError) as error:
                    raise BrowserAway(error) from error
            try:
                yield context
            finally:
                await _end(context)

    async def _new_context(self, stack: AsyncExitStack, port: int, *, anew: bool) -> BrowserContext:
        browser = await self._borrow(stack, anew=anew)
        # What Chromium says it is, without its word for having no window, and our name.
        chrome = f"Chrome/{browser.version.split('.')[0]}.0.0.0 Safari/537.36"
        return await browser.new_context(
            user_agent=f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like "
            f"Gecko) {chrome} {USER_AGENT}",
            service_workers="block",
            accept_downloads=False,
            ignore_https_errors=False,
            # Chromium would otherwise reach loopback past the proxy.
            proxy={"server": f"http://127.0.0.1:{port}", "bypass": "<-loopback>"},
        )

    @asynccontextmanager
    async def page(self, context: BrowserContext, whose: UUID) -> AsyncIterator[Page]:
        """Give a page of a context; what it opened is closed with it.

        Args:
            context: One of this browser's.
            whose: The organization, which waits its turn for a free place of the machine.

        Raises:
            BrowserAway: Who gives the places has ended.
            playwright.async_api.Error: Chromium has.
        """
        async with AsyncExitStack() as stack:
            try:
                await self._lent(stack, {"place": str(whose)}, anew=False)
            except OSError as error:
                raise BrowserAway(error) from error
            page = await context.new_page()
            opened = [page]
            page.on("popup", lambda popup: opened.append(popup))
            try:
                yield page
            finally:
                for one in opened:
                    await _end(one)

    @asynccontextmanager
    async def session(self, context: BrowserContext, attempt: AgentContext) -> AsyncIterator[None]:
        """Let a context go on with the session of the attempt's execution.

        What the attempt changes of it counts once it has ended well. Items of a map have none:
        which of them shares a machine with which is chance.

        Raises:
            BrowserAway: The keeper has ended, or Chromium.
        """
        if attempt.map_index is not None:
            yield
            return
        ids = [f"{attempt.tenant_id} {attempt.execution_id}", attempt.node_id]
        found = await self._asked({"begins": [*ids, attempt.attempt]})
        cookies = reachable_cookies(found["cookies"], bounds().reachable)
        withheld = [one for one in found["cookies"] if one not in cookies]
        await _add(context, cookies)
        yield
        try:
            left: Any = await context.cookies()
        except PlaywrightError as error:
            raise BrowserAway(error) from error
        ended = {"ends": ids, "cookies": [*left, *withheld]}
        # A site may set more than anybody keeps.
        if len(json.dumps(ended)) < LINE_BYTES:
            await self._asked(ended)

    async def _asked(self, asked: dict[str, Any]) -> dict[str, Any]:
        async with AsyncExitStack() as stack:
            try:
                return await self._lent(stack, asked, anew=False)
            except OSError as error:
                raise BrowserAway(error) from error

    async def _borrow(self, stack: AsyncExitStack, *, anew: bool) -> PlaywrightBrowser:
        """Return the machine's Chromium; once it was found to have ended, the next one."""
        asked = {"gone": self._endpoint} if anew else {}
        answer = await self._lent(stack, asked, anew=anew)
        if error := answer.get("error"):
            raise AgentError(str(error), retryable=True)
        endpoint = str(answer["endpoint"])
        async with self._lock:
            if self._browser is None or self._endpoint != endpoint or not self._is_connected():
                await self._disconnect()
                self._browser = await self._playwright.chromium.connect(
                    endpoint, timeout=_CONNECT_MS
                )
                self._endpoint = endpoint
            return self._browser

    async def _lent(
        self, stack: AsyncExitStack, asked: dict[str, Any], *, anew: bool
    ) -> dict[str, Any]:
        """Ask the keeper for something, which is given back when the stack is left.

        Raises:
            OSError: It does not answer.
        """
        reader, writer = await asyncio.open_unix_connection(
            await self._keepers.address(anew=anew), limit=LINE_BYTES
        )
        stack.callback(writer.close)
        writer.write(json.dumps(asked).encode() + b"\n")
        line = await reader.readline()
        if not line:
            raise ConnectionResetError("it has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _is_connected(self) -> bool:
        return self._browser is not None and self._browser.is_connected()

    async def _disconnect(self) -> None:
        if self._browser is not None and self._browser.is_connected():
            await self._browser.close()
        self._browser = None

    async def close(self) -> None:
        """Leave Chromium to the others."""
        async with self._lock:
            with suppress(PlaywrightError):
                await self._disconnect()


async def _add(context: BrowserContext, cookies: Any) -> None:
    """Give cookies to a context; those that Chromium tells but does not take are left out."""
    try:
        await context.add_cookies(cookies)
    except PlaywrightError:
        for cookie in cookies:
            with suppress(PlaywrightError):
                await context.add_cookies([cookie])


async def _end(opened: Page | BrowserContext) -> None:
    """Close a page or context; one that Chromium does not close in time goes with what it is in."""
    with suppress(PlaywrightError, TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await opened.close()


class _Own:
    """The keeper of a process by itself."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def address(self, *, anew: bool) -> str:
        """See `Keepers`."""
        return self._keeper.address


@asynccontextmanager
async def open_browser(
    egress: Egress, chromium_path: str | None, concurrency: int, keepers: Keepers | None = None
) -> AsyncIterator[Browser]:
    """Open a process's way into a browser; Chromium itself starts with the first context.

    Args:
        egress: What its pages may reach.
        chromium_path: The browser's executable; None: looked for on this machine.
        concurrency: Pages open at once, when this process keeps a browser of its own.
        keepers: Who knows where this machine's is lent; None: this process keeps one itself.

    Raises:
        AgentError: No Chromium is found on this machine.
    """
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        if find_chromium(chromium_path, playwright.chromium.executable_path) is None:
            raise BrowserMissing
        if keepers is None:
            keepers = _Own(await stack.enter_async_context(open_keeper(chromium_path, concurrency)))
        browser = Browser(playwright, egress, keepers)
        stack.push_async_callback(browser.close)
        yield browser
