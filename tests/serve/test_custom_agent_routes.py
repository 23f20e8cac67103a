"""The organization's own agents by HTTP, by the clients and by `weft agents`."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from weft import AsyncClient, WeftError

from serve import agent_answers
from tests.agents.custom.making import definition, python
from tests.agents.custom.test_definition import DOCUMENT
from tests.factories import Account, MakeAccount
from tests.serve.shapes import fits
from tests.serve.terminal import Weft
from tests.serve.test_context import become

REGISTER = "/api/v1/workflows/agents/register"
AGENTS = "/api/v1/agents"
NODE = {"id": "own", "agent": "my_custom_agent", "parameters": {"param1": "a"}}


async def register(api: httpx.AsyncClient, document: Any = DOCUMENT) -> httpx.Response:
    """Register an agent."""
    return await api.post(REGISTER, json=document)


@pytest.mark.requirement("API.9", "FR-3.10")
async def test_an_agent_is_registered(api: httpx.AsyncClient) -> None:
    """The answer has the contract's fields, and the agent is shown with its schema."""
    answer = await register(api)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    fits(agent_answers.RegisteredAgent, told)
    assert told["agent_id"].startswith("agent_")
    assert (told["agent_name"], told["status"]) == ("my_custom_agent", "active")
    assert (told["version"], told["outcome"]) == (1, "created")
    shown = (await api.get(f"{AGENTS}/my_custom_agent")).json()
    fits(agent_answers.Agent, shown)
    assert shown["parameters"]["required"] == ["param1"]
    assert shown["output_fields"] == ["result"]
    assert shown["custom"]["implementation"] == DOCUMENT["implementation"]


async def test_the_same_again_changes_nothing(api: httpx.AsyncClient) -> None:
    """A second registration is a new version only when it says something else."""
    await register(api)
    same = await register(api)
    assert (same.status_code, same.json()["outcome"]) == (200, "unchanged")
    other = await register(api, {**DOCUMENT, "description": "Another one."})
    assert (other.status_code, other.json()["version"]) == (201, 2)
    versions = (await api.get(f"{AGENTS}/my_custom_agent/versions")).json()
    fits(agent_answers.AgentVersions, versions)
    assert [one["version"] for one in versions["versions"]] == [2, 1]
    first = (await api.get(f"{AGENTS}/my_custom_agent@1")).json()
    assert first["description"] == DOCUMENT["description"]


async def test_agents_are_listed_by_page_and_status(api: httpx.AsyncClient) -> None:
    """Lists can be narrowed to a status and a text."""
    for name in ("first", "second"):
        await register(api, {**DOCUMENT, "agent_name": name})
    changed = await api.patch(f"{AGENTS}/second", json={"status": "deprecated"})
    fits(agent_answers.CustomAgent, changed.json())
    page = (await api.get(f"{AGENTS}/custom", params={"status": "deprecated"})).json()
    fits(agent_answers.CustomAgentPage, page)
    assert [one["agent_name"] for one in page["agents"]] == ["second"]
    found = (await api.get(f"{AGENTS}/custom", params={"text": "FIR"})).json()
    assert (found["total"], found["agents"][0]["agent_name"]) == (1, "first")


@pytest.mark.parametrize(
    ("document", "status", "words"),
    [
        ({**DOCUMENT, "agent_name": "api"}, 409, "every organization"),
        ({**DOCUMENT, "agent_name": "slack_post_message"}, 409, "every organization"),
        ({**DOCUMENT, "agent_name": "custom"}, 409, "every organization"),
        ({**DOCUMENT, "agent_name": "My Agent"}, 422, "agent_name"),
        ({**DOCUMENT, "implementation": {"type": "shell"}}, 422, "implementation"),
        ({**DOCUMENT, "nonsense": 1}, 422, "nonsense"),
        (python("def run(): pass"), 422, "no_function"),
        (definition({"type": "chain", "steps": [{"id": "a", "agent": "mine"}]}), 422, "step"),
        ({**DOCUMENT, "organization_id": "org_" + "0" * 32}, 403, "organization"),
    ],
)
async def test_what_cannot_be_registered(
    api: httpx.AsyncClient, document: dict[str, Any], status: int, words: str
) -> None:
    """The answer says what is wrong, and nothing is kept."""
    answer = await register(api, document)
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert (await api.get(f"{AGENTS}/custom")).json()["total"] == 0


