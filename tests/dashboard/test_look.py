"""How the dashboard looks: contrast, narrow screens and the keyboard."""

from typing import Literal

import pytest
from playwright.async_api import Page, expect

from tests.client.fake_api import FakeApi
from tests.client.world import REVIEWS, REVIEWS_LEVELS

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONTRAST = """() => {
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    const hex = style.getPropertyValue(name).trim().slice(1);
    const parts = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
    const [r, g, b] = parts.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const texts = ["text", "quiet", "accent", "running", "waiting", "retrying", "completed", "failed",
    "cancelled", "pending"];
  const grounds = ["ground", "card"];
  const found = texts.flatMap((text) => grounds.map((ground) =>
    [`${text} on ${ground}`, ratio(`--${text}`, `--${ground}`)]));
  found.push(["button", ratio("--accent-text", "--accent")]);
  found.push(["error", ratio("--failed", "--failed-soft")]);
  found.push(["question", ratio("--waiting", "--waiting-soft")]);
  return Object.fromEntries(found);
}"""
SchemeName = Literal["light", "dark"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_can_be_read(visitor: Page, scheme: SchemeName) -> None:
    """Each colour of text has at least the contrast of 4.5 on what it stands on."""
    await visitor.emulate_media(color_scheme=scheme)
    await visitor.goto("/")
    await expect(visitor.get_by_label("Token")).to_be_visible()
    ratios = await visitor.evaluate(CONTRAST)
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}


@pytest.mark.parametrize(
    "where", ["/", "/#/workflows", "/#/workflows/wf_001", "/#/executions/exec_002"]
)
async def test_a_narrow_screen_needs_no_sideways_scrolling(
    page: Page, api: FakeApi, where: str
) -> None:
    """At the width of a telephone the page itself never scrolls sideways."""
    world = api.world
    execution_id = world.start(world.add_workflow(REVIEWS, REVIEWS_LEVELS))
    world.ask(execution_id, "approve_report")
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(where)
    await expect(page.get_by_text("Customer Feedback Analysis").first).to_be_visible()
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360


async def test_the_keyboard_reaches_the_content_and_hears_of_a_new_page(page: Page) -> None:
    """The first Tab offers to skip the navigation; a new page moves the focus to its heading."""
    await page.goto("/")
    await expect(page.get_by_label("What should happen?")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    await page.get_by_role("link", name="Workflows").press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert await page.title() == "Workflows – Weft"  # noqa: RUF001 (the dash of the title)
