"""Executions that wait on people: they hold no process, and go on with the answer."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from store.decisions import decide_approval
from store.json_values import loads
from store.live import LiveView
from store.postgres import Pool
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.process import Process
from tests.actors.testing_agent import Step
from tests.actors.workflows import ask, does, says, workflow
from tests.eventually import eventually
from tests.factories import Account

BESIDE = workflow(
    [*map(says, "sxyz"), ask("ok"), says("j", "{ok}")],
    "s ok j",
    "s x y z j",
)
"""A question beside a chain of three nodes."""


class People:
    """Answers questions as the API does."""

    def __init__(self, pool: Pool, live: LiveView, tenant_id: UUID) -> None:
        self._pool = pool
        self._live = live
        self._tenant_id = tenant_id

    async def pending(self, execution_id: UUID) -> dict[str, UUID]:
        """Return the open questions by node."""
        rows = await self._pool.fetch(
            "SELECT id, node_id FROM execution_approvals "
            "WHERE execution_id = $1 AND status = 'pending'",
            execution_id,
        )
        return {row["node_id"]: row["id"] for row in rows}

    async def answer(
        self, execution_id: UUID, node_id: str, owner: Process, decision: str = "approve",
        value: Any = None,
    ) -> None:  # fmt: skip
        """Answer a node's question and give the execution to a process."""
        asked = (await self.pending(execution_id))[node_id]
        assert await decide_approval(
            self._pool, self._live, self._tenant_id, execution_id, asked, decision=decision,
            value=value, comment="fine", decided_by="p@example.com", owner_id=owner.id,
        )  # fmt: skip


@pytest.fixture
def people(engine_pool: Pool, live: LiveView, account: Account) -> People:
    """Those who answer."""
    return People(engine_pool, live, account.tenant_id)


@pytest.mark.requirement("FR-2.7", "FR-3.7")
async def test_question_parks_the_execution_and_its_answer_resumes_it(
    begin: Begin, process: Process, look: Look, people: People, step: Step
) -> None:
    """The answer is the node's output, whole, and what came before does not run again."""
    document = workflow(
        [says("a"), ask("ok", approval_type="text_input"), says("b", "{ok}")], "a ok b"
    )
    id = await begin(document)
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["waiting_reason"], row["owner_id"]) == ("waiting", "approval", None)
    assert process.runs == {}
    await people.answer(id, "ok", process, value={"text": "ja"})
    await process.drive(id)
    output = await look.output(id)
    [vote] = output.pop("votes")
    assert (vote["by"], vote["decision"]) == ("p@example.com", "approve")
    assert output == {
        "approved": True, "decision": "approve", "value": {"text": "ja"},
        "comment": "fine", "by": "p@example.com",
    }  # fmt: skip
    assert step.ran == ["a", "b"]
    kinds = [kind for kind, node in await look.events(id) if node == "ok"]
    assert kinds == ["node_started", "approval_requested", "approval_decided", "node_completed"]
    [log] = [log for log in await look.logs(id) if log["node_id"] == "ok"]
    assert log["status"] == "completed"
    assert log["duration_seconds"] > 0
    assert loads(log["output_data"])["by"] == "p@example.com"


@pytest.mark.requirement("FR-2.7", "FR-2.5")
async def test_other_branch_finishes_while_one_waits(
    begin: Begin, process: Process, look: Look, people: People, step: Step
) -> None:
    """Three nodes beside a question end before it is answered, and run once."""
    id = await begin(BESIDE)
    await process.drive(id)
    assert (await look.status(id), sorted(step.ended)) == ("waiting", ["s", "x", "y", "z"])
    await people.answer(id, "ok", process)
    await process.drive(id)
    assert await look.status(id) == "completed"
    assert sorted(step.ran) == ["j", "s", "x", "y", "z"]


@pytest.mark.requirement("FR-2.7")
async def test_answer_that_comes_while_a_branch_runs_is_taken_at_its_end(
    begin: Begin, process: Process, look: Look, people: People, step: Step
) -> None:
    """The execution never waits: the owner finds the answer when the branch is done."""
    document = workflow(
        [says("s"), does("x", hold=True), says("y"), ask("ok"), says("j")], "s ok j", "s x y j"
    )
    id = await begin(document)
    driving = process.begin(id)
    await eventually(lambda: people.pending(id))
    await eventually(lambda: "x" in step.ran)
    await people.answer(id, "ok", process)
    assert await look.status(id) == "running"
    step.gates["x"].set()
    await driving
    assert await look.status(id) == "completed"
    assert step.ran == ["s", "x", "y", "j"]
    assert (await look.row(id))["epoch"] == 1


@pytest.mark.requirement("FR-2.7")
async def test_two_questions_are_answered_one_by_one(
    begin: Begin, process: Process, look: Look, people: People, engine_pool: Pool
) -> None:
    """Answering one leaves the other open; nobody is asked twice."""
    document = workflow([says("s"), ask("p"), ask("q"), says("x"), says("j")], "s p x j", "s q j")
    id = await begin(document)
    await process.drive(id)
    assert set(await people.pending(id)) == {"p", "q"}
    await people.answer(id, "q", process)
    await process.drive(id)
    assert (await look.status(id), set(await people.pending(id))) == ("waiting", {"p"})
    await people.answer(id, "p", process)
    await process.drive(id)
    assert await look.status(id) == "completed"
    assert await engine_pool.fetchval("SELECT count(*) FROM execution_approvals") == 2
    assert sorted(await look.nodes(id, "approval_requested")) == ["p", "q"]


