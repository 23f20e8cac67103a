"""What the demonstration shows of its execution."""

from serve.demo import report_of


def test_the_report_is_what_the_aggregator_made() -> None:
    """The report is told from the other texts of an output, such as a mail's message id."""
    nodes = [
        {"agent": "aggregator", "output": {"insights_report": "# Insights"}},
        {"agent": "email", "output": {"message_id": "a long message id @localhost"}},
    ]
    output = {"message_id": "a long message id @localhost", "insights_report": "# Insights"}
    assert report_of({"nodes": nodes, "output": output}) == "# Insights"
