"""The dashboard's arithmetic of changes: one graph of two versions, lines, words."""

import difflib
import random
from typing import Any

import pytest
from playwright.async_api import Page

from compiler.diff import diff
from compiler.editing.instruction import read_edit
from compiler.english.parser import parse
from compiler.text import to_document

pytestmark = pytest.mark.asyncio(loop_scope="session")

MERGED = """async ([specification, changes]) => {
  const { mergedGraph } = await import("/diff_graph.js");
  return mergedGraph(specification, changes);
}"""
LEVELS = """async ([nodes, edges]) => (await import("/diff_graph.js")).levelsOf(nodes, edges)"""
LINES = """async ([before, after]) => (await import("/line_diff.js")).lineDiff(before, after)"""
FOLDED = """async ([before, after]) => {
  const { folded, lineDiff } = await import("/line_diff.js");
  return folded(lineDiff(before, after));
}"""
WORDS = """async ([name, value]) => (await import("/words.js"))[name](value)"""
SENTENCE = "Scrape https://example.com → summarize the page with GPT-4 → email it to me@example.com"


async def merged(page: Page, instruction: str) -> dict[str, Any]:
    """The graph of a workflow and of what an instruction makes of it, by what is marked."""
    old = parse(SENTENCE, None, {}).specification
    assert old is not None
    new = read_edit(instruction, old).specification
    assert new is not None
    changes = [change.to_document() for change in diff(old, new)]
    graph: dict[str, Any] = await page.evaluate(MERGED, [to_document(old), changes])
    return {
        "nodes": {node["id"]: node.get("mark") for node in graph["nodes"]},
        "edges": {f"{edge['from']}>{edge['to']}": edge.get("mark") for edge in graph["edges"]},
        "levels": graph["levels"],
    }


async def test_both_versions_are_one_graph_with_marks(page: Page) -> None:
    """What is added, changed and removed is there once, each where it belongs."""
    await page.goto("/")
    shown = await merged(page, "Change step 2 to use GPT-3.5. Send it to Slack instead.")
    assert shown["nodes"] == {
        "scrape_page_content": None,
        "summarize_page": "changed",
        "send_email": "removed",
        "send_slack_message": "added",
    }
    assert shown["edges"] == {
        "scrape_page_content>summarize_page": None,
        "summarize_page>send_email": "removed",
        "summarize_page>send_slack_message": "added",
    }
    assert shown["levels"] == [
        ["scrape_page_content"], ["summarize_page"], ["send_email", "send_slack_message"],
    ]  # fmt: skip


async def test_a_renamed_step_is_one_step_with_its_new_name(page: Page) -> None:
    """Its edges follow; nothing is shown as removed or added."""
    await page.goto("/")
    shown = await merged(page, "Rename step 2 to digest")
    assert shown["nodes"] == {
        "scrape_page_content": None, "digest": "changed", "send_email": None,
    }  # fmt: skip
    assert shown["edges"] == {"scrape_page_content>digest": None, "digest>send_email": None}


async def test_a_changed_condition_marks_its_way(page: Page) -> None:
    """The way shows the new condition; another kind of way between the same nodes stays."""
    await page.goto("/")
    edges = [
        {"from": "a", "to": "b", "condition": "x > 1"},
        {"from": "a", "to": "b", "type": "failure"},
    ]
    nodes = [{"id": "a", "agent": "api"}, {"id": "b", "agent": "llm"}]
    change = {"node_id": "a", "field": "edges.b.condition", "old_value": "x > 1", "new_value": "y"}
    shown = await page.evaluate(MERGED, [{"nodes": nodes, "edges": edges}, [change]])
    assert shown["edges"] == [{**edges[0], "condition": "y", "mark": "changed"}, edges[1]]
    assert [node.get("mark") for node in shown["nodes"]] == [None, None]


async def test_levels_grow_along_every_way_and_end_with_loops_and_depth(page: Page) -> None:
    """Twenty random graphs without loops; a loop; a chain of three thousand nodes."""
    await page.goto("/")
    for seed in range(20):
        chance = random.Random(seed)  # noqa: S311 (the same graphs in every run)
        ids = [f"n{number}" for number in range(12)]
        chance.shuffle(ids)
        pairs = [sorted(chance.sample(range(12), 2)) for _ in range(18)]
        edges = [{"from": ids[a], "to": ids[b]} for a, b in pairs]
        nodes = [{"id": f"n{number}"} for number in range(12)]
        levels = await page.evaluate(LEVELS, [nodes, edges])
        level = {id: at for at, row in enumerate(levels) for id in row}
        assert set(level) == set(ids)
        assert all(level[edge["from"]] < level[edge["to"]] for edge in edges), seed
    loop = [{"from": "a", "to": "b"}, {"from": "b", "to": "a"}, {"from": "b", "to": "c"}]
    named = [{"id": id} for id in "abc"]
    assert await page.evaluate(LEVELS, [named, loop]) == [["a"], ["b"], ["c"]]
    chain = [{"id": str(number)} for number in range(3000)]
    ways = [{"from": str(number), "to": str(number + 1)} for number in range(2999)]
    assert len(await page.evaluate(LEVELS, [chain, ways])) == 3000


