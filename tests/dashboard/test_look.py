"""How the dashboard looks: contrast, narrow screens and the keyboard."""

from collections.abc import Awaitable, Callable
from typing import Literal

import pytest
from playwright.async_api import Page, expect
from weft import Client

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
  for (const tone of ["completed", "retrying", "failed", "waiting"]) {
    for (const text of ["text", "quiet", tone]) {
      found.push([`${text} on ${tone}-soft`, ratio(`--${text}`, `--${tone}-soft`)]);
    }
  }
  for (const text of ["text", "quiet"]) {
    for (const ground of ["raised", "accent-soft"]) {
      found.push([`${text} on ${ground}`, ratio(`--${text}`, `--${ground}`)]);
    }
  }
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


NAMELESS = """() => {
  const nameOf = (element) => element.getAttribute("aria-label") || element.textContent.trim() ||
    [...(element.labels ?? [])].map((label) => label.textContent.trim()).join("") ||
    (element.getAttribute("aria-labelledby") ?? "").split(" ").map((id) =>
      document.getElementById(id)?.textContent ?? "").join("");
  const kinds = "a, button, input, select, textarea, summary, dialog, [role=group], section";
  const nameless = [...document.querySelectorAll(kinds)].filter((element) => !nameOf(element));
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
  const all = (name) => [...document.querySelectorAll(`[${name}]`)];
  const pointed = ["for", "aria-labelledby", "aria-describedby"].flatMap((name) =>
    all(name).flatMap((element) => element.getAttribute(name).split(" ")));
  const nowhere = pointed.filter((id) => !ids.includes(id));
  return [...nameless.map(({ outerHTML }) => outerHTML.slice(0, 200)), ...twice, ...nowhere];
}"""
SENTENCE = (
    "For each row of {input.rows} summarize https://example.com/a/very/long/path/that/goes/on, "
    "then book a room, then email the_person_with_the_longest_address@example.com"
)


async def _typed(page: Page, client: Client) -> None:
    await page.goto("/")
    await page.get_by_label("What should happen?").fill(SENTENCE)
    await expect(page.get_by_text("is open").first).to_be_visible()
    await page.locator(".step-head").first.click()


async def _edited(page: Page, client: Client) -> None:
    made = client.create("Scrape https://example.com → summarize the page → email me@example.com")
    client.update(made["workflow_id"], "Remove the last step", draft=True)
    await page.goto(f"/#/workflows/{made['workflow_id']}")
    await page.get_by_role("button", name="Show what differs").click()
    await page.get_by_role("textbox", name="Change it").fill("Send it to Slack instead")
    await expect(page.get_by_role("group", name="It may now do more")).to_be_visible()
    await page.get_by_text("Lines of the YAML").first.click()
    await page.get_by_text("What it does, touches").click()
    await expect(page.get_by_role("region", name="In all")).to_be_visible()


async def _templates(page: Page, client: Client) -> None:
    await page.goto("/#/templates")
    await expect(page.locator(".template").first).to_be_visible()


async def _template(page: Page, client: Client) -> None:
    await page.goto("/#/templates/monitor-alert")
    await expect(page.get_by_role("region", name="In all")).to_be_visible()


@pytest.mark.parametrize("state", [_typed, _edited, _templates, _template])
async def test_what_is_planned_and_changed_fits_a_telephone_and_has_names(
    owner: Page, client: Client, state: Callable[[Page, Client], Awaitable[None]]
) -> None:
    """No sideways scrolling at 360 pixels; each control and region has a name, each id is one."""
    await owner.set_viewport_size({"width": 360, "height": 740})
    await state(owner, client)
    assert await owner.evaluate("document.documentElement.scrollWidth") <= 360
    assert await owner.evaluate(NAMELESS) == []


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
