"""Kinds that one step tells apart and the next ones deal with are a choice."""

import pytest

from compiler.english.clauses import cut


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        (
            "Classify it as bug or question. File bugs in Jira, answer questions.",
            ["it is bug", "it is question"],
        ),
        (
            "Decide whether it is a lead, a complaint or spam. Save leads; forward complaints.",
            ["it is lead", "it is complaint"],
        ),
        (
            "Sort the mails into bills and letters. Pay bills, archive everything else.",
            ["it is bills"],
        ),
        ("Classify it as bug or question. Mail me the result.", []),
        ("Translate it into French and German. Post the French text.", []),
    ],
)
def test_steps_for_kinds_are_ways(text: str, conditions: list[str]) -> None:
    """One way for each kind; a single kind is no choice."""
    assert [clause.text for clause in cut(text) if clause.kind == "if"] == conditions
