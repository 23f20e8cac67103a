"""The contract's three examples, run for real through HTTP."""

import email
import email.policy
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from weft import Client

from serve.demo_world import World
from tests.acceptance.conftest import Platform
from tests.acceptance.recorder import Recorder

pytestmark = pytest.mark.timeout(240)

PROFILES = {
    "name": "LinkedIn Skills Extraction",
    "description": "Scrape LinkedIn profiles and extract skills",
    "pattern": "sequential",
    "nodes": [
        {
            "id": "scrape_profiles",
            "agent": "web_scraping",
            "parameters": {"urls": [], "selector": ".review .body"},
            "output": "profiles_html",
        },
        {
            "id": "extract_skills",
            "agent": "llm",
            "parameters": {
                "model": "gpt-4",
                "prompt": "Extract keywords from the following profiles: {profiles_html}",
                "output_format": "json_array",
            },
            "input": ["profiles_html"],
            "output": "skills_json",
        },
        {
            "id": "send_email",
            "agent": "email",
            "parameters": {
                "to": "{user.email}",
                "subject": "LinkedIn Skills Summary",
                "body": "Here are the extracted skills: {skills_json}",
            },
            "input": ["skills_json"],
        },
    ],
    "edges": [
        {"from": "scrape_profiles", "to": "extract_skills"},
        {"from": "extract_skills", "to": "send_email"},
    ],
}

FEEDBACK = {
    "name": "Customer Feedback Analysis",
    "pattern": "map_reduce",
    "nodes": [
        {
            "id": "scrape_reviews",
            "agent": "web_scraping",
            "parameters": {"url": "", "limit": 100, "items": "reviews"},
            "output": "reviews",
        },
        {
            "id": "map_sentiment",
            "agent": "llm",
            "pattern": "map",
            "parameters": {
                "model": "gpt-3.5",
                "prompt": "Analyze sentiment of this review: {review}",
                "output_format": "json",
                "batch_size": 10,
            },
            "input": ["reviews"],
            "output": "sentiments",
        },
        {
            "id": "aggregate_insights",
            "agent": "aggregator",
            "parameters": {"aggregation": "summarize", "format": "markdown_report"},
            "input": ["sentiments"],
            "output": "insights_report",
        },
    ],
    "edges": [
        {"from": "scrape_reviews", "to": "map_sentiment"},
        {"from": "map_sentiment", "to": "aggregate_insights"},
    ],
}

UPTIME = {
    "name": "Website Uptime Monitor",
    "pattern": "conditional",
    "nodes": [
        {
            "id": "check_uptime",
            "agent": "api",
            "parameters": {"url": "", "method": "GET", "timeout": 5},
            "output": "uptime_status",
        },
        {
            "id": "router",
            "agent": "router",
            "parameters": {
                "condition": "uptime_status.status_code != 200",
                "if_true": "send_slack_alert",
                "if_false": "log_to_db",
            },
            "input": ["uptime_status"],
        },
        {
            "id": "send_slack_alert",
            "agent": "api",
            "parameters": {
                "url": "{secrets.slack_webhook_url}",
                "method": "POST",
                "body": {"text": "Website is down!"},
            },
        },
        {
            "id": "log_to_db",
            "agent": "database",
            "parameters": {
                "query": "INSERT INTO uptime_logs (status, timestamp) VALUES ($1, NOW())",
                "params": ["{uptime_status.status_code}"],
            },
        },
    ],
    "edges": [
        {"from": "check_uptime", "to": "router"},
        {"from": "router", "to": "send_slack_alert", "condition": "uptime_down"},
        {"from": "router", "to": "log_to_db", "condition": "uptime_up"},
    ],
}


