"""The dashboard in a real browser against a real platform, as a new user meets it."""

import email
import email.policy
import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect
from weft import Client

from serve.demo_world import World
from tests.acceptance.builders import api_node, chain, trivial_node, workflow
from tests.acceptance.conftest import Platform
from tests.acceptance.recorder import Recorder
from tests.chromium import open_chromium, open_page
from tests.eventually import eventually
from tests.members import add_member

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

PATIENCE_MS = 60_000
SENTENCE = (
    "Scrape the reviews at {site} → analyze the sentiment of each review in parallel → "
    "generate a markdown insights report → email the report to dashboard@example.com"
)
NODES = ("scrape_reviews", "map_sentiment", "aggregate_insights", "send_email")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Start a headless Chromium once."""
    async with open_chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, platform: Platform) -> AsyncIterator[Page]:
    """Open a page of the platform, without a session."""
    expect.set_options(timeout=PATIENCE_MS)
    async with open_page(browser, platform.url, PATIENCE_MS, height=800) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="session")
async def page(visitor: Page, platform: Platform) -> Page:
    """Open a page and sign in."""
    await sign_in(visitor, platform.token)
    return visitor


async def sign_in(visitor: Page, token: str) -> None:
    """Begin a session with a token."""
    await visitor.goto("/")
    await visitor.get_by_label("Token").fill(token)
    await visitor.get_by_role("button", name="Sign in").click()
    await expect(visitor.get_by_label("What should happen?")).to_be_visible()


def node(page: Page, name: str, state: str) -> Locator:
    """A node of the graph in a state."""
    return page.get_by_role("button", name=re.compile(f"^{name}, [a-z_]+, {state}"))


def start(client: Client, specification: dict[str, Any]) -> str:
    """Create a workflow and start it; return the execution's id."""
    created = client.create(specification=specification)
    return client.execute(created["workflow_id"])["execution_id"]


def mails_to(folder: Path, recipient: str) -> list[str]:
    """The texts of the mails that someone received."""
    found = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(folder.glob("*.eml"))
    ]
    bodies = [mail.get_body(("plain",)) for mail in found if mail["To"] == recipient]
    return [str(body.get_content()) for body in bodies if body is not None]


@pytest.mark.requirement("FR-1.1", "FR-2.8", "FR-7.1", "FR-7.2", "FR-7.3")
async def test_one_sentence_from_the_box_to_the_mail(page: Page, world: World) -> None:
    """The main sentence: its graph without a question, live nodes, the report, the mail."""
    await page.get_by_label("What should happen?").fill(SENTENCE.format(site=world.site_url))
    await expect(page.get_by_role("group", name="Graph of 4 nodes")).to_be_visible()
    await expect(page.get_by_text("is open")).to_have_count(0)
    assert await page.evaluate("document.cookie") == ""
    await page.get_by_role("button", name="Create & run").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Reviews Sentiment Analysis")
    await expect(page.locator(".live")).to_have_text("live")
    await expect(node(page, "scrape_reviews", "running")).to_be_visible()
    for name in NODES:
        await expect(node(page, name, "completed")).to_be_visible()
    report = page.get_by_role("region", name="Output")
    await expect(report.get_by_role("heading", name="Insights Report")).to_be_visible()
    await expect(page.locator(".facts")).to_contain_text("4 of 4")
    await expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    if picture := os.environ.get("DASHBOARD_PICTURE"):
        await page.mouse.move(0, 0)
        await page.screenshot(path=picture)
    mails = await eventually(lambda: mails_to(world.mail_folder, "dashboard@example.com"))
    assert len(mails) == 1
    assert "**40** items analysed" in mails[0]


@pytest.mark.requirement("FR-2.7")
async def test_an_approval_by_the_button(page: Page, world: World) -> None:
    """A workflow that asks waits for the button, then mails."""
    sentence = "Ask me to approve, then email approved@example.com saying hello"
    await page.get_by_label("What should happen?").fill(sentence)
    await page.get_by_role("button", name="Create & run").click()
    await page.get_by_role("button", name="Approve", exact=True).click()
    await expect(node(page, "request_approval", "completed")).to_be_visible()
    await expect(node(page, "send_email", "completed")).to_be_visible()
    await expect(page.locator("form.approval")).to_have_count(0)
    mails = await eventually(lambda: mails_to(world.mail_folder, "approved@example.com"))
    assert [mail.strip().lower() for mail in mails] == ["hello"]


@pytest.mark.requirement("FIRST.2", "FR-1.1")
async def test_a_change_by_sentence_is_what_runs_next(
    page: Page, client: Client, world: World
) -> None:
    """A mail to one becomes, once the new recipient is ticked, a mail to two."""
    await page.get_by_label("What should happen?").fill("Email first@example.com saying hello")
    await page.get_by_role("button", name="Create only").click()
    box = page.get_by_role("form", name="Change it in a sentence")
    await box.get_by_role("textbox", name="Change it").fill("Also email it to second@example.com")
    accept = box.get_by_role("button", name="Accept as 1.0.1")
    await expect(accept).to_be_disabled()
    await box.get_by_role("checkbox", name="I know that it may now also send to").check()
    await accept.click()
    await expect(page.locator(".page-head")).to_contain_text("version 1.0.1")
    assert client.get(page.url.rpartition("/")[2])["version"] == "1.0.1"
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.locator(".facts")).to_contain_text("completed")
    both = "first@example.com, second@example.com"
    mails = await eventually(lambda: mails_to(world.mail_folder, both))
    assert [mail.strip().lower() for mail in mails] == ["hello"]


