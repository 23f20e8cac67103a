"""Executions whose process dies: they go on elsewhere, and nothing finished runs again."""

import asyncio
from collections import Counter
from uuid import UUID

import pytest
from langchain_core.runnables import RunnableConfig

from actors.errors import LeaseLost
from store.postgres import Pool
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.pools import BreakingPool, Death
from tests.actors.process import Process, take_over
from tests.actors.testing_agent import Step
from tests.actors.workflows import Document, chain, does, says, workflow
from tests.eventually import eventually

NODES = ("a", "b", "c", "d")
MIXED = workflow([says(name) for name in ("s", "one", "x", "y", "j")], "s one j", "s x y j")


@pytest.mark.requirement("FR-2.6", "NFR-3.3")
@pytest.mark.parametrize("held", NODES)
async def test_process_that_dies_in_a_node_repeats_that_node_only(
    held: str,
    begin: Begin,
    process: Process,
    process_of: OpenProcess,
    look: Look,
    step: Step,
    engine_pool: Pool,
) -> None:
    """Another process goes on from the last checkpoint, under the next epoch."""
    document = chain(*NODES)
    document["nodes"][NODES.index(held)]["parameters"]["hold"] = True
    id = await begin(document)
    process.begin(id)
    await eventually(lambda: held in step.ran)
    await process.die()
    heir = await process_of()
    assert await take_over(engine_pool, process, heir) == [id]
    step.gates[held].set()
    await heir.drive(id)
    assert Counter(step.ran) == {name: 1 + (name == held) for name in NODES}
    assert Counter(step.ended) == dict.fromkeys(NODES, 1)
    row = await look.row(id)
    assert (row["status"], row["epoch"], row["completed_nodes"]) == ("completed", 2, 4)
    assert await look.nodes(id, "node_completed") == list(NODES)


@pytest.mark.requirement("FR-2.6", "NFR-3.3")
@pytest.mark.parametrize("document", [chain(*NODES), MIXED], ids=["chain", "branches"])
async def test_death_before_any_flush_loses_nothing(
    document: Document,
    begin: Begin,
    process_of: OpenProcess,
    look: Look,
    step: Step,
    engine_pool: Pool,
) -> None:
    """Killed before its 1st, 2nd, … transaction: what was recorded as done is not done again."""
    number, died = 0, True
    heir = await process_of()
    while died:
        number += 1
        # The first call on this pool inserts the executor.
        pool = BreakingPool(engine_pool, number + 1, Death(), for_ever=True)
        mortal = await process_of(journal_pool=pool)
        id = await begin(document, process=mortal)
        await mortal.drive_until_death(id)
        died = pool.broke
        recorded = set(await look.nodes(id, "node_completed"))
        before, step.ran = step.ran, []
        if died:
            assert await take_over(engine_pool, mortal, heir) == [id]
            await heir.drive(id)
        assert recorded.isdisjoint(step.ran), number
        await _complete_once(look, id, document)
        assert set(before) | set(step.ran) == {node["id"] for node in document["nodes"]}
        step.ran = []
    assert number > len(document["nodes"])


async def _complete_once(look: Look, id: UUID, document: Document) -> None:
    row = await look.row(id)
    assert (row["status"], row["failed_nodes"]) == ("completed", 0)
    nodes = sorted(node["id"] for node in document["nodes"])
    assert sorted(await look.nodes(id, "node_completed")) == nodes
    assert row["completed_nodes"] == len(nodes)


@pytest.mark.requirement("FR-2.6")
async def test_former_owner_can_write_nothing(
    begin: Begin,
    process: Process,
    process_of: OpenProcess,
    look: Look,
    step: Step,
    engine_pool: Pool,
) -> None:
    """A process that lives on without its lease changes neither state nor logs nor events."""
    document = chain(*NODES)
    document["nodes"][1]["parameters"]["hold"] = True
    id = await begin(document)
    former = process.begin(id)
    await eventually(lambda: "b" in step.ran)
    heir = await process_of()
    await take_over(engine_pool, process, heir)
    run = process.runs[id]
    step.gates["b"].set()
    await asyncio.gather(former, heir.drive(id))
    assert Counter(step.ran) == {"a": 1, "b": 2, "c": 1, "d": 1}
    assert await look.nodes(id, "node_completed") == list(NODES)
    with pytest.raises(LeaseLost):
        await process.driver.cancel(run, "too late")
    assert await look.status(id) == "completed"


async def test_stale_saver_is_refused(
    begin: Begin, process: Process, process_of: OpenProcess, step: Step, engine_pool: Pool
) -> None:
    """Checkpoints and writes under an old epoch raise, and leave nothing behind."""
    document = chain("a", "b")
    document["nodes"][1]["parameters"]["hold"] = True
    id = await begin(document)
    process.begin(id)
    await eventually(lambda: "b" in step.ran)
    config: RunnableConfig = {"configurable": {"thread_id": str(id), "checkpoint_ns": ""}}
    last = await process.saver.aget_tuple(config)
    assert last is not None
    await take_over(engine_pool, process, await process_of())
    count = "SELECT count(*) FROM execution_checkpoints"
    before = await engine_pool.fetchval(count)
    late = last.checkpoint.copy()
    late["id"] = "ffff"
    with pytest.raises(LeaseLost):
        await process.saver.aput(last.config, late, last.metadata, {})
    with pytest.raises(LeaseLost):
        await process.saver.aput_writes(last.config, [("b", "late")], "task")
    assert await engine_pool.fetchval(count) == before
    found = await process.saver.aget_tuple(config)
    assert found is not None
    assert found.pending_writes == last.pending_writes


async def test_loop_survives_a_death_in_its_second_round(
    begin: Begin,
    process: Process,
    process_of: OpenProcess,
    look: Look,
    step: Step,
    engine_pool: Pool,
) -> None:
    """What the first round did stays done."""
    document = {
        "nodes": [
            {"id": "count", "agent": "data_processing",
             "parameters": {"script": "return (state.get('count') or 0) + 1"}},
            does("work", value="{count}", hold=True),
            {"id": "again", "agent": "router",
             "parameters": {"condition": "count < 2", "if_true": "count", "if_false": "done"}},
            says("done", "{work}"),
        ],
        "edges": [
            {"from": "count", "to": "work"}, {"from": "work", "to": "again"},
            {"from": "again", "to": "count"}, {"from": "again", "to": "done"},
        ],
    }  # fmt: skip
    id = await begin(document)
    process.begin(id)
    await eventually(lambda: step.ran == ["work"])
    step.gates["work"].set()
    step.gates["work"] = asyncio.Event()
    await eventually(lambda: step.ran == ["work", "work"])
    await process.die()
    heir = await process_of()
    await take_over(engine_pool, process, heir)
    step.gates["work"].set()
    await heir.drive(id)
    assert step.ran == ["work", "work", "work", "done"]
    assert await look.output(id) == {"done": 2}
