"""Executions that nodes start and await."""

from typing import Any
from uuid import UUID

import pytest

from store.decisions import decide_approval
from store.executions import (
    cancel_parked,
)
from store.json_values import loads
from store.live import LiveView
from store.postgres import Pool
from store.statements import statement
from store.status import Status
from store.waking import end_due_waits, send_signal
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.pools import BreakingPool, Death
from tests.actors.process import Process, adopt_all
from tests.actors.testing_agent import Step
from tests.actors.workflows import Document, ask, call, does, says, wait, workflow
from tests.eventually import eventually
from tests.factories import Account, MakeAccount, MakeWorkflow


def named(name: str, document: Document) -> Document:
    """Return a workflow of this name."""
    return {**document, "metadata": {"name": name}}


CHILD = named("child", workflow([says("x", "{input.n}"), says("y", "{x}")], "x y"))


async def children(pool: Pool, id: UUID) -> list[Any]:
    """Return the executions that one started, in the order of their items."""
    return list(
        await pool.fetch(
            "SELECT * FROM workflow_executions WHERE parent_execution_id = $1 "
            "ORDER BY parent_map_index, id",
            id,
        )
    )


async def test_child_has_the_defaults_of_its_input(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow
) -> None:
    """What its node does not give is what its own workflow says."""
    schema = {"properties": {"n": {"default": 7}}, "required": ["n"]}
    await make_workflow({**CHILD, "state_schema": {"input": schema}}, name="child")
    id = await begin(workflow([call("sub", "child")], "sub"))
    await process.drive(id)
    await process.settle()
    assert await look.output(id) == {"y": 7}


@pytest.mark.requirement("USER.6")
async def test_node_runs_another_workflow_and_answers_its_output(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow, engine_pool: Pool,
    step: Step,
) -> None:  # fmt: skip
    """Its parent waits without a process, and goes on at once with the child's end."""
    await make_workflow(CHILD, name="child")
    document = workflow(
        [says("a", 5), call("sub", "child", {"n": "{a}"}), says("b", "{sub.y}")], "a sub b"
    )
    id = await begin(document)
    await process.drive(id)
    await process.settle()
    assert await look.output(id) == {"b": 5}
    [child] = await children(engine_pool, id)
    assert (child["status"], child["parent_node_id"], child["depth"]) == ("completed", "sub", 1)
    assert step.ran == ["a", "x", "y", "b"]
    [log] = [log for log in await look.logs(id) if log["node_id"] == "sub"]
    assert loads(log["metadata"])["execution_id"] == f"exec_{child['id'].hex}"
    kinds = [kind for kind, node in await look.events(id) if node == "sub"]
    assert kinds == ["node_started", "children_started", "node_completed"]
    assert (await look.events(child["id"]))[0] == ("workflow_started", None)


async def test_failed_child_fails_its_node_with_its_message(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow, engine_pool: Pool
) -> None:
    """What follows is the node's to say, as for any other."""
    await make_workflow(named("child", workflow([does("bad", fail="No milk.")], "")), name="child")
    id = await begin(workflow([call("sub", "child"), says("b")], "sub b"))
    await process.drive(id)
    await process.settle()
    row, [child] = await look.row(id), await children(engine_pool, id)
    assert (row["status"], row["error_node_id"]) == ("failed", "sub")
    assert row["error_message"] == f"The execution exec_{child['id'].hex} failed: No milk."
    id = await begin(
        workflow([call("sub", "child", default={"n": 1}), says("b", "{sub}")], "sub b")
    )
    await process.drive(id)
    await process.settle()
    assert await look.output(id) == {"n": 1}


async def test_retry_of_the_node_starts_another_child(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow, engine_pool: Pool
) -> None:
    """Each attempt is an execution; the wait between them holds no process."""
    await make_workflow(named("child", workflow([does("bad", fail="No.")], "")), name="child")
    retry = {"max_attempts": 3, "backoff": "fixed", "initial_seconds": 0}
    id = await begin(workflow([call("sub", "child", retry=retry)], ""))
    await process.drive(id)
    for _ in range(2):
        await process.settle()
        assert (await look.row(id))["waiting_reason"] == "retry"
        assert [woken.execution_id for woken in await end_due_waits(engine_pool, [process.id], 9)]
        await process.drive(id)
    await process.settle()
    assert await look.status(id) == "failed"
    assert len(await children(engine_pool, id)) == 3
    assert (await look.row(id))["retry_count"] == 2
    logs = [(log["attempt"], log["status"]) for log in await look.logs(id)]
    assert logs == [(1, "failed"), (2, "failed"), (3, "failed")]


