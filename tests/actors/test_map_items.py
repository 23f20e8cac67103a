"""Items of maps: failed ones that are collected, progress, strange and large results."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from actors import fanout, mapping, maps
from store.json_values import loads
from store.postgres import Pool
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.process import Process, take_over
from tests.actors.testing_agent import Step
from tests.actors.workflows import Document, does, failing, says, workflow
from tests.eventually import eventually

MAPPED: Document = {"pattern": "map", "input_keys": ["rows"]}
ODD = "if item % 2:\n    return 1 // 0\nreturn item"


def _each(**fields: Any) -> Document:
    return {**does("each", value="{item}"), **MAPPED, **fields}


def _odd_fails(**fields: Any) -> Document:
    """A map whose odd items fail."""
    return {"id": "each", "agent": "data_processing", **MAPPED, "parameters": {"script": ODD},
            **fields}  # fmt: skip


def _map(each: Document, after: Any = "{each}", **settings: Any) -> Document:
    nodes = [says("rows", "{input.rows}"), each, says("after", after)]
    return workflow(nodes, "rows each after", **settings)


async def _payloads(pool: Pool, id: UUID, event_type: str) -> list[Any]:
    rows = await pool.fetch(
        "SELECT payload FROM execution_events WHERE execution_id = $1 AND event_type = $2"
        " ORDER BY seq",
        id,
        event_type,
    )
    return [loads(row["payload"]) for row in rows]


@pytest.mark.requirement("USER.9")
@pytest.mark.parametrize("held_characters", [0, maps.HELD_CHARACTERS])
async def test_failed_items_are_collected(
    held_characters: int,
    begin: Begin,
    process: Process,
    look: Look,
    engine_pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Null stands in their places, and what follows reads which they are and why they failed."""
    monkeypatch.setattr(maps, "HELD_CHARACTERS", held_characters)
    after = {"list": "{each}", "failed": "{failures.each.items}"}
    id = await begin(_map(_odd_fails(on_item_error="collect"), after), {"rows": [0, 1, 2, 3]})
    await process.drive(id)
    output = await look.output(id)
    assert output["list"] == [0, None, 2, None]
    assert [item["index"] for item in output["failed"]] == [1, 3]
    assert all("division" in item["message"] for item in output["failed"])
    [_, completed, _] = await _payloads(engine_pool, id, "node_completed")
    assert (completed["items"], completed["failed"]) == (4, 2)
    assert completed["output"] == {"each": [0, None, 2, None]}
    assert (await look.row(id))["failed_nodes"] == 0


@pytest.mark.requirement("USER.9")
@pytest.mark.parametrize(("rows", "ran"), [([0, 1], "bad"), ([0, 2], "good")])
async def test_condition_reads_the_failed_items(
    rows: list[int], ran: str, begin: Begin, process: Process, step: Step
) -> None:
    """The edges out of the map may ask whether any failed."""
    nodes = [
        says("rows", "{input.rows}"), _odd_fails(on_item_error="collect"), says("bad"), says("good")
    ]  # fmt: skip
    document = workflow(nodes, "rows each bad", "each good")
    document["edges"][1]["condition"] = "len(failures.each.items) > 0"
    id = await begin(document, {"rows": rows})
    await process.drive(id)
    assert step.ran[-1] == ran


@pytest.mark.requirement("USER.9", "USER.7")
async def test_failure_edge_and_last_node_read_the_failed_items(
    begin: Begin, process: Process, look: Look
) -> None:
    """A map that fails with its items tells them, on its failure edge and at the end."""
    nodes = [
        says("rows", "{input.rows}"),
        _odd_fails(),
        says("well"),
        says("handled", "{failures.each.items[0].index}"),
        says("last", "{failures.each.items}"),
    ]
    document = failing(
        workflow(nodes, "rows each well", error_handling={"finally": ["last"]}), "each handled"
    )
    id = await begin(document, {"rows": [0, 1]})
    await process.drive(id)
    assert await look.output(id) == {"handled": 1}
    [last] = [log for log in await look.logs(id) if log["node_id"] == "last"]
    assert [item["index"] for item in loads(last["output_data"])] == [1]


