"""Changing a workflow by sentence in a real browser, on the real API."""

import re

import pytest
from playwright.async_api import Locator, Page, expect
from weft import Client

from tests.dashboard.conftest import sign_in
from tests.dashboard.small_platform import SmallPlatform
from tests.members import add_member

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENTENCE = "Scrape https://example.com → summarize the page with GPT-4 → email it to me@example.com"
CHEAPER = "Change step 2 to use GPT-3.5 instead of GPT-4"
ALSO_ANN = "Also email it to ann@example.com"


@pytest.fixture
def workflow_id(client: Client) -> str:
    """A workflow of three steps."""
    return client.create(SENTENCE)["workflow_id"]


def box(page: Page) -> Locator:
    """The form that changes the workflow."""
    return page.get_by_role("form", name="Change it in a sentence")


async def say(page: Page, workflow_id: str, instruction: str) -> Locator:
    """Open a workflow and type what is to change."""
    await page.goto(f"/#/workflows/{workflow_id}")
    await box(page).get_by_role("textbox", name="Change it").fill(instruction)
    return box(page)


@pytest.mark.requirement("FIRST.2", "FR-4.4")
async def test_a_change_is_shown_before_it_is_accepted(
    owner: Page, client: Client, workflow_id: str
) -> None:
    """In words, old and new, in the graph, line by line; nothing is stored before the button."""
    form = await say(owner, workflow_id, CHEAPER)
    change = form.get_by_role("list", name="Changes").get_by_role("listitem")
    await expect(change).to_have_count(1)
    await expect(change).to_contain_text("Summarize page: model")
    await expect(change).to_contain_text("summarize_page · parameters.model")
    await expect(change.locator("del")).to_have_text("gpt-4")
    await expect(change.locator("ins")).to_have_text("gpt-3.5")
    await expect(form.get_by_role("group", name="Graph of 3 nodes: 1 changed")).to_be_visible()
    await expect(form.get_by_role("img", name="summarize_page, llm, changed")).to_be_visible()
    await form.get_by_text("Lines of the YAML").click()
    await expect(form.locator(".line.removed").first).to_have_text(re.compile("- +model: gpt-4"))
    await expect(form.locator(".line.added")).to_have_text(
        [re.compile(r"\+ +version: 1.0.1"), re.compile(r"\+ +model: gpt-3.5")]
    )
    assert client.get(workflow_id)["version"] == "1.0.0"
    await form.get_by_role("button", name="Accept as 1.0.1").click()
    await expect(owner.get_by_text("Version 1.0.1 is the current one now.")).to_be_visible()
    await expect(owner.locator(".page-head")).to_contain_text("version 1.0.1")
    await expect(form.get_by_role("textbox", name="Change it")).to_have_value("")
    stored = client.get(workflow_id)
    assert stored["version"] == "1.0.1"
    assert stored["specification"]["nodes"][1]["parameters"]["model"] == "gpt-3.5"
    assert client.versions(workflow_id)["versions"][0]["summary"] == CHEAPER


@pytest.mark.requirement("FIRST.2")
async def test_what_widens_is_accepted_only_once_it_was_ticked(
    owner: Page, client: Client, workflow_id: str
) -> None:
    """The warning names what comes within reach; the tick is asked for anew for another one."""
    form = await say(owner, workflow_id, ALSO_ANN)
    accept = form.get_by_role("button", name="Accept as 1.0.1")
    draft = form.get_by_role("button", name="Accept as draft")
    warning = form.get_by_role("group", name="It may now do more than before")
    await expect(warning).to_contain_text("send to ann@example.com in the step send_email")
    await expect(accept).to_be_disabled()
    await expect(draft).to_be_disabled()
    tick = form.get_by_role("checkbox", name="I know that it may now also send to ann@example.com")
    await tick.check()
    await expect(accept).to_be_enabled()
    await form.get_by_role("textbox", name="Change it").fill(ALSO_ANN.replace("ann", "eve"))
    await expect(warning).to_contain_text("send to eve@example.com")
    await expect(accept).to_be_disabled()
    await form.get_by_role("checkbox").check()
    await accept.click()
    await expect(owner.locator(".page-head")).to_contain_text("version 1.0.1")
    mail = client.get(workflow_id)["specification"]["nodes"][2]
    assert mail["parameters"]["to"] == "me@example.com, eve@example.com"


