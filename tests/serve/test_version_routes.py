"""Changing workflows over the API: versions, conflicts, what widens."""

import asyncio
from typing import Any

import httpx
import pytest

from compiler.text import load
from serve.version_answers import (
    Difference,
    Published,
    RolledBack,
    UpdatedWorkflow,
    Version,
    VersionPage,
)
from tests.factories import Account, MakeAccount, MakeWorkflow
from tests.serve.test_context import become

WORKFLOWS = "/api/v1/workflows"
TEXT = """\
# Kept by the newsroom.
metadata:
  name: News
nodes:
  - id: fetch   # the front page
    agent: web_scraping
    parameters: {url: "https://news.example/front"}
  - id: sum_up
    agent: llm
    parameters:
      model: gpt-4
      prompt: "Summarize: {fetch}"
edges:
  - {from: fetch, to: sum_up}
"""
MORE = """\
  - {id: last, agent: aggregator}
edges:
  - {from: sum_up, to: last}
"""


@pytest.fixture
async def path(api: httpx.AsyncClient) -> str:
    """The path of a workflow with this text."""
    created = await api.post(f"{WORKFLOWS}/create", json={"yaml": TEXT})
    return f"{WORKFLOWS}/{created.json()['workflow_id']}"


async def put(api: httpx.AsyncClient, path: str, text: str, **fields: Any) -> httpx.Response:
    """Change a workflow to a text."""
    return await api.put(path, json={"yaml": text, **fields})


@pytest.mark.requirement("API.6", "FR-4.4", "FIRST.2")
async def test_a_change_is_a_new_version_that_says_what_differs(
    api: httpx.AsyncClient, path: str
) -> None:
    """The answer has the contract's fields, and the text differs in that line and the version."""
    answer = await put(api, path, TEXT.replace("gpt-4", "gpt-3.5"))
    assert answer.status_code == 200
    told = answer.json()
    UpdatedWorkflow.model_validate(told)
    assert told["changes"] == [
        {"node_id": "sum_up", "field": "parameters.model", "old_value": "gpt-4",
         "new_value": "gpt-3.5"}
    ]  # fmt: skip
    assert (told["version"], told["previous_version"], told["widens"]) == ("1.0.1", "1.0.0", [])
    assert answer.headers["etag"] == '"1.0.1"'
    expected = TEXT.replace("gpt-4", "gpt-3.5").replace("News\n", "News\n  version: 1.0.1\n")
    url = told["yaml_config_url"].removeprefix("http://weft.example")
    for text in (told["yaml"], (await api.get(url)).text,
                 (await api.get(path, params={"format": "yaml"})).text):  # fmt: skip
        assert text == expected
    assert (await api.get(path)).json()["version"] == "1.0.1"


@pytest.mark.requirement("FIRST.2")
async def test_a_specification_keeps_the_text_that_it_does_not_change(
    api: httpx.AsyncClient, path: str
) -> None:
    """JSON knows no comments; those of the text stay."""
    specification = (await api.get(path)).json()["specification"]
    specification["nodes"][1]["parameters"]["model"] = "small"
    told = (await api.put(path, json={"specification": specification})).json()
    assert told["yaml"] == TEXT.replace("gpt-4", "small").replace(
        "News\n", "News\n  version: 1.0.1\n"
    )


@pytest.mark.parametrize(
    ("asked", "old", "new", "version"),
    [
        (None, "gpt-4", "gpt-3.5", "1.0.1"),
        ("minor", "gpt-4", "gpt-3.5", "1.1.0"),
        ("major", "# Kept", "# Held", "2.0.0"),
        (None, "# Kept", "# Held", "1.0.1"),
        (None, "- {from: fetch, to: sum_up}", "- {from: sum_up, to: fetch}", "2.0.0"),
        (None, "edges:\n", MORE, "1.1.0"),
        (None, "Kept", "Kept", "1.0.0"),
    ],
)
async def test_the_version_rises_as_asked_or_by_what_changed(
    api: httpx.AsyncClient, path: str, asked: str | None, old: str, new: str, version: str
) -> None:
    """Values are a patch, more nodes minor, lost order major; the same text is the same version."""
    text = TEXT.replace(old, new).replace('prompt: "Summarize: {fetch}"', "prompt: Summarize")
    base = TEXT.replace('prompt: "Summarize: {fetch}"', "prompt: Summarize")
    created = await api.post(f"{WORKFLOWS}/create", json={"yaml": base})
    path = f"{WORKFLOWS}/{created.json()['workflow_id']}"
    told = (await put(api, path, text, version_increment=asked, confirm=True)).json()
    assert told.get("version") == version, told


