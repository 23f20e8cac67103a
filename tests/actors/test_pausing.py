"""Pausing: what runs may end, nothing further begins, and nothing is lost or repeated."""

import asyncio
from uuid import UUID

import pytest

from store.decisions import decide_approval
from store.executions import pause_execution, resume_execution
from store.live import LiveView
from store.postgres import Pool
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.process import Process
from tests.actors.testing_agent import Step
from tests.actors.workflows import ask, chain, does, says, workflow
from tests.eventually import eventually
from tests.factories import Account


class Operator:
    """Pauses and resumes as the API does."""

    def __init__(self, pool: Pool, live: LiveView, account: Account) -> None:
        self._pool = pool
        self._live = live
        self._tenant_id = account.tenant_id

    async def pause(self, id: UUID, process: Process | None = None) -> None:
        """Pause an execution and tell the process that drives it."""
        assert await pause_execution(self._pool, self._live, self._tenant_id, id, "o@example.com")
        if process is not None and id in process.runs:
            process.runs[id].pausing = True

    async def resume(self, id: UUID, process: Process) -> None:
        """Resume an execution under a process."""
        assert await resume_execution(
            self._pool, self._live, self._tenant_id, id, "o@example.com", process.id
        )


@pytest.fixture
def operator(api_pool: Pool, live: LiveView, account: Account) -> Operator:
    """Who pauses."""
    return Operator(api_pool, live, account)


@pytest.mark.requirement("FR-2.9")
async def test_paused_execution_stands_before_its_next_node(
    begin: Begin, process: Process, look: Look, operator: Operator, step: Step
) -> None:
    """What runs ends and is recorded; resumed, it goes on behind it."""
    id = await begin(workflow([says("a"), does("b", value="b", hold=True), says("c")], "a b c"))
    driving = process.begin(id)
    await eventually(lambda: "b" in step.ran)
    await operator.pause(id, process)
    step.gates["b"].set()
    await asyncio.wait([driving])
    row = await look.row(id)
    assert (row["status"], row["waiting_reason"], row["owner_id"]) == ("waiting", "paused", None)
    assert step.ran == ["a", "b"]
    await operator.resume(id, process)
    await process.drive(id)
    assert await look.status(id) == "completed"
    assert step.ran == ["a", "b", "c"]


async def test_resumption_that_comes_before_the_pause_took_hold(
    begin: Begin, process: Process, look: Look, operator: Operator, step: Step
) -> None:
    """Its owner was told of the pause and not of its end: it finds that out, and goes on."""
    id = await begin(workflow([does("a", value="a", hold=True), says("b")], "a b"))
    driving = process.begin(id)
    await eventually(lambda: "a" in step.ran)
    await operator.pause(id, process)
    await operator.resume(id, process)
    step.gates["a"].set()
    await asyncio.wait([driving])
    assert await look.status(id) == "completed"
    assert step.ran == ["a", "b"]


async def test_execution_is_paused_again_and_again(
    begin: Begin, process: Process, look: Look, operator: Operator, step: Step
) -> None:
    """Each pause holds, also one before anything has run, and also in branches."""
    id = await begin(workflow([*map(says, "sabcdj")], "s a b j", "s c d j"))
    for _ in range(3):
        await operator.pause(id)
        await process.drive(id)
        assert (await look.row(id))["waiting_reason"] == "paused"
        assert step.ran == []
        await operator.resume(id, process)
    await process.drive(id)
    assert await look.status(id) == "completed"
    assert sorted(step.ran) == list("abcdjs")


async def test_pause_survives_the_death_of_its_process(
    begin: Begin, process_of: OpenProcess, look: Look, operator: Operator, step: Step
) -> None:
    """Whoever takes the execution over reads that it is paused."""
    heir = await process_of()
    id = await begin(chain("a", "b"), process=heir)
    await operator.pause(id)
    await heir.drive(id)
    assert (await look.row(id))["waiting_reason"] == "paused"
    assert step.ran == []


async def test_answer_to_a_paused_execution_waits_for_its_resumption(
    begin: Begin,
    process: Process,
    look: Look,
    operator: Operator,
    step: Step,
    engine_pool: Pool,
    live: LiveView,
    account: Account,
) -> None:
    """It wakes nobody, and counts when the execution goes on."""
    id = await begin(workflow([says("a"), ask("ok"), says("b")], "a ok b"))
    await process.drive(id)
    await operator.pause(id)
    assert (await look.row(id))["waiting_reason"] == "paused"
    asked = await engine_pool.fetchval("SELECT id FROM execution_approvals")
    assert await decide_approval(
        engine_pool, live, account.tenant_id, id, asked, decision="approve", value=None,
        comment="", decided_by="p", owner_id=process.id,
    )  # fmt: skip
    assert await look.status(id) == "waiting"
    await operator.resume(id, process)
    await process.drive(id)
    assert await look.status(id) == "completed"
    assert step.ran == ["a", "b"]


async def test_question_behind_a_pause_is_asked_after_it(
    begin: Begin, process: Process, look: Look, operator: Operator, engine_pool: Pool,
    live: LiveView, account: Account,
) -> None:  # fmt: skip
    """The end of the pause is not taken for an answer."""
    id = await begin(workflow([ask("ok"), says("b", "{ok.decision}")], "ok b"))
    await operator.pause(id)
    await process.drive(id)
    assert await engine_pool.fetchval("SELECT count(*) FROM execution_approvals") == 0
    await operator.resume(id, process)
    await process.drive(id)
    assert (await look.row(id))["waiting_reason"] == "approval"
    asked = await engine_pool.fetchval("SELECT id FROM execution_approvals")
    assert await decide_approval(
        engine_pool, live, account.tenant_id, id, asked, decision="approve", value=None,
        comment="", decided_by="p", owner_id=process.id,
    )  # fmt: skip
    await process.drive(id)
    assert await look.output(id) == {"b": "approve"}


async def test_what_has_ended_is_neither_paused_nor_resumed(
    begin: Begin, process: Process, api_pool: Pool, live: LiveView, account: Account
) -> None:
    """And what runs is not resumed."""
    id = await begin(chain("a"))
    place = (api_pool, live, account.tenant_id, id, "o")
    assert await resume_execution(*place, process.id) is None
    await process.drive(id)
    assert await pause_execution(*place) is None
    assert await resume_execution(*place, process.id) is None
