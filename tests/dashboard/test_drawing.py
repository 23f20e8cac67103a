"""The dashboard's arithmetic: where nodes stand, how reports are read. Run in the browser."""

import random
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.client.fake_api import FakeApi
from tests.client.world import UPTIME, UPTIME_LEVELS

pytestmark = pytest.mark.asyncio(loop_scope="session")

LAYOUT = """async ([levels, edges, vertical]) => {
  const { layout, NODE } = await import("/layout.js");
  return { ...layout(levels, edges, vertical), node: NODE };
}"""


def random_graph(seed: int) -> tuple[list[list[str]], list[dict[str, str]]]:
    """Return levels and edges of a graph with long edges and one way back."""
    chance = random.Random(seed)  # noqa: S311 (the same graphs in every run)
    levels = [
        [f"n{level}_{index}" for index in range(chance.randint(1, 5))]
        for level in range(chance.randint(2, 7))
    ]
    edges = []
    for level, ids in enumerate(levels[1:], 1):
        for node_id in ids:
            earlier = chance.choice(levels[chance.randrange(level)])
            edges.append({"from": earlier, "to": node_id, "condition": "x" * chance.randint(0, 30)})
    edges.append({"from": levels[-1][0], "to": levels[0][0]})
    return levels, edges


@pytest.mark.parametrize("vertical", [False, True])
async def test_nodes_never_overlap_and_stay_inside(page: Page, vertical: bool) -> None:
    """Every node of twenty graphs has its place within the picture, every edge its way."""
    await page.goto("/")
    for seed in range(20):
        levels, edges = random_graph(seed)
        drawn: dict[str, Any] = await page.evaluate(LAYOUT, [levels, edges, vertical])
        boxes, size = drawn["nodes"], drawn["node"]
        assert {box["id"] for box in boxes} == {node_id for ids in levels for node_id in ids}
        assert len(drawn["edges"]) == len(edges)
        for index, box in enumerate(boxes):
            assert 0 <= box["x"] <= drawn["width"] - size["width"], seed
            assert 0 <= box["y"] <= drawn["height"] - size["height"], seed
            for other in boxes[:index]:
                apart_x = abs(box["x"] - other["x"]) >= size["width"]
                apart_y = abs(box["y"] - other["y"]) >= size["height"]
                assert apart_x or apart_y, (seed, box, other)


async def test_an_empty_graph_and_unknown_edges_are_drawn(page: Page) -> None:
    """Nothing to draw, or an edge to nowhere, breaks nothing."""
    await page.goto("/")
    assert (await page.evaluate(LAYOUT, [[], [], False]))["nodes"] == []
    drawn = await page.evaluate(LAYOUT, [[["a"]], [{"from": "a", "to": "gone"}], False])
    assert drawn["edges"] == []


async def test_a_report_is_read_as_markdown(page: Page, api: FakeApi) -> None:
    """Headings, emphasis, lists, tables, code and links become elements; other links do not."""
    report = "\n".join(
        [
            "# Insights",
            "Some **bold** and *soft* `code`, [a site](https://example.com/a?b=1).",
            "",
            "- one",
            "- two [bad](javascript:alert)",
            "",
            "1. first",
            "",
            "| topic | count |",
            "| --- | --- |",
            "| battery | 18 |",
            "",
            "> said by",
            "> somebody",
            "",
            "```",
            "# not a heading",
            "```",
        ]
    )
    world = api.world
    execution_id = world.start(world.add_workflow(UPTIME, UPTIME_LEVELS))
    world.finish(execution_id, "completed", report)
    await page.goto(f"/#/executions/{execution_id}")
    shown = page.locator(".markdown")
    await expect(shown.get_by_role("heading", name="Insights")).to_be_visible()
    await expect(shown.locator("strong")).to_have_text("bold")
    await expect(shown.locator("em")).to_have_text("soft")
    await expect(shown.locator("ul li")).to_have_count(2)
    await expect(shown.locator("ol li")).to_have_text("first")
    await expect(shown.locator("thead th")).to_have_text(["topic", "count"])
    await expect(shown.locator("tbody td")).to_have_text(["battery", "18"])
    await expect(shown.locator("blockquote")).to_have_text("said by somebody")
    await expect(shown.locator("pre")).to_have_text("# not a heading")
    await expect(shown.get_by_role("link")).to_have_count(1)
    await expect(shown.get_by_role("link")).to_have_attribute("href", "https://example.com/a?b=1")
