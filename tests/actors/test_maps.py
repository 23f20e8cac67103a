"""Maps: chunks, items that fail, and what a death repeats."""

from typing import Any

import pytest
from langgraph._internal import _constants as langgraph_names

from actors.run import READ
from compiler.graph import chunk_size
from store.json_values import loads
from store.postgres import Pool
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.pools import BreakingPool, Death
from tests.actors.process import Process, take_over
from tests.actors.testing_agent import Step
from tests.actors.workflows import Document, does, says, workflow

ITEMS = list(range(7))


def _mapped(value: Any = "{item}", **fields: Any) -> Document:
    node = {**does("each", value=value), "pattern": "map", "input_keys": ["rows"]}
    return {**node, "batch_size": 3, **fields}


def _map(each: Document, **settings: Any) -> Document:
    nodes = [says("rows", "{input.rows}"), each, says("after", "{each}")]
    return workflow(nodes, "rows each after", **settings)


def test_name_of_the_function_that_reads_the_state() -> None:
    """LangGraph still gives tasks a reader under the name that chunks look for."""
    assert langgraph_names.CONFIG_KEY_READ == READ


@pytest.mark.requirement("CARD.1")
@pytest.mark.parametrize(
    ("count", "asked", "at_once", "size"),
    [
        (0, None, 2, 10), (7, None, 2, 10), (100, None, 2, 50), (100, None, 4, 25),
        (100, None, 16, 10), (1_000, None, 2, 50), (100_000, None, 2, 500),
        (100, 3, 2, 3), (1_000, 3, 2, 5), (100, 100, 2, 100),
    ],
)  # fmt: skip
def test_chunks_are_as_many_as_run_at_once(
    count: int, asked: int | None, at_once: int, size: int
) -> None:
    """They take 10 to 50 items, or as many as asked for; of a long list there are 200."""
    assert chunk_size(count, asked, at_once) == size


@pytest.mark.requirement("FR-2.4")
async def test_map_answers_in_item_order(
    begin: Begin, process: Process, look: Look, step: Step, engine_pool: Pool
) -> None:
    """Chunks of three run over seven items; the list of outputs is whole and in order."""
    id = await begin(_map(_mapped({"row": "{row}", "of": "{workflow.name}"})), {"rows": ITEMS})
    await process.drive(id)
    assert await look.output(id) == {"after": [{"row": n, "of": "Workflow"} for n in ITEMS]}
    assert sorted(step.ran) == ["after", *(f"each[{n}]" for n in ITEMS), "rows"]
    progress = await engine_pool.fetch(
        "SELECT payload FROM execution_events WHERE event_type = 'node_progress' ORDER BY seq"
    )
    told = [loads(row["payload"]) for row in progress]
    assert sorted(one["ended"] for one in told) == [[[0, 3]], [[3, 6]], [[6, 7]]]
    counts = [one["completed"] for one in told]
    assert counts == sorted(counts) and counts[-1] == 7
    assert await engine_pool.fetchval("SELECT count(*) FROM execution_map_items") == 7
    row = await look.row(id)
    assert (row["completed_nodes"], row["llm_tokens_used"]) == (3, 27)


async def test_map_over_nothing_is_an_empty_list(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """No chunk runs, and the node completes."""
    id = await begin(_map(_mapped()), {"rows": []})
    await process.drive(id)
    assert await look.output(id) == {"after": []}
    assert step.ran == ["rows", "after"]


async def test_value_that_is_no_list_fails_the_node(
    begin: Begin, process: Process, look: Look
) -> None:
    """The error names the key and what it holds."""
    id = await begin(_map(_mapped()), {"rows": "text"})
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["error_node_id"]) == ("failed", "each")
    assert "`rows` is str, not a list" in row["error_message"]


@pytest.mark.requirement("FR-2.4")
async def test_items_that_fail_fail_the_node_after_the_others(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """Every item is tried and recorded; the message counts the failures and shows the first."""
    script = "if item > 4:\n    return 1 // 0\nreturn item"
    node = {"id": "each", "agent": "data_processing", "pattern": "map", "input_keys": ["rows"],
            "batch_size": 2, "parameters": {"script": script}}  # fmt: skip
    id = await begin(_map(node), {"rows": ITEMS})
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["error_node_id"]) == ("failed", "each")
    assert row["error_message"].startswith("2 of 7 items failed; item 5:")
    counts = await engine_pool.fetch(
        "SELECT status, count(*) FROM execution_map_items GROUP BY status ORDER BY status"
    )
    assert [tuple(row) for row in counts] == [("completed", 5), ("failed", 2)]


