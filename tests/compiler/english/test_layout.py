"""What the lines of a text are: heads, headings, lists that end their line, lists of agents."""

import pytest

from compiler.english.layout import lines_of


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "Build a workflow for invoices:\n1. Read the mailbox\n2. Save the total",
            ["1. Read the mailbox", "2. Save the total"],
        ),
        (
            "It reads figures from:\n- Stripe (sums)\n- Mixpanel (use)\n\nThen it mails me.",
            ["It reads figures from Stripe and Mixpanel.", "", "Then it mails me."],
        ),
        (
            "If approved, the workflow automatically:\n- Creates the case\n- Mails the client",
            ["If approved, Creates the case, then Mails the client."],
        ),
        (
            "Agents:\n- critic : finds flaws\n- editor : rewrites it\n\nThey run in parallel.",
            [
                "In parallel: one agent finds flaws; one agent rewrites it.",
                "",
                "They run in parallel.",
            ],
        ),
        (
            "**1. Collect**\n\nIt reads the queue.\n\n**2. Close**\n\nIt closes it.",
            ["", "It reads the queue.", "", "", "It closes it."],
        ),
        (
            "Summarize the report for:\n- the board\n- the staff",
            ["Summarize the report for (the board, the staff)."],
        ),
        ("1. Read it\n2. Save it", ["1. Read it", "2. Save it"]),
    ],
)
def test_a_line_and_its_list(text: str, lines: list[str]) -> None:
    """A head goes, a condition keeps its steps, places and agents become part of a sentence."""
    assert lines_of(text) == lines