@pytest.mark.requirement("FR-2.7")
async def test_another_process_goes_on_with_the_answer(
    begin: Begin, process: Process, process_of: OpenProcess, look: Look, people: People, step: Step
) -> None:
    """The process that asked may be gone."""
    id = await begin(BESIDE)
    await process.drive(id)
    await process.die()
    heir = await process_of()
    await people.answer(id, "ok", heir)
    await heir.drive(id)
    assert await look.status(id) == "completed"
    assert sorted(step.ran) == ["j", "s", "x", "y", "z"]


@pytest.mark.requirement("FR-2.7", "FR-2.3")
@pytest.mark.parametrize(
    ("decision", "ran"), [("approve", ["a", "publish"]), ("reject", ["a", "discard"])]
)
async def test_answer_chooses_the_way(
    decision: str,
    ran: list[str],
    begin: Begin,
    process: Process,
    look: Look,
    people: People,
    step: Step,
) -> None:
    """Conditions on the edges of a question are decided by its answer."""
    nodes = [says("a"), ask("ok"), says("publish"), says("discard")]
    document = workflow(nodes, "a ok publish", "ok discard")
    document["edges"][1]["condition"] = "ok.approved"
    id = await begin(document)
    await process.drive(id)
    await people.answer(id, "ok", process, decision)
    await process.drive(id)
    assert step.ran == ran
    assert await look.status(id) == "completed"


@pytest.mark.requirement("FR-2.7")
async def test_answer_whose_condition_fails_fails_the_node_once(
    begin: Begin, process: Process, look: Look, people: People
) -> None:
    """The answer counts as taken, and the execution ends."""
    document = workflow([ask("ok"), says("b")], "ok b")
    document["edges"][0]["condition"] = "ok.value > 1"
    id = await begin(document)
    await process.drive(id)
    await people.answer(id, "ok", process, value="text")
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["error_node_id"]) == ("failed", "ok")


async def test_failure_beside_an_open_question_ends_the_execution(
    begin: Begin, process: Process, look: Look, people: People
) -> None:
    """Nobody is asked for an execution that cannot succeed any more."""
    nodes = [says("s"), does("bad", fail="No."), ask("ok"), says("j")]
    id = await begin(workflow(nodes, "s ok j", "s bad j"))
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["error_message"], row["error_node_id"]) == ("failed", "No.", "bad")
    assert await people.pending(id) == {}


async def test_timeout_goes_on_while_a_person_is_asked(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """A waiting execution keeps its deadline, for the clock to find."""
    id = await begin(BESIDE, timeout_seconds=3600)
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["deadline_at"] is None) == ("waiting", False)


async def test_answers_at_once_from_many_are_one(
    begin: Begin, process: Process, look: Look, people: People, step: Step
) -> None:
    """Two processes that both try to go on do the work once."""
    id = await begin(BESIDE)
    await process.drive(id)
    await people.answer(id, "ok", process)
    await asyncio.gather(process.drive(id), process.drive(id))
    assert step.ran.count("j") == 1
    assert await look.status(id) == "completed"


@pytest.mark.requirement("USER.14")
@pytest.mark.parametrize(
    ("kind", "answers", "decision", "value"),
    [
        ("text_input", [("answer", "a"), ("answer", "b")], "answer", ["a", "b"]),
        ("multiple_choice", [("red", None), ("blue", None)], "red", ["red", "blue"]),
    ],
)
async def test_answers_of_several_people_are_collected(
    kind: str, answers: list[tuple[str, Any]], decision: str, value: list[str], begin: Begin,
    process: Process, look: Look, people: People, engine_pool: Pool, live: LiveView,
    account: Account,
) -> None:  # fmt: skip
    """The output holds every vote; of options the one that most chose, the first of several."""
    node = ask("ok", approval_type=kind, options=["red", "blue"], required=2)
    id = await begin(workflow([node, says("b", "{ok}")], "ok b"))
    await process.drive(id)
    asked = (await people.pending(id))["ok"]
    for number, (chosen, text) in enumerate(answers):
        assert await look.status(id) == "waiting"
        assert await decide_approval(
            engine_pool, live, account.tenant_id, id, asked, decision=chosen, value=text,
            comment="", decided_by=f"p{number}", owner_id=process.id,
        )  # fmt: skip
    await process.drive(id)
    output = await look.output(id)
    assert (output["decision"], output["value"], output["approved"]) == (decision, value, True)
    assert [vote["by"] for vote in output["votes"]] == ["p0", "p1"]


@pytest.mark.requirement("FR-2.7", "FR-3.7")
async def test_form_is_kept_with_its_schema_and_answered_by_an_object(
    begin: Begin, process: Process, look: Look, people: People, engine_pool: Pool
) -> None:
    """The schema is the question's, braces and all; later nodes read the answer's fields."""
    schema = {"type": "object", "properties": {"zip": {"type": "string", "pattern": "^[0-9]{5}$"}}}
    id = await begin(
        workflow([ask("ok", approval_type="form", schema=schema), says("b", "{ok.value}")],
                 "ok b")
    )  # fmt: skip
    await process.drive(id)
    row = await engine_pool.fetchrow("SELECT approval_type, options FROM execution_approvals")
    assert row is not None
    assert (row["approval_type"], loads(row["options"])) == ("form", schema)
    await people.answer(id, "ok", process, value={"zip": "12345"})
    await process.drive(id)
    assert (await look.row(id))["status"] == "completed"
    assert await look.output(id) == {"zip": "12345"}