@pytest.mark.requirement("FR-1.8", "API.6")
async def test_the_second_of_two_changes_of_one_version_is_refused(
    api: httpx.AsyncClient, path: str
) -> None:
    """With the version named in the body or in If-Match, and when two come at once."""
    for model in ("a", "b"):
        answer = await put(api, path, TEXT.replace("gpt-4", model), base_version="1.0.0")
        assert answer.status_code == (200 if model == "a" else 409)
    late = await api.put(path, json={"yaml": TEXT}, headers={"If-Match": '"1.0.0"'})
    assert late.status_code == 409
    changes = [put(api, path, TEXT.replace("gpt-4", f"m{number}")) for number in range(6)]
    statuses = [answer.status_code for answer in await asyncio.gather(*changes)]
    assert set(statuses) <= {200, 409}
    page = (await api.get(f"{path}/versions")).json()
    assert page["total"] == 2 + statuses.count(200)


@pytest.mark.requirement("FIRST.2")
async def test_what_widens_has_to_be_confirmed(api: httpx.AsyncClient, path: str) -> None:
    """Another host is told and stored only with `confirm`; a dry run tells it as well."""
    text = TEXT.replace("news.example", "other.example")
    host = {"kind": "host", "value": "other.example", "node_id": "fetch"}
    refused = await put(api, path, text)
    assert (refused.status_code, refused.json()["widens"]) == (409, [host])
    assert "other.example" in refused.json()["detail"]
    shown = (await put(api, path, text, dry_run=True)).json()
    assert (shown["dry_run"], shown["widens"], shown["updated_at"]) == (True, [host], None)
    assert (await api.get(path)).json()["version"] == "1.0.0"
    assert (await put(api, path, text, confirm=True)).json()["version"] == "1.0.1"


async def test_a_dry_run_stores_nothing_and_shows_problems(
    api: httpx.AsyncClient, path: str
) -> None:
    """Problems are an error only when the change is to be stored; they have their lines."""
    text = TEXT.replace("{fetch}", "{nothing}")
    shown = (await put(api, path, text, dry_run=True)).json()
    UpdatedWorkflow.model_validate(shown)
    assert [problem["line"] is not None for problem in shown["problems"]] == [True]
    assert (await put(api, path, text)).status_code == 422
    assert (await api.get(f"{path}/versions")).json()["total"] == 1


@pytest.mark.requirement("USER.2")
async def test_a_draft_is_changed_and_published(api: httpx.AsyncClient, path: str) -> None:
    """Drafts stand beside the current version until one of them takes its place."""
    first = (await put(api, path, TEXT.replace("gpt-4", "a"), draft=True)).json()
    assert (first["version"], first["state"]) == ("1.0.1", "draft")
    text = first["yaml"].replace("model: a", "model: b")
    second = (await put(api, path, text, draft=True, base_version="1.0.1")).json()
    assert (second["version"], second["previous_version"]) == ("1.0.2", "1.0.1")
    assert (await api.get(path)).json()["version"] == "1.0.0"
    told = (await api.post(f"{path}/versions/1.0.2/publish")).json()
    Published.model_validate(told)
    assert (told["previous_version"], told["current_version"]) == ("1.0.0", "1.0.2")
    assert (await api.post(f"{path}/versions/1.0.1/publish")).status_code == 409


@pytest.mark.requirement("FR-1.8", "FR-4.10", "API.7")
async def test_versions_are_compared_and_rolled_back(api: httpx.AsyncClient, path: str) -> None:
    """The diff goes both ways; after a rollback the next version is above all there were."""
    await put(api, path, TEXT.replace("gpt-4", "small"))
    for start, end, models in (("1.0.0", "1.0.1", ("gpt-4", "small")),
                               ("1.0.1", "1.0.0", ("small", "gpt-4"))):  # fmt: skip
        told = (await api.get(f"{path}/versions/{start}/diff/{end}")).json()
        Difference.model_validate(told)
        [change] = told["changes"]
        assert (change["old_value"], change["new_value"]) == models
    rolled = await api.post(f"{path}/rollback", json={"target_version": "1.0.0"})
    RolledBack.model_validate(rolled.json())
    assert rolled.json()["current_version"] == "1.0.0"
    assert rolled.json()["previous_version"] == "1.0.1"
    assert (await api.get(path, params={"format": "yaml"})).text == TEXT
    assert (await put(api, path, TEXT.replace("gpt-4", "large"))).json()["version"] == "1.0.2"