@pytest.mark.requirement("FR-3.10")
async def test_a_workflow_may_name_a_custom_agent(api: httpx.AsyncClient) -> None:
    """Its parameters are checked by the agent's schema, where they stand."""
    await register(api)
    body = {"specification": {"name": "Own", "nodes": [NODE]}, "dry_run": True}
    fine = (await api.post("/api/v1/workflows/create", json=body)).json()
    assert fine["problems"] == []
    for parameters, rule in (({}, "missing"), ({"param1": 1}, "wrong"), ({"x": 1}, "unknown")):
        nodes = [{**NODE, "parameters": parameters}]
        body["specification"] = {"name": "Own", "nodes": nodes}
        told = (await api.post("/api/v1/workflows/create", json=body)).json()
        assert f"{rule}_parameter" in [one["rule"] for one in told["problems"]]
    body["specification"] = {"name": "Own", "nodes": [{**NODE, "agent": "my_custom_agnt"}]}
    told = (await api.post("/api/v1/workflows/create", json=body)).json()
    assert [one["rule"] for one in told["problems"]] == ["unknown_agent"]


async def test_status_counts_for_new_workflows(api: httpx.AsyncClient) -> None:
    """A deprecated agent is warned of, an inactive one refused."""
    await register(api)
    body = {"specification": {"name": "Own", "nodes": [NODE]}, "dry_run": True}
    await api.patch(f"{AGENTS}/my_custom_agent", json={"status": "deprecated"})
    told = (await api.post("/api/v1/workflows/create", json=body)).json()
    assert told["problems"] == []
    assert "deprecated_agent" in [one["rule"] for one in told["plan"]["warnings"]]
    await api.patch(f"{AGENTS}/my_custom_agent", json={"status": "inactive"})
    told = (await api.post("/api/v1/workflows/create", json=body)).json()
    assert [one["rule"] for one in told["problems"]] == ["unavailable_agent"]


async def test_a_workflow_with_a_custom_agent_is_created_edited_and_started(
    api: httpx.AsyncClient,
) -> None:
    """Whatever reads a stored specification knows its custom agents."""
    await register(api)
    nodes = [NODE, {"id": "told", "agent": "llm", "parameters": {"prompt": "Summarize {own}"}}]
    specification = {"name": "Own", "nodes": nodes, "edges": [{"from": "own", "to": "told"}]}
    created = await api.post("/api/v1/workflows/create", json={"specification": specification})
    assert created.status_code == 201, created.text
    path = f"/api/v1/workflows/{created.json()['workflow_id']}"
    edited = await api.put(
        path, json={"description": "Change the timeout of the step told to 90 seconds"}
    )
    assert edited.status_code == 200, edited.text
    plan = await api.post(f"{path}/plan", json={"input": {}})
    assert plan.status_code == 200, plan.text
    started = await api.post(f"{path}/execute", json={"input": {}})
    assert started.status_code == 202, started.text


async def test_secrets_of_a_definition_are_in_the_plan(api: httpx.AsyncClient) -> None:
    """The plan names the host and the secret, though no node does."""
    endpoint = {"type": "api_endpoint", "url": "https://crm.example.com/contacts",
                "auth": {"type": "bearer", "token": "{secrets.crm}"}}  # fmt: skip
    await register(api, definition(endpoint, name="make_contact"))
    nodes = [{"id": "own", "agent": "make_contact"}]
    body = {"specification": {"name": "Own", "nodes": nodes}, "dry_run": True}
    told = (await api.post("/api/v1/workflows/create", json=body)).json()
    assert "crm.example.com" in json.dumps(told["plan"])
    assert "needs_secret" in [one["rule"] for one in told["plan"]["warnings"]]


