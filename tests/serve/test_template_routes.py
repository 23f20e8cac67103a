"""Templates by HTTP: looking at them, creating workflows of them."""

from typing import Any

import httpx
import pytest

from compiler.templates.library import templates
from compiler.text import load, to_document
from serve import template_answers
from serve.answers import CreatedWorkflow, DryRun
from tests.serve.shapes import fits

TEMPLATES = "/api/v1/templates"
WORKFLOWS = "/api/v1/workflows"
MONITOR = {"template": "monitor-alert"}


@pytest.mark.requirement("FR-1.9")
async def test_templates_are_listed_with_their_inputs(api: httpx.AsyncClient) -> None:
    """A list says what each is for and what it is to be given."""
    answer = (await api.get(TEMPLATES)).json()
    fits(template_answers.TemplateList, answer)
    assert answer["total"] == len(answer["templates"]) == len(templates())
    ids = [template["template_id"] for template in answer["templates"]]
    assert ids == sorted(templates())
    found = answer["templates"][ids.index("monitor-alert")]
    assert found["pattern"] == "conditional"
    assert found["input_schema"]["required"] == ["url", "recipient"]


async def test_a_template_is_shown_whole(api: httpx.AsyncClient) -> None:
    """One template has its specification, its levels and its YAML."""
    answer = (await api.get(f"{TEMPLATES}/monitor-alert")).json()
    fits(template_answers.Template, answer)
    assert answer["levels"][0] == ["check"]
    assert to_document(load(answer["yaml"])) == answer["specification"]


@pytest.mark.parametrize(
    ("query", "headers"), [({"format": "yaml"}, {}), ({}, {"accept": "application/yaml"})]
)
async def test_a_template_is_yaml_when_asked_for(
    api: httpx.AsyncClient, query: dict[str, str], headers: dict[str, str]
) -> None:
    """By `format` or `Accept` the file comes as it is, comments included."""
    answer = await api.get(f"{TEMPLATES}/monitor-alert", params=query, headers=headers)
    assert answer.headers["content-type"].startswith("application/yaml")
    assert answer.text == templates()["monitor-alert"].text


async def test_a_template_that_is_not_there_is_not_found(api: httpx.AsyncClient) -> None:
    """Its name is no path either."""
    assert (await api.get(f"{TEMPLATES}/nothing")).status_code == 404
    assert (await api.get(f"{TEMPLATES}/..%2Flibrary.py")).status_code == 404


@pytest.mark.requirement("FR-1.9", "API.1")
async def test_a_workflow_is_created_of_a_template(api: httpx.AsyncClient) -> None:
    """Given values become defaults and are asked for no more; comments and the rest stay."""
    inputs = {"url": "https://shop.example/", "slow_after_ms": 900}
    body = {**MONITOR, "name": "Shop", "inputs": inputs, "tags": ["shop"]}
    answer = await api.post(f"{WORKFLOWS}/create", json=body)
    assert answer.status_code == 201, answer.text
    created = answer.json()
    fits(CreatedWorkflow, created)
    schema = created["parsed_specification"]["state_schema"]["input"]
    assert schema["required"] == ["recipient"]
    assert schema["properties"]["url"]["default"] == "https://shop.example/"
    assert schema["properties"]["slow_after_ms"]["default"] == 900
    path = f"{WORKFLOWS}/{created['workflow_id']}"
    text = (await api.get(path, params={"format": "yaml"})).text
    assert text.startswith("# Looks at an address regularly")
    assert "default: https://shop.example/" in text.replace('"', "")
    stored = (await api.get(path)).json()
    assert (stored["name"], stored["version"]) == ("Shop", "1.0.0")
    assert set(stored["tags"]) >= {"shop", "monitoring"}


async def test_the_inputs_that_were_fixed_are_those_of_its_executions(
    api: httpx.AsyncClient,
) -> None:
    """A start gives what is left; an own value goes before the one that was fixed."""
    inputs = {"url": "https://shop.example/", "recipient": "a@example.com"}
    created = (await api.post(f"{WORKFLOWS}/create", json={**MONITOR, "inputs": inputs})).json()
    path = f"{WORKFLOWS}/{created['workflow_id']}/execute"
    given = {"recipient": "b@example.com"}
    started = (await api.post(path, json={"input": given})).json()
    state = await api.get(f"{WORKFLOWS}/executions/{started['execution_id']}")
    assert state.json()["input"] == {
        "url": "https://shop.example/", "recipient": "b@example.com", "expected_status": 200,
        "slow_after_ms": 5000,
    }  # fmt: skip


async def test_a_template_is_tried_before_it_is_created(api: httpx.AsyncClient) -> None:
    """A dry run shows the plan and stores nothing."""
    answer = (await api.post(f"{WORKFLOWS}/create", json={**MONITOR, "dry_run": True})).json()
    fits(DryRun, answer)
    assert answer["plan"]["runnable"] is True
    assert (await api.get(WORKFLOWS)).json()["total"] == 0


@pytest.mark.parametrize(
    ("body", "path", "said"),
    [
        ({"template": "monitor-alerts"}, "template", "Did you mean `monitor-alert`?"),
        ({**MONITOR, "inputs": {"ulr": "x"}}, "inputs.ulr", "Did you mean `url`?"),
        ({**MONITOR, "inputs": {"url": 3}}, "inputs.url", "Write a text."),
        ({**MONITOR, "inputs": {"recipient": "x"}}, "inputs.recipient", "Change the text."),
        ({"yaml": "nodes: []", "inputs": {"a": 1}}, "body", "See /openapi.json"),
        ({**MONITOR, "yaml": "nodes: []"}, "body", "See /openapi.json"),
    ],
)
async def test_what_no_template_takes_is_refused(
    api: httpx.AsyncClient, body: dict[str, Any], path: str, said: str
) -> None:
    """An unknown template or input, a value of another type and a second source say what to do."""
    answer = await api.post(f"{WORKFLOWS}/create", json=body)
    assert answer.status_code == 422
    [problem] = answer.json()["problems"]
    assert problem["path"] == path
    assert said in problem["remedy"]