async def test_versions_are_listed_and_read(api: httpx.AsyncClient, path: str) -> None:
    """The highest comes first; a change that changes nothing makes none; one is JSON or YAML."""
    for _ in range(2):
        await put(api, path, TEXT.replace("gpt-4", "small"))
    page = (await api.get(f"{path}/versions", params={"limit": 1})).json()
    VersionPage.model_validate(page)
    assert (page["total"], page["versions"][0]["version"]) == (2, "1.0.1")
    assert page["versions"][0]["summary"] == "sum_up.parameters.model"
    one = (await api.get(f"{path}/versions/1.0.0")).json()
    Version.model_validate(one)
    assert one["current"] is False
    yaml = await api.get(f"{path}/versions/1.0.1", headers={"accept": "application/yaml"})
    assert load(yaml.text).metadata.version == "1.0.1"


async def test_a_change_may_say_what_it_is(api: httpx.AsyncClient, path: str) -> None:
    """Its summary is listed instead of the fields that differ; a long one is refused."""
    text = TEXT.replace("gpt-4", "small")
    assert (await put(api, path, text, summary="x" * 201)).status_code == 422
    await put(api, path, text, summary="Use a cheaper model")
    page = (await api.get(f"{path}/versions")).json()
    assert page["versions"][0]["summary"] == "Use a cheaper model"


@pytest.mark.parametrize("version", ["9.9.9", "x", "\x00", "1" * 500])
async def test_an_unknown_version_is_not_found(
    api: httpx.AsyncClient, path: str, version: str
) -> None:
    """Wherever it is named."""
    escaped = version.replace("\x00", "%00")
    assert (await api.get(f"{path}/versions/{escaped}")).status_code == 404
    body = {"target_version": version}
    assert (await api.post(f"{path}/rollback", json=body)).status_code in (404, 422)


async def test_a_start_after_a_change_runs_the_new_version(
    api: httpx.AsyncClient, path: str
) -> None:
    """What was kept of the former version is not used again."""
    old = (await api.post(f"{path}/execute", json={})).json()
    assert (await put(api, path, TEXT.replace("edges:\n", MORE), confirm=True)).status_code == 200
    new = (await api.post(f"{path}/execute", json={})).json()
    assert [one["progress"]["total_nodes"] for one in (old, new)] == [2, 3]


@pytest.mark.requirement("API.6", "USER.2", "USER.3")
async def test_an_execution_names_the_version_that_it_runs(
    api: httpx.AsyncClient, path: str
) -> None:
    """In its status and in lists, whatever is current by then; a rerun is of the same version."""
    executions = f"{WORKFLOWS}/executions"

    async def begin(route: str) -> str:
        """Start an execution; return its id."""
        id: str = (await api.post(route, json={})).json()["execution_id"]
        return id

    old = await begin(f"{path}/execute")
    assert (await put(api, path, TEXT.replace("gpt-4", "gpt-5"))).json()["version"] == "1.0.1"
    new = await begin(f"{path}/execute")
    again = await begin(f"{executions}/{old}/rerun")
    # The same content as the first, and yet a version of its own.
    assert (await put(api, path, TEXT)).json()["version"] == "1.0.2"
    last = await begin(f"{path}/execute")
    expected = {old: "1.0.0", new: "1.0.1", again: "1.0.0", last: "1.0.2"}
    told = {id: (await api.get(f"{executions}/{id}")).json() for id in expected}
    assert {id: one["workflow_version"] for id, one in told.items()} == expected
    listed = (await api.get(executions)).json()["executions"]
    assert {one["execution_id"]: one["workflow_version"] for one in listed} == expected


@pytest.mark.requirement("FR-1.7", "API.6", "FIRST.2")
async def test_an_instruction_in_english_changes_one_value(
    api: httpx.AsyncClient, path: str
) -> None:
    """The contract's own example: one change, one line of the text, the version as asked."""
    body = {
        "description": "Change step 2 to use GPT-3.5 instead of GPT-4",
        "version_increment": "patch",
    }
    answer = await api.put(path, json=body)
    assert answer.status_code == 200
    told = answer.json()
    assert told["changes"] == [
        {"node_id": "sum_up", "field": "parameters.model", "old_value": "gpt-4",
         "new_value": "gpt-3.5"}
    ]  # fmt: skip
    assert told["yaml"] == TEXT.replace("gpt-4", "gpt-3.5").replace(
        "News\n", "News\n  version: 1.0.1\n"
    )
    [newest, _] = (await api.get(f"{path}/versions")).json()["versions"]
    assert newest["summary"] == body["description"]


