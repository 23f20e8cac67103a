"""No description is taken for one that only looks like it."""

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from compiler.likeness.comparison import compare
from compiler.likeness.wording import plain_words

GROUPS: list[dict[str, Any]] = YAML(typ="safe").load(
    (Path(__file__).parents[3] / "benchmarks" / "paraphrases.yaml").read_text(encoding="utf-8")
)
LEAST_ALIKE = 0.6
OTHERWISE = [
    ("over", "under"), ("above", "below"), ("more than", "less than"), ("before", "after"),
    ("after", "before"), ("first", "last"), ("passes", "fails"), ("fails", "succeeds"),
    ("delete", "keep"), ("newest", "oldest"), ("latest", "oldest"), ("best", "worst"),
    ("with", "without"), ("if", "unless"), ("when", "unless"), ("is", "is not"),
    ("not", ""), ("each", "the first"), ("all", "only the first"), ("all", "none of the"),
    ("in parallel", "one after the other"), ("in parallel", ""), ("only", "all"),
    ("keep", "drop"), ("down", "up"), ("by email", "by SMS"), ("Slack", "Discord"),
    ("GitHub", "GitLab"), ("Postgres", "MySQL"), ("Google Sheet", "Airtable base"),
    ("Notion", "Confluence"), ("Jira", "Linear"), ("Stripe", "PayPal"), ("S3", "Azure Blob"),
    ("customer", "employee"), ("the sender", "the manager"), ("if rejected", "if approved"),
    ("higher", "lower"), ("unread", "read"), ("valid", "invalid"), ("ask", "do not ask"),
    ("until", "before"), ("two LLMs", "three LLMs"), ("three reviewers", "two reviewers"),
    ("me", "my boss"), ("stop", "start"),
    ("hide", "show"), ("positive", "negative"), ("upload", "download"), ("on", "off"),
    ("report", "draft report"), ("result", "first result"), ("reviewers", "other reviewers"),
]  # fmt: skip
"""What one word is, and what makes another workflow of it."""


def texts_of(group: dict[str, Any]) -> list[str]:
    """Return the texts of a group."""
    return [text["text"] for text in group["texts"]]


def told_otherwise(text: str) -> Iterator[str]:
    """Give texts that have one word otherwise, outside of quotes and addresses."""
    bare = re.sub(r'"[^"]*"|\S*://\S*|\S*[@/]\S*', lambda found: "\0" * len(found[0]), text)
    for word, other in OTHERWISE:
        found = re.search(rf"(?<![\w-]){word}(?![\w-])", bare)
        if found is not None:
            yield f"{text[: found.start()]}{other}{text[found.end() :]}"


@pytest.mark.requirement("NFR-1.5")
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: f"{group['split']}-{group['id']}")
def test_what_is_almost_the_same_is_not_taken_for_it(group: dict[str, Any]) -> None:
    """Texts that were written to be mistaken for a group's are like none of it."""
    taken = [
        (text, similar)
        for similar in group["different"]
        for text in texts_of(group)
        if compare(text, similar) is not None or compare(similar, text) is not None
    ]
    assert taken == []


@pytest.mark.requirement("NFR-1.5")
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: f"{group['split']}-{group['id']}")
def test_an_opposite_or_another_product_makes_another_workflow(group: dict[str, Any]) -> None:
    """One word that means something else is never passed over."""
    text = group["texts"][0]["text"]
    taken = [
        other
        for other in told_otherwise(text)
        if compare(text, other) is not None or compare(other, text) is not None
    ]
    assert taken == []


@pytest.mark.requirement("NFR-1.5")
def test_no_two_groups_are_alike() -> None:
    """Descriptions of different workflows are like none of each other."""
    words = [
        (place, text, plain_words(text))
        for place, group in enumerate(GROUPS)
        for text in texts_of(group)
    ]
    taken = [
        (one[1], other[1])
        for one, other in combinations(words, 2)
        if one[0] != other[0]
        and len(one[2] & other[2]) >= LEAST_ALIKE * len(one[2] | other[2])
        and compare(one[1], other[1]) is not None
    ]
    assert taken == []
