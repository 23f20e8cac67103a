"""A real browser, and the dashboard served by a small real platform or beside a fake API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from weft import Client

from tests.chromium import open_chromium, open_page
from tests.client.fake_api import TOKEN, FakeApi
from tests.dashboard.small_platform import SmallPlatform, open_small_platform

PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


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


@pytest.fixture(scope="session")
def platform(postgres_url: str, redis_url: str) -> Iterator[SmallPlatform]:
    """A platform without Ray, for all tests that need one."""
    with open_small_platform(postgres_url, redis_url) as platform:
        yield platform


@pytest.fixture
def client(platform: SmallPlatform) -> Iterator[Client]:
    """A client of the small platform."""
    with platform.client() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def owner(browser: Browser, platform: SmallPlatform) -> AsyncIterator[Page]:
    """Open a page of the small platform, signed in as the owner."""
    async with open_page(browser, platform.url, PATIENCE_MS) as page:
        await sign_in(page, platform.token)
        yield page


async def sign_in(page: Page, token: str) -> None:
    """Give a page the session of a token."""
    answer = await page.request.post("/api/v1/session", data={"token": token})
    assert answer.ok
