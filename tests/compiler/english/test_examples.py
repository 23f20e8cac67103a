"""The sentences of the product's contract, and the one of the demonstration, word for word."""

import pytest

from compiler.text import to_document
from tests.compiler.english.conftest import EdgesOf, Read, Understand


@pytest.mark.requirement("FR-1.1", "FR-1.3", "FR-2.4")
def test_review_sentence_becomes_map_and_report(understand: Understand) -> None:
    """Scraping, a sentiment for each review, a report and a mail, each reading the one before."""
    specification = understand(
        "Scrape the reviews at http://127.0.0.1:9000/ → analyze the sentiment of each review in "
        "parallel → generate a markdown insights report → email the report to ops@example.com"
    )
    document = to_document(specification)
    for node in document["nodes"]:
        del node["description"]
    assert document["pattern"] == "map_reduce"
    assert document["nodes"] == [
        {
            "id": "scrape_reviews",
            "agent": "web_scraping",
            "parameters": {"url": "http://127.0.0.1:9000/", "items": "reviews"},
            "output_key": "reviews",
        },
        {
            "id": "map_sentiment",
            "agent": "llm",
            "pattern": "map",
            "parameters": {
                "prompt": "Analyze the sentiment of this review: {review}",
                "output_format": "json",
                "task": "sentiment",
            },
            "input_keys": ["reviews"],
            "output_key": "sentiments",
        },
        {
            "id": "aggregate_insights",
            "agent": "aggregator",
            "parameters": {
                "aggregation": "summarize",
                "format": "markdown_report",
                "title": "Insights Report",
            },
            "input_keys": ["sentiments"],
            "output_key": "insights_report",
        },
        {
            "id": "send_email",
            "agent": "email",
            "parameters": {
                "to": "ops@example.com",
                "subject": "Insights Report",
                "body": "{insights_report}",
            },
            "input_keys": ["insights_report"],
        },
    ]
    assert document["edges"] == [
        {"from": "scrape_reviews", "to": "map_sentiment"},
        {"from": "map_sentiment", "to": "aggregate_insights"},
        {"from": "aggregate_insights", "to": "send_email"},
    ]


@pytest.mark.requirement("FR-1.1", "FR-2.2")
def test_linkedin_sentence_asks_its_caller_for_the_urls(understand: Understand) -> None:
    """Profiles without URLs become a list that the execution's input must give."""
    specification = understand(
        "Scrape 10 LinkedIn profiles → extract skills with LLM → email summary to me"
    )
    scrape, extract, email = specification.nodes
    assert specification.pattern == "sequential"
    assert (scrape.id, scrape.agent) == ("scrape_profiles", "web_scraping")
    assert scrape.parameters == {"urls": "{input.profile_urls}", "limit": 10, "max_pages": 1}
    assert (extract.id, extract.input_keys, extract.key) == (
        "extract_skills",
        ("profiles",),
        "skills",
    )
    assert extract.parameters["output_format"] == "json_array"
    assert "{profiles}" in extract.parameters["prompt"]
    assert "LLM" not in extract.parameters["prompt"]
    assert (email.id, email.parameters["to"]) == ("send_email", "{user.email}")
    assert email.parameters["subject"] == "Skills Summary"
    assert "{skills}" in email.parameters["body"]
    schema = specification.state_schema.input
    assert schema["required"] == ["profile_urls"]
    assert schema["properties"]["profile_urls"]["type"] == "array"
    assert "LinkedIn" in specification.metadata.name


@pytest.mark.requirement("FR-1.1", "FR-2.4")
def test_feedback_sentence_maps_and_aggregates(understand: Understand) -> None:
    """A hundred reviews, a sentiment for each, one report."""
    specification = understand(
        "Scrape 100 customer reviews → analyze sentiment in parallel → generate insights report"
    )
    scrape, sentiment, report = specification.nodes
    assert specification.pattern == "map_reduce"
    assert [node.id for node in specification.nodes] == [
        "scrape_reviews",
        "map_sentiment",
        "aggregate_insights",
    ]
    assert scrape.parameters == {"url": "{input.url}", "items": "reviews", "limit": 100}
    assert sentiment.pattern == "map"
    assert sentiment.parameters["prompt"] == "Analyze sentiment of this review: {review}"
    assert report.input_keys == ("sentiments",)
    assert report.key == "insights_report"
    assert specification.state_schema.input["required"] == ["url"]


@pytest.mark.requirement("FR-1.1", "FR-2.3")
def test_uptime_sentence_routes_on_the_status_code(
    understand: Understand, edges_of: EdgesOf
) -> None:
    """Down alerts Slack, up writes a row, and the router names both."""
    specification = understand(
        "Check website uptime → if down, send alert to Slack; if up, log to database"
    )
    check, router, alert, log = specification.nodes
    assert specification.pattern == "conditional"
    assert specification.metadata.name == "Website Uptime Monitor"
    assert check.id == "check_uptime"
    assert check.parameters == {"url": "{input.url}", "method": "GET", "timeout": 5}
    assert check.key == "uptime_status"
    assert router.parameters == {
        "condition": "uptime_status.status_code != 200",
        "if_true": "send_slack_alert",
        "if_false": "log_to_db",
    }
    assert alert.parameters["url"] == "{secrets.slack_webhook_url}"
    assert alert.parameters["method"] == "POST"
    assert alert.parameters["body"]["text"].startswith("Website is down!")
    assert log.parameters["query"] == (
        "INSERT INTO uptime_logs (status, timestamp) VALUES ($1, NOW())"
    )
    assert log.parameters["params"] == ["{uptime_status.status_code}"]
    assert edges_of(specification) == [
        ("check_uptime", "router"),
        ("router", "send_slack_alert"),
        ("router", "log_to_db"),
    ]


@pytest.mark.requirement("FR-1.1")
def test_command_line_sentence_uses_url_and_address(understand: Understand) -> None:
    """A URL and an address in the text go straight into the parameters."""
    specification = understand(
        "Scrape http://127.0.0.1:8080/team -> extract skills with LLM -> "
        "email summary to me@example.com"
    )
    scrape, extract, email = specification.nodes
    assert scrape.parameters == {"url": "http://127.0.0.1:8080/team"}
    assert extract.input_keys == (scrape.key,)
    assert email.parameters["to"] == "me@example.com"
    assert specification.state_schema.input == {}


@pytest.mark.requirement("FR-1.1")
def test_description_and_name_are_kept(read: Read) -> None:
    """The sentence is the description; a given name goes before a made one."""
    text = "Scrape http://a.example/x,   then email it to me"
    assert read(text).specification.metadata.description == (
        "Scrape http://a.example/x, then email it to me"
    )
    assert read(text).steps[0].node_id == "scrape_page_content"
