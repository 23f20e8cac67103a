"""What may be registered as a custom agent, and what is wrong with what may not."""

from typing import Any

import pytest
from pydantic import ValidationError

from actors.custom_agents import CustomAgent, extended
from agents.custom.build import definition_problems
from agents.custom.definition import Definition
from agents.registry import builtin_registry
from compiler.outside import Outside, outside
from compiler.specification import Node
from tests.agents.custom.making import definition, python

DOCUMENT = {
    "agent_name": "my_custom_agent",
    "description": "Custom agent for specific task",
    "tool_specification": {
        "parameters": {
            "param1": {"type": "string", "required": True},
            "param2": {"type": "integer", "default": 10},
        },
        "returns": {"type": "object", "properties": {"result": {"type": "string"}}},
    },
    "implementation": {
        "type": "python_function",
        "code": "def execute(param1, param2):\n    return {'result': f'{param1}_{param2}'}",
    },
}


def problems_of(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the paths and rules of what is wrong with a definition."""
    found = definition_problems(
        Definition.model_validate(document), builtin_registry().signatures()
    )
    assert all(problem.message and problem.remedy for problem in found)
    return [(problem.path, problem.rule) for problem in found]


def outside_of(document: dict[str, Any]) -> Outside:
    """Return what a plan tells of a node that names the agent of a definition."""
    agent = CustomAgent("mine", 1, "active", Definition.model_validate(document).model_dump())
    signature = extended(builtin_registry(), [agent]).signatures()["mine"]
    return outside(Node(id="node", agent="mine"), signature)


@pytest.mark.requirement("FR-3.10")
def test_parameters_written_one_by_one_become_a_schema() -> None:
    """`required: true` at a parameter becomes the schema's own list."""
    found = Definition.model_validate(DOCUMENT)
    assert found.tool_specification.parameters == {
        "type": "object",
        "properties": {"param1": {"type": "string"}, "param2": {"type": "integer", "default": 10}},
        "required": ["param1"],
        "additionalProperties": False,
    }
    assert problems_of(DOCUMENT) == []


def test_parameters_may_be_a_json_schema() -> None:
    """A schema of an object stays as it is, but takes no unknown parameters unless it says so."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    document = definition({"type": "python_function", "code": "def execute(a): return a"}, schema)
    found = Definition.model_validate(document).tool_specification
    assert found.parameters == {**schema, "additionalProperties": False}
    assert problems_of(document) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"agent_name": "My Agent"}, "agent_name"),
        ({"agent_name": "a" * 101}, "agent_name"),
        ({"description": ""}, "description"),
        ({"tool_specification": {"parameters": {"a": {"type": "txt"}}}}, "no usable JSON Schema"),
        ({"tool_specification": {"parameters": {"secrets": {}}}}, "no parameter may be called"),
        ({"tool_specification": {"parameters": {"a": {"$ref": "http://x/y"}}}}, "no usable"),
        ({"tool_specification": {"parameters": {}, "returns": {"type": 1}}}, "no usable"),
        ({"implementation": {"type": "shell", "code": "ls"}}, "implementation"),
        ({"implementation": {"type": "python_function", "code": "x" * 50_001}}, "code"),
        ({"implementation": {"type": "docker_container", "image": "-v /:/host"}}, "image"),
        ({"implementation": {"type": "chain", "steps": []}}, "steps"),
    ],
)
def test_a_definition_of_the_wrong_form_is_refused(change: dict[str, Any], words: str) -> None:
    """The error names the field and what it should be."""
    with pytest.raises(ValidationError, match=words):
        Definition.model_validate({**DOCUMENT, **change})


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("def execute(a:\n  return", "wrong_code"),
        ("def run(a): return a", "no_function"),
        ("class A:\n    def execute(self, a): return a", "no_function"),
        ("def execute(): return 1", "wrong_arguments"),
        ("def execute(a, c): return 1", "wrong_arguments"),
        ("def execute(a, b, /): return 1", "wrong_arguments"),
    ],
)
def test_code_that_cannot_be_called_is_refused(code: str, rule: str) -> None:
    """The function must be there and take what the tool specification gives."""
    found = problems_of(python(code, a={"type": "string", "required": True}))
    assert found
    assert set(found) == {("implementation.code", rule)}


@pytest.mark.parametrize(
    "code",
    [
        "def execute(a, b=2): return a",
        "def execute(a, *, b=2): return a",
        "def execute(**given): return given",
        "async def execute(a, b=None): return a",
    ],
)
def test_code_that_can_be_called_is_taken(code: str) -> None:
    """Optional arguments have defaults, or come with the rest."""
    parameters = {"a": {"type": "string", "required": True}, "b": {"type": "integer"}}
    assert problems_of(python(code, **parameters)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"url": "ftp://example.com/{city}"},
        {"url": "https://{city}.example.com/"},
        {"url": "https://example.com/{country}"},
        {"url": "https://example.com/{city}", "body": {"who": "{nobody}"}},
    ],
)
def test_an_endpoint_that_cannot_be_called_is_refused(change: dict[str, Any]) -> None:
    """Its address is HTTP, and its references name parameters."""
    endpoint = {"type": "api_endpoint", **change}
    found = problems_of(definition(endpoint, {"city": {"type": "string", "required": True}}))
    assert found == [("implementation", "wrong_request")]


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ([{"id": "a", "agent": "llm", "parameters": {"prompt": "{text}"}}], []),
        ([{"id": "a", "agent": "lm"}], [("implementation.steps[0].agent", "unknown_agent")]),
        ([{"id": "a", "agent": "llm", "parameters": {"prompt": "{nothing}"}}],
         [("implementation.steps[0].parameters.prompt", "unknown_reference")]),
        ([{"id": "a", "agent": "llm", "parameters": {"prompt": "{b}"}},
          {"id": "b", "agent": "llm", "parameters": {"prompt": "{a}"}}],
         [("implementation.steps[0].parameters.prompt", "unknown_reference")]),
        ([{"id": "a", "agent": "llm", "parameters": {"prompt": "x", "modle": "y"}}],
         [("implementation.steps[0].parameters.modle", "unknown_parameter")]),
        ([{"id": "a", "agent": "human_loop", "parameters": {"message": "ok?"}}],
         [("implementation.steps[0].agent", "not_in_chain")]),
        ([{"id": "text", "agent": "llm", "parameters": {"prompt": "x"}}],
         [("implementation.steps[0].id", "twice")]),
    ],
)  # fmt: skip
def test_a_chain_is_checked_step_by_step(
    steps: list[dict[str, Any]], found: list[tuple[str, str]]
) -> None:
    """Agents, parameters and references of each step are checked where they stand."""
    document = definition({"type": "chain", "steps": steps}, {"text": {"type": "string"}})
    assert problems_of(document) == found


def test_a_container_names_the_hosts_that_it_reaches() -> None:
    """Plans show its hosts, each once, and that it sends; without hosts it does nothing outside."""
    implementation = {"type": "docker_container", "image": "tools:1"}
    hosts = ["API.example.com", "*.example.org", "api.example.com"]
    found = outside_of(definition({**implementation, "hosts": hosts}))
    assert (found.hosts, found.side_effect) == (("api.example.com", "*.example.org"), "sends")
    read = outside_of(definition({**implementation, "hosts": hosts, "side_effect": "reads"}))
    assert read.side_effect == "reads"
    alone = outside_of(definition(implementation))
    assert (alone.hosts, alone.side_effect) == ((), "none")


@pytest.mark.parametrize("host", ["https://api.example.com", "api.example.com:80", "*", ""])
def test_a_containers_hosts_are_hosts(host: str) -> None:
    """Addresses, ports and everything are none."""
    document = definition({"type": "docker_container", "image": "tools:1", "hosts": [host]})
    with pytest.raises(ValidationError, match="is no host"):
        Definition.model_validate(document)
