"""The commands against a real HTTP server that answers as the platform does."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from rich.console import Console

from serve import cli, cli_follow, cli_travel
from serve.settings import Settings
from tests.client.eventually import eventually
from tests.client.fake_api import TOKEN, FakeApi
from tests.client.world import REVIEWS, REVIEWS_LEVELS, UPTIME, UPTIME_LEVELS

URL = "/api/v1/workflows/executions/exec_1/artifacts/aa"
LARGE = {"$artifact": {"sha256": "aa", "bytes": 1_200_000, "url": URL}, "preview": "Once"}


class Result(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Weft = Callable[..., Result]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeApi]:
    """Serve a fake platform and point the commands at it."""
    with FakeApi().serving() as api:
        monkeypatch.setenv("WEFT_URL", api.base_url)
        monkeypatch.setenv("WEFT_TOKEN", TOKEN)
        monkeypatch.setenv("WEFT_HOME", str(tmp_path))
        api.world.on_start = api.world.run_to_the_end
        yield api


@pytest.fixture
def weft(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Weft:
    """Return a function that runs a command line."""
    wide = partial(Console, width=160, highlight=False, markup=False, emoji=False)
    monkeypatch.setattr(cli, "console", wide())
    monkeypatch.setattr(cli_travel, "console", wide())
    monkeypatch.setattr(cli, "error_console", wide(stderr=True))

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        captured = capsys.readouterr()
        return Result(int(str(ended.value.code or 0)), captured.out, captured.err)

    return run


@pytest.fixture
def workflow_id(api: FakeApi) -> str:
    """Store the reviews workflow and return its id."""
    return api.world.add_workflow(REVIEWS, REVIEWS_LEVELS)


@pytest.mark.requirement("USER.23")
def test_run_creates_executes_and_shows_everything(api: FakeApi, weft: Weft) -> None:
    """One sentence gives the graph, the progress, the output and the cost, and exits with 0."""
    result = weft("run", "Scrape the reviews", "--input", '{"url": "http://site"}')
    assert result.code == 0, result.err
    for text in ("map_sentiment", "llm, each item", "Insights", "34 of 40 like it", "$0.0072"):
        assert text in result.out
    assert api.calls("POST", "/execute")[0]["input"] == {"url": "http://site"}


def test_run_that_fails_exits_with_one(api: FakeApi, weft: Weft) -> None:
    """A failed execution shows its error and exits with 1."""

    def fail(execution_id: str) -> None:
        api.world.start_node(execution_id, "scrape_reviews")
        api.world.fail_node(execution_id, "scrape_reviews", "no such host", again=False)
        error = {"node_id": "scrape_reviews", "message": "no such host"}
        api.world.finish(execution_id, "failed", error=error)

    api.world.on_start = fail
    result = weft("run", "Scrape the reviews")
    assert result.code == 1
    assert "scrape_reviews: no such host" in result.out


def test_run_asks_nobody_when_nobody_is_there(api: FakeApi, weft: Weft) -> None:
    """Open questions are an error that says how to answer; an answer solves it."""
    refused = weft("run", "Email the summary to me?")
    assert refused.code == 1
    assert "To whom should the summary be mailed?" in refused.err
    assert "--answer email_to=TEXT" in refused.err
    assert weft("run", "Email the summary to me?", "--answer", "email_to=a@b.example").code == 0
    assert api.calls("POST", "/create")[-1]["answers"] == {"email_to": "a@b.example"}


def test_run_asks_a_person(api: FakeApi, weft: Weft, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal the questions are asked; a number chooses a suggestion."""
    monkeypatch.setattr(cli, "_interactive", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda text, default: "1")
    assert weft("run", "Email the summary to me?").code == 0
    assert api.calls("POST", "/create")[-1]["answers"] == {"email_to": "ops@example.com"}