async def test_discarding_changes_nothing(owner: Page, client: Client, workflow_id: str) -> None:
    """The box is empty again and has the focus; no version was made."""
    form = await say(owner, workflow_id, "Remove the last step")
    await expect(form.get_by_role("img", name="send_email, email, removed")).to_be_visible()
    await form.get_by_role("button", name="Discard").click()
    await expect(form.get_by_role("textbox", name="Change it")).to_be_focused()
    await expect(form.get_by_role("list", name="Changes")).to_have_count(0)
    assert client.versions(workflow_id)["total"] == 1


@pytest.mark.requirement("FR-1.8")
async def test_a_workflow_that_was_changed_meanwhile_is_loaded_and_the_text_stays(
    owner: Page, client: Client, workflow_id: str
) -> None:
    """The conflict is said; after loading, the same sentence is shown on the new version."""
    form = await say(owner, workflow_id, CHEAPER)
    await expect(form.get_by_role("button", name="Accept as 1.0.1")).to_be_enabled()
    client.update(workflow_id, ALSO_ANN, confirm=True)
    await form.get_by_role("button", name="Accept as 1.0.1").click()
    await expect(form.get_by_role("alert")).to_contain_text("was changed meanwhile")
    await expect(form.get_by_role("textbox", name="Change it")).to_have_value(CHEAPER)
    await form.get_by_role("button", name="Load the current version").click()
    await expect(form.get_by_role("alert")).to_have_count(0)
    await form.get_by_role("button", name="Accept as 1.0.2").click()
    await expect(owner.locator(".page-head")).to_contain_text("version 1.0.2")
    nodes = client.get(workflow_id)["specification"]["nodes"]
    assert nodes[2]["parameters"]["to"] == "me@example.com, ann@example.com"


async def test_an_instruction_that_is_no_change_yet_is_no_error(
    owner: Page, workflow_id: str
) -> None:
    """While it is typed a quiet line says so, with sentences that would do; a click takes one."""
    form = await say(owner, workflow_id, "Make it nicer")
    await expect(form.get_by_text("I do not know what “Make it nicer” changes.")).to_be_visible()
    await expect(form.get_by_role("alert")).to_have_count(0)
    await expect(form.get_by_role("button", name="Accept")).to_have_count(2)
    await expect(form.get_by_role("button", name="Accept as draft")).to_be_disabled()
    await form.get_by_role("button", name="Remove the last step").click()
    await expect(form.get_by_role("button", name="Accept as 2.0.0")).to_be_enabled()


async def test_a_long_value_is_compared_line_by_line(
    owner: Page, client: Client, workflow_id: str
) -> None:
    """Only the lines that differ are marked, and what is the same is seen once."""
    for middle in ("be brief", "be thorough"):
        specification = client.get(workflow_id)["specification"]
        specification["nodes"][1]["parameters"]["prompt"] = (
            f"Summarize.\n{middle}\n{{page_content}}"
        )
        client.update(workflow_id, specification=specification)
    await owner.goto(f"/#/workflows/{workflow_id}")
    await owner.get_by_role("button", name="Show what differs").click()
    change = owner.get_by_role("list", name="Changes").get_by_role("listitem")
    await expect(change.locator(".line")).to_have_text(
        ["  Summarize.", "- be brief", "+ be thorough", "  {page_content}"]
    )


async def test_the_plan_shows_what_undoes_a_step(owner: Page, client: Client) -> None:
    """With what that touches and its parameters, at the step that it undoes."""
    book = {"agent": "api", "parameters": {"url": "https://rooms.example/book", "method": "POST"}}
    undo = {"agent": "api", "parameters": {"url": "https://rooms.example/x", "method": "DELETE"}}
    settings = {"error_handling": {"on_failure": "rollback"}}
    nodes = [{"id": "book", **book, "compensate": undo}]
    made = client.create(specification={"nodes": nodes, "settings": settings})
    await owner.goto(f"/#/workflows/{made['workflow_id']}")
    await owner.get_by_role("button", name="book, api, step 1").click()
    steps = owner.get_by_role("region", name="Steps")
    await expect(steps).to_contain_text("can be undone")
    part = steps.get_by_role("region", name="What undoes it")
    await expect(part).to_contain_text("calls rooms.example")
    await expect(part).to_contain_text("DELETE")


