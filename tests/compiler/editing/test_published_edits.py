"""Published edits: each instruction on the program before gives the program after.

The texts belong to their sources, so the file is named by `PUBLISHED_EDITS` and not kept
here; each of its lines has an `id`, an `utterance`, a program `prior` and one `expected`.
"""

import json
import os
from pathlib import Path

import pytest

from compiler.editing.instruction import read_edit
from tests.compiler.editing.published import shape, specification

FILE = os.environ.get("PUBLISHED_EDITS", "")
LEAST_SHARE = 0.9


@pytest.mark.skipif(not FILE, reason="PUBLISHED_EDITS names no file of published edits")
@pytest.mark.requirement("FR-1.7")
def test_most_published_edits_give_the_published_program() -> None:
    """Steps, kinds of effect, loops and ways agree; kept steps keep their ids."""
    lines = Path(FILE).read_text(encoding="utf-8").splitlines()
    items = [json.loads(line) for line in lines if line.strip()]
    missed = []
    for item in items:
        old, wanted = specification(item["prior"]), specification(item["expected"])
        made = read_edit(item["utterance"], old).specification
        ids = {node.id for node in old.nodes} & {node.id for node in wanted.nodes}
        if (
            made is None
            or shape(made) != shape(wanted)
            or not ids <= {node.id for node in made.nodes}
        ):
            missed.append(item["id"])
    assert len(missed) <= len(items) * (1 - LEAST_SHARE), missed