async def test_default_policy_starts_a_failed_child_once(
    begin: Begin, process: Process, make_workflow: MakeWorkflow, engine_pool: Pool
) -> None:
    """All that a child did is only done again when the node asks for it."""
    await make_workflow(named("child", workflow([does("bad", fail="No.")], "")), name="child")
    id = await begin(workflow([call("sub", "child")], ""))
    await process.drive(id)
    await process.settle()
    assert len(await children(engine_pool, id)) == 1


@pytest.mark.parametrize(
    ("name", "input", "message"),
    [
        ("nobody", {}, "There is no active workflow 'nobody'."),
        ("strict", {}, "The input does not fit the workflow 'strict'"),
        ("twin", {}, "Several workflows are named 'twin'."),
        ("wf_" + "0" * 32, {}, "There is no active workflow"),
    ],
)
async def test_workflow_that_cannot_be_started_fails_the_node(
    name: str, input: Any, message: str, begin: Begin, process: Process, look: Look,
    make_workflow: MakeWorkflow,
) -> None:  # fmt: skip
    """The message says what is wrong with the call."""
    schema = {"input": {"type": "object", "required": ["n"]}}
    strict = {**workflow([says("x")], ""), "state_schema": schema}
    await make_workflow(strict, name="strict")
    for _ in range(2):
        await make_workflow(workflow([says("x")], ""), name="twin")
    id = await begin(workflow([call("sub", name, input)], ""))
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["error_node_id"]) == ("failed", "sub")
    assert message in row["error_message"]


async def test_workflow_of_another_tenant_is_not_found(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow,
    make_account: MakeAccount,
) -> None:  # fmt: skip
    """Neither its name nor its id reaches it."""
    foreign = await make_workflow(workflow([says("x")], ""), await make_account("Globex"),
                                  name="child")  # fmt: skip
    for name in ("child", f"wf_{foreign.id.hex}"):
        id = await begin(workflow([call("sub", name)], ""))
        await process.drive(id)
        assert "There is no active workflow" in (await look.row(id))["error_message"]


async def test_workflow_that_starts_itself_ends_at_the_depth_limit(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow, engine_pool: Pool
) -> None:
    """Ten executions stand below the first, and the last of them says why it goes no further."""
    document = workflow([call("sub", "self")], "")
    await make_workflow(document, name="self")
    id = await begin(document)
    await process.drive(id)
    await process.settle()
    assert "10 deep" in (await look.row(id))["error_message"]
    assert await engine_pool.fetchval("SELECT max(depth) FROM workflow_executions") == 10


async def test_end_of_the_parent_ends_its_children(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow, engine_pool: Pool,
    live: LiveView, account: Account, step: Step,
) -> None:  # fmt: skip
    """Those in line end with it; those that run are found and stopped, and theirs after them."""
    await make_workflow(named("leaf", workflow([does("x", hold=True)], "")), name="leaf")
    await make_workflow(named("child", workflow([call("sub", "leaf")], "")), name="child")
    each = over("each", call("each", "child"), batch_size=2)
    id = await begin(workflow([each], ""), {"rows": [1, 2, 3, 4]})
    await process.drive(id)
    await eventually(lambda: len(step.ran) == 2)
    assert await cancel_parked(engine_pool, live, account.tenant_id, id, "over")
    rows = await children(engine_pool, id)
    assert [row["status"] for row in rows] == ["waiting", "waiting", "cancelled", "cancelled"]
    for _ in range(2):
        for row in await engine_pool.fetch(statement("list_abandoned"), 100):
            await cancel_parked(engine_pool, live, row["tenant_id"], row["id"], "abandoned")
        await engine_pool.execute(statement("settle_abandoned"))
    counted = await engine_pool.fetch(
        "SELECT status, abandons, count(*) FROM workflow_executions GROUP BY 1, 2"
    )
    assert [tuple(row) for row in counted] == [("cancelled", False, 7)]
    for row in rows:
        assert (await look.events(row["id"]))[-1][0] == "workflow_cancelled"
    step.gates["x"].set()
    await process.settle()
    assert step.ended == ["x", "x"]


