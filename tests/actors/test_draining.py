"""Draining: what runs may end, nothing further begins, and the next owner repeats nothing."""

import asyncio
from uuid import UUID

import pytest

from store.decisions import decide_approval
from store.live import LiveView
from store.postgres import Pool
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.process import Process, take_over
from tests.actors.testing_agent import Step
from tests.actors.workflows import ask, does, says, workflow
from tests.eventually import eventually
from tests.factories import Account

pytestmark = pytest.mark.requirement("NFR-3.6", "FR-2.6")


async def _drained(process: Process, step: Step, id: UUID, *held: str) -> None:
    """Drive until nodes run that are held, drain, and let them end."""
    driving = process.begin(id)
    await eventually(lambda: set(held) <= set(step.ran))
    process.host.draining = True
    for node in held:
        step.gates[node.partition("[")[0]].set()
    await asyncio.wait([driving])


async def test_node_that_runs_ends_and_the_next_owner_goes_on(
    begin: Begin, process: Process, process_of: OpenProcess, look: Look, step: Step,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """Its status stays as it was: draining is no pause."""
    id = await begin(workflow([says("a"), does("b", value="b", hold=True), says("c")], "a b c"))
    await _drained(process, step, id, "b")
    row = await look.row(id)
    assert (row["status"], row["waiting_reason"], row["owner_id"]) == ("running", None, process.id)
    assert step.ran == ["a", "b"]
    assert "node_completed" in {kind for kind, node in await look.events(id) if node == "b"}
    heir = await process_of()
    await take_over(engine_pool, process, heir)
    await heir.drive(id)
    assert await look.status(id) == "completed"
    assert step.ran == ["a", "b", "c"]


async def test_branches_end_and_stand_each_for_itself(
    begin: Begin, process: Process, process_of: OpenProcess, look: Look, step: Step,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """Each node has run once at the end, the join too."""
    nodes = [*map(says, "sbdj"), does("a", value="a", hold=True), does("c", value="c", hold=True)]
    id = await begin(workflow(nodes, "s a b j", "s c d j"))
    await _drained(process, step, id, "a", "c")
    assert sorted(step.ran) == ["a", "c", "s"]
    heir = await process_of()
    await take_over(engine_pool, process, heir)
    await heir.drive(id)
    assert await look.status(id) == "completed"
    assert sorted(step.ran) == list("abcdjs")


async def test_question_beside_a_drained_branch_is_asked_once(
    begin: Begin, process: Process, process_of: OpenProcess, look: Look, step: Step,
    engine_pool: Pool, live: LiveView, account: Account,
) -> None:  # fmt: skip
    """The next owner ends the other branch and waits for the same answer."""
    nodes = [*map(says, "sbj"), ask("ok"), does("a", value="a", hold=True)]
    id = await begin(workflow(nodes, "s a b j", "s ok j"))
    await _drained(process, step, id, "a")
    assert await look.status(id) == "running"
    heir = await process_of()
    await take_over(engine_pool, process, heir)
    await heir.drive(id)
    assert (await look.row(id))["waiting_reason"] == "approval"
    [asked] = await engine_pool.fetch("SELECT id FROM execution_approvals")
    assert await decide_approval(
        engine_pool, live, account.tenant_id, id, asked["id"], decision="approve", value=None,
        comment="", decided_by="p", owner_id=heir.id,
    )  # fmt: skip
    await heir.drive(id)
    assert await look.status(id) == "completed"
    assert sorted(step.ran) == list("abjs")


async def test_chunks_of_a_map_that_ended_are_not_repeated(
    begin: Begin, process: Process, process_of: OpenProcess, look: Look, step: Step,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """Chunks that run end, the others begin under the next owner."""
    node = does("m", value="{item}", hold=True, pattern="map", input_keys=["input.list"])
    document = workflow([says("a"), node | {"batch_size": 1}], "a m",
                        execution={"max_concurrent_nodes": 2})  # fmt: skip
    id = await begin(document, {"list": list(range(6))})
    await _drained(process, step, id, "m[0]", "m[1]")
    assert sorted(step.ran) == ["a", "m[0]", "m[1]"]
    heir = await process_of()
    await take_over(engine_pool, process, heir)
    await heir.drive(id)
    assert await look.status(id) == "completed"
    assert sorted(step.ran) == ["a", *(f"m[{n}]" for n in range(6))]


async def test_last_nodes_that_have_not_begun_are_left(
    begin: Begin, process: Process, process_of: OpenProcess, look: Look, step: Step,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """What runs at the end is handed over, too."""
    nodes = [says("a"), does("one", value=1, hold=True), says("two")]
    document = workflow(nodes, error_handling={"finally": ["one", "two"]})
    id = await begin(document)
    await _drained(process, step, id, "one")
    assert (await look.status(id), step.ran) == ("running", ["a", "one"])
    heir = await process_of()
    await take_over(engine_pool, process, heir)
    await heir.drive(id)
    assert (await look.status(id), step.ran) == ("completed", ["a", "one", "two"])
