"""A text that is changed keeps everything that the change does not name."""

import copy
import difflib
from collections.abc import Callable
from typing import Any

import pytest

from compiler.editing.rewriting import rewrite
from compiler.text import dump, load, load_document, to_document

TEXT = """\
# The morning digest → ask Zoë before you change it.
metadata:
  name: "Digest"   # shown in lists
  version: 1.0.0

trigger: {kind: schedule, cron: "0 9 * * *"}
nodes:
  # Reads the shop.
  - id: fetch
    agent: web_scraping
    parameters:
        url:   https://shop.example/a   # four spaces, on purpose
        selectors: {title: h1, price: ".price"}

  - id: summarize
    agent: llm
    parameters:
      model: 'gpt-4'
      prompt: |
        Summarize: {fetch}

        In three lines.
    timeout: 30

  # Goes to the team.
  - id: tell
    agent: email
    parameters:
      to:
        - team@shop.example
      subject: News
      body: '{summarize}'

edges:
  - {from: fetch, to: summarize}
  - {from: summarize, to: tell}   # always
# The end.
"""

Edit = Callable[[dict[str, Any]], None]


def edited(text: str, edit: Edit) -> str:
    """Rewrite a text to what an edit makes of its document."""
    old = load(text)
    document = copy.deepcopy(to_document(old))
    edit(document)
    new = load_document(document)
    changed = rewrite(text, old, new)
    assert load(changed) == new
    return changed


def delta(edit: Edit, text: str = TEXT) -> list[str]:
    """Return the lines that an edit takes away and adds."""
    lines = difflib.ndiff(text.splitlines(), edited(text, edit).splitlines())
    return [line for line in lines if line[0] in "+-"]


def _set(path: str, value: Any) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        place: Any = document
        *above, last = path.split(".")
        for part in above:
            place = place[int(part)] if part.isdigit() else place.setdefault(part, {})
        if value is None:
            del place[last]
        else:
            place[last] = value

    return edit


@pytest.mark.requirement("FIRST.2")
@pytest.mark.parametrize(
    ("edit", "lines"),
    [
        (_set("nodes.1.parameters.model", "gpt-3.5"),
         ["-       model: 'gpt-4'", "+       model: 'gpt-3.5'"]),
        (_set("nodes.0.parameters.url", "https://shop.example/b"),
         ["-         url:   https://shop.example/a   # four spaces, on purpose",
          "+         url:   https://shop.example/b   # four spaces, on purpose"]),
        (_set("metadata.name", 'The "new" one'),
         ['-   name: "Digest"   # shown in lists',
          '+   name: "The \\"new\\" one"   # shown in lists']),
        (_set("trigger.cron", "0 8 * * 1"),
         ['- trigger: {kind: schedule, cron: "0 9 * * *"}',
          "+ trigger: {kind: schedule, cron: 0 8 * * 1}"]),
        (_set("nodes.1.timeout", None), ["-     timeout: 30"]),
        (_set("nodes.1.retry", {"max_attempts": 5}),
         ["+     retry:", "+       max_attempts: 5"]),
        (_set("nodes.2.parameters.to", ["a@shop.example", "b@shop.example"]),
         ["+         - a@shop.example", "+         - b@shop.example",
          "-         - team@shop.example"]),
        (_set("nodes.1.parameters.prompt", "Say: {fetch}"),
         ["-       prompt: |", "-         Summarize: {fetch}", "- ",
          "-         In three lines.", "+       prompt: 'Say: {fetch}'"]),
        (_set("settings.execution.priority", 3),
         ["+ settings:", "+   execution:", "+     priority: 3"]),
        (_set("nodes.0.parameters.selectors.price", "a, b"),
         ['-         selectors: {title: h1, price: ".price"}',
          "+         selectors: {title: h1, price: 'a, b'}"]),
    ],
    ids=lambda value: "" if callable(value) else value[-1],
)  # fmt: skip
def test_only_the_lines_of_the_change_differ(edit: Edit, lines: list[str]) -> None:
    """Comments, quotes, indentation and order around a change stay as they were."""
    assert sorted(delta(edit)) == sorted(lines)


def test_a_node_that_is_removed_takes_its_comment_along() -> None:
    """The lines of the node and the comment right above it go; the other nodes stay."""

    def edit(document: dict[str, Any]) -> None:
        del document["nodes"][2]
        del document["edges"][1]

    assert delta(edit) == [
        "-   # Goes to the team.", "-   - id: tell", "-     agent: email", "-     parameters:",
        "-       to:", "-         - team@shop.example", "-       subject: News",
        "-       body: '{summarize}'", "- ", "-   - {from: summarize, to: tell}   # always",
    ]  # fmt: skip