async def test_child_that_is_cancelled_fails_its_node(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow, engine_pool: Pool,
    live: LiveView, account: Account,
) -> None:  # fmt: skip
    """A parked child that somebody ends tells its parent at once."""
    await make_workflow(named("child", workflow([ask("ok")], "")), name="child")
    id = await begin(workflow([call("sub", "child")], ""))
    await process.drive(id)
    await process.settle()
    [child] = await children(engine_pool, id)
    assert child["waiting_reason"] == "approval"
    await cancel_parked(engine_pool, live, account.tenant_id, child["id"], "Not needed.")
    assert await look.status(id) == "running"
    await process.drive(id)
    assert "was cancelled: Not needed." in (await look.row(id))["error_message"]


def over(id: str, node: Document, key: str = "input.rows", **fields: Any) -> Document:
    """Return a node that runs once for each element of a list."""
    return {**node, "id": id, "pattern": "map", "input_keys": [key], **fields}


EACH = over("each", call("each", "child", {"n": "{item}"}))


EACH = over("each", call("each", "child", {"n": "{item}"}))


@pytest.mark.requirement("USER.6")
async def test_map_runs_a_workflow_for_each_item_and_only_so_many_at_once(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow, engine_pool: Pool
) -> None:
    """Results keep their order; the next begins when one has ended."""
    await make_workflow(CHILD, name="child")
    document = workflow(
        [EACH, says("b", "{each}")], "each b", execution={"max_concurrent_nodes": 3}
    )
    id = await begin(document, {"rows": list(range(10))})
    await process.drive(id)
    await process.settle()
    output = await look.output(id)
    assert [item["y"] for item in output["b"]] == list(range(10))
    rows = await children(engine_pool, id)
    assert [row["parent_map_index"] for row in rows] == list(range(10))
    spans = [(row["started_at"], row["completed_at"]) for row in rows]
    assert max(sum(a <= start < b for a, b in spans) for start, _ in spans) <= 3


async def test_items_that_fail_fail_the_map_after_the_others(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow
) -> None:
    """A child that fails and an item that cannot be started are item errors."""
    script = "return 1 // input['n']"
    node = {"id": "x", "agent": "data_processing", "parameters": {"script": script}}
    schema = {"input": {"properties": {"n": {"type": "integer"}}}}
    await make_workflow({**workflow([node], ""), "state_schema": schema}, name="child")
    id = await begin(workflow([EACH], ""), {"rows": [1, 0, "x"]})
    await process.drive(id)
    await process.settle()
    row = await look.row(id)
    assert row["error_message"].startswith("2 of 3 items failed; item 1:")
    id = await begin(workflow([{**EACH, "on_item_error": "collect"}], ""), {"rows": [1, 0, "x"]})
    await process.drive(id)
    await process.settle()
    assert await look.output(id) == {"each": [{"x": 1}, None, None]}


async def test_chain_of_maps_over_workflows(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow
) -> None:
    """One runs over what another made; each item's part is read of the rows."""
    await make_workflow(CHILD, name="child")
    second = over("again", call("again", "child", {"n": "{item.y}"}), key="each")
    id = await begin(workflow([EACH, second], "each again"), {"rows": [1, 2]})
    await process.drive(id)
    await process.settle()
    assert await look.output(id) == {"again": [{"y": 1}, {"y": 2}]}


async def test_failed_items_alone_are_run_again(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow, engine_pool: Pool
) -> None:
    """A retry of the map's node starts the failed children anew."""
    script = "return 1 // input['n']"
    node = {"id": "x", "agent": "data_processing", "parameters": {"script": script}}
    await make_workflow(workflow([node], ""), name="child")
    retry = {"max_attempts": 2, "backoff": "fixed", "initial_seconds": 0}
    id = await begin(workflow([{**EACH, "retry": retry}], ""), {"rows": [1, 0, 2]})
    await process.drive(id)
    await process.settle()
    assert [woken.execution_id for woken in await end_due_waits(engine_pool, [process.id], 9)] == [
        id
    ]
    await process.drive(id)
    await process.settle()
    assert "1 of 3 items failed" in (await look.row(id))["error_message"]
    indexes = [row["parent_map_index"] for row in await children(engine_pool, id)]
    assert indexes == [0, 1, 1, 2]


