"""The API's description of itself: the document's names, the errors, the tokens."""

from typing import Any

import httpx
import pytest

from serve.app import build_app
from tests.serve.conftest import api_config

WORKFLOWS = "/api/v1/workflows"
EXECUTION = f"{WORKFLOWS}/executions/{{execution_id}}"
SPECIFICATION = {
    "pattern": "sequential",
    "nodes": [
        {"id": "scrape_profiles", "agent": "web_scraping"},
        {"id": "extract_skills", "agent": "llm"},
        {"id": "send_email", "agent": "email"},
    ],
    "edges": [
        {"from": "scrape_profiles", "to": "extract_skills"},
        {"from": "extract_skills", "to": "send_email"},
    ],
}
TIME = "2025-10-08T10:05:00Z"
NODE = {"node_id": "send_email", "status": "completed", "started_at": TIME, "completed_at": TIME,
        "duration_seconds": 10, "output": {"email_sent": True}}  # fmt: skip
EXAMPLES: dict[tuple[str, str, str], Any] = {
    ("post", f"{WORKFLOWS}/create", "201"): {
        "workflow_id": "wf_001", "name": "LinkedIn Skills Extraction", "status": "active",
        "parsed_specification": SPECIFICATION, "yaml_config_url": "s3://c/org_123/wf_001.yaml",
        "version": "1.0.0", "created_at": TIME,
    },
    ("post", f"{WORKFLOWS}/{{workflow_id}}/execute", "202"): {
        "execution_id": "exec_001", "workflow_id": "wf_001", "status": "running",
        "progress": {"total_nodes": 3, "completed_nodes": 0, "current_node": "scrape_profiles"},
        "started_at": TIME, "estimated_completion": TIME,
        "websocket_url": "wss://api.company.com/v1/workflows/executions/exec_001/stream",
    },
    ("get", EXECUTION, "200"): {
        "execution_id": "exec_001", "workflow_id": "wf_001", "status": "completed",
        "progress": {"total_nodes": 3, "completed_nodes": 3, "failed_nodes": 0},
        "nodes": [NODE], "output": {"skills": ["Python"], "email_sent": True},
        "started_at": TIME, "completed_at": TIME, "duration_seconds": 190,
        "cost": {"llm_tokens": 1500, "api_calls": 12, "total_usd": 0.15},
    },
    ("post", f"{EXECUTION}/cancel", "200"): {
        "execution_id": "exec_001", "status": "cancelled", "cancelled_at": TIME,
        "message": "Workflow execution cancelled by user", "completed_nodes": 1,
        "pending_nodes": 2,
    },
    ("get", WORKFLOWS, "200"): {
        "workflows": [{
            "workflow_id": "wf_001", "name": "LinkedIn Skills Extraction",
            "description": "Scrape LinkedIn profiles and extract skills", "status": "active",
            "version": "1.0.0", "tags": ["scraping", "llm", "linkedin"], "executions_count": 145,
            "last_executed": TIME, "created_at": TIME,
        }],
        "total": 25, "limit": 50, "offset": 0,
    },
    ("put", f"{WORKFLOWS}/{{workflow_id}}", "200"): {
        "workflow_id": "wf_001", "version": "1.0.1",
        "changes": [{"node_id": "extract_skills", "field": "parameters.model",
                     "old_value": "gpt-4", "new_value": "gpt-3.5"}],
        "yaml_config_url": "s3://workflow-configs/org_123/wf_001_v1.0.1.yaml", "updated_at": TIME,
    },
    ("post", f"{WORKFLOWS}/{{workflow_id}}/rollback", "200"): {
        "workflow_id": "wf_001", "current_version": "1.0.0", "previous_version": "1.0.1",
        "rolled_back_at": TIME,
    },
    ("get", f"{WORKFLOWS}/{{workflow_id}}/executions", "200"): {
        "executions": [{
            "execution_id": "exec_001", "status": "completed", "duration_seconds": 190,
            "cost_usd": 0.15, "started_at": TIME, "completed_at": TIME,
        }],
        "total": 145, "success_rate": 0.95, "avg_duration_seconds": 185, "total_cost_usd": 21.75,
    },
}  # fmt: skip
"""The example answers of the contract, by route and status."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The description; it needs no service."""
    return build_app(api_config("postgresql://none", "redis://none"), None).openapi()