@pytest.mark.requirement("FR-1.7", "FIRST.2")
async def test_an_instruction_that_is_open_asks(api: httpx.AsyncClient, path: str) -> None:
    """The question is answered with the same instruction; what it widens is confirmed."""
    body: dict[str, Any] = {"description": "Also email it to desk@news.example"}
    widening = await api.put(path, json=body)
    assert widening.status_code == 409
    assert {(one["kind"], one["value"]) for one in widening.json()["widens"]} == {
        ("agent", "email"), ("recipient", "desk@news.example")
    }  # fmt: skip
    assert (await api.put(path, json={**body, "confirm": True})).json()["version"] == "1.1.0"
    body = {"description": "Send it to boss@news.example", "confirm": True}
    asked = await api.put(path, json=body)
    assert asked.status_code == 422
    [question] = asked.json()["questions"]
    answered = await api.put(path, json={**body, "answers": {question["id"]: "as well"}})
    assert answered.json()["version"] == "1.1.1"
    [change] = answered.json()["changes"]
    assert change["new_value"] == "desk@news.example, boss@news.example"


async def test_an_instruction_that_breaks_the_workflow_is_refused(
    api: httpx.AsyncClient, path: str
) -> None:
    """The question says why it cannot be done; nothing is stored, and a dry run says the same."""
    body = {"description": "Move step 2 before step 1"}
    for asked in (body, {**body, "dry_run": True}):
        refused = await api.put(path, json=asked)
        assert refused.status_code == 422
        [question] = refused.json()["questions"]
        assert "which runs after" in question["text"]
    assert (await api.get(f"{path}/versions")).json()["total"] == 1


@pytest.mark.requirement("NFR-4.1")
async def test_other_organizations_change_nothing(
    api: httpx.AsyncClient, path: str, make_account: MakeAccount
) -> None:
    """Naming one is refused; of another one's workflow there are no versions."""
    body = {"description": "Set the model of step 2 to x"}
    foreign = await api.put(path, json={**body, "organization_id": f"org_{'0' * 32}"})
    assert foreign.status_code == 403
    other = {"Authorization": f"Bearer {(await make_account('Other')).token}"}
    rollback = {"target_version": "1.0.0"}
    for answer in (
        await api.put(path, json=body, headers=other),
        await api.get(f"{path}/versions", headers=other),
        await api.get(f"{path}/versions/1.0.0/diff/1.0.0", headers=other),
        await api.post(f"{path}/rollback", json=rollback, headers=other),
        await api.post(f"{path}/versions/1.0.0/publish", headers=other),
    ):
        assert answer.status_code == 404


@pytest.mark.requirement("NFR-4.2")
async def test_a_viewer_changes_nothing(
    api: httpx.AsyncClient, make_workflow: MakeWorkflow, account: Account, dsn: str
) -> None:
    """Whoever only looks sees versions and their differences."""
    path = f"{WORKFLOWS}/wf_{(await make_workflow()).id.hex}"
    body, rollback = {"description": "Remove step 1"}, {"target_version": "1.0.0"}
    await become(dsn, account, "viewer")
    assert (await api.put(path, json=body)).status_code == 403
    assert (await api.post(f"{path}/rollback", json=rollback)).status_code == 403
    assert (await api.post(f"{path}/versions/1.0.0/publish")).status_code == 403
    assert (await api.get(f"{path}/versions")).json()["total"] == 1


@pytest.mark.requirement("FR-4.4")
async def test_a_version_that_cannot_run_any_more_does_not_come_back(
    api: httpx.AsyncClient, path: str
) -> None:
    """The workflow that it calls was deleted since: the rollback says so and changes nothing."""
    callee = (await api.post(f"{WORKFLOWS}/create", json={"yaml": TEXT})).json()["workflow_id"]
    call = f"  - {{id: call, agent: workflow, parameters: {{workflow: {callee}}}}}\n"
    calling = TEXT.replace("edges:", f"{call}edges:") + "  - {from: sum_up, to: call}\n"
    assert (await put(api, path, calling, confirm=True)).status_code == 200
    current = (await put(api, path, TEXT, confirm=True)).json()["version"]
    assert (await api.delete(f"{WORKFLOWS}/{callee}")).status_code == 204
    [former] = [
        version["version"]
        for version in (await api.get(f"{path}/versions")).json()["versions"]
        if version["version"] not in ("1.0.0", current)
    ]
    refused = await api.post(f"{path}/rollback", json={"target_version": former})
    assert refused.status_code == 422
    [problem] = refused.json()["problems"]
    assert "There is no active workflow" in problem["message"]
    assert (await api.get(path)).json()["version"] == current