def test_run_starts_a_platform_when_none_answers(
    api: FakeApi, weft: Weft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that it does, and goes on with the platform that it started."""
    started: list[Settings] = []

    def start(settings: Settings) -> str:
        started.append(settings)
        return api.base_url

    monkeypatch.setattr(cli, "start_background", start)
    monkeypatch.delenv("WEFT_URL")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WEFT_PORT", str(unused.getsockname()[1]))
        result = weft("run", "Scrape the reviews")
    assert result.code == 0, result.err
    assert len(started) == 1
    assert "No platform answers" in result.out


def test_run_does_not_start_a_platform_for_another_machine(
    weft: Weft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A remote address that does not answer is an error."""
    monkeypatch.setenv("WEFT_URL", "http://weft.invalid:1")
    result = weft("run", "x")
    assert result.code == 1
    assert "does not answer" in result.err


def test_create_from_a_file(api: FakeApi, weft: Weft, tmp_path: Path) -> None:
    """The file's text is sent as it is; the answer names the workflow."""
    file = tmp_path / "workflow.yaml"
    file.write_text("pattern: sequential  # kept\n")
    result = weft("create", "-f", str(file), "--name", "Mine")
    assert result.code == 0
    assert "weft execute wf_" in result.out
    assert api.calls("POST", "/create") == [
        {"yaml": "pattern: sequential  # kept\n", "name": "Mine"}
    ]


def test_create_dry_run_shows_graph_and_questions(api: FakeApi, weft: Weft) -> None:
    """A dry run stores nothing and shows what would be."""
    result = weft("create", "--dry-run", "Check uptime, tell me?")
    assert result.code == 0
    assert "send_slack_alert" in result.out
    assert "if uptime_down" in result.out
    assert "To whom" in result.out
    assert api.world.workflows == {}


@pytest.mark.requirement("FR-1.2", "USER.23")
def test_create_says_which_model_read_it(api: FakeApi, weft: Weft) -> None:
    """Model, time, tokens and cost are shown, and why others were left; with `--offline` none."""
    result = weft("create", "Check uptime with a model")
    assert "read by gpt-4 in 1.20 s, 1100 tokens, $0.0015" in result.out
    assert "left claude-sonnet-5-5: failed with 500" in result.out
    alone = weft("create", "--offline", "Check uptime with a model")
    assert "read by" not in alone.out
    assert [body.get("offline") for body in api.calls("POST", "/create")] == [None, True]


def test_problems_are_shown_with_place_and_remedy(api: FakeApi, weft: Weft) -> None:
    """A wrong specification says where, what and what to do, without a traceback."""
    result = weft("create", "explode")
    assert result.code == 1
    assert "nodes[0].agent (line 3)" in result.err
    assert "→ Use one of llm, api." in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("create",),
        ("create", "x", "-f", "no-such-file"),
        ("execute", "wf_1", "--input", "{"),
        ("execute", "wf_1", "--input", "[1]"),
        ("execute", "wf_1", "--input", "@no-such-file"),
        ("run", "x", "--answer", "nothing"),
        ("rerun", "exec_1", "--state", "[1]"),
        ("fork", "exec_1", "0"),
        ("approve", "exec_1", "--reject", "--value", "x"),
        ("approve", "exec_1", "--value", "x", "--input", "a=1"),
    ],
)
def test_a_wrong_command_line_is_refused(
    api: FakeApi, weft: Weft, arguments: tuple[str, ...]
) -> None:
    """It exits with 2 and sends nothing."""
    assert weft(*arguments).code == 2
    assert api.requests == []


def test_execute_names_the_execution_and_goes(api: FakeApi, weft: Weft, workflow_id: str) -> None:
    """Without --wait it returns at once and says how to watch."""
    assert "weft watch exec_" in weft("execute", workflow_id).out


def test_execute_waits_and_prints_json(api: FakeApi, weft: Weft, workflow_id: str) -> None:
    """With --wait --json the finished execution is printed for programs."""
    document = json.loads(weft("execute", workflow_id, "--wait", "--json").out)
    assert document["status"] == "completed"


def test_status_logs_and_list(api: FakeApi, weft: Weft, workflow_id: str) -> None:
    """What is shown of an execution: status, nodes, attempts; and the two lists."""
    execution_id = api.world.start(workflow_id)
    status = weft("status", execution_id)
    assert "✓ completed" in status.out
    assert "send_email" in status.out
    logs = weft("logs", execution_id, "--node", "map_sentiment").out
    assert '"model": "offline"' in logs
    assert "send_email" not in logs
    assert "Customer Feedback Analysis" in weft("list").out
    listed = weft("list", "--executions").out
    assert execution_id in listed
    assert "1 of 1" in listed
    assert json.loads(weft("list", "--json").out)["total"] == 1


@pytest.mark.requirement("USER.9")
def test_items_are_shown(api: FakeApi, weft: Weft) -> None:
    """Each item of a map with its output or error; only the failed ones when asked for."""
    common = {"attempt": 1, "output": None, "output_bytes": None, "error": None}
    api.world.items["each"] = [
        {**common, "index": 0, "status": "completed", "output": {"a": 1}, "output_bytes": 8},
        {**common, "index": 1, "status": "completed", "output_bytes": 70_000},
        {**common, "index": 2, "status": "failed", "attempt": 3, "error": "No \x1b[31mroute."},
    ]
    shown = weft("items", "exec_1", "each").out
    assert '{"a": 1}' in shown
    assert "70000 bytes of JSON" in shown
    assert "No [31mroute." in shown
    assert "3 of 3" in shown
    failed = weft("items", "exec_1", "each", "--failed").out
    assert "1 of 1" in failed
    assert json.loads(weft("items", "exec_1", "each", "--json").out)["total"] == 3