def declared(document: dict[str, Any], method: str, path: str, status: str) -> dict[str, Any]:
    """The schema of an answer, its reference followed."""
    answer = document["paths"][path][method]["responses"][status]
    schema = answer["content"]["application/json"]["schema"]
    assert set(schema) == {"$ref"}
    return resolved(document, schema)


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, or what it refers to; of alternatives the one that is not null."""
    for option in schema.get("anyOf", ()):
        if option != {"type": "null"}:
            return resolved(document, option)
    if "$ref" in schema:
        found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].split("/")[-1]]
        return found
    return schema


def assert_named(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Check that every field of an example is declared with a schema that fits, at any depth."""
    if isinstance(value, list):
        for item in value:
            assert_named(document, resolved(document, schema.get("items", {})), item)
    if not isinstance(value, dict) or "properties" not in schema:
        return
    assert set(value) <= set(schema["properties"])
    for name, item in value.items():
        assert_named(document, resolved(document, schema["properties"][name]), item)


@pytest.mark.requirement("API.1", "API.2", "API.3", "API.4", "API.5", "API.6", "API.7", "API.8")
@pytest.mark.parametrize("route", EXAMPLES, ids=lambda route: f"{route[0]} {route[1]}")
def test_the_contract_s_examples_are_declared(
    document: dict[str, Any], route: tuple[str, str, str]
) -> None:
    """Every field of each example answer stands in the schema of its route."""
    assert_named(document, declared(document, *route), EXAMPLES[route])


def test_the_contract_s_requests_are_declared(document: dict[str, Any]) -> None:
    """Bodies and query parameters have the contract's names."""
    schemas = document["components"]["schemas"]
    assert {"organization_id", "description", "name", "tags", "dry_run"} <= set(
        schemas["CreateWorkflow"]["properties"]
    )
    assert set(schemas["ExecuteWorkflow"]["properties"]) == {"organization_id", "input", "options"}
    assert set(schemas["ExecuteOptions"]["properties"]) == {
        "async", "webhook_url", "timeout_seconds", "priority",
    }  # fmt: skip
    parameters = {p["name"] for p in document["paths"][WORKFLOWS]["get"]["parameters"]}
    assert {"organization_id", "status", "tags", "limit", "offset"} <= parameters


def test_every_operation_says_what_it_is(document: dict[str, Any]) -> None:
    """A summary, a description, one known tag and a name of its own for each operation."""
    tags = {tag["name"] for tag in document["tags"]}
    names = []
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["description"]
            assert len(operation["tags"]) == 1
            assert set(operation["tags"]) <= tags
            names.append(operation["operationId"])
    assert len(names) == len(set(names))


def test_errors_are_problems_everywhere(document: dict[str, Any]) -> None:
    """Each error is declared as a problem document, and none with the framework's own shape."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                if status >= "400" and (path, status) != ("/ready", "503"):
                    assert list(answer["content"]) == ["application/problem+json"], (method, path)
    assert "HTTPValidationError" not in document["components"]["schemas"]
    execute = document["paths"][f"{WORKFLOWS}/{{workflow_id}}/execute"]["post"]["responses"]
    assert set(execute) == {"200", "202", "401", "403", "404", "409", "413", "422", "503"}
    problem = document["components"]["schemas"]["ProblemDetails"]["properties"]
    assert {"type", "title", "status", "detail", "remedy", "problems", "questions",
            "reading", "changes", "widens"} == set(problem)  # fmt: skip


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """No `$ref` of the description is dangling."""

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known


@pytest.mark.requirement("NFR-4.1")
async def test_what_is_open_is_declared_open(
    document: dict[str, Any], anonymous: httpx.AsyncClient
) -> None:
    """Exactly the operations that declare no security answer without a token."""
    assert document["security"] == [{"bearer": []}, {"cookie": []}]
    assert set(document["components"]["securitySchemes"]) == {"bearer", "cookie"}
    ids = {"workflow_id": f"wf_{'0' * 32}", "execution_id": f"exec_{'0' * 32}",
           "node_id": "only", "index": "0", "checkpoint_number": "1",
           "sha256": "0" * 64, "version": "1.0.0", "from_version": "1.0.0",
           "to_version": "1.0.0", "template_id": "monitor-alert", "name": "token"}  # fmt: skip
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answer = await anonymous.request(
                method, path.format(**ids), json={} if "requestBody" in operation else None
            )
            assert (answer.status_code == 401) == ("security" not in operation), (method, path)


async def test_the_description_is_served(api: httpx.AsyncClient) -> None:
    """The description is at /openapi.json, with a token like everything else."""
    document = (await api.get("/openapi.json")).json()
    assert document["info"]["title"] == "Weft"
    assert "/executions/{execution_id}/stream" in document["info"]["description"]
    assert {"Event", "Execution", "Plan"} <= set(document["components"]["schemas"])


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/redoc"])
async def test_the_description_is_not_for_everybody(
    anonymous: httpx.AsyncClient, path: str
) -> None:
    """Without a token the description is refused, and there are no pages that need a network."""
    answer = await anonymous.get(path)
    assert answer.status_code == (401 if path == "/openapi.json" else 404)
