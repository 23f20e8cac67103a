"""Whole descriptions as people publish them, in `descriptions.yaml`: what a reader would draw."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from compiler.english.summary import summary
from tests.compiler.english.conftest import Read

Known = dict[str, str]

_DESCRIPTIONS: list[Known] = YAML(typ="safe").load(
    Path(__file__).with_name("descriptions.yaml").read_text(encoding="utf-8")
)


def begins(known: Known) -> str:
    """Name a case after how its text begins."""
    return known["text"][:50]


@pytest.mark.requirement("FR-1.4", "FR-2.3", "FR-5.3")
@pytest.mark.parametrize("known", _DESCRIPTIONS, ids=begins)
def test_a_description_becomes_what_a_reader_would_draw(read: Read, known: Known) -> None:
    """Its steps in order, how they are joined, its pattern and what starts it."""
    found = summary(read(known["text"]))
    assert " ".join(found["agents"]) == known["agents"]
    chain = [[place, place + 1] for place in range(len(found["agents"]) - 1)]
    told = [[int(end) for end in edge.split("-")] for edge in known.get("edges", "").split()]
    assert found["edges"] == (told or chain)
    assert found["pattern"] == known["pattern"]
    start = found["trigger"] or {"kind": "", "cron": None}
    assert f"{start['kind']} {start['cron'] or ''}".strip() == known.get("start", "")


@pytest.mark.parametrize("known", _DESCRIPTIONS[::10], ids=begins)
def test_a_description_is_always_read_alike(read: Read, known: Known) -> None:
    """The same text gives the same specification and the same questions."""
    first, second = read(known["text"]), read(known["text"])
    assert first.specification == second.specification
    assert first.questions == second.questions
