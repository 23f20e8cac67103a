"""Statements of ready agents: found, never written into, their values bound by the service."""

import re
from typing import Any

import pytest

from agents.catalog.binding import bound
from agents.catalog.library import catalog_entry, catalog_names
from agents.errors import AgentError
from agents.registry import Registry
from agents.services import open_services
from agents.settings import AgentSettings
from compiler.check import check
from compiler.plan import plan
from compiler.specification import Specification
from tests.agents.conftest import context_of
from tests.agents.website import Site, json_reply

STATEMENTS = {
    "bigquery_run_query": ("sql", "?"),
    "snowflake_run_sql": ("sql", "?"),
    "influxdb_query": ("flux", "params.value"),
    "salesforce_run_query": ("soql", ""),
    "database": ("query", "$1"),
}
SEARCHES = {
    ("jira_search_issues", "jql"),
    ("datadog_query_metrics", "metric_query"),
    ("sentry_list_issues", "search"),
    ("gmail_search_messages", "search"),
}
"""Expressions that find things with the rights of their token, and change nothing."""
_SPEAKS_OF_ONE = re.compile(r"\b(sql|statement|flux|query|jql|search)\b", re.IGNORECASE)


def node(agent: str, **parameters: Any) -> Specification:
    """Return a workflow of one node; a ready agent's other parameters are its example's."""
    example = catalog_entry(agent).example.parameters if agent in catalog_names() else {}
    given = {name: value for name, value in example.items() if name != "params"}
    one = {"id": "ask", "agent": agent, "parameters": {**given, **parameters}}
    state: dict[str, Any] = {"input": {"properties": {"name": {}}}}
    return Specification.model_validate({"nodes": [one], "state_schema": state})


@pytest.mark.requirement("NFR-4.5")
def test_every_statement_is_marked(registry: Registry) -> None:
    """What a service executes is marked with how values are bound; what only finds is listed."""
    found: dict[str, tuple[str, str]] = {}
    for name, signature in registry.signatures().items():
        properties = signature.parameters_schema.get("properties", {})
        for parameter, about in properties.items():
            told = f"{parameter} {about.get('description', '')}"
            if "x-statement" in about:
                found[name] = (parameter, about["x-statement"])
                assert ("params" in properties) == bool(about["x-statement"])
            elif name in catalog_names() and about.get("type") == "string":
                entry = catalog_entry(name)
                speaks = _SPEAKS_OF_ONE.search(told.replace("_", " "))
                is_code = speaks and entry.group in ("data warehouses", "databases")
                assert not is_code or (name, parameter) in SEARCHES, (name, parameter)
    assert found == STATEMENTS


@pytest.mark.requirement("NFR-4.5")
@pytest.mark.parametrize(("agent", "parameter", "place"), [
    (agent, *told) for agent, told in STATEMENTS.items() if told[1]
])  # fmt: skip
def test_values_are_not_written_into_statements(
    registry: Registry, agent: str, parameter: str, place: str
) -> None:
    """A reference within the text is refused with how it is bound; a whole one is told of."""
    inside = node(agent, **{parameter: "SELECT '{input.name}'"})
    (problem,) = check(inside, registry.signatures())
    assert problem.path == f"nodes[0].parameters.{parameter}"
    assert problem.rule == "reference_in_sql"
    assert problem.remedy.startswith(f"Write {place} in its place, and `params: ")
    values: Any = {"value": "{input.name}"} if "." in place else ["{input.name}"]
    good = node(agent, **{parameter: f"SELECT {place}"}, params=values)
    assert check(good, registry.signatures()) == []
    whole = plan(node(agent, **{parameter: "{input.name}"}), registry.signatures())
    assert "unknown_statement" in {warning.rule for warning in whole.warnings}


@pytest.mark.requirement("NFR-4.5")
def test_a_language_that_binds_nothing_takes_no_values(registry: Registry) -> None:
    """A reference within SOQL is refused, and the remedy names no parameter that is not there."""
    inside = node("salesforce_run_query", soql="SELECT Id FROM Lead WHERE Name = '{input.name}'")
    (problem,) = check(inside, registry.signatures())
    assert (problem.path, problem.rule) == ("nodes[0].parameters.soql", "reference_in_sql")
    assert problem.remedy.startswith("Nothing can be bound to it")
    fixed = node("salesforce_run_query", soql="SELECT Id FROM Lead")
    assert check(fixed, registry.signatures()) == []


def test_statements_of_tools_are_checked(registry: Registry) -> None:
    """What is fixed of a tool is no place for a model's words either."""
    tool = {"agent": "database", "parameters": {"query": "SELECT '{input.name}'"}}
    one = {"id": "a", "agent": "llm", "parameters": {"prompt": "x", "tools": [tool]}}
    state: dict[str, Any] = {"input": {"properties": {"name": {}}}}
    specification = Specification.model_validate({"nodes": [one], "state_schema": state})
    found = {(one.rule, one.path) for one in check(specification, registry.signatures())}
    path = "nodes[0].parameters.tools[0].parameters.query"
    assert ("reference_in_sql", path) in found


def test_values_have_the_forms_of_their_services() -> None:
    """Texts stay texts, numbers and truth values get their types, lists are BigQuery's alone."""
    values = ["x'; DROP", 5, 2.5, True]
    assert bound("snowflake", values) == {
        "1": {"type": "TEXT", "value": "x'; DROP"}, "2": {"type": "FIXED", "value": "5"},
        "3": {"type": "REAL", "value": "2.5"}, "4": {"type": "BOOLEAN", "value": "true"},
    }  # fmt: skip
    made = bound("bigquery", [*values, ["a", "b"], [1, 2.5]])
    assert made["mode"] == "POSITIONAL"
    kinds = [one["parameterType"]["type"] for one in made["parameters"]]
    assert kinds == ["STRING", "INT64", "FLOAT64", "BOOL", "ARRAY", "ARRAY"]
    assert made["parameters"][4] == {
        "parameterType": {"type": "ARRAY", "arrayType": {"type": "STRING"}},
        "parameterValue": {"arrayValues": [{"value": "a"}, {"value": "b"}]},
    }
    assert made["parameters"][5]["parameterType"]["arrayType"] == {"type": "FLOAT64"}
    assert bound("bigquery", []) is None
    assert bound("bigquery", None) is None
    for mixed in ([], [1, "a"], [True, 1]):
        with pytest.raises(AgentError, match="values of one kind"):
            bound("bigquery", [mixed])


@pytest.mark.parametrize("agent", ["bigquery_run_query", "snowflake_run_sql", "influxdb_query"])
async def test_without_values_nothing_is_bound(agent: str, registry: Registry, site: Site) -> None:
    """A statement without values is sent as before."""
    entry, ready = catalog_entry(agent), registry.get(agent)
    given = {name: value for name, value in entry.example.parameters.items() if name != "params"}
    path = str(entry.example.request and entry.example.request.url).partition("://")[2]
    site.replies["/" + path.partition("/")[2]] = json_reply({})
    urls = {entry.service: site.url("")}
    async with open_services(AgentSettings(allow_loopback=True, service_urls=urls)) as services:
        await ready.run(ready.parameters.model_validate(given), context_of(services))
    body = site.asked[0].json
    assert isinstance(body, dict)
    assert not {"queryParameters", "parameterMode", "bindings", "params"} & body.keys()
