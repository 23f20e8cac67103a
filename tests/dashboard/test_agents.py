"""The page of the agents, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect
from weft import Client

from tests.agents.custom.making import python

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.requirement("FR-3.1")
async def test_agents_are_filtered_and_shown(owner: Page) -> None:
    """By words, group and side effect; one shows its parameters and its service's reference."""
    await owner.goto("/")
    await owner.get_by_role("link", name="Agents", exact=True).click()
    await expect(owner.get_by_role("status")).to_have_text(re.compile(r"^(\d+) of \1 agents$"))
    await owner.get_by_label("Search the agents").fill("slack")
    await expect(owner.get_by_role("link", name=re.compile("^Jira|^Create a Jira"))).to_have_count(
        0
    )
    await owner.get_by_label("Side effect").select_option("sends")
    await expect(owner.locator(".template")).to_have_count(1)
    await owner.get_by_label("Group").select_option("CRM")
    await expect(owner.locator("main")).to_contain_text("No agent is like this")
    await owner.get_by_label("Group").select_option("messaging")
    await owner.get_by_role("link", name=re.compile("^Post a Slack message")).click()
    await expect(owner.get_by_role("heading", level=1)).to_have_text("Post a Slack message")
    row = owner.get_by_role("row", name=re.compile("^channel"))
    await expect(row).to_contain_text("required")
    await expect(owner.locator("main")).to_contain_text("calls slack.com")
    await expect(owner.locator("main")).to_contain_text("{secrets.slack_token}")


@pytest.mark.requirement("FR-3.10")
async def test_own_agents_stand_first_and_show_their_code(owner: Page, client: Client) -> None:
    """With version and uses; the form for a try is made of the agent's schema."""
    parameters = {"points": {"type": "number", "required": True, "description": "How many."}}
    code = "def execute(points):\n    return points * 2"
    client.register_agent({**python(code, **parameters), "agent_name": "double_points"})
    await owner.goto("/#/agents")
    await owner.get_by_label("Group").select_option("your own")
    await owner.get_by_role("link", name=re.compile("^Double points")).click()
    await expect(owner.get_by_role("heading", level=1)).to_have_text("Double points")
    await expect(owner.get_by_label("What it is made of")).to_contain_text(code)
    await expect(owner.get_by_label("What it is made of")).to_contain_text("version 1")
    await owner.get_by_label("points").fill("4")
    await owner.get_by_role("button", name="Try it").click()
    # This small platform has no executor that could be asked.
    await expect(owner.get_by_role("alert")).to_contain_text("No executor could try the agent")


async def test_an_agent_that_does_not_exist_is_said(owner: Page) -> None:
    """With its name."""
    await owner.goto("/#/agents/none")
    await expect(owner.get_by_role("alert")).to_contain_text("none")


@pytest.mark.parametrize("place", ["/#/agents", "/#/agents/jira_create_issue"])
async def test_a_narrow_screen_shows_agents_without_scrolling_sideways(
    owner: Page, place: str
) -> None:
    """At 360 pixels only the table of parameters scrolls, within itself."""
    await owner.set_viewport_size({"width": 360, "height": 740})
    await owner.goto(place)
    await expect(owner.locator("main")).to_contain_text("Jira")
    assert await owner.evaluate("document.documentElement.scrollWidth") <= 360
