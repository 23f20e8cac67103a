"""`weft plan`, `weft templates` and `weft create --template` against the real API over HTTP."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from weft import AsyncClient, Client, WeftError

from compiler.templates.library import templates
from serve import cli, cli_plan
from tests.factories import MakeWorkflow
from tests.serve.terminal import Weft
from tests.serve.test_plan_routes import ASK

SENTENCE = "Scrape https://shop.example and email the text to a@example.com"
MONITOR = ("create", "--template", "monitor-alert")
Answers = Callable[..., list[str]]


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Return a function that puts a person at the terminal, and gives what they are asked."""

    def sits_there(*answers: str) -> list[str]:
        waiting: Iterator[str] = iter(answers)
        asked: list[str] = []

        def prompt(text: str, **options: Any) -> str:
            asked.append(text)
            return next(waiting)

        monkeypatch.setattr(cli, "_interactive", lambda: True)
        monkeypatch.setattr(cli_plan, "is_interactive", lambda console: True)
        monkeypatch.setattr("typer.prompt", prompt)
        return asked

    return sits_there


@pytest.mark.requirement("FR-1.10", "FIRST.3", "USER.23")
async def test_a_sentence_is_planned(weft: Weft) -> None:
    """Its graph, its steps with their parameters, what is touched, time and cost, the hash."""
    result = await weft("plan", SENTENCE)
    assert result.code == 0, result.err
    for text in (
        "url: https://shop.example", "sends to a@example.com", "Hosts       shop.example",
        "Recipients  a@example.com", "An execution takes", "(from the agents' own figures)",
        "Plan of the specification ",
    ):  # fmt: skip
        assert text in result.out, text


async def test_a_stored_workflow_is_planned_with_an_input(
    weft: Weft, make_workflow: MakeWorkflow
) -> None:
    """Values may be NAME=VALUE or JSON; what is missing is named with what it is."""
    workflow_id = f"wf_{(await make_workflow(ASK)).id.hex}"
    result = await weft("plan", workflow_id)
    assert "sequential, 2 nodes, version 1.0.0" in result.out
    assert "Still to be given with --input" in result.out
    assert "reads from {input.site}" in result.out
    given = await weft("plan", workflow_id, "-i", "site=shop.example", "-i", '{"greeting": "Ho"}')
    assert "reads from shop.example" in given.out
    assert "prompt: Ho {get.body}" in given.out
    document = json.loads((await weft("plan", workflow_id, "--json")).out)
    assert document["plan"]["missing_input"] == ["site"]
    wrong = await weft("plan", workflow_id, "-i", '{"site": 3}')
    assert (wrong.code, "`site` must be a text" in wrong.out) == (1, True)


async def test_a_file_and_a_template_are_planned(weft: Weft, tmp_path: Path) -> None:
    """Problems are shown with their remedies and exit with 1; schedules are said."""
    file = tmp_path / "workflow.yaml"
    file.write_text("nodes: [{id: a, agent: lm, parameters: {prompt: x}}]")
    wrong = await weft("plan", "-f", str(file))
    assert (wrong.code, "Did you mean `llm`?" in wrong.out) == (1, True)
    monitor = await weft("plan", "--template", "monitor-alert", "-i", "recipient=a@example.com")
    assert monitor.code == 0
    for text in (
        "Started on a schedule: */10 * * * * (UTC)", "reads from {input.url}",
        "sends to a@example.com", "What is checked",
    ):  # fmt: skip
        assert text in monitor.out, text


async def test_a_plan_s_questions_are_asked(weft: Weft, person: Answers) -> None:
    """At a terminal the sentence is planned with the answers; elsewhere they are shown."""
    sentence = "Fetch https://shop.example/a.json and then frobnicate the result"
    shown = await weft("plan", sentence)
    assert "Questions" in shown.out
    asked = person("summarize it")
    answered = await weft("plan", sentence)
    assert len(asked) == 1
    assert "summarize_source_data  llm" in answered.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan",), ("plan", " "), ("plan", "x", "--template", "y"),
        ("plan", f"wf_{'0' * 32}", "--template", "y"), ("plan", "x", "-i", "nothing"),
        ("create", "x", "-i", "a=1"), ("create", "x", "--template", "y"), ("templates", "--yaml"),
    ],
)  # fmt: skip
async def test_a_wrong_command_line_is_refused(weft: Weft, arguments: tuple[str, ...]) -> None:
    """It exits with 2."""
    assert (await weft(*arguments)).code == 2


