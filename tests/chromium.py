"""The headless Chromium of the tests, and pages in it that must not complain."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psutil
from playwright.async_api import Browser, Page, async_playwright

from agents.chromium import find_chromium

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromiums() -> list[psutil.Process]:
    """Return the Chromiums that run below this process, each by its first process."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            command = process.cmdline()
            first = not any(part.startswith("--type=") for part in command)
            if first and "--remote-debugging-pipe" in command:
                found.append(process)
    return found


@asynccontextmanager
async def open_chromium() -> AsyncIterator[Browser]:
    """Start a headless Chromium."""
    async with async_playwright() as playwright:
        path = find_chromium(None, playwright.chromium.executable_path)
        browser = await playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        await browser.close()


@asynccontextmanager
async def open_page(
    browser: Browser, base_url: str, patience_ms: float, height: int = 900
) -> AsyncIterator[Page]:
    """Open a page without a session; whatever it writes to the console as an error fails."""
    context = await browser.new_context(
        base_url=base_url, viewport={"width": 1280, "height": height}, reduced_motion="reduce"
    )
    context.set_default_timeout(patience_ms)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    await context.close()
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []
