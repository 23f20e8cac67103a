"""The document's three examples, node by node, against real servers on loopback."""

from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from agents.settings import AgentSettings
from tests.agents.conftest import Run
from tests.agents.test_mail import read
from tests.agents.website import Reply, Site, page
from tests.mailbox import Mailbox

REVIEWS = {
    "I love this lamp, it is bright and sturdy.": "positive",
    "Excellent value, works perfectly every day.": "positive",
    "Broke after a week, a complete waste of money.": "negative",
    "It is okay, nothing special.": "neutral",
}


@pytest.fixture
def settings(mailbox: Mailbox, postgres: str) -> AgentSettings:
    """Settings whose mail server and database are the test's."""
    return AgentSettings(
        allow_loopback=True, smtp_url=mailbox.url, default_database_url=SecretStr(postgres)
    )


@pytest.mark.requirement("FR-2.2")
async def test_skills_extraction(run: Run, site: Site, mailbox: Mailbox, chromium: str) -> None:
    """Example 1: scrape profiles, extract their skills, and mail them."""
    urls = []
    for name, known in (("ann", "Python and SQL"), ("bob", "React, SQL")):
        script = f"document.querySelector('.profile-section').textContent = 'Knows {known}';"
        site.replies[f"/in/{name}"] = page(
            f'<div class="profile-section"></div><script>{script}</script>'
        )
        urls.append(site.url(f"/in/{name}"))
    scraped = await run("web_scraping", {"urls": urls, "selector": ".profile-section"})
    prompt = f"Extract skills from the following LinkedIn profiles: {scraped.output}"
    parameters = {"model": "gpt-4", "prompt": prompt, "output_format": "json_array"}
    skills = await run("llm", parameters, inputs={"profiles_html": scraped.output})
    assert skills.output == ["Python", "SQL", "React"]
    mail = {
        "to": "user@example.com",
        "subject": "LinkedIn Skills Summary",
        "body": f"Here are the extracted skills: {skills.output}",
    }
    assert (await run("email", mail)).output["email_sent"] is True
    assert "'Python', 'SQL', 'React'" in str(read(mailbox.mails[0]).get_body(("plain",)))


@pytest.mark.requirement("FR-2.4", "FR-3.6")
async def test_customer_feedback(run: Run, site: Site, chromium: str) -> None:
    """Example 2: scrape reviews, judge each, and report with real counts."""
    cards = "".join(f'<div class="review">{text}</div>' for text in REVIEWS)
    site.replies["/"] = page(cards)
    scraped = await run("web_scraping", {"url": site.url(), "limit": 100})
    assert scraped.output == list(REVIEWS)
    judged = []
    for index, review in enumerate(scraped.output):
        parameters = {
            "model": "gpt-3.5",
            "prompt": f"Analyze sentiment of this review: {review}",
            "output_format": "json",
        }
        result = await run("llm", parameters, inputs={"item": review}, map_index=index)
        judged.append(result.output)
    assert [entry["sentiment"] for entry in judged] == list(REVIEWS.values())
    report = await run(
        "aggregator",
        {"aggregation": "summarize", "format": "markdown_report"},
        inputs={"sentiments": judged},
    )
    assert "| positive | 2 | 50 % |" in report.output
    assert "> Broke after a week, a complete waste of money." in report.output


@pytest.mark.requirement("FR-2.3")
@pytest.mark.parametrize("up", [True, False])
async def test_uptime_monitor(
    run: Run, site: Site, postgres: str, dead_port: int, up: bool
) -> None:
    """Example 3: a site that is up is logged to the database, one that is down is reported."""
    connection = await asyncpg.connect(postgres)
    await connection.execute("DROP TABLE IF EXISTS uptime_logs")
    await connection.execute("CREATE TABLE uptime_logs (status int, timestamp timestamptz)")
    site.replies["/"] = Reply("up")
    site.replies["/services"] = Reply("ok")
    checked = site.url() if up else f"http://127.0.0.1:{dead_port}/"
    state: dict[str, Any] = {
        "uptime_status": (await run("api", {"url": checked, "method": "GET", "timeout": 5})).output
    }
    parameters = {
        "condition": "uptime_status.status_code != 200",
        "if_true": "send_slack_alert",
        "if_false": "log_to_db",
    }
    route = (await run("router", parameters, inputs=state)).output["route"]
    if route == "send_slack_alert":
        body = {"text": "Website is down!"}
        await run("api", {"url": site.url("/services"), "method": "POST", "body": body})
    else:
        query = "INSERT INTO uptime_logs (status, timestamp) VALUES ($1, NOW())"
        status = state["uptime_status"]["status_code"]
        await run("database", {"query": query, "params": [status]})
    logged = await connection.fetchval("SELECT count(*) FROM uptime_logs WHERE status = 200")
    await connection.close()
    assert route == ("log_to_db" if up else "send_slack_alert")
    assert logged == (1 if up else 0)
    assert ("/services" in site.paths()) is not up
