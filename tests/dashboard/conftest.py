"""A real browser, and the dashboard served beside a fake API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.chromium import open_chromium, open_page
from tests.client.fake_api import TOKEN, FakeApi

PATIENCE_MS = 20_000


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """Serve a fake platform with the dashboard."""
    with FakeApi().serving() as api:
        yield api


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Start a headless Chromium once."""
    async with open_chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, api: FakeApi) -> AsyncIterator[Page]:
    """Open a page without a session."""
    async with open_page(browser, api.base_url, PATIENCE_MS) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="session")
async def page(visitor: Page, api: FakeApi) -> Page:
    """Open a page with a session."""
    cookie = {"name": "weft_session", "value": TOKEN, "url": api.base_url}
    await visitor.context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict of theirs
    return visitor
