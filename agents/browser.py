"""One headless Chromium for a process; every attempt gets a context of its own behind the proxy."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from playwright.async_api import Browser as PlaywrightBrowser
from playwright.async_api import BrowserContext, Page, Playwright, async_playwright
from playwright.async_api import Error as PlaywrightError

from agents.egress import USER_AGENT, Egress
from agents.errors import AgentError
from agents.proxy import open_proxy

_SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_HOW_TO_GET_ONE = (
    "Install one with `apt-get install chromium` or `playwright install chromium`, "
    "or set mode to http."
)
_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--dns-prefetch-disable",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--no-first-run",
)
_LAUNCH_MS = 30_000
_NOBODY = 1
"""A port that nobody listens on."""


def find_chromium(explicit: str | None, playwright_path: str = "") -> str | None:
    """Return the browser to start: the configured one, the system's, or Playwright's own.

    Raises:
        AgentError: The configured one does not exist.
    """
    if explicit:
        if Path(explicit).is_file():
            return explicit
        raise AgentError(f"There is no browser at {explicit}.", remedy=_HOW_TO_GET_ONE)
    for name in _SYSTEM_NAMES:
        if path := shutil.which(name):
            return path
    return playwright_path if playwright_path and Path(playwright_path).is_file() else None


class Browser:
    """The running Chromium; it is started again when it has died."""

    def __init__(
        self, playwright: Playwright, executable: str, egress: Egress, concurrency: int
    ) -> None:
        self._playwright = playwright
        self._executable = executable
        self._egress = egress
        self._places = asyncio.Semaphore(concurrency)
        self._lock = asyncio.Lock()
        self._browser: PlaywrightBrowser | None = None

    @asynccontextmanager
    async def context(self) -> AsyncIterator[BrowserContext]:
        """Give a fresh context (no cookies, no cache of others).

        It has a way out of its own, since what may be reached is the attempt's.

        Raises:
            AgentError: Chromium does not start.
        """
        async with open_proxy(self._egress) as port:
            browser = await self.start()
            # What Chromium says it is, without its word for having no window, and our name.
            chrome = f"Chrome/{browser.version.split('.')[0]}.0.0.0 Safari/537.36"
            context = await browser.new_context(
                user_agent=f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like "
                f"Gecko) {chrome} {USER_AGENT}",
                service_workers="block",
                accept_downloads=False,
                ignore_https_errors=False,
                # Chromium would otherwise reach loopback past the proxy.
                proxy={"server": f"http://127.0.0.1:{port}", "bypass": "<-loopback>"},
            )
            try:
                yield context
            finally:
                if browser.is_connected():
                    await context.close()

    @asynccontextmanager
    async def page(self, context: BrowserContext) -> AsyncIterator[Page]:
        """Give a page of a context; waits for a free place. What it opened is closed with it."""
        async with self._places:
            page = await context.new_page()
            opened = [page]
            page.on("popup", lambda popup: opened.append(popup))
            try:
                yield page
            finally:
                for one in opened:
                    with suppress(PlaywrightError):
                        await one.close()

    async def start(self) -> PlaywrightBrowser:
        """Start Chromium unless it runs.

        Raises:
            AgentError: It does not start.
        """
        async with self._lock:
            if not self._browser or not self._browser.is_connected():
                self._browser = await self._launch()
            return self._browser

    async def close(self) -> None:
        """End Chromium."""
        if self._browser and self._browser.is_connected():
            await self._browser.close()

    async def _launch(self) -> PlaywrightBrowser:
        # Chromium refuses its own sandbox as root, and some containers lack what it needs.
        attempts = (False,) if os.geteuid() == 0 else (True, False)
        failure: PlaywrightError | None = None
        for sandbox in attempts:
            try:
                return await self._playwright.chromium.launch(
                    executable_path=self._executable,
                    chromium_sandbox=sandbox,
                    args=list(_FLAGS),
                    timeout=_LAUNCH_MS,
                    # What belongs to no context gets nowhere.
                    proxy={"server": f"http://127.0.0.1:{_NOBODY}", "bypass": "<-loopback>"},
                )
            except PlaywrightError as error:
                failure = error
        raise AgentError(
            f"Chromium at {self._executable} does not start: {_first_line(failure)}",
            retryable=True,
            remedy=_HOW_TO_GET_ONE,
        ) from failure


@asynccontextmanager
async def open_browser(
    egress: Egress, chromium_path: str | None, concurrency: int
) -> AsyncIterator[Browser]:
    """Open the shared browser; Chromium itself starts with the first context.

    Raises:
        AgentError: No Chromium is found on this machine.
    """
    async with async_playwright() as playwright:
        executable = find_chromium(chromium_path, playwright.chromium.executable_path)
        if executable is None:
            raise BrowserMissing
        browser = Browser(playwright, executable, egress, concurrency)
        try:
            yield browser
        finally:
            await browser.close()


class BrowserMissing(AgentError):
    """No Chromium was found on this machine."""

    def __init__(self) -> None:
        super().__init__("No Chromium was found on this machine.", remedy=_HOW_TO_GET_ONE)


def _first_line(error: PlaywrightError | None) -> str:
    return str(error).strip().split("\n")[0]