async def test_another_organization_sees_none_of_it(
    api: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    """Its lists are empty, and the name is free there."""
    await register(api)
    other = await make_account("Globex")
    api.headers["Authorization"] = f"Bearer {other.token}"
    assert (await api.get(f"{AGENTS}/custom")).json()["total"] == 0
    assert (await api.get(f"{AGENTS}/my_custom_agent")).status_code == 404
    assert (await api.patch(f"{AGENTS}/my_custom_agent", json={})).status_code == 404
    assert (await api.post(f"{AGENTS}/my_custom_agent/test", json={})).status_code == 404
    assert (await register(api)).status_code == 201


@pytest.mark.requirement("NFR-4.2")
async def test_viewers_register_change_and_test_nothing(
    api: httpx.AsyncClient, account: Account, dsn: str
) -> None:
    """Roles that may not write get 403, and may look."""
    await become(dsn, account, "viewer")
    assert (await register(api, {**DOCUMENT, "agent_name": "other"})).status_code == 403
    assert (await api.patch(f"{AGENTS}/my_custom_agent", json={})).status_code == 403
    assert (await api.post(f"{AGENTS}/my_custom_agent/test", json={})).status_code == 403
    assert (await api.get(f"{AGENTS}/custom")).status_code == 200


@pytest.mark.parametrize(
    ("name", "status"), [("nobody", 404), ("human_loop", 422), ("router", 422), ("api", 503)]
)
async def test_what_cannot_be_tried(api: httpx.AsyncClient, name: str, status: int) -> None:
    """Unknown agents and those of workflows are refused; without executors nothing is tried."""
    answer = await api.post(f"{AGENTS}/{name}/test", json={"input": {}})
    assert answer.status_code == status, answer.text


async def test_the_client_registers_and_changes_agents(url: str, account: Account) -> None:
    """The asynchronous client has every call; errors are its own."""
    async with AsyncClient(url, token=account.token) as client:
        told = await client.register_agent(DOCUMENT)
        assert told["outcome"] == "created"
        assert [one["agent_name"] for one in await client.custom_agents()] == ["my_custom_agent"]
        changed = await client.change_agent("my_custom_agent", status="inactive")
        assert changed["status"] == "inactive"
        assert len(await client.agent_versions("my_custom_agent")) == 1
        with pytest.raises(WeftError, match="No executor"):
            await client.test_agent("api", {"url": "http://127.0.0.1/"})


SCORE = '''
def execute(text: str, words: list[str], weight: float = 1.0) -> dict[str, float]:
    """Scores a text by how many of some words it holds.

    Args:
        text: What is scored.
        words: The words, in lower case.
    """
    found = [word for word in words if word in text.lower()]
    return {"score": weight * len(found)}
'''


async def test_a_python_file_is_registered_from_the_terminal(weft: Weft, tmp_path: Path) -> None:
    """Annotations and docstring become the tool specification."""
    file = tmp_path / "score.py"
    file.write_text(SCORE)
    assert "score is registered" in (await weft("agents", "register", str(file))).out
    assert "says this already, in version 1" in (await weft("agents", "register", str(file))).out
    shown = (await weft("agents", "score")).out
    assert "Scores a text by how many of some words it holds." in shown
    assert "words  array, required" in shown
    assert "weight  number, default 1.0" in shown
    document = json.loads((await weft("agents", "show", "score", "--json")).out)
    returns = document["custom"]["tool_specification"]["returns"]
    assert returns == {"type": "object", "additionalProperties": {"type": "number"}}
    file.write_text(SCORE.replace("Scores", "Rates"))
    assert "score has version 2 now" in (await weft("agents", "register", str(file))).out
    assert "Rates a text" in (await weft("agents", "versions", "score")).out
    back = (await weft("agents", "change", "score", "--version", "1", "--status", "deprecated")).out
    assert "score: version 1, deprecated" in back
    listed = (await weft("agents")).out
    assert "The organization's own:" in listed
    assert "slack_post_message" in listed


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("bad.py", "def execute(:", "line 1"),
        ("bad.py", "def run(): pass", "no function `execute`"),
        ("bad.py", "def execute(): pass", "no docstring"),
        ("bad.yaml", "a: [", "neither YAML nor JSON"),
        ("bad.json", "[1]", "no object"),
    ],
)
async def test_a_file_that_is_no_agent_is_refused(
    weft: Weft, tmp_path: Path, name: str, text: str, words: str
) -> None:
    """The command line says what is wrong with it."""
    file = tmp_path / name
    file.write_text(text)
    answer = await weft("agents", "register", str(file))
    assert answer.code != 0
    assert words in " ".join((answer.out + answer.err).replace("│", " ").split())


