"""Sentences that name the organization's own agents, through the API."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from agents.settings import AgentSettings
from store.custom_agents import find_like
from store.postgres import Pool
from tests.agents.custom.making import definition, python
from tests.agents.model_server import ModelServer, answers, open_model_server
from tests.agents.planning import settings_of
from tests.factories import Account, MakeAccount

CREATE = "/api/v1/workflows/create"
REGISTER = "/api/v1/workflows/agents/register"
TEXT = "Fetch the reviews from https://shop.example/api, score each with score_text, email me"
SCORE = {
    **python(
        "def execute(text, threshold=0):\n    return {'score': len(text)}",
        text={"type": "string", "required": True},
        threshold={"type": "number"},
    ),
    "agent_name": "score_text",
    "description": "Scores a text by the words that it contains.",
}


async def register(api: httpx.AsyncClient, document: dict[str, Any] = SCORE) -> None:
    """Register an agent."""
    answer = await api.post(REGISTER, json=document)
    assert answer.is_success, answer.text


async def dry_run(api: httpx.AsyncClient, text: str = TEXT, **fields: Any) -> dict[str, Any]:
    """Return what a description would become."""
    body = {"description": text, "dry_run": True, **fields}
    answer = await api.post(CREATE, json=body)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def agents_of(document: dict[str, Any]) -> list[str]:
    """Return the agents of a graph's nodes."""
    return [node["agent"] for node in document["parsed_specification"]["nodes"]]


@pytest.mark.requirement("FR-1.1", "FR-3.10")
async def test_a_sentence_names_a_registered_agent(
    api: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    """It is known as soon as it is registered, and to its organization alone."""
    before = await dry_run(api)
    assert "score_text" not in agents_of(before)
    await register(api)
    told = await dry_run(api)
    assert told["problems"] == []
    assert agents_of(told) == ["api", "score_text", "email"]
    other = await make_account("Globex")
    api.headers["Authorization"] = f"Bearer {other.token}"
    assert "score_text" not in agents_of(await dry_run(api))


async def test_a_deprecated_agent_is_used_with_a_warning(api: httpx.AsyncClient) -> None:
    """The plan says that another one should be used."""
    await register(api)
    await api.patch("/api/v1/agents/score_text", json={"status": "deprecated"})
    told = await dry_run(api)
    assert "score_text" in agents_of(told)
    [warning] = [one for one in told["plan"]["warnings"] if "score_text" in str(one)]
    assert "deprecated" in warning["message"]


async def test_an_inactive_agent_is_refused_with_its_reason(api: httpx.AsyncClient) -> None:
    """Nothing is created, and the problem says what to do."""
    await register(api)
    await api.patch("/api/v1/agents/score_text", json={"status": "inactive"})
    answer = await api.post(CREATE, json={"description": TEXT})
    assert answer.status_code == 422
    [problem] = answer.json()["problems"]
    assert problem["message"] == "The agent `score_text` is inactive."
    assert "active again" in problem["remedy"]


@pytest.mark.requirement("FR-1.3")
async def test_an_instruction_puts_an_own_agent_in(api: httpx.AsyncClient) -> None:
    """Into the place of a step, as one more step, and with another parameter."""
    await register(api)
    text = "Scrape the reviews at https://a.example/reviews, score each review, then email me"
    made = (await api.post(CREATE, json={"description": text})).json()
    path = f"/api/v1/workflows/{made['workflow_id']}"

    async def change(words: str) -> dict[str, Any]:
        answer = await api.put(path, json={"description": words, "confirm": True})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = (await api.get(path)).json()["specification"]
        return found

    nodes = (await change("Use score_text instead"))["nodes"]
    assert [node["agent"] for node in nodes] == ["web_scraping", "score_text", "email"]
    assert (nodes[1]["pattern"], nodes[1]["parameters"]) == ("map", {"text": "{review}"})
    nodes = (await change("Set the threshold of step 2 to 0.7"))["nodes"]
    assert nodes[1]["parameters"]["threshold"] == 0.7


PLANNED = {
    "name": "Scores",
    "pattern": "sequential",
    "nodes": [
        {"id": "score", "agent": "score_text", "description": "Score it",
         "parameters": {"text": "{input.review}"}},
    ],
    "edges": [],
    "state_schema": {"input": {"type": "object", "properties": {"review": {"type": "string"}}}},
}  # fmt: skip


class TestWithModels:
    """Where language models read."""

    @pytest.fixture
    async def server(self) -> AsyncIterator[ModelServer]:
        """The models' server."""
        async with open_model_server() as opened:
            yield opened

    @pytest.fixture
    def model_settings(self, server: ModelServer) -> AgentSettings:
        """Both providers, the server."""
        return settings_of(server)

    @pytest.mark.requirement("FR-1.2", "FR-3.10")
    async def test_a_model_is_told_of_own_agents_that_are_like_the_text(
        self, api: httpx.AsyncClient, server: ModelServer
    ) -> None:
        """Their names and parameters are data; what it plans with them passes the check."""
        await register(api)
        hidden = {"type": "api_endpoint", "url": "https://crm.example.com/scores"}
        await register(api, definition(hidden, {}, name="send_scores"))
        server.script("openai", answers(PLANNED))
        told = await dry_run(api, "Rate the review by scoring the words that its text contains")
        assert told["reading"]["by"] == "gpt-4"
        assert agents_of(told) == ["score_text"]
        asked = json.dumps(server.asked[0][1])
        assert "own_agents" in asked
        assert "Scores a text by the words that it contains." in asked
        assert "send_scores" not in asked

    @pytest.mark.requirement("FR-1.2")
    async def test_what_a_model_made_is_remembered_for_the_agents_that_there_were(
        self, api: httpx.AsyncClient, server: ModelServer
    ) -> None:
        """A new version with other parameters is another workflow: the model is asked again."""
        await register(api)
        text = "Score the review with score_text"
        server.script("openai", answers(PLANNED), answers(PLANNED))
        await dry_run(api, text)
        again = await dry_run(api, text)
        assert again["reading"]["cached"]
        await register(api, {**SCORE, "description": "Scores otherwise."})
        anew = await dry_run(api, text)
        assert not anew["reading"]["cached"]
        assert len(server.asked) == 2


@pytest.mark.requirement("NFR-2.4")
async def test_the_likest_agents_are_found_by_words(
    api: httpx.AsyncClient, api_pool: Pool, account: Account, make_account: MakeAccount
) -> None:
    """Words of names count most, then of descriptions; inactive ones and others' are not found."""
    await register(api)
    await register(api, {**SCORE, "agent_name": "grade", "description": "Grades a text."})
    await register(api, {**SCORE, "agent_name": "text_score_old"})
    await api.patch("/api/v1/agents/text_score_old", json={"status": "inactive"})

    async def found(*words: str) -> list[str]:
        return await find_like(api_pool, account.tenant_id, words, 5)

    assert await found("scoring", "texts", "the") == ["score_text", "grade"]
    assert await found("invoice") == []
    assert await found() == []
    other = await make_account("Globex")
    assert await find_like(api_pool, other.tenant_id, ["scoring"], 5) == []