async def test_what_would_not_run_is_shown_with_its_remedy_and_not_accepted(
    owner: Page, client: Client, workflow_id: str
) -> None:
    """Where, what is wrong, what to do."""
    form = await say(owner, workflow_id, "Set the temperature of step 2 to 5")
    await expect(form.get_by_text("It cannot be accepted like this")).to_be_visible()
    await expect(form.locator(".problems")).to_contain_text("nodes[1].parameters.temperature")
    await expect(form.locator(".problems .remedy")).not_to_be_empty()
    await expect(form.get_by_role("button", name="Accept as 1.0.1")).to_be_disabled()
    await expect(form.get_by_role("button", name="Accept as draft")).to_be_disabled()
    assert client.versions(workflow_id)["total"] == 1


async def test_markup_in_a_value_stays_the_text_that_it_is(owner: Page, workflow_id: str) -> None:
    """Nothing that a person or a model wrote becomes part of the page."""
    markup = "<img src=x onerror=alert(1)>"
    form = await say(owner, workflow_id, f'Set the prompt of step 2 to "{markup}"')
    await expect(form.locator(".line.added")).to_have_text(f"+ {markup}")
    await expect(form.locator("img")).to_have_count(0)


async def test_a_question_about_a_change_is_answered_by_a_suggestion(
    owner: Page, client: Client, workflow_id: str
) -> None:
    """The change appears once its question is answered; the answer can be changed."""
    form = await say(owner, workflow_id, "Send the mail to ann@example.com and bob@example.com")
    await expect(form.get_by_text("One thing is open")).to_be_visible()
    await form.get_by_role("button", name="as well").click()
    await expect(form.locator("ins")).to_contain_text("me@example.com, ann@example.com")
    await expect(form.get_by_text("Your answers")).to_be_visible()
    await form.get_by_role("button", name="instead").click()
    await expect(form.locator("ins")).not_to_contain_text("me@example.com")
    instruction = form.get_by_role("textbox", name="Change it")
    await instruction.press("End")
    await owner.keyboard.type(". Remove step 2")
    await expect(form.get_by_text("Your answers")).to_be_visible()
    await instruction.fill("Remove the last step")
    await expect(form.get_by_role("button", name="Accept as 2.0.0")).to_be_enabled()
    await expect(form.get_by_text("Your answers")).to_have_count(0)


@pytest.mark.requirement("FR-1.8", "API.7")
async def test_versions_are_compared_and_rolled_back(
    owner: Page, client: Client, workflow_id: str
) -> None:
    """Any two of them in the same view; rolling back asks first."""
    client.update(workflow_id, CHEAPER)
    client.update(workflow_id, ALSO_ANN, confirm=True)
    await owner.goto(f"/#/workflows/{workflow_id}")
    versions = owner.get_by_role("region", name="Versions")
    rows = versions.locator(".version-list > li")
    await expect(rows).to_contain_text([ALSO_ANN, CHEAPER, "The first one."])
    await expect(rows.first).to_contain_text("current")
    await versions.get_by_label("Compare").select_option("1.0.0")
    await versions.get_by_label("with", exact=True).select_option("1.0.2")
    await versions.get_by_role("button", name="Show what differs").click()
    shown = versions.get_by_role("region", name="From 1.0.0 to 1.0.2")
    await expect(shown.get_by_role("list", name="Changes").get_by_role("listitem")).to_have_count(2)
    await expect(shown.get_by_role("group", name="It may now do more")).to_contain_text("ann@")
    await expect(shown.get_by_role("checkbox")).to_have_count(0)
    await versions.get_by_role("button", name="Roll back to 1.0.0").click()
    dialog = owner.get_by_role("dialog", name="Roll back to version 1.0.0?")
    await dialog.get_by_role("button", name="Leave it").click()
    assert client.get(workflow_id)["version"] == "1.0.2"
    await versions.get_by_role("button", name="Roll back to 1.0.0").click()
    await dialog.get_by_role("button", name="Roll back", exact=True).click()
    said = owner.get_by_text("Version 1.0.0 is the current one again.")
    await expect(said).to_be_focused()
    await expect(rows.last).to_contain_text("current")
    assert client.get(workflow_id)["version"] == "1.0.0"