async def recover(pool: Pool, heir: Process, id: UUID) -> None:
    """Give what the dead left to an heir, as the supervisor does, until an execution has ended."""

    async def ended() -> bool:
        # What a last flush of the dead still locks is given later.
        await pool.fetch(statement("take_over_executions"), [heir.id], 100, 1000, 100)
        await adopt_all(pool, heir)
        status = await pool.fetchval("SELECT status FROM workflow_executions WHERE id = $1", id)
        return Status(status).ended

    await eventually(ended)


STOP_ALL = "UPDATE executors SET stopped_at = now()"
NESTED = named("inner", workflow([over("each", call("each", "child", {"n": "{item}"}))], ""))


@pytest.mark.requirement("USER.6", "FR-2.6")
async def test_nested_maps_survive_a_death_before_any_flush(
    begin: Begin, process: Process, process_of: OpenProcess, look: Look,
    make_workflow: MakeWorkflow, engine_pool: Pool, step: Step,
) -> None:  # fmt: skip
    """Killed before its 1st, 2nd, … transaction: every child is started once and counted once."""
    await make_workflow(CHILD, name="child")
    await make_workflow(NESTED, name="inner")
    outer = over("each", call("each", "inner", {"rows": "{item}"}), batch_size=1)
    document = workflow([outer, says("b", "{each}")], "each b")
    number, died = 0, True
    while died:
        number += 1
        await engine_pool.execute(STOP_ALL)
        pool = BreakingPool(engine_pool, number + 1, Death(), for_ever=True)
        mortal = await process_of(journal_pool=pool)
        id = await begin(document, {"rows": [[1, 2], [3]]}, process=mortal)
        mortal.begin(id)
        await mortal.settle_or_die()
        died = pool.broke
        if died:
            await engine_pool.execute(STOP_ALL)
            heir = await process_of()
            await recover(engine_pool, heir, id)
            await heir.stop()
        output = await look.output(id)
        values = [[item["y"] for item in inner["each"]] for inner in output["b"]]
        assert values == [[1, 2], [3]], number
        rows = await engine_pool.fetch("SELECT status FROM workflow_executions")
        assert len(rows) == 1 + 2 + 3, number
        assert {row["status"] for row in rows} == {"completed"}
        await engine_pool.execute("DELETE FROM workflow_executions")
    assert number > 15


@pytest.mark.requirement("USER.14", "FR-2.4")
async def test_map_asks_a_question_for_each_item_and_waits_for_all_answers(
    begin: Begin, process: Process, look: Look, engine_pool: Pool, live: LiveView,
    account: Account,
) -> None:  # fmt: skip
    """Each answer stands in its item's place; only the last one wakes the execution."""
    each = over("each", ask("each", approval_type="text_input", message="Who is {item}?"))
    id = await begin(workflow([each], ""), {"rows": ["a", "b", "c"]})
    await process.drive(id)
    assert (await look.row(id))["waiting_reason"] == "approval"
    rows = await engine_pool.fetch("SELECT * FROM execution_approvals ORDER BY map_index DESC")
    assert [row["message"] for row in rows] == ["Who is c?", "Who is b?", "Who is a?"]
    for row in rows:
        assert await look.status(id) == "waiting"
        assert await decide_approval(
            engine_pool, live, account.tenant_id, id, row["id"], decision="answer",
            value=row["message"][-2], comment="", decided_by="p", owner_id=process.id,
        )  # fmt: skip
    await process.drive(id)
    output = await look.output(id)
    assert [item["value"] for item in output["each"]] == ["a", "b", "c"]


@pytest.mark.requirement("USER.6")
async def test_map_waits_for_each_item(
    begin: Begin, process: Process, process_of: OpenProcess, look: Look, engine_pool: Pool,
    api_pool: Pool, account: Account,
) -> None:  # fmt: skip
    """Events with the items' keys end it, in another process as well."""
    each = over("each", wait("each", event="paid", key="{item}"))
    id = await begin(workflow([each], ""), {"rows": ["a", "b"]})
    await process.drive(id)
    await process.die()
    heir = await process_of()
    for key in ("b", "a"):
        assert await look.status(id) == "waiting"
        await send_signal(api_pool, account.tenant_id, "paid", execution_id=None, key=key,
                          payload=key, owners=[heir.id])  # fmt: skip
    await heir.drive(id)
    output = await look.output(id)
    assert [item["payload"] for item in output["each"]] == ["a", "b"]