def test_a_renamed_node_keeps_its_text() -> None:
    """Only the id and the edges that name it are written anew."""

    def edit(document: dict[str, Any]) -> None:
        document["nodes"][0]["id"] = "read"
        document["edges"][0]["from"] = "read"

    assert sorted(delta(edit)) == sorted([
        "-   - id: fetch", "+   - id: read",
        "-   - {from: fetch, to: summarize}", "+   - {from: read, to: summarize}",
    ])  # fmt: skip


def test_edges_keep_their_comments_when_an_end_or_a_condition_changes() -> None:
    """The comment of an edge stays with it through a rename and another condition."""

    def edit(document: dict[str, Any]) -> None:
        document["nodes"][2]["id"] = "inform"
        document["edges"][1] |= {"to": "inform", "condition": "summarize != ''"}

    assert "summarize, to: inform" in edited(TEXT, _set_edge_end)
    assert "}   # always\n" in edited(TEXT, _set_edge_end)
    assert "}   # always\n" in edited(TEXT, edit)


def _set_edge_end(document: dict[str, Any]) -> None:
    document["nodes"][2]["id"] = "inform"
    document["edges"][1]["to"] = "inform"


def test_a_comment_that_stands_apart_stays_when_a_node_goes() -> None:
    """A heading between two nodes belongs to neither."""
    nodes = (
        "nodes:\n  - id: a\n    agent: llm\n\n  # Part two.\n\n  # Of b.\n"
        "  - id: b\n    agent: llm\n"
    )
    for rest, kept in (("\n  - id: c\n    agent: llm\n", "\n  # Part two.\n\n  - id: c"),
                       ("", "\n  # Part two.\n")):  # fmt: skip
        changed = edited(nodes + rest, lambda document: document["nodes"].pop(1))
        assert kept in changed
        assert "Of b" not in changed


def test_a_node_that_is_added_is_written_in_the_manner_of_the_others() -> None:
    """A blank line stands above it, and edges in braces get another one in braces."""

    def edit(document: dict[str, Any]) -> None:
        document["nodes"].insert(1, {"id": "clean", "agent": "data_processing"})
        document["edges"] = [{"from": "fetch", "to": "clean"}, {"from": "clean", "to": "summarize"},
                             document["edges"][1]]  # fmt: skip

    assert sorted(delta(edit)) == sorted([
        "+   - id: clean", "+     agent: data_processing", "+ ",
        "+   - {from: fetch, to: clean}", "+   - {from: clean, to: summarize}",
        "-   - {from: fetch, to: summarize}",
    ])  # fmt: skip


def test_nodes_that_move_take_their_lines_with_them() -> None:
    """Another order of the nodes changes no node's text."""

    def edit(document: dict[str, Any]) -> None:
        document["nodes"].reverse()

    changed = edited(TEXT, edit)
    assert "    agent: web_scraping\n    parameters:\n        url:   https" in changed
    assert "prompt: |\n        Summarize: {fetch}\n\n        In three lines.\n" in changed
    assert changed.index("id: tell") < changed.index("id: summarize") < changed.index("id: fetch")


def test_names_that_stand_alone_are_gathered_when_the_version_has_to_be_written() -> None:
    """A text without `metadata` gets it with what stood at the top."""
    text = "# mine\nname: A\nnodes:\n  - id: a\n    agent: aggregator   # kept\n"
    changed = edited(text, _set("metadata.version", "1.0.1"))
    assert changed == (
        "# mine\nmetadata:\n  name: A\n  version: 1.0.1\n"
        "nodes:\n  - id: a\n    agent: aggregator   # kept\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"metadata": {"name": "A"}, "nodes": [{"id": "a", "agent": "aggregator"}]}',
        "metadata: {name: A}\nnodes:\n  - &first\n    id: a\n    agent: aggregator\n"
        "    retry: &often {max_attempts: 4}\n  - id: b\n    agent: llm\n    retry: *often\n",
    ],
)
def test_a_text_that_cannot_be_changed_in_place_is_written_anew(text: str) -> None:
    """JSON and shared parts end as YAML that says the same."""
    changed = edited(text, _set("nodes.0.retry", {"max_attempts": 9}))
    assert changed == dump(load(changed))