@pytest.mark.requirement("FR-2.7")
def test_an_open_approval_is_shown_and_answered(api: FakeApi, weft: Weft, workflow_id: str) -> None:
    """The status says what is asked and how to answer; approve answers it."""
    api.world.on_start = lambda execution_id: None
    execution_id = api.world.start(workflow_id)
    api.world.ask(execution_id, "approve_report")
    assert f"weft approve {execution_id}" in weft("status", execution_id).out
    answered = weft("approve", execution_id, "--reject", "--comment", "too long")
    assert "reject" in answered.out
    assert api.calls("POST", "/approve") == [{"decision": "reject", "comment": "too long"}]
    assert "Nothing to decide" in weft("approve", execution_id).err


@pytest.mark.requirement("FR-3.7")
def test_approve_fills_in_a_form(api: FakeApi, weft: Weft, workflow_id: str) -> None:
    """Values are what the form's schema says they are; JSON and files are taken, too."""
    world = api.world
    world.on_start = lambda execution_id: None
    execution_id = world.start(workflow_id)
    schema = {"properties": {"name": {"type": "string"}, "seats": {"type": "integer"}}}
    world.ask(execution_id, "approve_report", approval_type="form", schema=schema)
    shown = weft("status", execution_id).out
    assert "--input NAME=VALUE" in shown
    assert "fields: name, seats" in shown
    assert weft("approve", execution_id, "-i", "name=12", "-i", "seats=3").code == 0
    assert api.calls("POST", "/approve") == [
        {"decision": "approve", "value": {"name": "12", "seats": 3}}
    ]


@pytest.mark.requirement("USER.3", "USER.23")
def test_looking_back(api: FakeApi, weft: Weft, workflow_id: str) -> None:
    """Checkpoints stand in a table, the state at one is JSON, and each says what comes next."""
    execution_id = api.world.start(workflow_id)
    listed = weft("checkpoints", execution_id).out
    assert "none yet" in listed
    assert "scrape_reviews" in listed
    assert "7 of 7" in listed
    assert f"weft state {execution_id} NUMBER" in listed
    shown = weft("state", execution_id, "2").out
    assert '"scrape_reviews"' in shown
    assert f"weft fork {execution_id} 2" in shown
    assert json.loads(weft("state", execution_id, "3", "--json").out)["checkpoint_number"] == 3
    assert json.loads(weft("checkpoints", execution_id, "--json").out)["total"] == 7


@pytest.mark.requirement("USER.3", "USER.23")
def test_going_again(api: FakeApi, weft: Weft, workflow_id: str) -> None:
    """A rerun and a fork send what was edited, and say what was made of what."""
    source = api.world.start(workflow_id)
    made = weft("rerun", source, "--from", "send_email", "--visit", "2", "-s", '{"report": 1}')
    assert f"has started, made of {source}." in made.out
    assert "weft watch exec_" in made.out
    followed = weft("fork", source, "3", "--wait")
    assert followed.code == 0
    assert f"fork of {source}" in followed.out
    ended = json.loads(weft("rerun", source, "-i", "{}", "--wait", "--json").out)
    assert (ended["status"], ended["origin"]["execution_id"]) == ("completed", source)
    assert api.calls("POST", "/rerun") == [
        {"node_id": "send_email", "visit": 2, "state": {"report": 1}},
        {"input": {}},
    ]
    assert api.calls("POST", "/fork") == [{"checkpoint_number": 3}]


@pytest.mark.requirement("USER.3", "USER.23")
def test_retry_goes_on_and_says_when_it_cannot(api: FakeApi, weft: Weft, workflow_id: str) -> None:
    """What failed goes on; what completed is refused with a remedy."""
    completed = api.world.start(workflow_id)
    refused = weft("retry", completed)
    assert (refused.code, "→ Rerun it" in refused.err) == (1, True)
    api.world.finish(completed, "failed")
    assert f"made of {completed}" in weft("retry", completed).out


@pytest.mark.requirement("FR-2.9")
def test_cancel_says_what_was_done(api: FakeApi, weft: Weft, workflow_id: str) -> None:
    """A cancel says how many nodes were done."""
    api.world.on_start = lambda execution_id: None
    execution_id = api.world.start(workflow_id)
    assert "is cancelled: 0 nodes done, 6 not begun" in weft("cancel", execution_id).out


def test_an_unknown_execution_is_an_error_with_a_remedy(api: FakeApi, weft: Weft) -> None:
    """Each command that names an execution says that there is none."""
    for command in ("status", "watch"):
        result = weft(command, "exec_none")
        assert (result.code, "→ List them." in result.err) == (1, True)