@pytest.mark.requirement("USER.9", "FR-2.4")
async def test_failed_items_of_a_branch_are_read_after_it(
    begin: Begin, process: Process, look: Look
) -> None:
    """The join of parallel branches knows what failed in one of them."""
    nodes = [
        says("rows", "{input.rows}"),
        _odd_fails(on_item_error="collect"),
        says("beside"),
        says("after", ["{failures.each.items[0].index}", "{each}"]),
    ]
    id = await begin(workflow(nodes, "rows each after", "rows beside after"), {"rows": [0, 1]})
    await process.drive(id)
    assert await look.output(id) == {"after": [1, [0, None]]}


@pytest.mark.requirement("FR-2.8")
async def test_items_are_recorded_and_told_while_their_chunk_runs(
    begin: Begin, process: Process, look: Look, step: Step, engine_pool: Pool
) -> None:
    """Their rows and a progress event are there while another item of the chunk is held."""
    each = _each(parameters={"value": "{item}", "hold": "{item}"})
    id = await begin(_map(each), {"rows": [False, True, False]})
    process.begin(id)
    [told] = await eventually(lambda: _payloads(engine_pool, id, "node_progress"))
    assert told == {"items": 3, "completed": 2, "failed": 0, "ended": [[0, 1], [2, 3]]}
    rows = await engine_pool.fetch("SELECT map_index FROM execution_map_items ORDER BY 1")
    assert [row["map_index"] for row in rows] == [0, 2]
    step.gates["each"].set()
    await asyncio.wait(process.driving)
    assert await look.output(id) == {"after": [False, True, False]}


