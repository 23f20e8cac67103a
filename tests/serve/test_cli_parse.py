"""`weft parse`: descriptions in a file to specifications in a file, without a platform."""

import json
from pathlib import Path
from typing import Any

import pytest

from compiler.text import load_document
from serve import cli


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