PETS = """
openapi: 3.0.3
info: {title: Pet shop, version: "1"}
servers: [{url: https://pets.example.com/v1}]
security: [{key: []}]
paths:
  /pets/{petId}:
    parameters: [{name: petId, in: path, required: true, schema: {type: integer}}]
    get:
      operationId: getPet
      summary: Finds a pet.
      responses: {"200": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}}
    put:
      operationId: changePet
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}
      responses: {"200": {description: ok}}
  /pets:
    get:
      operationId: findPets
      parameters: [{name: tags, in: query, style: pipeDelimited, explode: false,
                    schema: {type: array, items: {type: string}}}]
      responses: {"200": {description: ok}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
  schemas:
    Pet:
      type: object
      properties: {name: {type: string}, parent: {$ref: "#/components/schemas/Pet"}}
"""  # noqa: E501


async def test_an_openapi_document_becomes_agents(api: httpx.AsyncClient) -> None:
    """Each operation is one, with schemas that may refer to themselves and secrets by name."""
    body: dict[str, Any] = {"document": PETS, "prefix": "shop", "dry_run": True}
    told = (await api.post("/api/v1/workflows/agents/import", json=body)).json()
    fits(agent_answers.ImportedAgents, told)
    assert [(one["agent_name"], one["outcome"]) for one in told["agents"]] == [
        ("shop_get_pet", "found"), ("shop_change_pet", "found"), ("shop_find_pets", "found"),
    ]  # fmt: skip
    assert (await api.get(f"{AGENTS}/custom")).json()["total"] == 0
    [key] = set(told["agents"][0]["parameters"]["properties"]) - {"petId"}
    body |= {"dry_run": False, "secrets": {key: "shop_key"}}
    answer = await api.post("/api/v1/workflows/agents/import", json=body)
    assert {one["outcome"] for one in answer.json()["agents"]} == {"created"}, answer.text
    shown = (await api.get(f"{AGENTS}/shop_change_pet")).json()
    assert set(shown["parameters"]["properties"]) == {"petId", "name", "parent"}
    assert "{secrets.shop_key}" in json.dumps(shown["custom"]["implementation"])
    pet = {"petId": 1, "name": "Rex", "parent": {"parent": {"name": 7}}}
    node = {"id": "p", "agent": "shop_change_pet", "parameters": pet}
    specification = {"specification": {"name": "Pets", "nodes": [node]}, "dry_run": True}
    checked = (await api.post("/api/v1/workflows/create", json=specification)).json()
    assert [one["path"] for one in checked["problems"]] == [
        "nodes[0].parameters.parent.parent.name"
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"document": "swagger: '2.0'"}, "no OpenAPI 3.0 or 3.1"),
        ({"document": "a: [" }, "no JSON or YAML"),
        ({"operations": ["nothing"]}, "has no operation nothing"),
        ({"document": None}, "give either `document` or `mcp`"),
        ({"mcp": {"url": "https://mcp.example.com"}}, "give either `document` or `mcp`"),
    ],
)  # fmt: skip
async def test_a_document_that_is_none_is_told(
    api: httpx.AsyncClient, change: dict[str, Any], words: str
) -> None:
    """The answer says why, and nothing is registered."""
    body = {"document": PETS, **change}
    answer = await api.post("/api/v1/workflows/agents/import", json=body)
    assert answer.status_code == 422
    assert words in answer.text


async def test_a_document_is_imported_from_the_terminal(weft: Weft, tmp_path: Path) -> None:
    """A dry run shows what each operation takes."""
    file = tmp_path / "pets.yaml"
    file.write_text(PETS)
    shown = (await weft("agents", "import", str(file), "--dry-run")).out
    assert "pet_shop_find_pets" in shown
    assert "found" in shown
    done = (await weft("agents", "import", str(file), "--operation", "getPet")).out
    assert "created" in done
    assert "pet_shop_find_pets" not in done