@pytest.mark.requirement("FIRST.4")
@pytest.mark.parametrize("large", [False, True])
async def test_last_results_of_a_chunk_are_recorded_with_its_end(
    large: bool,
    begin: Begin,
    process: Process,
    engine_pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One transaction holds both, unless they are large."""
    if large:
        monkeypatch.setattr(mapping, "LEFT_CHARACTERS", 0)
    id = await begin(_map(_each()), {"rows": [1, 2]})
    await process.drive(id)
    results = await engine_pool.fetch("SELECT DISTINCT xmin::text FROM execution_map_items")
    steps = await engine_pool.fetch("SELECT DISTINCT xmin::text FROM execution_checkpoints")
    assert len(results) == 1
    assert (results[0] in steps) is not large


@pytest.mark.requirement("FR-2.6", "FIRST.4")
@pytest.mark.parametrize("partial", [False, True])
async def test_death_in_a_chunk_repeats_its_unfinished_items_only(
    partial: bool, begin: Begin, process_of: OpenProcess, look: Look, step: Step, engine_pool: Pool
) -> None:
    """What has a row stays; in a map that goes on from another, what failed is run again."""
    mortal, heir = await process_of(), await process_of()
    each = _each(parameters={"value": "{item}", "hold": "{item.hold}", "fail": "{item.fail}"})
    rows = [{"hold": n == 2, "fail": "No." if n == 0 else None} for n in range(4)]
    id = await begin(_map(each), {"rows": rows}, process=mortal)
    mortal.begin(id)
    await eventually(lambda: _payloads(engine_pool, id, "node_progress"))
    await mortal.die()
    if partial:
        await engine_pool.execute(
            "UPDATE execution_channel_values SET value = value || '{\"partial\": true}'"
            " WHERE channel = 'map:each'"
        )
    step.gates["each"].set()
    step.ran = []
    step.answers = {"each[0]": "mended"}
    await take_over(engine_pool, mortal, heir)
    await heir.drive(id)
    assert sorted(step.ran) == (["each[0]", "each[2]"] if partial else ["each[2]"])
    told = (await _payloads(engine_pool, id, "node_progress"))[-1]
    assert (told["completed"], told["failed"]) == (3, 1)
    assert (await look.row(id))["error_message"].startswith("1 of 4 items failed; item 0: No.")


@pytest.mark.requirement("USER.9")
async def test_failed_item_that_is_run_again_may_complete(
    begin: Begin, process_of: OpenProcess, look: Look, step: Step, engine_pool: Pool
) -> None:
    """Its new result takes the place of its failure; a completed one is never replaced."""
    mortal, heir = await process_of(), await process_of()
    each = _each(parameters={"value": "{item}", "hold": "{item}"})
    id = await begin(_map(each), {"rows": [False, False, True]}, process=mortal)
    mortal.begin(id)
    await eventually(lambda: _payloads(engine_pool, id, "node_progress"))
    await mortal.die()
    await engine_pool.execute(
        "UPDATE execution_map_items SET status = 'failed', error_message = 'No.',"
        " output_data = NULL WHERE map_index = 0"
    )
    await engine_pool.execute(
        "UPDATE execution_channel_values SET value = value || '{\"partial\": true}'"
        " WHERE channel = 'map:each'"
    )
    step.gates["each"].set()
    step.answers = {"each[0]": "mended", "each[1]": "never asked"}
    await take_over(engine_pool, mortal, heir)
    await heir.drive(id)
    assert await look.output(id) == {"after": ["mended", False, True]}


@pytest.mark.requirement("FIRST.4")
async def test_strange_results_are_cleaned_or_fail_alone(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """NUL, half a surrogate pair and NaN are replaced; what is too deep fails its item."""
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    step.answers = {
        "each[0]": "a\x00b", "each[1]": "\ud800", "each[2]": [float("nan"), float("inf")],
        "each[3]": {"\x00": 2**70}, "each[4]": deep, "each[5]": "well",
    }  # fmt: skip
    after = ["{each}", "{failures.each.items}"]
    id = await begin(_map(_each(on_item_error="collect"), after), {"rows": list(range(6))})
    await process.drive(id)
    listed, failed = (await look.output(id))["after"]
    assert listed == [
        "a\ufffdb", "\ufffd", [None, None], {"\ufffd": str(2**70)}, None, "well"
    ]  # fmt: skip
    assert [item["index"] for item in failed] == [4]
    assert "nested deeper" in failed[0]["message"]


@pytest.mark.requirement("FIRST.4")
async def test_large_result_is_kept_and_a_larger_one_fails_alone(
    begin: Begin, process: Process, look: Look, step: Step, engine_pool: Pool
) -> None:
    """20 MB are stored and stand by reference in log and event; beyond the limit is an error."""
    step.answers = {"each[0]": "x" * 20_000_000, "each[1]": "y" * fanout.ITEM_BYTES}
    after = ["{each[2]}", "{failures.each.items[0].message}"]
    id = await begin(_map(_each(on_item_error="collect"), after), {"rows": [0, 1, 2]})
    await process.drive(id)
    number, message = (await look.output(id))["after"]
    assert number == 2
    assert "at most 32 MiB of an item can be kept" in message
    [_, completed, _] = await _payloads(engine_pool, id, "node_completed")
    assert completed["output"]["each"] == [{"item": 0, "bytes": 20_000_002}, None, 2]
    assert await engine_pool.fetchval("SELECT max(output_bytes) FROM execution_map_items") > 2e7


@pytest.mark.requirement("FIRST.4")
async def test_long_list_is_shown_by_its_first_items(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """Log and event hold the first ones and how many there are; the output holds all."""
    items = list(range(maps.SHOWN_ITEMS + 1))
    id = await begin(_map(_each()), {"rows": items})
    await process.drive(id)
    assert await look.output(id) == {"after": items}
    [_, completed, _] = await _payloads(engine_pool, id, "node_completed")
    shown = {"count": len(items), "first": items[: maps.FIRST_ITEMS]}
    assert completed["output"] == {"each": shown}
    [log] = [log for log in await look.logs(id) if log["node_id"] == "each"]
    assert loads(log["output_data"]) == shown


@pytest.mark.requirement("FIRST.4")
async def test_following_map_loads_its_parts_only(
    begin: Begin, process: Process, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chain of maps never holds a whole list, and nor does a node that names none."""

    async def refused(*_: object) -> list[Any]:
        raise AssertionError("a list was loaded whole")

    monkeypatch.setattr(maps.MapRows, "whole", refused)
    second = {**does("second", value="{item}"), "pattern": "map", "input_keys": ["each"]}
    nodes = [says("rows", "{input.rows}"), _each(batch_size=3), {**second, "batch_size": 2},
             says("after")]  # fmt: skip
    id = await begin(workflow(nodes, "rows each second after"), {"rows": list(range(7))})
    await process.drive(id)
    assert await look.output(id) == {"after": "after"}


@pytest.mark.requirement("FIRST.4")
async def test_list_too_large_to_be_whole_is_said(
    begin: Begin, process: Process, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What names it fails with what to do; as the execution's output it is a count."""
    monkeypatch.setattr(maps, "HELD_CHARACTERS", 0)
    monkeypatch.setattr(maps, "WHOLE_BYTES", 10)
    id = await begin(_map(_each()), {"rows": ["x" * 20]})
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["error_node_id"]) == ("failed", "after")
    assert "`each` holds" in row["error_message"] and "Map over it" in row["error_message"]
    nodes = [says("rows", "{input.rows}"), _each()]
    id = await begin(workflow(nodes, "rows each"), {"rows": ["x" * 20]})
    await process.drive(id)
    assert await look.output(id) == {"each": {"count": 1, "failed": 0}}


@pytest.mark.requirement("USER.10")
async def test_short_map_is_not_held_up_by_a_long_one(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """Chunks of both executions take turns, so the short map ends long before."""

    def map_named(name: str) -> Document:
        each = {**_each(batch_size=1), "id": name}
        return workflow([says("rows", "{input.rows}"), each, says("after")], f"rows {name} after")

    long = await begin(map_named("long"), {"rows": list(range(150))})
    short = await begin(map_named("short"), {"rows": [1, 2, 3]})
    await asyncio.gather(process.drive(long), process.drive(short))
    places = {name: place for place, name in enumerate(step.ended)}
    last = max(places[f"short[{n}]"] for n in range(3))
    assert last < max(places[f"long[{n}]"] for n in range(150)) - 50


async def test_items_at_once_are_bounded(begin: Begin, process: Process, step: Step) -> None:
    """As many items of a chunk begin as the node says, and no more."""
    each = _each(item_concurrency=3, parameters={"hold": True})
    id = await begin(_map({**each, "batch_size": 10}), {"rows": list(range(10))})
    process.begin(id)
    await eventually(lambda: len(step.ran) == 1 + 3)
    await asyncio.sleep(0)
    assert len(step.ran) == 1 + 3
    step.gates["each"].set()
    await asyncio.wait(process.driving)
    assert len(step.ended) == 12


async def _started(look: Look, id: UUID, *nodes: str) -> bool:
    return set(nodes) <= set(await look.nodes(id, "node_started"))


@pytest.mark.requirement("FR-2.4")
async def test_chunks_at_once_are_bounded_over_all_branches(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """Two maps side by side have as many chunks at once together as one may have."""
    first, second = ({**does(id, hold=True, value=id), **MAPPED} for id in ("first", "second"))
    nodes = [says("rows", "{input.rows}"), first, second, says("after")]
    document = workflow(
        nodes, "rows first after", "rows second after", execution={"max_concurrent_nodes": 1}
    )
    id = await begin(document, {"rows": [0]})
    process.begin(id)
    await eventually(lambda: "first[0]" in step.ran or "second[0]" in step.ran)
    held = step.ran[-1].removesuffix("[0]")
    await eventually(lambda: _started(look, id, "first", "second"))
    assert step.ran == ["rows", f"{held}[0]"]
    for gate in ("first", "second"):
        step.gates[gate].set()
    await asyncio.wait(process.driving)
    assert await look.status(id) == "completed"
    assert sorted(step.ran) == ["after", "first[0]", "rows", "second[0]"]
