"""`weft parse`: descriptions in a file to specifications in a file, without a platform."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.models import KEY_NAMES
from compiler.text import load_document
from serve import cli
from tests.agents.model_server import ModelServer, answers, fails, model_server_in_a_thread
from tests.agents.planning import TEXT, right


def parse(folder: Path, *lines: str) -> list[dict[str, Any]]:
    """Run the command on some lines and return what it wrote."""
    source, out = folder / "in.jsonl", folder / "out.jsonl"
    source.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        cli.main(["parse", str(source), "--out", str(out), "--offline"])
    assert ended.value.code in (0, None)
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def test_each_line_gets_summary_specification_and_questions(tmp_path: Path) -> None:
    """Agents, edges, pattern, start and people stand beside the document they were taken from."""
    text = (
        "Every Friday at 16:00, fetch https://api.example.com/sales and email it to a@example.com"
    )
    (answer,) = parse(tmp_path, json.dumps({"id": "one", "text": text}), "")
    assert answer["id"] == "one"
    assert (answer["agents"], answer["edges"]) == (["api", "email"], [[0, 1]])
    assert answer["trigger"] == {"kind": "schedule", "cron": "0 16 * * 5"}
    assert (answer["pattern"], answer["human"], answer["questions"]) == ("sequential", False, [])
    assert load_document(answer["specification"]).pattern == "sequential"


def test_a_decision_and_the_step_that_judges_it_count_once(tmp_path: Path) -> None:
    """The summary names the router alone; the specification holds the step before it too."""
    text = "Scrape https://a.example. If the tone is rude, email a@example.com"
    (answer,) = parse(tmp_path, json.dumps({"id": 1, "text": text}))
    assert answer["agents"] == ["web_scraping", "router", "email"]
    assert answer["edges"] == [[0, 1], [1, 2]]
    assert [node["agent"] for node in answer["specification"]["nodes"]][1] == "llm"


def test_a_schedule_without_a_time_is_a_schedule(tmp_path: Path) -> None:
    """Its time is null, and a question asks for it."""
    (answer,) = parse(tmp_path, json.dumps({"text": "On a schedule, scrape https://a.example"}))
    assert answer["trigger"] == {"kind": "schedule", "cron": None}
    assert [question["id"] for question in answer["questions"]] == ["trigger.cron"]


def test_the_same_text_gives_the_same_hash(tmp_path: Path) -> None:
    """Nothing but the words decides."""
    line = json.dumps({"text": "Scrape https://a.example and email a@example.com the summary"})
    first, second = parse(tmp_path, line, line)
    assert first["hash"] == second["hash"]
    assert (first["id"], second["id"]) == (1, 2)


def test_rubbish_gets_an_answer_without_a_specification(tmp_path: Path) -> None:
    """Its line is there with the question."""
    (answer,) = parse(tmp_path, json.dumps({"id": "x", "text": "…"}))
    assert (answer["specification"], answer["agents"]) == (None, [])
    assert answer["questions"][0]["id"] == "description"


def test_what_follows_an_approval_in_one_way_counts_once(tmp_path: Path) -> None:
    """The specification writes it once more for the other way, which a rejection cannot end."""
    text = (
        "Fetch https://a.example/api/order. If the total is above 500, ask the manager for "
        "approval. Then post it to Slack and email b@a.example."
    )
    (answer,) = parse(tmp_path, json.dumps({"id": 1, "text": text}))
    assert answer["agents"] == ["api", "router", "human_loop", "api", "email"]
    assert answer["edges"] == [[0, 1], [1, 2], [1, 3], [2, 3], [3, 4]]
    assert len(answer["specification"]["nodes"]) > len(answer["agents"])


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A server that the settings name for both providers."""
    with model_server_in_a_thread() as server:
        monkeypatch.delenv("WEFT_PARSER_MODELS", raising=False)
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai_url)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.anthropic_url)
        monkeypatch.setenv("WEFT_PARSER_SECONDS", "30")
        yield server


@pytest.mark.requirement("FR-1.2")
def test_models_read_what_is_not_to_be_read_offline(tmp_path: Path, models: ModelServer) -> None:
    """The models of the settings are asked; each answer says who read it, in the order of lines."""
    models.script("openai", answers(right()), fails(500))
    models.script("anthropic", fails(503))
    lines = [json.dumps({"id": number, "text": TEXT}) for number in (1, 2, 3)]
    found = run_parse(tmp_path, lines)
    assert [answer["id"] for answer in found] == [1, 2, 3]
    assert sorted(answer["reading"]["by"] for answer in found) == ["gpt-4", "offline", "offline"]
    by_model = next(answer for answer in found if answer["reading"]["by"] == "gpt-4")
    assert by_model["agents"] == [node["agent"] for node in right()["nodes"]]
    assert by_model["edges"] == [[0, 1], [1, 2], [2, 3], [2, 4]]


def test_without_models_it_reads_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing configured the answers are the same as with `--offline`."""
    for provider in KEY_NAMES:
        for ending in ("API_KEY", "BASE_URL"):
            monkeypatch.delenv(f"{provider.upper()}_{ending}", raising=False)
    line = json.dumps({"id": 1, "text": TEXT})
    [found] = run_parse(tmp_path, [line])
    assert found.pop("reading")["by"] == "offline"
    assert [found] == parse(tmp_path, line)


@pytest.mark.requirement("FR-1.2")
def test_one_model_may_be_insisted_on(
    tmp_path: Path, models: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """When it cannot read a description the command says why, and writes nothing."""
    models.script("anthropic", fails(401))
    with pytest.raises(SystemExit) as ended:
        command(tmp_path, [json.dumps({"text": TEXT})], "--model", "claude-sonnet")
    assert ended.value.code == 1
    assert "claude-sonnet-5-5: refused the request with 401" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


def test_offline_and_a_model_exclude_each_other(tmp_path: Path) -> None:
    """Whoever asks for both is told."""
    with pytest.raises(SystemExit) as ended:
        command(tmp_path, [], "--offline", "--model", "gpt-4")
    assert ended.value.code == 2


def command(folder: Path, lines: list[str], *options: str) -> None:
    """Run the command on some lines."""
    source = folder / "in.jsonl"
    source.write_text("\n".join(lines), encoding="utf-8")
    cli.main(["parse", str(source), "--out", str(folder / "out.jsonl"), *options])


def run_parse(folder: Path, lines: list[str]) -> list[dict[str, Any]]:
    """Run the command with the models of the settings and return what it wrote."""
    with pytest.raises(SystemExit) as ended:
        command(folder, lines)
    assert ended.value.code in (0, None)
    written = (folder / "out.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in written.splitlines()]