def test_an_artifact_is_printed_or_written(api: FakeApi, weft: Weft, tmp_path: Path) -> None:
    """The value's JSON goes to the terminal, or to a file with its size."""
    assert weft("artifact", "exec_1", "ab").out == '"abab"\n'
    file = tmp_path / "value.json"
    assert "6 bytes" in weft("artifact", "exec_1", "ab", "-o", str(file)).out
    assert file.read_text() == '"abab"'


def test_logs_show_how_a_large_value_begins(api: FakeApi, weft: Weft) -> None:
    """In place of a reference stands its beginning, its size, and the command for the rest."""
    execution_id = api.world.start(api.world.add_workflow(UPTIME, UPTIME_LEVELS))
    node = api.world.node(execution_id, api.world.executions[execution_id]["nodes"][0]["node_id"])
    api.world._log(execution_id, node, output={"text": LARGE})
    api.world.executions[execution_id]["output"] = LARGE
    for command in ("logs", "status"):
        shown = " ".join(weft(command, execution_id).out.split())
        assert "Once… (1.2 MB: weft artifact exec_1 aa)" in shown


def test_prune_deletes_until_nothing_is_left(api: FakeApi, weft: Weft) -> None:
    """It asks for batches; a dry run counts only."""
    workflow_id = api.world.add_workflow(UPTIME, UPTIME_LEVELS)
    for _ in range(5):
        api.world.start(workflow_id)
    assert "5 executions" in weft("prune", "--older-than", "12h", "--dry-run").out
    assert "5 executions deleted" in weft("prune", "--older-than", "30d").out
    bodies = api.calls("POST", "/prune")
    assert bodies[0] == {"older_than_days": 0.5, "dry_run": True}
    assert [body["older_than_days"] for body in bodies[1:]] == [30.0] * 4


def test_token_is_printed_or_missed(api: FakeApi, weft: Weft, tmp_path: Path) -> None:
    """The key is printed alone, for scripts; without one it says where it comes from."""
    assert "weft up" in weft("token").err
    (tmp_path / "token").write_text("weft_secret\n")
    assert weft("token") == Result(0, "weft_secret\n", "")


def test_a_wrong_setting_is_named(weft: Weft, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown variable of ours is an error, not a traceback."""
    monkeypatch.setenv("WEFT_PROT", "1")
    result = weft("token")
    assert result.code == 1
    assert "Did you mean WEFT_PORT?" in result.err


def test_up_and_demo_end_with_the_platform_s_code(
    weft: Weft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is the platform's or the demonstration's."""
    monkeypatch.setattr(cli, "run_foreground", lambda settings: 3)
    monkeypatch.setattr(cli, "run_demo", lambda keep: 4 if keep else 5)
    assert [weft("up").code, weft("demo", "--keep").code, weft("demo").code] == [3, 4, 5]


def test_down_says_whether_something_ran(weft: Weft, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopping nothing is no error, and is said."""
    monkeypatch.setattr(cli, "stop", lambda settings: True)
    assert weft("down").out == "Stopped.\n"
    monkeypatch.setattr(cli, "stop", lambda settings: False)
    assert weft("down").out == "No platform runs here.\n"


@pytest.mark.requirement("USER.10")
def test_status_says_why_an_execution_queues(api: FakeApi, weft: Weft, workflow_id: str) -> None:
    """In the platform's words."""
    api.world.on_start = lambda _: None
    execution_id = api.world.start(workflow_id)
    api.world.queue(execution_id, "Waits in the queue: 3 before it; no executor has room.")
    assert "3 before it; no executor has room." in weft("status", execution_id).out


@pytest.mark.requirement("USER.10")
def test_watch_follows_an_execution_out_of_the_queue(
    api: FakeApi, weft: Weft, workflow_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells each place once, and then what happens."""
    monkeypatch.setattr(cli_follow, "QUEUE_SECONDS", 0.01)
    api.world.on_start = lambda _: None
    execution_id = api.world.start(workflow_id)
    api.world.queue(execution_id, "Waits in the queue: 1 before it; no executor has room.")

    def looked(times: int) -> bool:
        paths = [path for _, path, _, _ in list(api.requests)]
        return sum(path.endswith(execution_id) for path in paths) >= times

    def admit() -> None:
        asyncio.run(eventually(lambda: looked(3)))
        api.world.queue(execution_id, "Waits in the queue: it is next; no executor has room.")
        asyncio.run(eventually(lambda: looked(6)))
        api.world.queue(execution_id, None)
        api.world.run_to_the_end(execution_id)

    with ThreadPoolExecutor() as pool:
        admitted = pool.submit(admit)
        result = weft("watch", execution_id)
        admitted.result()
    assert result.code == 0
    assert result.out.count("1 before it") == 1
    assert (
        result.out.index("1 before it")
        < result.out.index("it is next")
        < (result.out.index("scrape_reviews"))
    )
