"""The registry and the services that agents share."""

import ast
import dataclasses
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from agents.catalog.library import catalog_names
from agents.errors import AgentError
from agents.registry import builtin_registry
from agents.services import Services, open_services
from agents.settings import AgentSettings
from tests.agents.conftest import Run, context_of

NAMES = (
    "aggregator",
    "api",
    "data_processing",
    "database",
    "email",
    "human_loop",
    "llm",
    "mcp",
    "router",
    "wait",
    "web_scraping",
    "workers",
    "workflow",
)


@pytest.mark.requirement("FR-3.1", "FR-3.7")
def test_the_agents_of_the_document_are_there() -> None:
    """Every agent of the document is found by its name, with a signature."""
    registry = builtin_registry()
    assert set(registry.names()) == {*NAMES, *catalog_names()}
    for name, signature in registry.signatures().items():
        agent = registry.get(name)
        assert (signature.name, signature.description) == (agent.name, agent.description)
        assert signature.parameters_schema["additionalProperties"] is False


@pytest.mark.requirement("FR-1.4")
def test_unknown_agent_is_told_with_the_nearest() -> None:
    """A misspelled name leads to the right one; another to the list."""
    with pytest.raises(AgentError, match="Did you mean web_scraping"):
        builtin_registry().get("web_scrapping")
    with pytest.raises(AgentError, match="There are: aggregator"):
        builtin_registry().get("xyz")


def test_code_parameters_are_known() -> None:
    """Parameters that hold code are marked, wherever they stand."""
    signatures = builtin_registry().signatures()
    assert signatures["router"].code_parameters == {"condition", "routes[].when"}
    assert signatures["data_processing"].code_parameters == {
        "script", "where", "compute", "reduce"
    }  # fmt: skip
    assert signatures["aggregator"].code_parameters == {"custom_script"}
    assert signatures["llm"].code_parameters == {
        f"tools[].parameters.{name}"
        for name in ("script", "where", "compute", "reduce", "custom_script")
    }


@pytest.mark.requirement("FR-3.7")
async def test_human_loop_is_not_run(run: Run) -> None:
    """Only the engine can wait for a person."""
    with pytest.raises(AgentError, match="waits for a person"):
        await run("human_loop", {"message": "Go on?"})


async def test_services_open_their_parts_once(settings: AgentSettings) -> None:
    """A part is opened when it is first asked for, shared, and closed with the services."""
    async with open_services(settings) as services:
        client = await services.http()
        sandbox = await services.sandbox()
        assert await services.http() is client
        assert await services.sandbox() is sandbox
    assert client.is_closed
    with pytest.raises(RuntimeError, match="not open"):
        await sandbox.evaluate("abs(-2)", {})


def test_settings_hide_their_secrets() -> None:
    """Settings that are printed show no key."""
    settings = AgentSettings(openai_api_key=SecretStr("sk-1"), smtp_url=SecretStr("smtp://u:p@h"))
    assert "sk-1" not in repr(settings)
    assert "u:p" not in repr(settings)
    assert dataclasses.replace(settings, allow_loopback=True).openai_api_key is not None


def test_idempotency_key_names_the_work(services: Services) -> None:
    """Every attempt at the same item has the same key; items differ."""
    context = context_of(services, map_index=3)
    assert context.idempotency_key == f"{context.execution_id}:node:3"
    assert context_of(services, map_index=3, attempt=5).idempotency_key == context.idempotency_key


@pytest.mark.requirement("NFR-1.2")
def test_provider_libraries_are_not_imported_at_start() -> None:
    """The providers' libraries, seconds to import, are named by their own modules only."""
    folder = Path(sys.modules["agents.services"].__file__ or "").parent
    heavy = {"openai", "anthropic", "pydantic_ai", "mcp", "mcp_types"}
    importing = {
        path.stem
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom | ast.Import)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
        if name.split(".")[0] in heavy
    }
    assert importing == {
        "completion", "openai_provider", "anthropic_provider", "planner_model", "provider_errors",
        "mcp_servers", "mcp_container",
    }  # fmt: skip
