"""The page of secrets and hosts, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect
from weft import Client

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.requirement("FR-4.9", "USER.17")
async def test_a_secret_is_set_and_deleted(owner: Page, client: Client) -> None:
    """Its name and hosts are shown, what it holds is not; a wrong host is told where it stands."""
    await owner.goto("/")
    await owner.get_by_role("link", name="Settings").click()
    await expect(owner.get_by_role("heading", level=1)).to_have_text("Secrets and hosts")
    form = owner.get_by_role("form", name="Set a secret")
    await form.get_by_label("Name").fill("page_token")
    await form.get_by_label("What it holds").fill("xoxb-of-the-page")
    await form.get_by_label("Hosts").fill("https://slack.com")
    await form.get_by_role("button", name="Set it").click()
    await expect(form.get_by_role("alert")).to_contain_text("hosts")
    await form.get_by_label("Hosts").fill("slack.com, *.slack-edge.com")
    await form.get_by_role("button", name="Set it").click()
    row = owner.get_by_role("row", name=re.compile("^page_token"))
    await expect(row).to_contain_text("slack.com, *.slack-edge.com")
    await expect(row).to_contain_text("never")
    await expect(form.get_by_label("What it holds")).to_have_value("")
    assert "xoxb-of-the-page" not in await owner.content()
    await row.get_by_role("button", name="Delete page_token").click()
    await owner.get_by_role("button", name="Delete it").click()
    await expect(row).to_have_count(0)
    assert client.secrets() == []


@pytest.mark.requirement("NFR-4.5")
async def test_the_list_of_hosts_is_set(owner: Page, client: Client) -> None:
    """One a line; every public host again at the end."""
    await owner.goto("/#/settings")
    status = owner.get_by_role("status").filter(has_text="host")
    await expect(status).to_contain_text("Every public host.")
    await owner.get_by_label("Only these").check()
    await owner.get_by_label(re.compile("^Hosts names")).fill("slack.com\n*.example.com")
    await owner.get_by_role("button", name="Save").click()
    await expect(owner.locator("main")).to_contain_text("Only slack.com, *.example.com.")
    assert client.egress()["hosts"] == ["slack.com", "*.example.com"]
    await owner.get_by_label("Every public host").check()
    await owner.get_by_role("button", name="Save").click()
    await expect(status).to_contain_text("Every public host.")
    assert client.egress()["hosts"] is None


async def test_a_narrow_screen_shows_settings_without_scrolling_sideways(
    owner: Page, client: Client
) -> None:
    """At 360 pixels only the table of secrets scrolls, within itself."""
    client.set_secret("a_secret_with_a_long_name", "what-it-holds", ["very-long-name.example.com"])
    await owner.set_viewport_size({"width": 360, "height": 780})
    await owner.goto("/#/settings")
    await expect(owner.get_by_role("button", name=re.compile("^Delete"))).to_have_count(1)
    assert await owner.evaluate("document.documentElement.scrollWidth") <= 360
    client.delete_secret("a_secret_with_a_long_name")