@pytest.mark.requirement("FR-1.9", "USER.23")
async def test_templates_are_listed_and_shown(weft: Weft) -> None:
    """A list with what each does; one with its graph and inputs; its YAML as it is."""
    listed = (await weft("templates")).out
    assert all(name in listed for name in templates())
    shown = (await weft("templates", "monitor-alert")).out
    for text in ("alert_down", "url  uri, required", "slow_after_ms  integer, default 5000"):
        assert text in shown, text
    assert (await weft("templates", "monitor-alert", "--yaml")).out == (
        templates()["monitor-alert"].text
    )
    document = json.loads((await weft("templates", "--json")).out)
    assert document["total"] == len(templates())
    assert (await weft("templates", "nothing")).code == 1


@pytest.mark.requirement("FR-1.9", "USER.23")
async def test_a_workflow_is_created_of_a_template(weft: Weft) -> None:
    """Texts stay texts and numbers are numbers, as the template's schema says."""
    values = ("-i", "recipient=1@example.com", "-i", "expected_status=204")
    result = await weft(*MONITOR, "--name", "Mine", *values, "--json")
    assert result.code == 0, result.err
    created = json.loads(result.out)
    schema = created["parsed_specification"]["state_schema"]["input"]
    assert (created["name"], schema["required"]) == ("Mine", ["url"])
    assert schema["properties"]["recipient"]["default"] == "1@example.com"
    assert schema["properties"]["expected_status"]["default"] == 204
    wrong = await weft(*MONITOR, "-i", "recipient=nobody")
    assert (wrong.code, "inputs.recipient" in wrong.err) == (1, True)


async def test_a_person_is_asked_for_what_a_template_needs(weft: Weft, person: Answers) -> None:
    """What does not fit is asked again; what is not answered stays open."""
    asked = person("", "nobody", "a@example.com")
    result = await weft(*MONITOR)
    assert result.code == 0, result.err
    assert """--input '{"url": …}'""" in result.out
    assert len(asked) == 3
    assert "`recipient` is no valid email." in result.out
    assert "such as https://example.com/health" in result.out
    async with AsyncClient() as client:
        [listed] = (await client.list())["workflows"]
        stored = await client.get(listed["workflow_id"])
    schema = stored["specification"]["state_schema"]["input"]
    assert schema["required"] == ["url"]
    assert schema["properties"]["recipient"]["default"] == "a@example.com"


async def test_a_template_is_tried_with_its_values(weft: Weft) -> None:
    """A dry run plans with them and stores nothing."""
    result = await weft(*MONITOR, "--dry-run", "-i", "url=https://shop.example/")
    assert result.code == 0, result.err
    assert "reads from shop.example" in result.out
    async with AsyncClient() as client:
        assert (await client.list())["total"] == 0


async def test_both_clients_speak_of_templates_and_plans(
    url: str, make_workflow: MakeWorkflow
) -> None:
    """Looking, creating, planning; a template beside another source is a mistake of the caller."""
    workflow_id = f"wf_{(await make_workflow(ASK)).id.hex}"
    inputs = {"url": "https://shop.example/"}
    async with AsyncClient() as client:
        assert [one["template_id"] for one in await client.templates()] == list(templates())
        one = await client.template("monitor-alert")
        assert one["levels"][0] == ["check"]
        plan = await client.plan(workflow_id, {"site": "shop.example"})
        assert plan["plan"]["hosts"] == ["shop.example"]
        created = await client.create(template="monitor-alert", inputs=inputs)
        assert (await client.get(created["workflow_id"]))["name"] == one["name"]
        tried = await client.dry_run(specification=ASK, input={"site": "x.example"})
        assert tried["plan"]["hosts"] == ["x.example"]
        with pytest.raises(WeftError):
            await client.create(template="monitor-alert", inputs={"url": 3})
    with Client() as blocking, pytest.raises(ValueError, match="exactly one"):
        blocking.create("x", template="monitor-alert")
    with Client() as blocking, pytest.raises(ValueError, match="inputs"):
        blocking.create("x", inputs=inputs)