@pytest.mark.requirement("FIRST.2")
async def test_a_draft_is_kept_changed_and_published(
    owner: Page, client: Client, workflow_id: str
) -> None:
    """It changes nothing for those who start the workflow before it is published."""
    form = await say(owner, workflow_id, CHEAPER)
    await form.get_by_role("button", name="Accept as draft").click()
    await expect(owner.get_by_text("Version 1.0.1 is kept as a draft")).to_be_visible()
    await expect(owner.locator(".page-head")).to_contain_text("version 1.0.0")
    versions = owner.get_by_role("region", name="Versions")
    await versions.get_by_role("button", name="Change 1.0.1").click()
    await expect(form.get_by_text("It changes the draft 1.0.1")).to_be_visible()
    await expect(form.get_by_role("textbox", name="Change it")).to_be_focused()
    await form.get_by_role("textbox", name="Change it").fill("Remove the last step")
    await expect(form.get_by_text("version 1.0.1 → 2.0.0")).to_be_visible()
    await form.get_by_role("button", name="Accept as draft").click()
    await versions.get_by_role("button", name="Publish 2.0.0").click()
    await expect(owner.get_by_text("Version 2.0.0 is published")).to_be_visible()
    nodes = client.get(workflow_id)["specification"]["nodes"]
    assert len(nodes) == 2
    assert nodes[1]["parameters"]["model"] == "gpt-3.5"


async def test_the_keyboard_alone_changes_a_workflow(
    owner: Page, client: Client, workflow_id: str
) -> None:
    """The box, the tick and the button are reached by Tab in this order."""
    form = await say(owner, workflow_id, ALSO_ANN)
    tick = form.get_by_role("checkbox")
    await expect(tick).to_be_visible()
    for _ in range(20):
        await owner.keyboard.press("Tab")
        if await tick.evaluate("element => element === document.activeElement"):
            break
    await owner.keyboard.press("Space")
    await expect(form.get_by_role("button", name="Accept as 1.0.1")).to_be_enabled()
    await owner.keyboard.press("Tab")
    await owner.keyboard.press("Enter")
    await expect(owner.locator(".page-head")).to_contain_text("version 1.0.1")
    assert client.get(workflow_id)["version"] == "1.0.1"


async def test_the_page_says_what_the_workflow_does(owner: Page, workflow_id: str) -> None:
    """A click on a step of the graph opens the plan at its parameters."""
    await owner.goto(f"/#/workflows/{workflow_id}")
    graph = owner.get_by_role("region", name="Graph")
    await graph.get_by_role("button", name=re.compile("^send_email")).click()
    steps = graph.get_by_role("region", name="Steps")
    await expect(steps).to_contain_text("sends to me@example.com")
    await expect(steps.get_by_text("{summary}")).to_be_visible()
    await expect(graph.get_by_role("region", name="In all")).to_contain_text("example.com")


async def test_estimates_of_former_runs_say_so(owner: Page, client: Client) -> None:
    """Of the whole and of each step, with the number of runs."""
    workflow_id = client.create("Summarize {input.text}")["workflow_id"]
    for _ in range(5):
        client.execute(workflow_id, {"text": "All is well."}, wait=True)
    await owner.goto(f"/#/workflows/{workflow_id}")
    await owner.get_by_text("What it does, touches").click()
    for name in ("Steps", "In all"):
        part = owner.get_by_role("region", name=name)
        await expect(part).to_contain_text("as the last 5 runs")


async def test_who_may_only_look_is_offered_no_change(
    owner: Page, client: Client, workflow_id: str, platform: SmallPlatform
) -> None:
    """A viewer reads the plan, the versions and their differences, and nothing more."""
    client.update(workflow_id, CHEAPER)
    client.update(workflow_id, "Remove the last step", draft=True)
    await sign_in(owner, await add_member(platform.dsn, "vera@example.com", "viewer"))
    await owner.goto(f"/#/workflows/{workflow_id}")
    versions = owner.get_by_role("region", name="Versions")
    await versions.get_by_role("button", name="Show what differs").click()
    await expect(versions.get_by_role("list", name="Changes")).to_be_visible()
    await owner.get_by_text("What it does, touches").click()
    await expect(owner.get_by_role("region", name="In all")).to_be_visible()
    await expect(box(owner)).to_have_count(0)
    changing = re.compile("^(Run$|Archive|Publish|Roll back|Change)")
    await expect(owner.get_by_role("button", name=changing)).to_have_count(0)
    await owner.goto("/#/")
    await expect(owner.get_by_text("You may look at what runs")).to_be_visible()
    await expect(owner.get_by_label("What should happen?")).to_have_count(0)
