"""Language models read on the dashboard only when they are asked to."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from weft import Client

from tests.agents.model_server import ModelServer, answers, fails, model_server_in_a_thread
from tests.agents.planning import TEXT, right, settings_of
from tests.chromium import open_page
from tests.dashboard.conftest import PATIENCE_MS, sign_in
from tests.dashboard.small_platform import SmallPlatform, open_small_platform
from tests.serve.test_reading_texts import EDIT, UNREAD

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True)
class Read:
    """A platform, and the models that read for it."""

    platform: SmallPlatform
    models: ModelServer


@pytest.fixture(scope="module")
def read(postgres_url: str, redis_url: str) -> Iterator[Read]:
    """A platform with two providers, which one server plays."""
    with (
        model_server_in_a_thread() as models,
        open_small_platform(postgres_url, redis_url, settings_of(models)) as platform,
    ):
        yield Read(platform, models)


@pytest_asyncio.fixture(loop_scope="session")
async def reader(browser: Browser, read: Read) -> AsyncIterator[Page]:
    """Open a page of the platform, signed in."""
    async with open_page(browser, read.platform.url, PATIENCE_MS) as page:
        await sign_in(page, read.platform.token)
        yield page


@pytest.fixture
def own(read: Read) -> Iterator[Client]:
    """A client of the platform."""
    with read.platform.client() as client:
        yield client


@pytest.mark.requirement("FR-1.2", "FR-1.10")
async def test_typing_costs_nothing_and_what_a_model_read_is_created_as_shown(
    reader: Page, read: Read, own: Client
) -> None:
    """No model is asked before the button is; then who read, and at what cost, is told."""
    read.models.script("openai", answers(right()))
    before = len(read.models.asked)
    await reader.goto("/")
    await reader.get_by_label("What should happen?").fill(TEXT)
    line = reader.locator(".reading")
    await expect(line).to_contain_text("read offline")
    assert len(read.models.asked) == before
    button = reader.get_by_role("button", name="Read it with a language model")
    await button.click()
    await expect(line).to_contain_text("read by gpt-4")
    await expect(line).to_contain_text("$")
    await expect(button).to_have_attribute("aria-pressed", "true")
    await expect(button).to_be_focused()
    await expect(reader.get_by_label("Name")).to_have_value(right()["name"])
    assert len(read.models.asked) == before + 1
    await reader.get_by_text("Specification (YAML)").click()
    shown = await reader.locator("form.composer details pre").inner_text()
    await reader.get_by_role("button", name="Create only").click()
    await expect(reader.get_by_role("heading", level=1)).to_have_text(right()["name"])
    assert own.get_yaml(reader.url.rpartition("/")[2]).strip() == shown.strip()
    assert len(read.models.asked) == before + 1


@pytest.mark.requirement("FIRST.2")
async def test_a_model_reads_a_change_that_is_not_understood_offline(
    reader: Page, read: Read, own: Client
) -> None:
    """The hint stands until the model is asked; its change is shown and accepted as any other."""
    workflow_id = own.create(specification=_pirate())["workflow_id"]
    read.models.script("openai", EDIT)
    await reader.goto(f"/#/workflows/{workflow_id}")
    form = reader.get_by_role("form", name="Change it in a sentence")
    await form.get_by_role("textbox", name="Change it").fill(UNREAD)
    await expect(form.get_by_text("I do not know what")).to_be_visible()
    await form.get_by_role("button", name="Read it with a language model").click()
    await expect(form.locator("ins")).to_have_text("Summarize like a pirate: {ratings}")
    await expect(form.locator(".reading")).to_contain_text("read by gpt-4")
    await form.get_by_role("button", name="Accept as 1.0.1").click()
    await expect(reader.locator(".page-head")).to_contain_text("version 1.0.1")
    assert own.versions(workflow_id)["versions"][0]["summary"] == UNREAD


async def test_models_that_fail_are_told_and_the_offline_reading_stays(
    reader: Page, read: Read
) -> None:
    """What was read offline is shown again, with why each model was left."""
    read.models.script("openai", fails(500))
    read.models.script("anthropic", fails(529))
    await reader.goto("/")
    await reader.get_by_label("What should happen?").fill(f"{TEXT} Then mail me@example.com.")
    await reader.get_by_role("button", name="Read it with a language model").click()
    line = reader.locator(".reading")
    await expect(line).to_contain_text("gpt-4: ")
    await expect(line).to_contain_text("claude-sonnet-5-5: ")
    await expect(line).to_contain_text("read offline")
    await reader.get_by_label("What should happen?").press("End")
    await reader.keyboard.type(" Thanks.")
    await expect(line).not_to_contain_text("gpt-4")


def _pirate() -> dict[str, object]:
    rate = {"id": "rate", "agent": "llm", "parameters": {"prompt": "Rate"}, "output_key": "ratings"}
    summarize = {"id": "summarize", "agent": "llm", "parameters": {"prompt": "Sum up: {ratings}"}}
    return {"nodes": [rate, summarize], "edges": [{"from": "rate", "to": "summarize"}]}
