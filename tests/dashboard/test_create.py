"""From a sentence or a template to a running workflow, in a real browser on the real API."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Locator, Page, expect
from weft import Client

from tests.acceptance.recorder import Recorder

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASKING = "Summarize {input.text} in one sentence, then ask me to approve it"
SCRAPE = "Scrape https://example.com → summarize the page → email it to me@example.com"
OPEN = "Book a room → email me@example.com saying done"


@pytest.fixture
def service() -> Iterator[Recorder]:
    """A web service that takes orders."""
    recorder = Recorder()
    recorder.start()
    yield recorder
    recorder.stop()


async def say(page: Page, sentence: str) -> Locator:
    """Open the first page and type a sentence; return the form."""
    await page.goto("/")
    await page.get_by_label("What should happen?").fill(sentence)
    return page.locator("form.composer")


def read(page: Page) -> Locator:
    """What tells that a sentence was read, and whether something is open."""
    return page.locator("form.composer").get_by_role("status")


@pytest.mark.requirement("FR-1.1", "FR-1.10", "FR-2.7", "FR-2.8")
async def test_a_sentence_with_a_question_becomes_an_execution_that_completes(
    owner: Page, client: Client, service: Recorder
) -> None:
    """Graph and question while typing; the answer, an input, a name, the button, the approval."""
    form = await say(owner, f"{ASKING}, then book a room")
    run = form.get_by_role("button", name="Create & run")
    await expect(form.get_by_role("group", name="Graph of 3 nodes")).to_be_visible()
    await expect(form.get_by_text("One thing is open")).to_be_visible()
    await expect(read(owner)).to_have_text("3 steps; something is open")
    await expect(run).to_be_disabled()
    await form.get_by_label(re.compile("Which URL")).fill(f"{service.url}/book")
    await expect(read(owner)).to_have_text("3 steps")
    await form.get_by_label("Name").fill("Room with approval")
    await form.get_by_label("Text", exact=True).fill(
        "Rooms are scarce. Rooms are dear. Book early."
    )
    await run.click()
    await expect(owner.get_by_role("heading", level=1)).to_have_text("Room with approval")
    await owner.get_by_role("button", name="Approve", exact=True).click()
    await expect(owner.locator(".facts")).to_contain_text("completed")
    await expect(owner.locator(".facts")).to_contain_text("3 of 3")
    [workflow] = [w for w in client.list()["workflows"] if w["name"] == "Room with approval"]
    assert workflow["description"] == f"{ASKING}, then book a room"


async def test_what_is_created_is_what_was_shown(owner: Page, client: Client) -> None:
    """The text that is stored is the one on the page, word for word."""
    form = await say(owner, SCRAPE)
    await expect(read(owner)).to_have_text("3 steps")
    await form.get_by_text("Specification (YAML)").click()
    shown = await form.locator("details pre").inner_text()
    await form.get_by_role("button", name="Create only").click()
    await expect(owner).to_have_url(re.compile("#/workflows/wf_"))
    assert client.get_yaml(owner.url.rpartition("/")[2]).strip() == shown.strip()


async def test_the_plan_says_what_each_step_does_and_touches(owner: Page) -> None:
    """In words; a click on a node of the graph shows its parameters, a second one hides them."""
    form = await say(owner, f"Every Monday at 9, {SCRAPE.lower()}")
    steps = form.get_by_role("region", name="Steps")
    step = steps.locator("ol > li")
    await expect(step).to_have_count(3)
    await expect(step.nth(0)).to_contain_text("reads example.com")
    await expect(step.nth(1)).to_contain_text("ask a language model")
    await expect(step.nth(2)).to_contain_text("sends to me@example.com")
    whole = form.get_by_role("region", name="In all")
    await expect(whole).to_contain_text("Startsevery Monday at 09:00")
    await expect(whole).to_contain_text(re.compile(r"Takes\d+.\d+ s"))
    await expect(whole).to_contain_text(re.compile(r"Costs\$"))
    await expect(whole).to_contain_text("Sends tome@example.com")
    mail = form.get_by_role("group", name="Graph of 3 nodes").get_by_role(
        "button", name=re.compile("^send_email")
    )
    await mail.press("Enter")
    await expect(steps.get_by_text("{summary}")).to_be_visible()
    await expect(steps.get_by_role("button", expanded=True)).to_have_count(1)
    await mail.press("Enter")
    await expect(steps.get_by_role("button", expanded=True)).to_have_count(0)


async def test_an_answer_stays_while_the_sentence_goes_on(owner: Page) -> None:
    """As long as its step is there; it goes with the step, and can be changed."""
    form = await say(owner, OPEN)
    question = form.get_by_label(re.compile("Which URL"))
    await question.fill("https://rooms.example/book")
    await expect(read(owner)).to_have_text("2 steps")
    await expect(question).to_be_focused()
    sentence = owner.get_by_label("What should happen?")
    await sentence.fill(f"{OPEN} → summarize")
    await expect(form.get_by_role("group", name="Graph of 3 nodes")).to_be_visible()
    await expect(question).to_have_value("https://rooms.example/book")
    await expect(form.get_by_text("Your answers")).to_be_visible()
    await sentence.fill("Email me@example.com saying done")
    await expect(form.get_by_role("group", name="Graph of 1 node")).to_be_visible()
    await expect(question).to_have_count(0)


async def test_half_a_sentence_is_no_error_and_keeps_what_was_understood(owner: Page) -> None:
    """A quiet line with examples before anything is understood; later the graph stays, dimmed."""
    form = await say(owner, "Every")
    await expect(form.get_by_text("I found no step that I know")).to_be_visible()
    await expect(form.get_by_role("alert")).to_have_count(0)
    await expect(form.get_by_role("button", name="Create & run")).to_be_disabled()
    await form.get_by_role("group", name="Examples").get_by_role("button").last.click()
    await expect(form.get_by_role("group", name=re.compile("^Graph of"))).to_be_visible()
    await owner.get_by_label("What should happen?").fill("Ever")
    await expect(form.get_by_text("The last words are not understood yet")).to_be_visible()
    await expect(form.locator(".preview.stale")).to_be_visible()
    await expect(form.get_by_role("button", name="Create & run")).to_be_disabled()


async def test_the_keyboard_alone_creates_and_runs(owner: Page) -> None:
    """Typing, Tab through question and input, and Ctrl+Enter."""
    await owner.goto("/")
    await owner.get_by_label("What should happen?").focus()
    await owner.keyboard.type("Ask me to approve {input.text}")
    await expect(read(owner)).to_have_text("1 step")
    for _ in range(20):
        await owner.keyboard.press("Tab")
        if await owner.get_by_label("Text", exact=True).evaluate(
            "e => e === document.activeElement"
        ):
            break
    await owner.keyboard.type("the budget")
    await owner.keyboard.press("Control+Enter")
    await expect(owner).to_have_url(re.compile("#/executions/exec_"))
    await expect(owner.locator("main")).to_be_focused()
    await owner.get_by_role("button", name="Approve", exact=True).press("Enter")
    await expect(owner.locator(".facts")).to_contain_text("completed")


async def test_a_template_becomes_a_workflow_that_runs(owner: Page, client: Client) -> None:
    """From the gallery by a search; its inputs become the workflow's own; it completes."""
    await owner.goto("/")
    await owner.get_by_role("link", name=re.compile(r"^All \d+ templates")).click()
    await owner.get_by_label("Search the templates").fill("mood list")
    await expect(owner.get_by_role("link", name=re.compile("^Monitor"))).to_have_count(0)
    await owner.get_by_role("link", name=re.compile("^Map and reduce a list")).click()
    await expect(owner.get_by_role("heading", level=1)).to_have_text("Map and reduce a list")
    form = owner.get_by_role("form", name="Use this template")
    await expect(form.get_by_role("group", name=re.compile("^Graph of"))).to_be_visible()
    await form.get_by_label("Texts").fill("I love it\nIt broke at once")
    await form.get_by_label("Name").fill("Moods")
    await form.get_by_role("button", name="Create & run").click()
    await expect(owner.get_by_role("heading", level=1)).to_have_text("Moods")
    await expect(owner.locator(".facts")).to_contain_text("completed")
    [workflow] = [w for w in client.list()["workflows"] if w["name"] == "Moods"]
    schema = client.get(workflow["workflow_id"])["specification"]["state_schema"]["input"]
    assert schema["properties"]["texts"]["default"] == ["I love it", "It broke at once"]


async def test_a_template_that_does_not_exist_is_said(owner: Page) -> None:
    """With its name, and nothing to fill in."""
    await owner.goto("/#/templates/none")
    await expect(owner.get_by_role("alert")).to_contain_text("none")
