"""The dashboard in a real browser, under the content security policy of the server."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.client.eventually import eventually
from tests.client.fake_api import TOKEN, FakeApi
from tests.client.world import REVIEWS, REVIEWS_LEVELS, UPTIME, UPTIME_LEVELS

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_login_makes_a_session_and_logout_ends_it(visitor: Page, api: FakeApi) -> None:
    """A wrong token is refused with its remedy; the right one opens; signing out closes."""
    await visitor.goto("/")
    await visitor.get_by_label("Token").fill("wrong")
    await visitor.get_by_role("button", name="Sign in").click()
    await expect(visitor.get_by_role("alert")).to_contain_text("weft token")
    await visitor.get_by_label("Token").fill(TOKEN)
    await visitor.keyboard.press("Enter")
    await expect(visitor.get_by_label("What should happen?")).to_be_visible()
    assert await visitor.evaluate("document.cookie") == ""
    await visitor.get_by_role("button", name="Sign out").click()
    await expect(visitor.get_by_label("Token")).to_be_visible()
    await visitor.reload()
    await expect(visitor.get_by_label("Token")).to_be_visible()


async def test_a_wrong_sentence_says_what_and_what_to_do(page: Page) -> None:
    """Problems stand at the box with place and remedy, and nothing can be created."""
    await page.goto("/")
    await page.get_by_label("What should happen?").fill("explode")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("nodes[0].agent (line 3)")
    await expect(alert).to_contain_text("Use one of llm, api.")
    await expect(page.get_by_role("button", name="Create & run")).to_be_disabled()


async def test_a_platform_that_is_away_is_said_and_what_was_typed_stays(
    page: Page, api: FakeApi
) -> None:
    """The plan that was shown stays, dimmed; the next key brings the answer."""
    await page.goto("/")
    sentence = page.get_by_label("What should happen?")
    await sentence.fill("Read the reviews")
    await expect(page.get_by_role("group", name="Graph of 6 nodes")).to_be_visible()
    await page.route("**/create", lambda route: route.abort())
    await sentence.fill("Read all the reviews")
    await expect(page.get_by_role("alert")).to_contain_text("The platform does not answer")
    await expect(page.locator(".preview.stale")).to_be_visible()
    await page.unroute("**/create")
    await sentence.fill("Read all of the reviews")
    await expect(page.get_by_role("alert")).to_have_count(0)
    await expect(page.get_by_role("button", name="Create & run")).to_be_enabled()


@pytest.mark.requirement("FR-7.1", "FR-2.8")
async def test_the_list_of_executions_is_live(page: Page, api: FakeApi) -> None:
    """An execution that starts or ends elsewhere shows without a reload; filters work."""
    workflow_id = api.world.add_workflow(UPTIME, UPTIME_LEVELS)
    await page.goto("/")
    await expect(page.get_by_text("Nothing has run yet")).to_be_visible()
    await expect(page.locator(".live")).to_have_text("live")
    first = api.world.start(workflow_id)
    row = page.get_by_role("row").filter(has_text=first)
    await expect(row).to_contain_text("running")
    api.world.run_to_the_end(first)
    await expect(row).to_contain_text("completed")
    await expect(row).to_contain_text("4/4")
    second = api.world.start(workflow_id)
    await page.get_by_role("button", name="running", exact=True).click()
    await expect(page.get_by_role("row").filter(has_text=second)).to_be_visible()
    await expect(row).to_have_count(0)
    await page.get_by_role("link", name="Website Uptime Monitor").click()
    await expect(page.get_by_text(second)).to_be_visible()


@pytest.mark.requirement("FR-2.8", "FR-7.2", "FR-7.3", "FR-7.7")
async def test_one_execution_live(page: Page, api: FakeApi) -> None:
    """Node states, map items, retries, timeline, logs, output and cost follow what happens."""
    world = api.world
    execution_id = world.start(world.add_workflow(REVIEWS, REVIEWS_LEVELS))
    await page.goto(f"/#/executions/{execution_id}")

    def node(name: str, state: str) -> re.Pattern[str]:
        return re.compile(f"^{name}, [a-z_]+, {state}")

    button = page.get_by_role("button")
    await expect(page.get_by_role("button", name=node("scrape_reviews", "pending"))).to_be_visible()
    world.start_node(execution_id, "scrape_reviews")
    await expect(page.get_by_role("button", name=node("scrape_reviews", "running"))).to_be_visible()
    world.fail_node(execution_id, "scrape_reviews", "503 from the site", again=True)
    await expect(
        page.get_by_role("button", name=node("scrape_reviews", "retrying"))
    ).to_be_visible()
    world.start_node(execution_id, "scrape_reviews")
    world.complete_node(execution_id, "scrape_reviews", ["good", "bad"], cost_usd=0.01)
    world.start_node(execution_id, "map_sentiment")
    world.progress(execution_id, "map_sentiment", count=40, completed=12, failed=1)
    await expect(button.filter(has_text="13 of 40")).to_be_visible()
    await page.get_by_role("button", name=node("scrape_reviews", "completed")).press("Enter")
    panel = page.get_by_role("region", name="scrape_reviews")
    await expect(panel.get_by_text("attempt 2")).to_be_visible()
    await expect(panel.get_by_text('"good"')).to_be_visible()
    await panel.get_by_text("attempt 1").click()
    await expect(panel.get_by_text("503 from the site")).to_be_visible()
    lane = page.get_by_role("listitem").filter(has_text="scrape_reviews")
    await expect(lane.locator(".bar")).to_have_count(2)
    world.run_to_the_end(execution_id)
    await expect(page.get_by_role("heading", name="Insights")).to_be_visible()
    await expect(page.get_by_text("34 of 40 like it")).to_be_visible()
    await expect(page.locator(".facts")).to_contain_text("$0.0172")
    await expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


SEATS = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "seats": {"type": "integer"}},
    "required": ["name"],
}


@pytest.mark.requirement("FR-2.7")
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("approve_reject", {"decision": "reject", "comment": "too long"}),
        ("text_input", {"decision": "approve", "value": "Dear all", "comment": "too long"}),
        ("multiple_choice", {"decision": "blue", "comment": "too long"}),
        (
            "form",
            {"decision": "approve", "value": {"name": "Ann", "seats": 3}, "comment": "too long"},
        ),
    ],
)
async def test_an_approval_is_answered(
    page: Page, api: FakeApi, kind: str, expected: dict[str, Any]
) -> None:
    """Each kind of approval appears while the page is open and sends what was chosen."""
    world = api.world
    execution_id = world.start(world.add_workflow(REVIEWS, REVIEWS_LEVELS))
    await page.goto(f"/#/executions/{execution_id}")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    approval_id = world.ask(
        execution_id, "approve_report", approval_type=kind, options=["red", "blue"],
        schema=SEATS if kind == "form" else None,
    )  # fmt: skip
    card = page.get_by_role("form", name="Approval of approve_report")
    await card.get_by_label("Comment").fill("too long")
    if kind == "approve_reject":
        await card.get_by_role("button", name="Reject").click()
    elif kind == "text_input":
        await card.get_by_label("Answer").fill("Dear all")
        await card.get_by_role("button", name="Answer").click()
    elif kind == "form":
        await card.get_by_label("Name").fill("Ann")
        await card.get_by_label("Seats").fill("3")
        await card.get_by_role("button", name="Answer").click()
    else:
        await card.get_by_label("blue").check()
        await card.get_by_role("button", name="Answer").click()
    await expect(card).to_have_count(0)
    assert api.calls("POST", "/approve") == [{"approval_id": approval_id, **expected}]


@pytest.mark.requirement("FR-2.9")
async def test_cancel_asks_first(page: Page, api: FakeApi) -> None:
    """An execution is cancelled only after a second yes."""
    world = api.world
    execution_id = world.start(world.add_workflow(UPTIME, UPTIME_LEVELS))
    await page.goto(f"/#/executions/{execution_id}")
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Let it run").click()
    assert api.calls("POST", "/cancel") == []
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Cancel it").click()
    await expect(page.locator(".facts")).to_contain_text("cancelled")


@pytest.mark.requirement("USER.3")
async def test_run_again_from_a_node(page: Page, api: FakeApi) -> None:
    """An ended execution runs again from a chosen node, changed or not; its page says whence."""
    world = api.world
    source = world.start(world.add_workflow(REVIEWS, REVIEWS_LEVELS))
    await page.goto(f"/#/executions/{source}")
    again = page.get_by_role("button", name="Run again from here")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(again).to_have_count(0)
    world.run_to_the_end(source)
    world.node(source, "scrape_reviews")["metadata"] = {"reused_from": "exec_009"}
    await page.get_by_role("button", name="scrape_reviews", exact=True).click()
    await expect(page.get_by_role("link", name="exec_009")).to_be_visible()
    await page.get_by_role("button", name="send_email", exact=True).click()
    await again.click()
    dialog = page.get_by_role("dialog", name="Run again from send_email?")
    await dialog.get_by_text("Change something first").click()
    await dialog.get_by_label("Results to replace").fill("[1]")
    await dialog.get_by_role("button", name="Run it").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("no JSON object")
    assert api.calls("POST", "/rerun") == []
    await dialog.get_by_label("Results to replace").fill('{"report": "short"}')
    await dialog.get_by_label("Input").fill('{"url": "http://other.example"}')
    await dialog.get_by_role("button", name="Run it").click()
    await expect(page.get_by_text("rerun of")).to_contain_text("from send_email")
    assert api.calls("POST", "/rerun") == [
        {
            "node_id": "send_email",
            "state": {"report": "short"},
            "input": {"url": "http://other.example"},
        }
    ]
    await page.get_by_role("link", name=source).click()
    await expect(page).to_have_url(re.compile(source))


@pytest.mark.requirement("USER.3")
async def test_retry_of_a_failed_execution(page: Page, api: FakeApi) -> None:
    """One click goes on in a new execution; what completed offers none."""
    world = api.world
    workflow_id = world.add_workflow(UPTIME, UPTIME_LEVELS)
    source = world.start(workflow_id)
    world.start_node(source, "check_uptime")
    world.fail_node(source, "check_uptime", "No such host", again=False)
    world.finish(source, "failed", error={"node_id": "check_uptime", "message": "No such host"})
    await page.goto(f"/#/executions/{source}")
    await page.get_by_role("button", name="Retry", exact=True).click()
    await expect(page.get_by_text("retry of")).to_contain_text(source)
    assert len(world.executions) == 2
    made = list(world.executions)[-1]
    world.run_to_the_end(made)
    await expect(page.locator(".facts")).to_contain_text("completed")
    await expect(page.get_by_role("button", name="Retry", exact=True)).to_have_count(0)
    await page.goto("/")
    await expect(page.get_by_role("row").filter(has_text=made)).to_contain_text("retry")


@pytest.mark.requirement("USER.17")
async def test_a_cut_stream_comes_back_after_the_last_event(page: Page, api: FakeApi) -> None:
    """The page says that it reconnects, asks for what it missed, and shows the end."""
    world = api.world
    api.cut_after = 3
    execution_id = world.start(world.add_workflow(REVIEWS, REVIEWS_LEVELS))
    await page.goto(f"/#/executions/{execution_id}")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    world.run_to_the_end(execution_id)
    await expect(page.get_by_role("heading", name="Insights")).to_be_visible()
    await expect(page.locator(".live")).to_have_count(0)
    await eventually(lambda: len(api.streams) >= 5)
    asked = [url.partition("after=")[2] for url in api.streams]
    assert asked[:5] == ["0", "3", "6", "9", "12"]


async def test_workflows_are_listed_and_run_with_a_form(page: Page, api: FakeApi) -> None:
    """The form comes from the input's schema; what it sends has the schema's types."""
    workflow_id = api.world.add_workflow(REVIEWS, REVIEWS_LEVELS)
    await page.goto("/#/workflows")
    await page.get_by_role("link", name="Run Customer Feedback Analysis").click()
    await expect(page).to_have_url(re.compile(workflow_id))
    await page.get_by_text("Specification (YAML)").click()
    await expect(page.get_by_text("pattern: map_reduce")).to_be_visible()
    run = page.get_by_role("button", name="Run", exact=True)
    await run.click()
    assert api.calls("POST", "/execute") == []
    await page.get_by_label("Site").fill("http://site.example")
    await page.get_by_label("limit").fill("7")
    await page.get_by_label("urgent").check()
    await page.get_by_label("language").select_option("de")
    await run.click()
    await expect(page).to_have_url(re.compile("executions/exec_"))
    assert api.calls("POST", "/execute")[0]["input"] == {
        "url": "http://site.example",
        "limit": 7,
        "urgent": True,
        "language": "de",
    }


@pytest.mark.requirement("USER.27")
async def test_a_workflow_is_archived(page: Page, api: FakeApi) -> None:
    """An archived workflow has no form and stands in its own list."""
    workflow_id = api.world.add_workflow(UPTIME, UPTIME_LEVELS)
    await page.goto(f"/#/workflows/{workflow_id}")
    await page.get_by_role("button", name="Archive").click()
    await expect(page.get_by_text("archived")).to_be_visible()
    await expect(page.get_by_role("button", name="Run", exact=True)).to_have_count(0)
    await page.get_by_role("link", name="Workflows").click()
    await expect(page.get_by_text("There is no workflow yet")).to_be_visible()
    await page.get_by_role("button", name="archived").click()
    await expect(page.get_by_role("link", name="Website Uptime Monitor")).to_be_visible()


async def test_markup_in_data_stays_text(page: Page, api: FakeApi) -> None:
    """What a workflow or a scraped page says is never parsed as HTML."""
    evil = "<img src=x onerror=\"document.title='owned'\">"
    world = api.world
    execution_id = world.start(world.add_workflow(UPTIME, UPTIME_LEVELS))
    world.executions[execution_id]["workflow_name"] = evil
    world.start_node(execution_id, "check_uptime")
    world.complete_node(execution_id, "check_uptime", f"# {evil}\n\n- [a](javascript:alert(1))")
    world.fail_node(execution_id, "router", evil, again=False)
    world.finish(execution_id, "failed", {"text": f"{evil}\n"}, {"message": evil})
    await page.goto(f"/#/executions/{execution_id}")
    await expect(page.get_by_role("heading", level=1)).to_have_text(evil)
    await expect(page.locator("main img, main a[href^='javascript']")).to_have_count(0)
    assert "owned" not in (await page.title()).replace(evil, "")


async def test_an_ended_session_leads_to_the_login(page: Page, api: FakeApi) -> None:
    """When the cookie is gone the next call shows the login instead of an error."""
    api.world.add_workflow(UPTIME, UPTIME_LEVELS)
    await page.goto("/")
    await expect(page.get_by_text("Nothing has run yet")).to_be_visible()
    await page.context.clear_cookies()
    await page.get_by_role("link", name="Workflows").click()
    await expect(page.get_by_label("Token")).to_be_visible()


async def test_a_refused_stream_leads_to_the_login(page: Page, api: FakeApi) -> None:
    """When the stream alone notices that the session is over, the login appears by itself."""
    execution_id = api.world.start(api.world.add_workflow(UPTIME, UPTIME_LEVELS))
    api.cut_after = 2
    await page.goto(f"/#/executions/{execution_id}")
    await expect(page.locator(".live")).to_have_text("live")
    await page.context.clear_cookies()
    api.world.emit(execution_id, "node_progress", node_id="check_uptime")
    await expect(page.get_by_label("Token")).to_be_visible()


async def test_an_input_that_is_missing_leads_to_the_form(page: Page, api: FakeApi) -> None:
    """A new workflow that refuses its first start is not lost: its page asks for the input."""
    api.refuse_input = True
    await page.goto("/")
    await page.get_by_label("What should happen?").fill("Check uptime")
    await page.get_by_role("button", name="Create & run").click()
    await expect(page).to_have_url(re.compile("workflows/wf_"))
    await expect(page.get_by_role("heading", name="Run it")).to_be_visible()
    assert len(api.world.workflows) == 1


async def test_unknown_things_are_said(page: Page) -> None:
    """An unknown execution, workflow or page is an answer with a way on."""
    await page.goto("/#/executions/exec_none")
    await expect(page.get_by_role("alert")).to_contain_text("There is no such execution.")
    await page.goto("/#/workflows/wf_none")
    await expect(page.get_by_role("alert")).to_contain_text("There is no such workflow.")
    await page.goto("/#/nonsense")
    await expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")


async def test_a_bare_failure_of_the_ingress_is_asked_again(page: Page, api: FakeApi) -> None:
    """A restart of the platform is bridged: the same start is sent with the same key."""
    workflow_id = api.world.add_workflow(UPTIME, UPTIME_LEVELS)
    await page.goto(f"/#/workflows/{workflow_id}")
    api.failures = [("/execute", 500), ("/execute", 503)]
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page).to_have_url(re.compile("executions/exec_"))
    keys = [
        headers["idempotency-key"]
        for _, path, headers, _ in api.requests
        if "/exec" in path and "idempotency-key" in headers
    ]
    assert (len(keys), len(set(keys))) == (3, 1)
    assert len(api.world.executions) == 1


async def test_a_large_value_is_a_preview_with_a_link(page: Page, api: FakeApi) -> None:
    """What is too large to be shown begins on the page, and the rest is a link away."""
    workflow_id = api.world.add_workflow(UPTIME, UPTIME_LEVELS)
    execution_id = api.world.start(workflow_id)
    url = f"/api/v1/workflows/executions/{execution_id}/artifacts/{'a' * 64}"
    large = {"$artifact": {"sha256": "a" * 64, "bytes": 1_234_567, "url": url}, "preview": "Once"}
    forged = {"$artifact": {"sha256": "b", "url": "javascript:alert(1)"}, "preview": "Evil"}
    api.world.finish(execution_id, "completed", output={"tale": large, "forged": forged})
    await page.goto(f"/#/executions/{execution_id}")
    link = page.get_by_role("link", name="the whole value")
    await expect(link).to_have_attribute("href", url)
    await expect(page.get_by_text("Once…")).to_be_visible()
    await expect(page.get_by_text("1.2 MB of JSON")).to_be_visible()
    assert await link.count() == 1


@pytest.mark.requirement("USER.10", "FR-7.1")
async def test_a_queued_execution_says_why_and_how_it_moves_on(page: Page, api: FakeApi) -> None:
    """Without an event; what it said is gone once it runs."""
    world = api.world
    execution_id = world.start(world.add_workflow(UPTIME, UPTIME_LEVELS))
    world.queue(execution_id, "Waits in the queue: 3 before it; the workflow runs at most 2.")
    await page.goto(f"/#/executions/{execution_id}")
    await expect(page.get_by_text("3 before it; the workflow runs at most 2.")).to_be_visible()
    world.queue(execution_id, "Waits in the queue: it is next.")
    await expect(page.get_by_text("it is next")).to_be_visible()
    world.queue(execution_id, None)
    await expect(page.get_by_text("in the queue")).to_have_count(0)
    await expect(page.locator(".facts")).to_contain_text("running")


def failed_items(count: int) -> list[dict[str, object]]:
    """Items that failed, every second of a list."""
    return [
        {"index": 2 * n, "status": "failed", "attempt": 3, "output": None, "output_bytes": None,
         "error": f"Item {2 * n} answered 503."}
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.requirement("USER.9", "FR-7.3")
async def test_failed_items_of_a_map_are_listed(page: Page, api: FakeApi) -> None:
    """While it runs: which, after how many attempts, and why; asked for only when more fail."""
    world = api.world
    execution_id = world.start(world.add_workflow(REVIEWS, REVIEWS_LEVELS))
    await page.goto(f"/#/executions/{execution_id}")
    world.start_node(execution_id, "map_sentiment")
    world.items["map_sentiment"] = failed_items(2)
    world.progress(execution_id, "map_sentiment", count=90, completed=5, failed=2)
    failed = page.get_by_role("region", name="Failed items")
    rows = failed.get_by_role("row")
    await expect(rows).to_have_text(
        ["ItemAttemptError", "03Item 0 answered 503.", "23Item 2 answered 503."]
    )
    world.progress(execution_id, "map_sentiment", count=90, completed=6, failed=2)
    await expect(page.get_by_text("6 of 90 items")).to_be_visible()
    assert len(api.calls("GET", "/items")) == 1
    world.items["map_sentiment"] = failed_items(45)
    world.progress(execution_id, "map_sentiment", count=90, completed=45, failed=45)
    await expect(rows).to_have_count(21)
    await failed.get_by_role("button", name="Show more (20 of 45)").click()
    await expect(rows).to_have_count(41)
    await failed.get_by_role("button", name="Show more (40 of 45)").click()
    await expect(rows.last).to_contain_text("Item 88 answered 503.")
    await expect(failed.get_by_role("button")).to_have_count(0)


@pytest.mark.requirement("USER.17")
async def test_a_text_grows_while_a_model_writes_it(page: Page, api: FakeApi) -> None:
    """The node's panel shows what there is, as text; another answer begins again."""
    id = api.world.start(api.world.add_workflow(UPTIME, UPTIME_LEVELS))
    node_id = UPTIME["nodes"][0]["id"]
    api.world.start_node(id, node_id)
    await page.goto(f"/#/executions/{id}")
    await expect(page.locator(".live")).to_have_text("live")
    told = {"node_id": node_id, "attempt": 1, "answer": 1}
    api.world.emit(id, "token", **told, offset=0, text="The <b>sea")
    growing = page.locator(".node-panel .growing")
    await expect(growing).to_have_text("The <b>sea")
    api.world.emit(id, "token", **told, offset=10, text=" is wide")
    await expect(growing).to_have_text("The <b>sea is wide")
    api.world.emit(id, "token", **{**told, "answer": 2}, offset=0, text="Anew")
    await expect(growing).to_have_text("Anew")
    # A stream that comes back tells all that there is; what is told again counts once.
    api.world.emit(id, "token", **{**told, "answer": 2}, offset=0, text="Anew 🐳 it")
    api.world.emit(id, "token", **{**told, "answer": 2}, offset=8, text="t goes on")
    await expect(growing).to_have_text("Anew 🐳 it goes on")
    for index in (0, 1):
        api.world.emit(id, "token", **told, map_index=index, offset=0, text=f"of {index}")
    await expect(growing).to_have_text(["Anew 🐳 it goes on", "of 0", "of 1"])
    api.world.emit(id, "token", **told, map_index=0, offset=4, text="", last=True)
    await expect(growing).to_have_text(["Anew 🐳 it goes on", "of 1"])