async def test_a_line_diff_holds_both_texts_and_is_as_short_as_can_be(page: Page) -> None:
    """Without the added lines it is the old text, without the removed ones the new."""
    await page.goto("/")
    chance = random.Random(7)  # noqa: S311 (the same texts in every run)
    for _ in range(20):
        before, after = (
            [chance.choice("abcd") for _ in range(chance.randint(1, 30))] for _ in "12"
        )
        lines = await page.evaluate(LINES, ["\n".join(before) + "\n", "\n".join(after)])
        assert [line["text"] for line in lines if line["sign"] != "+"] == before
        assert [line["text"] for line in lines if line["sign"] != "-"] == after
        matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
        assert sum(line["sign"] == " " for line in lines) >= sum(
            block.size for block in matcher.get_matching_blocks()
        )


async def test_a_line_diff_leaves_out_what_is_far_from_a_change(page: Page) -> None:
    """Three lines around it stay; a change of everything is told even for long texts."""
    await page.goto("/")
    before = [f"line {number}" for number in range(20)]
    after = [*before[:10], "new", *before[10:]]
    shown = await page.evaluate(FOLDED, ["\n".join(before), "\n".join(after)])
    assert shown[0] == {"sign": "…", "text": "7 lines as before"}
    assert [line["text"] for line in shown[1:-1]] == [*before[7:10], "new", *before[10:13]]
    long = ["\n".join(f"{side}{number}" for number in range(5000)) for side in "ab"]
    assert len(await page.evaluate(LINES, long)) == 10_000


SAID: list[tuple[str, Any, str]] = [
    ("triggerWords", None, "when you start it"),
    ("triggerWords", {"kind": "schedule", "cron": "*/10 * * * *"}, "every 10 minutes"),
    ("triggerWords", {"kind": "schedule", "cron": "0 * * * *"}, "every hour"),
    ("triggerWords", {"kind": "schedule", "cron": "30 7 * * *"}, "every day at 07:30"),
    ("triggerWords", {"kind": "schedule", "cron": "0 9 * * 1,4"},
     "every Monday and Thursday at 09:00"),
    ("triggerWords", {"kind": "schedule", "cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"},
     "on working days at 09:00 (Europe/Berlin)"),
    ("triggerWords", {"kind": "schedule", "cron": "0 6 1 * *"},
     "on day 1 of each month at 06:00"),
    ("triggerWords", {"kind": "schedule", "cron": "0 9-17 * * *"},
     "by the schedule 0 9-17 * * *"),
    ("triggerWords", {"kind": "event", "event": "order_paid"}, "when “order_paid” happens"),
    ("durationWords", {"low": 1, "high": 6.3, "bounded": True}, "1-6 s"),
    ("durationWords", {"low": 0.01, "high": 0.2, "bounded": True}, "<1 s"),
    ("durationWords", {"low": 7, "high": 156, "bounded": False}, "7 s - 3 min or more"),
    ("durationWords", {"low": 3600, "high": 1209600, "bounded": True}, "60 min - 14 days"),
    ("durationWords", {"low": 0, "high": 0, "bounded": True}, "no time"),
    ("conditionWords", "any_negative", "any negative"),
    ("conditionWords", "site_status.code != 200", "site_status.code != 200"),
    ("costWords", {"low": 0.005, "high": 0.015, "bounded": True}, "$0.005-$0.015"),
    ("costWords", {"low": 0, "high": 1.5, "bounded": False}, "$0-$1.50 or more"),
    ("costWords", {"low": 0, "high": 0, "bounded": True}, "nothing"),
    ("withWords", "Mail {input.report_url} to {user.email}, {x.y}",
     "Mail the input “report url” to you, {x.y}"),
    ("wideningWords", {"kind": "recipient", "value": "ann@example.com"},
     "send to ann@example.com"),
    ("wideningWords", {"kind": "effect", "value": "api sends"},
     "send something out (agent api)"),
    ("changeWords", {"node_id": "a_b", "field": "edges.c",
                     "old_value": {"from": "a_b", "to": "c", "type": "failure"},
                     "new_value": None}, "C no longer follows A b if it fails"),
    ("changeWords", {"node_id": None, "field": "trigger", "old_value": None, "new_value": {}},
     "How it starts"),
    ("changeWords", {"node_id": None, "field": "settings.retention_days", "old_value": None,
                     "new_value": 3}, "Setting retention days"),
]  # fmt: skip


async def test_words_for_those_who_read_no_specification(page: Page) -> None:
    """Schedules, estimates, references and changes as one would say them."""
    await page.goto("/")
    for name, value, words in SAID:
        told = await page.evaluate(WORDS, [name, value])
        assert told.replace("\N{EN DASH}", "-") == words
