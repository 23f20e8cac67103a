"""What the command line says when something is missing or wrong."""

from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from weft import Client, WeftError

from serve import cli_follow, cli_platform, doctor
from serve.cli_tables import execution_table, workflow_table
from serve.platform import PlatformError
from serve.settings import Settings
from tests.client.fake_api import TOKEN, FakeApi
from tests.client.world import REVIEWS, REVIEWS_LEVELS


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """Serve a fake platform."""
    with FakeApi().serving() as api:
        yield api


@pytest.fixture
def client(api: FakeApi) -> Iterator[Client]:
    """A client of it."""
    with Client(api.base_url, TOKEN) as client:
        yield client


def said(error: WeftError) -> str:
    """What a terminal shows of an error."""
    out = StringIO()
    cli_follow.show_error(Console(file=out, width=120), error)
    return out.getvalue()


def missing(name: str) -> WeftError:
    """The platform's refusal of an input without a name."""
    problem: Any = {
        "path": f"input.{name}",
        "message": f"`{name}` is missing.",
        "remedy": "Add it.",
    }
    return WeftError("Unprocessable Entity", status=422, problems=[problem], remedy="Mend it.")


def test_a_platform_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reason is shown with a remedy, not as a trace."""

    def start_background(settings: Settings) -> str:
        raise PlatformError("Weft did not start: Port 8000 cannot be used.")

    module = SimpleNamespace(start_background=start_background, PlatformError=PlatformError)
    monkeypatch.setattr(cli_platform, "import_module", lambda name: module)
    with pytest.raises(WeftError) as refused:
        cli_platform.start_background(Settings())
    shown = said(refused.value)
    assert "The platform did not start\n  Port 8000 cannot be used." in shown
    assert "weft doctor" in shown


def test_errors_speak_of_this_command_line() -> None:
    """A refused token and a missing input are mended with variables and options, not headers."""
    refused = WeftError("Unauthorized", status=401, remedy="Send `Authorization: Bearer <token>`.")
    assert "WEFT_TOKEN" in said(refused)
    assert "Bearer" not in said(refused)
    assert "--input '{\"text\": …}'" in said(missing("text"))
    assert "Unprocessable" not in said(missing("text"))


def test_a_question_is_shown_once() -> None:
    """The detail of a refused sentence, which repeats its first question, is left out."""
    question: Any = {"id": "a.to", "text": "To whom?", "field": "a.to", "required": True}
    shown = said(WeftError("X", status=422, detail="To whom?", questions=[question]))
    assert shown.count("To whom?") == 1
    assert "--answer a.to=TEXT" in shown


def test_missing_input_is_asked_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person types it, numbers as numbers; where nobody is there it stays an error."""
    sent: list[Mapping[str, Any]] = []

    def execute(workflow_id: str, given: Mapping[str, Any]) -> dict[str, str]:
        sent.append(dict(given))
        if "limit" not in given:
            raise missing("limit")
        return {"execution_id": "exec_1"}

    monkeypatch.setattr(client, "execute", execute)
    monkeypatch.setattr("typer.prompt", lambda text: "12")
    schema = {"required": ["limit"], "properties": {"limit": {"type": "integer"}}}
    workflow: Any = {
        "workflow_id": "wf_1",
        "parsed_specification": {"state_schema": {"input": schema}},
    }
    console = Console(file=StringIO())
    with pytest.raises(WeftError):
        cli_follow.execute_by_asking(client, console, workflow, {}, interactive=False)
    started = cli_follow.execute_by_asking(client, console, workflow, {"a": 1}, interactive=True)
    assert (started, sent[-1]) == ("exec_1", {"a": 1, "limit": 12})


def test_an_approval_says_how_to_answer_it_without_a_terminal(
    api: FakeApi, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log of events shows the command as soon as someone is asked."""
    world = api.world
    execution_id = world.start(world.add_workflow(REVIEWS, REVIEWS_LEVELS))
    world.ask(execution_id, "approve_report")
    world.decide(execution_id, {"decision": "approve"})
    world.run_to_the_end(execution_id)
    asked = f"weft approve {execution_id}"
    monkeypatch.setattr(cli_follow, "open_questions", lambda view: [asked])
    out = StringIO()
    cli_follow.follow(client, Console(file=out, width=120), execution_id)
    assert asked in out.getvalue()


def test_lists_show_names_on_a_narrow_terminal() -> None:
    """Names, whole ids and times fit 80 columns."""
    identifier = f"exec_{'0' * 32}"
    moment = "2026-11-22T21:49:10.000000Z"
    workflow: Any = {
        "workflow_id": identifier,
        "name": "Reviews",
        "status": "active",
        "version": "1.0.0",
        "executions_count": 12,
        "last_executed": moment,
    }
    execution: Any = {
        "execution_id": identifier,
        "workflow_name": "Reviews",
        "workflow_version": "1.0.0",
        "status": "completed",
        "duration_seconds": 6.2,
        "cost_usd": 0.0172,
        "started_at": moment,
    }
    for table in (workflow_table([workflow]), execution_table([execution])):
        out = StringIO()
        Console(file=out, width=80).print(table)
        assert all(
            text in out.getvalue() for text in ("Reviews", "1.0.0", identifier, "11-22 21:49")
        )


def test_the_doctor_names_a_browser_that_is_not_there(tmp_path: Path) -> None:
    """A wrong WEFT_CHROMIUM is a failed check with its remedy."""
    check = doctor.check_chromium(Settings(home=tmp_path, chromium_path="/no/browser"))
    assert (check.state, check.detail) == ("failed", "there is none at /no/browser")
    assert "WEFT_CHROMIUM" in check.remedy