@pytest.mark.requirement("FR-2.9", "FR-7.1")
async def test_the_list_is_live_and_cancel_stops(
    page: Page, client: Client, recorder: Recorder
) -> None:
    """An execution started elsewhere shows in the list by itself; its button cancels it."""
    await expect(page.locator(".live")).to_have_text("live")
    recorder.held.clear()
    execution_id = start(client, chain([api_node("slow", recorder.url), trivial_node("after")]))
    row = page.get_by_role("row").filter(has_text=execution_id)
    await expect(row).to_contain_text("running")
    await row.get_by_role("link").click()
    await expect(node(page, "slow", "running")).to_be_visible()
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Cancel it").click()
    await expect(page.locator(".facts")).to_contain_text("cancelled")
    await expect(page.get_by_role("alert")).to_contain_text("It was cancelled")
    recorder.held.set()
    await page.get_by_role("link", name="Home").click()
    await expect(row).to_contain_text("cancelled")


@pytest.mark.requirement("FR-7.3")
async def test_a_failing_node_shows_its_error(page: Page, client: Client) -> None:
    """What failed is chosen by itself, with its message and its attempt."""
    broken = {
        "id": "rewrite",
        "agent": "llm",
        "parameters": {"prompt": "Write a poem about {input.topic}", "model": "offline"},
    }
    created = client.create(specification=chain([trivial_node("before"), broken]))
    started = client.execute(created["workflow_id"], {"topic": "autumn"})
    await page.goto(f"/#/executions/{started['execution_id']}")
    await expect(node(page, "rewrite", "failed")).to_be_visible()
    await expect(page.get_by_role("alert")).to_contain_text("Set OPENAI_API_KEY")
    panel = page.get_by_role("region", name="rewrite")
    await expect(panel.get_by_text("attempt 1")).to_be_visible()
    await expect(panel.locator(".error")).to_contain_text("cannot do the job")


@pytest.mark.requirement("USER.6", "FR-7.1")
async def test_from_an_execution_to_the_one_it_started_and_back(page: Page, client: Client) -> None:
    """The link leads to the child, whose link leads back; a child's end shows by itself."""
    child = client.create(specification=chain([asking("May we?"), trivial_node("after")]))
    each = {
        "id": "each", "agent": "workflow", "pattern": "map", "input": ["input.rows"],
        "parameters": {"workflow": child["workflow_id"], "input": {}},
    }  # fmt: skip
    parent = client.create(specification=workflow([each], []), name="Two of them")
    started = client.execute(parent["workflow_id"], {"rows": [1, 2]})
    await page.goto(f"/#/executions/{started['execution_id']}")
    rows = page.get_by_role("region", name="Started executions").locator("tbody tr")
    await expect(rows).to_contain_text(["waiting", "waiting"])
    await expect(rows.first).to_contain_text("each[0]")
    await rows.first.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Test")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator(".facts")).to_contain_text("completed")
    await page.get_by_role("link", name="each", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Two of them")
    await expect(rows).to_contain_text(["completed", "waiting"])
    other = await rows.last.get_by_role("link").get_attribute("href")
    assert other is not None
    client.approve(other.removeprefix("#/executions/"))
    await expect(rows).to_contain_text(["completed", "completed"])
    await expect(page.locator(".facts")).to_contain_text("1 of 1")


@pytest.mark.requirement("USER.14")
async def test_two_of_three_approvers_decide(
    browser: Browser, platform: Platform, client: Client
) -> None:
    """Each sees who has answered and how many are missing; the third sees that it is decided."""
    names = [f"{name}@approvers.example" for name in ("ann", "bob", "eve")]
    ask = asking("Shall we publish it?", approvers=names, required=2)
    id = start(client, chain([ask, trivial_node("after")]))
    async with AsyncExitStack() as stack:
        pages = []
        for name in names:
            opened = open_page(browser, platform.url, PATIENCE_MS, height=800)
            pages.append(await stack.enter_async_context(opened))
            await sign_in(pages[-1], await add_member(platform.dsn, name, "editor"))
            await pages[-1].goto(f"/#/executions/{id}")
        ann, bob, eve = pages
        await expect(eve.get_by_text("0 of 2 answers so far. 2 more are needed.")).to_be_visible()
        await ann.get_by_role("button", name="Approve").click()
        await expect(ann.get_by_text("You have answered: approve.")).to_be_visible()
        await expect(ann.get_by_role("button", name="Approve")).to_have_count(0)
        told = f"1 of 2 answers so far: {names[0]} (approve). 1 more is needed."
        for one in (bob, eve):
            await expect(one.get_by_text(told)).to_be_visible()
        await bob.get_by_label("Comment").fill("Well done.")
        await bob.get_by_role("button", name="Approve").click()
        row = eve.get_by_role("region", name="Answered questions").locator("tbody tr")
        await expect(row).to_contain_text(f"{names[0]}, {names[1]}")
        await expect(row).to_contain_text("approveWell done.")
        await expect(eve.get_by_role("button", name="Approve")).to_have_count(0)
        await expect(eve.locator(".facts")).to_contain_text("completed")


def asking(message: str, **parameters: Any) -> dict[str, Any]:
    """A node that asks a person."""
    return {"id": "ask", "agent": "human_loop", "parameters": {"message": message, **parameters}}
