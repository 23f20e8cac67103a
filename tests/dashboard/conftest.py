"""A real browser, and the dashboard served beside a fake API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from agents.browser import find_chromium
from tests.client.fake_api import TOKEN, FakeApi

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 20_000


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """Serve a fake platform with the dashboard."""
    with FakeApi().serving() as api:
        yield api


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Start a headless Chromium once."""
    async with async_playwright() as playwright:
        path = find_chromium(None, playwright.chromium.executable_path)
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, api: FakeApi) -> AsyncIterator[Page]:
    """Open a page without a session; whatever it writes to the console as an error fails."""
    context = await browser.new_context(
        base_url=api.base_url, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    await context.close()
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(visitor: Page, api: FakeApi) -> Page:
    """Open a page with a session."""
    cookie = {"name": "weft_session", "value": TOKEN, "url": api.base_url}
    await visitor.context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict of theirs
    return visitor
