"""Ready agents that no HTTP service stands behind: databases, language models, mail."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from agents.catalog.library import catalog_entry, catalog_names
from agents.catalog.rendering import output_of
from agents.registry import Registry
from agents.services import open_services
from agents.settings import AgentSettings
from tests.agents.conftest import context_of
from tests.agents.test_llm import openai_reply
from tests.agents.website import Site
from tests.mailbox import Mailbox


def _of(base: str) -> list[str]:
    return [name for name in catalog_names() if catalog_entry(name).base == base]


async def _run(name: str, registry: Registry, settings: AgentSettings, **given: Any) -> Any:
    agent = registry.get(name)
    parameters = {**catalog_entry(name).example.parameters, **given}
    async with open_services(settings) as services:
        parsed = agent.parameters.model_validate(parameters)
        return (await agent.run(parsed, context_of(services))).output


@pytest.mark.requirement("FR-3.9")
@pytest.mark.parametrize("name", _of("database"))
async def test_statement_runs_on_postgresql(name: str, registry: Registry, postgres: str) -> None:
    """The example's statement is run by a real server, and answers what the example says."""
    settings = AgentSettings(default_database_url=SecretStr(postgres))
    assert await _run(name, registry, settings) == catalog_entry(name).example.output


async def test_tables_are_described(registry: Registry, postgres: str) -> None:
    """The columns of a table come back as rows; a name is a value, never SQL."""
    settings = AgentSettings(default_database_url=SecretStr(postgres))
    given = {"schema": "information_schema", "table": "schemata"}
    found = await _run("postgres_describe_table", registry, settings, **given)
    assert found["rows"][0]["column_name"] == "catalog_name"
    hostile = {"schema": "public", "table": "x'; DROP TABLE y; --"}
    assert await _run("postgres_describe_table", registry, settings, **hostile) == {"rows": []}


@pytest.mark.requirement("FR-3.3")
@pytest.mark.parametrize("name", _of("llm"))
async def test_text_job_asks_the_model(name: str, registry: Registry, site: Site) -> None:
    """The model gets the job with the text, and its answer becomes the example's output."""
    entry = catalog_entry(name)
    answer = entry.example.answer
    text = answer if isinstance(answer, str) else json.dumps(answer)
    site.replies["/v1/chat/completions"] = openai_reply(text)
    settings = AgentSettings(
        allow_loopback=True, openai_api_key=SecretStr("k"), openai_base_url=site.url("/v1")
    )
    output = await _run(name, registry, settings, model="gpt-4")
    assert entry.example.parameters["text"] in site.asked[0].body.decode()
    scope = {**answer, "output": answer} if isinstance(answer, dict) else {"output": answer}
    whole = {"text": entry.example.parameters["text"]} if name == "text_sentiment" else {}
    assert output == output_of(entry.response.output, {**scope, **whole}) == entry.example.output


@pytest.mark.parametrize("name", ["text_sentiment", "text_keywords", "text_summarize"])
async def test_text_job_runs_without_a_model(name: str, registry: Registry) -> None:
    """What the offline model can do needs no key."""
    output = await _run(name, registry, AgentSettings(), model="offline")
    assert all(output.values())


@pytest.mark.requirement("FR-3.6")
@pytest.mark.parametrize("name", _of("email"))
async def test_mail_arrives(name: str, registry: Registry, mailbox: Mailbox) -> None:
    """A mail is delivered to the example's recipient, by a real server."""
    settings = AgentSettings(smtp_url=mailbox.url, email_sender="Weft <weft@example.org>")
    output = await _run(name, registry, settings)
    example = catalog_entry(name).example.parameters
    assert output["recipients"] == 1
    assert mailbox.mails[0].rcpt_tos == [example["to"]]