async def test_execution_goes_on_after_a_failed_map_when_asked_to(
    begin: Begin, process: Process, look: Look
) -> None:
    """The map's value is null for those after it."""
    each = {**does("each", fail="No."), "pattern": "map", "input_keys": ["rows"]}
    settings = {"error_handling": {"on_failure": "continue"}}
    id = await begin(_map(each, **settings), {"rows": ITEMS})
    await process.drive(id)
    assert await look.output(id) == {"after": None}


@pytest.mark.requirement("FR-2.10")
async def test_item_is_tried_again_by_itself(
    begin: Begin, process: Process, look: Look, step: Step, engine_pool: Pool
) -> None:
    """Retries of items follow the node's policy."""
    retry = {"max_attempts": 3, "backoff": "fixed", "initial_seconds": 0}
    each = {**does("each", value="{item}", fail="busy", failures=1, retryable=True, retry=retry),
            "pattern": "map", "input_keys": ["rows"]}  # fmt: skip
    id = await begin(_map(each), {"rows": [1, 2]})
    await process.drive(id)
    assert await look.output(id) == {"after": [1, 2]}
    assert sorted(step.ran)[1:5] == ["each[0]", "each[0]", "each[1]", "each[1]"]
    rows = await engine_pool.fetch("SELECT attempt FROM execution_map_items")
    assert [row["attempt"] for row in rows] == [2, 2]


@pytest.mark.requirement("FR-2.3")
@pytest.mark.parametrize(("rows", "ran"), [([1, 2], True), ([], False)])
async def test_condition_after_a_map_sees_its_list(
    rows: list[int], ran: bool, begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """The edge out of a mapped node may look at what it made."""
    document = _map(_mapped())
    document["edges"][1]["condition"] = "len(each) > 0"
    id = await begin(document, {"rows": rows})
    await process.drive(id)
    assert await look.status(id) == "completed"
    assert ("after" in step.ran) is ran


@pytest.mark.requirement("FR-2.4", "FR-2.5")
async def test_map_in_a_branch_and_one_in_a_loop(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """Each visit of a map has rows of its own."""
    document = {
        "nodes": [
            {"id": "count", "agent": "data_processing",
             "parameters": {"script": "return (state.get('count') or 0) + 1"}},
            says("rows", ["{count}", "{count}"]),
            _mapped(),
            {"id": "again", "agent": "router",
             "parameters": {"condition": "count < 3", "if_true": "count", "if_false": "done"}},
            says("done", "{each}"),
        ],
        "edges": [
            {"from": "count", "to": "rows"}, {"from": "rows", "to": "each"},
            {"from": "each", "to": "again"}, {"from": "again", "to": "count"},
            {"from": "again", "to": "done"},
        ],
    }  # fmt: skip
    id = await begin(document)
    await process.drive(id)
    assert await look.output(id) == {"done": [3, 3]}
    assert await engine_pool.fetchval("SELECT count(*) FROM execution_map_items") == 6


@pytest.mark.requirement("FR-2.6", "FIRST.4")
async def test_death_in_a_map_repeats_unfinished_chunks_only(
    begin: Begin, process_of: OpenProcess, look: Look, step: Step, engine_pool: Pool
) -> None:
    """Killed before its 1st, 2nd, … transaction: no item with a recorded result runs again."""
    document = _map(_mapped())
    document["settings"] = {"execution": {"max_concurrent_nodes": 1}}
    heir = await process_of()
    number, died = 0, True
    while died:
        number += 1
        pool = BreakingPool(engine_pool, number + 1, Death(), for_ever=True)
        mortal = await process_of(journal_pool=pool)
        id = await begin(document, {"rows": ITEMS}, process=mortal)
        await mortal.drive_until_death(id)
        died = pool.broke
        rows = await engine_pool.fetch(
            "SELECT map_index FROM execution_map_items WHERE execution_id = $1", id
        )
        recorded = {f"each[{row['map_index']}]" for row in rows}
        step.ran = []
        if died:
            await take_over(engine_pool, mortal, heir)
            await heir.drive(id)
        assert recorded.isdisjoint(step.ran), number
        assert await look.output(id) == {"after": ITEMS}
        assert (await look.row(id))["completed_nodes"] == 3
    assert number > 5
