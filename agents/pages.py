"""Loading pages: in the shared browser, or by plain HTTP."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import httpx2
from playwright.async_api import BrowserContext, Response
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page as BrowserPage
from playwright.async_api import TimeoutError as PlaywrightTimeout

from agents.agent import AgentContext
from agents.bound import confinement, held
from agents.browser import Browser
from agents.browser_keeper import BrowserAway
from agents.egress import EgressRefused, split_url
from agents.errors import AgentError
from agents.exchange import Led, Request, fetch
from agents.leading import leading
from agents.proxy import PROXY_STATUS
from agents.services import Services
from agents.xpath import Finds, Search, find

_QUIET_MS = 500
_SETTLE_SECONDS = 10.0
_PATIENCE_SECONDS = 4.0
"""For how long a page at rest is given time when what is looked for is not there."""
_RETRYABLE = frozenset({408, 425, 429})
# Resolves once the document has not changed for a while, or when the time is up.
_WHEN_QUIET = """([quiet, limit]) => new Promise(resolve => {
  let timer;
  const done = () => { observer.disconnect(); clearTimeout(timer); resolve(true); };
  const wait = () => { clearTimeout(timer); timer = setTimeout(done, quiet); };
  const observer = new MutationObserver(wait);
  observer.observe(document, {subtree: true, childList: true, characterData: true});
  setTimeout(done, limit);
  wait();
})"""


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it was loaded."""

    url: str
    html: str
    screenshot: str | None = None
    """A JPEG as a data URL."""
    finds: Finds | None = None
    """What a search found in it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a page is wanted.

    Attributes:
        timeout_seconds: Bound of the whole load.
        wait: Wait for content that scripts bring.
        selector: Wait until this is there.
        screenshot: Take a picture.
        complete: Says of a page's HTML whether it holds what is looked for; scripts are given
            time while it does not.
        search: What XPath finds in it; only a browser can.
        led: Asked about each address that the page leads to.
    """

    timeout_seconds: float = 30.0
    wait: bool = True
    selector: str | None = None
    screenshot: bool = False
    complete: Callable[[str], bool] | None = None
    search: Search | None = None
    led: Led | None = None


class Loader(Protocol):
    """A way to load pages."""

    mode: str

    async def load(self, url: str, wish: Wish) -> Page:
        """Load one page.

        Raises:
            AgentError: The address is refused or the page missing (final), or the site does not
                answer for now (retryable).
        """
        ...


class HttpLoader:
    """Plain HTTP: no scripts run."""

    mode = "http"

    def __init__(self, client: httpx2.AsyncClient, max_bytes: int) -> None:
        self._client = client
        self._max_bytes = max_bytes

    async def load(self, url: str, wish: Wish) -> Page:
        """Load one page; see `Loader`."""
        request = Request(
            "GET", url, {"Accept": "text/html,*/*;q=0.8"}, timeout_seconds=wish.timeout_seconds
        )
        try:
            answer = await fetch(self._client, request, max_bytes=self._max_bytes, led=wish.led)
        except httpx2.HTTPError as error:
            raise _unreachable(url, f"{type(error).__name__}: {error}") from error
        _check_status(url, answer.status_code, answer.headers.get("retry-after"))
        return Page(answer.url, answer.text)


class BrowserLoader:
    """A real browser: scripts run, and the page is read when it has come to rest."""

    mode = "browser"

    def __init__(
        self, services: Services, browser: Browser, context: BrowserContext, whose: UUID
    ) -> None:
        self._services = services
        self._browser = browser
        self._context = context
        self._whose = whose

    async def load(self, url: str, wish: Wish) -> Page:
        """Load one page; see `Loader`."""
        await self._services.egress.check_url(url)
        try:
            async with self._browser.page(self._context, self._whose) as page:
                async with asyncio.timeout(wish.timeout_seconds + _SETTLE_SECONDS):
                    if wish.led is None:
                        return await self._read(page, url, wish)
                    async with leading(page, wish.led):
                        return await self._read(page, url, wish)
        except PlaywrightTimeout as error:
            text = f"no answer within {wish.timeout_seconds:g} seconds"
            raise _unreachable(url, text) from error
        except TimeoutError as error:
            raise _unreachable(url, "the page does not come to rest") from error
        except PlaywrightError as error:
            raise _unreachable(url, str(error).strip().split("\n")[0]) from error

    async def _read(self, page: BrowserPage, url: str, wish: Wish) -> Page:
        timeout_ms = wish.timeout_seconds * 1000
        response = await page.goto(url, wait_until="domcontentloaded", timeout=timeout_ms)
        _check_response(url, response)
        if wish.wait:
            await _settle(page, wish)
        finds = await find(page, wish.search) if wish.search else None
        html = await page.content()
        # Where the page has led by now: what is not of the web is not given to anybody.
        split_url(page.url)
        if len(html) > self._services.settings.max_response_bytes:
            raise AgentError(f"The page {url} is too large.", remedy="Scrape a smaller page.")
        picture = None
        if wish.screenshot:
            shot = await page.screenshot(type="jpeg", quality=60, full_page=True)
            picture = f"data:image/jpeg;base64,{base64.b64encode(shot).decode()}"
        return Page(page.url, html, picture, finds)