def with_url(document: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """A copy of a document whose first node has a parameter set."""
    copied: dict[str, Any] = json.loads(json.dumps(document))
    copied["nodes"][0]["parameters"][name] = value
    return copied


def run(client: Client, specification: dict[str, Any]) -> Any:
    """Create and execute a workflow; return its last status and its messages."""
    workflow = client.create(specification=specification)
    started = client.execute(workflow["workflow_id"])
    assert started["status"] == "running"
    assert started["progress"]["total_nodes"] == len(specification["nodes"])
    assert started["websocket_url"].endswith(f"{started['execution_id']}/stream")
    messages = list(client.stream(started["execution_id"]))
    status = client.execution(started["execution_id"])
    sequence = [message["seq"] for message in messages]
    assert sequence == list(range(1, len(sequence) + 1))
    return status, messages


@pytest.mark.requirement(
    "FR-2.2", "FR-3.1", "FR-3.2", "FR-3.4", "FR-2.8", "API.1", "API.2", "API.3"
)
def test_profiles_are_scraped_extracted_and_mailed(
    client: Client, platform: Platform, world: World
) -> None:
    """Example 1: pages rendered by JavaScript, an extraction, a mail."""
    before = set(world.mail_folder.glob("*.eml"))
    pages = [f"{world.site_url}?page=3", f"{world.site_url}?page=4"]
    status, messages = run(client, with_url(PROFILES, "urls", pages))
    assert status["status"] == "completed", status["error"]
    assert [node["status"] for node in status["nodes"]] == ["completed"] * 3
    scraped = status["nodes"][0]["output"]["profiles_html"]
    assert len(scraped) == 20
    assert any("ruined my breakfast" in text for text in scraped)
    skills = status["nodes"][1]["output"]["skills_json"]
    assert isinstance(skills, list)
    assert "coffee" in " ".join(skills).lower()
    assert status["nodes"][1]["metadata"]["is_llm"] is False
    assert status["output"]["email_sent"] is True
    (path,) = set(world.mail_folder.glob("*.eml")) - before
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert mail["Subject"] == "LinkedIn Skills Summary"
    assert mail["To"] == "me@localhost"
    kinds = [message["type"] for message in messages]
    assert kinds[0] == "workflow_started"
    assert kinds[-1] == "workflow_completed"
    assert kinds.count("node_started") == kinds.count("node_completed") == 3


@pytest.mark.requirement("FR-2.4", "FR-3.6", "CARD.1", "FR-7.2")
def test_reviews_are_analysed_in_parallel(client: Client, world: World) -> None:
    """Example 2: a map over what was scraped, in batches, and a report with real counts."""
    status, messages = run(client, with_url(FEEDBACK, "url", world.site_url))
    assert status["status"] == "completed", status["error"]
    sentiments = status["nodes"][1]["output"]["sentiments"]
    assert len(sentiments) == 40
    assert status["nodes"][1]["items"] == {"count": 40, "completed": 40, "failed": 0}
    progress = [message for message in messages if message["type"] == "node_progress"]
    told = [n for message in progress for part in message["ended"] for n in range(*part)]
    assert sorted(told) == list(range(40))
    assert progress[-1]["completed"] == progress[-1]["items"] == 40
    report = status["output"]["insights_report"]
    counts = {
        word: sum(1 for sentiment in sentiments if sentiment["sentiment"] == word)
        for word in ("positive", "neutral", "negative")
    }
    for word, count in counts.items():
        assert f"| {word} | {count} |" in report
    stars = json.loads(Path("serve/demo_site/reviews.json").read_text())
    meant = [
        "positive" if r["stars"] > 3 else "negative" if r["stars"] < 3 else "neutral" for r in stars
    ]
    agreeing = sum(a == b["sentiment"] for a, b in zip(meant, sentiments, strict=True))
    assert agreeing >= 34, agreeing


@pytest.mark.requirement("FR-2.3", "FR-3.5", "FR-3.8", "FR-3.9")
@pytest.mark.parametrize("up", [True, False])
async def test_uptime_takes_the_right_path(
    platform: Platform, recorder: Recorder, slack: Recorder, agent_dsn: str, up: bool
) -> None:
    """Example 3: a site that is up is logged in the database, one that is down alerts."""
    connection = await asyncpg.connect(agent_dsn)
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS uptime_logs (status integer, timestamp timestamptz)"
    )
    await connection.execute("DELETE FROM uptime_logs")
    slack.calls.clear()
    url = recorder.url if up else "http://127.0.0.1:9"
    with platform.client() as client:
        status, _ = run(client, with_url(UPTIME, "url", url))
        logs = client.logs(status["execution_id"])
    assert status["status"] == "completed", status["error"]
    states = {node["node_id"]: node["status"] for node in status["nodes"]}
    rows = await connection.fetch("SELECT status FROM uptime_logs")
    await connection.close()
    if up:
        assert states["send_slack_alert"] == "skipped"
        assert states["log_to_db"] == "completed"
        assert [row["status"] for row in rows] == [200]
        assert slack.calls == []
    else:
        assert states["log_to_db"] == "skipped"
        assert [call.body for call in slack.calls] == [{"text": "Website is down!"}]
        assert status["nodes"][0]["output"]["uptime_status"]["status_code"] == 0
        assert rows == []
        (alert,) = [log for log in logs if log["node_id"] == "send_slack_alert"]
        assert alert["input"]["url"] == "{secrets.slack_webhook_url}"
        assert slack.url not in json.dumps(logs)


@pytest.mark.requirement("FR-1.1", "FR-3.1", "FR-3.8")
def test_a_sentence_tells_a_channel(client: Client, slack: Recorder, world: World) -> None:
    """English with a ready agent, end to end: the page's summary is a message in the channel."""
    slack.calls.clear()
    read = f"Scrape the reviews at {world.site_url}, summarize them"
    workflow = client.create(f"{read} and post the summary to #ops on Slack")
    status = client.execute(workflow["workflow_id"], wait=True)
    assert status["status"] == "completed", status["error"]
    [call] = slack.calls
    assert call.path == "/api/chat.postMessage"
    assert call.headers["Authorization"] == "Bearer xoxb-of-the-tests"
    assert call.body == {"channel": "#ops", "text": status["nodes"][1]["output"]["summary"]}
