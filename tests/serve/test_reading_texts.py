"""Creating and changing workflows through the API, read by models that a server plays."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from agents.settings import AgentSettings
from serve.answers import CreatedWorkflow, DryRun, ProblemDetails, Readers
from serve.version_answers import UpdatedWorkflow
from store.postgres import Pool
from tests.agents.model_server import (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    ModelServer,
    answers,
    fails,
    open_model_server,
)
from tests.agents.planning import TEXT, right, settings_of
from tests.factories import Account

WORKFLOWS = "/api/v1/workflows"
CALLS = "SELECT * FROM parser_calls ORDER BY id"
UNREAD = "Make the summary sound like a pirate wrote it"
EDIT = answers(
    {
        "operations": [
            {
                "operation": "set_field",
                "node_id": "summarize",
                "path": ["parameters", "prompt"],
                "value": "Summarize like a pirate: {ratings}",
            }
        ]
    }
)


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """The models' server."""
    async with open_model_server() as opened:
        yield opened


@pytest.fixture
def model_settings(server: ModelServer) -> AgentSettings:
    """Both providers, the server; the first is OpenAI, whose model is called `gpt-4` there."""
    return settings_of(server)


async def create(api: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    """Create a workflow of the description."""
    return await api.post(f"{WORKFLOWS}/create", json={"description": TEXT, **fields})


async def test_who_reads_texts_is_told(api: httpx.AsyncClient) -> None:
    """The models of the chain, in the order in which they are asked."""
    answer = await api.get("/api/v1/readers")
    assert Readers.model_validate(answer.json()).models == ["gpt-4", "claude-sonnet"]


@pytest.mark.requirement("FR-1.1", "FR-1.2", "API.1")
async def test_a_description_is_read_by_a_model_and_recorded(
    api: httpx.AsyncClient, server: ModelServer, owner_pool: Pool, account: Account
) -> None:
    """The answer says who read it and what it cost; a row of each call has no word of the text."""
    server.script("openai", answers({"name": 3}), answers(right()))
    answer = await create(api)
    assert answer.status_code == 201
    created = answer.json()
    CreatedWorkflow.model_validate(created)
    assert created["name"] == right()["name"]
    reading = created["reading"]
    assert (reading["by"], reading["rounds"], reading["notes"]) == ("gpt-4", 2, [])
    assert reading["llm_tokens"] == 2 * (INPUT_TOKENS + OUTPUT_TOKENS)
    assert reading["cost_usd"] > 0
    [row] = await owner_pool.fetch(CALLS)
    assert (row["tenant_id"], row["user_id"]) == (account.tenant_id, account.principal.user_id)
    assert (row["kind"], row["model"], row["outcome"], row["rounds"]) == (
        "create", "gpt-4", "answered", 2,
    )  # fmt: skip
    assert (row["input_tokens"], row["output_tokens"]) == (2 * INPUT_TOKENS, 2 * OUTPUT_TOKENS)
    assert float(row["cost_usd"]) == pytest.approx(reading["cost_usd"])
    assert not any("reviews" in str(value) for value in row.values())


@pytest.mark.requirement("FR-1.2")
async def test_each_model_that_was_left_is_recorded(
    api: httpx.AsyncClient, server: ModelServer, owner_pool: Pool
) -> None:
    """The chain goes on to the second model; a dry run costs as much, and is recorded as well."""
    server.script("openai", fails(500))
    server.script("anthropic", answers(right()))
    answer = await create(api, dry_run=True)
    plan = answer.json()
    DryRun.model_validate(plan)
    assert plan["reading"]["by"] == "claude-sonnet-5-5"
    assert plan["reading"]["notes"] == ["gpt-4: failed with 500"]
    rows = await owner_pool.fetch(CALLS)
    assert [row["outcome"] for row in rows] == ["failed", "answered"]


@pytest.mark.requirement("FR-1.1", "FR-1.2")
async def test_offline_reads_when_no_model_answers(
    api: httpx.AsyncClient, server: ModelServer
) -> None:
    """The workflow is created all the same, and the answer says why no model read it."""
    server.script("openai", fails(429, Retry_After="60"))
    server.script("anthropic", fails(529))
    created = (await create(api)).json()
    assert created["reading"]["by"] == "offline"
    assert len(created["reading"]["notes"]) == 2
    assert created["workflow_id"]


@pytest.mark.requirement("FIRST.1")
async def test_offline_is_asked_for(
    api: httpx.AsyncClient, server: ModelServer, owner_pool: Pool
) -> None:
    """With `offline` no model is asked, nothing is recorded, and nothing costs."""
    created = (await create(api, offline=True)).json()
    path = f"{WORKFLOWS}/{created['workflow_id']}"
    body = {"description": "Rename step 1 to get_reviews", "offline": True}
    changed = (await api.put(path, json=body)).json()
    for told in (created, changed):
        assert (told["reading"]["by"], told["reading"]["llm_tokens"]) == ("offline", 0)
    assert server.asked == []
    assert await owner_pool.fetch(CALLS) == []


async def test_a_specification_is_not_read(api: httpx.AsyncClient) -> None:
    """Where no text is sent, `reading` is null."""
    text = "nodes: [{id: a, agent: aggregator}]\n"
    answer = await api.post(f"{WORKFLOWS}/create", json={"yaml": text})
    assert answer.json()["reading"] is None


async def test_open_questions_say_who_asks(api: httpx.AsyncClient, server: ModelServer) -> None:
    """A text that cannot be used yet is an error with the questions and how it was read."""
    question = {"field": "tell_support.to", "text": "Who is told?"}
    server.script("openai", answers(right(questions=[question])))
    answer = await create(api)
    problem = answer.json()
    ProblemDetails.model_validate(problem)
    assert answer.status_code == 422
    assert [one["id"] for one in problem["questions"]] == ["tell_support.to"]
    assert problem["reading"]["by"] == "gpt-4"


@pytest.mark.requirement("FR-1.7", "FIRST.2")
async def test_an_instruction_is_read_by_a_model_where_offline_does_not_understand_it(
    api: httpx.AsyncClient, server: ModelServer, owner_pool: Pool
) -> None:
    """The diff names one field, every other line of the YAML is as it was, and it is recorded."""
    server.script("openai", answers(right()), EDIT)
    path = f"{WORKFLOWS}/{(await create(api)).json()['workflow_id']}"
    before = (await api.get(path, params={"format": "yaml"})).text
    told = (await api.put(path, json={"description": UNREAD})).json()
    UpdatedWorkflow.model_validate(told)
    assert [(one["node_id"], one["field"]) for one in told["changes"]] == [
        ("summarize", "parameters.prompt")
    ]
    assert told["reading"]["by"] == "gpt-4"
    lines = set(before.splitlines()) ^ set(told["yaml"].splitlines())
    assert all("prompt" in line or "version" in line for line in lines)
    rows = await owner_pool.fetch(CALLS)
    assert [row["kind"] for row in rows] == ["create", "edit"]


@pytest.mark.requirement("FR-1.7")
async def test_an_instruction_that_offline_understands_costs_nothing(
    api: httpx.AsyncClient, server: ModelServer
) -> None:
    """No model is asked where none is needed."""
    server.script("openai", answers(right()))
    path = f"{WORKFLOWS}/{(await create(api)).json()['workflow_id']}"
    told = (await api.put(path, json={"description": "Run it every day at 7"})).json()
    assert told["changes"][0]["field"].startswith("trigger")
    assert told["reading"]["by"] == "offline"
    assert len(server.asked) == 1


@pytest.mark.requirement("FIRST.2")
async def test_an_edit_of_a_model_that_widens_asks(
    api: httpx.AsyncClient, server: ModelServer
) -> None:
    """A recipient that the instruction names widens, and has to be confirmed."""
    operation = {
        "operation": "set_field",
        "node_id": "tell_support",
        "path": ["parameters", "to"],
        "value": "crew@ship.example",
    }
    server.script("openai", answers(right()), answers({"operations": [operation]}))
    path = f"{WORKFLOWS}/{(await create(api)).json()['workflow_id']}"
    body = {"description": "Whoever hears of bad reviews shall be crew@ship.example from now on"}
    refused = await api.put(path, json=body)
    assert refused.status_code == 409
    assert refused.json()["widens"][0]["value"] == "crew@ship.example"
    assert (await api.put(path, json={**body, "confirm": True})).status_code == 200


@pytest.mark.requirement("FR-7.10", "NFR-5.5")
async def test_readings_are_measured(api: httpx.AsyncClient, server: ModelServer) -> None:
    """Calls, tokens, cost and time of readings are counted beside the other metrics."""
    server.script("openai", answers(right()))
    await create(api)
    text = (await api.get("/metrics")).text
    assert 'weft_parser_calls_total{kind="create",model="gpt-4",outcome="answered"' in text
    for name in ("weft_parser_tokens_total", "weft_parser_cost_usd_total", "weft_parser_seconds"):
        assert name in text


@pytest.mark.requirement("NFR-1.5")
async def test_what_a_model_has_read_is_not_read_anew(
    api: httpx.AsyncClient, server: ModelServer, owner_pool: Pool
) -> None:
    """The same workflow for another address asks no model; its name and address are its own."""
    server.script("openai", answers(right()))
    first = (await create(api)).json()
    assert first["reading"]["cached"] is False
    again = (await create(api, name="Mine")).json()
    assert (again["name"], again["reading"]["cached"]) == ("Mine", True)
    assert again["levels"] == first["levels"]
    other = f"Please {TEXT[0].lower()}{TEXT[1:]}".replace(
        "support@shop.example", "other@example.com"
    )
    answer = await api.post(f"{WORKFLOWS}/create", json={"description": other, "dry_run": True})
    told = answer.json()
    DryRun.model_validate(told)
    assert (told["reading"]["cached"], told["reading"]["llm_tokens"]) == (True, 0)
    assert "other@example.com" in told["yaml"]
    assert "support@shop.example" not in told["yaml"]
    assert len(server.of("openai")) == len(await owner_pool.fetch(CALLS)) == 1


@pytest.mark.requirement("NFR-1.5")
async def test_what_was_read_offline_is_not_remembered(
    api: httpx.AsyncClient, server: ModelServer
) -> None:
    """A model that was away is asked again, and an offline reading asks none."""
    server.script("openai", fails(500), answers(right()))
    server.script("anthropic", fails(500))
    readers = [
        (await create(api, **fields)).json()["reading"]["by"]
        for fields in ({}, {"offline": True}, {})
    ]
    assert readers == ["offline", "offline", "gpt-4"]