async def _settle(page: BrowserPage, wish: Wish) -> None:
    """Wait for the network and the document to rest, and for what is looked for to be there."""
    limit_ms = min(wish.timeout_seconds, _SETTLE_SECONDS) * 1000
    try:
        await page.wait_for_load_state("networkidle", timeout=limit_ms)
        if wish.selector:
            await page.wait_for_selector(wish.selector, state="attached", timeout=limit_ms)
    except PlaywrightTimeout:
        pass  # A page may poll for ever, or lack the selector; what is there is read then.
    await page.evaluate(_WHEN_QUIET, [_QUIET_MS, limit_ms])
    if wish.complete is None:
        return
    loop = asyncio.get_running_loop()
    deadline = loop.time() + min(wish.timeout_seconds, _PATIENCE_SECONDS)
    while loop.time() < deadline:
        if await asyncio.to_thread(wish.complete, await page.content()):
            return
        await page.evaluate(_WHEN_QUIET, [_QUIET_MS, limit_ms])


@asynccontextmanager
async def open_loader(attempt: AgentContext, mode: str) -> AsyncIterator[tuple[Loader, str]]:
    """Give a loader for a mode, and why it is not the browser when it could have been.

    Raises:
        AgentError: The mode is `browser` and there is none, or it is not to have a secret.
    """
    services = attempt.services
    http = HttpLoader(await services.http(), services.settings.max_response_bytes)
    if secrets := held():
        # The hosts that a page's scripts and redirects lead a browser to are not in our hands.
        if mode == "browser":
            raise AgentError(
                f"A browser gets no address with the secret `{secrets[0].name}`, since it could "
                "take it to other hosts.",
                remedy="Set `mode: http`, or call the service with an api node.",
            )
        yield http, ""
        return
    if confinement() is not None and mode == "browser":
        raise AgentError(
            "A browser is no tool of a model, since a page could take it to other hosts.",
            remedy="Set `mode: http`.",
        )
    if mode == "http" or confinement() is not None:
        yield http, ""
        return
    async with AsyncExitStack() as stack:
        try:
            browser = await services.browser()
            context = await stack.enter_async_context(browser.context())
            await stack.enter_async_context(browser.session(context, attempt))
        except BrowserAway:
            raise
        except AgentError as error:
            if mode == "browser":
                raise
            yield http, str(error)
            return
        yield BrowserLoader(services, browser, context, attempt.tenant_id), ""


def _check_response(url: str, response: Response | None) -> None:
    if response is None:
        return
    status = response.headers.get(PROXY_STATUS, "")
    if "destination_ip_prohibited" in status:
        raise EgressRefused(url, "it leads to an address that agents may not reach")
    if "connection_refused" in status:
        raise _unreachable(url, "the server cannot be connected to")
    _check_status(url, response.status, response.headers.get("retry-after"))


def _check_status(url: str, status: int, retry_after: str | None) -> None:
    if status < 400:
        return
    retryable = status >= 500 or status in _RETRYABLE
    raise AgentError(
        f"{url} answers with status {status}.",
        retryable=retryable,
        retry_after_seconds=float(retry_after) if retry_after and retry_after.isdigit() else None,
        remedy="" if retryable else "Check the address, and whether it needs a login.",
    )


def _unreachable(url: str, reason: str) -> AgentError:
    return AgentError(f"{url} could not be loaded: {reason}.", retryable=True)
