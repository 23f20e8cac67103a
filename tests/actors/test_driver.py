"""Executions from their row to their end: order, choices, loops, joins, failures."""

import asyncio

import pytest

from store.json_values import loads
from store.postgres import Pool
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.pools import BreakingPool, connection_lost
from tests.actors.process import Process
from tests.actors.testing_agent import Step
from tests.actors.workflows import chain, does, edges, says, workflow
from tests.eventually import eventually

STOP = {"error_handling": {"on_failure": "stop"}}
GO_ON = {"error_handling": {"on_failure": "continue"}}
ROUTER = {
    "id": "r",
    "agent": "router",
    "parameters": {"condition": "input['n'] > 1", "if_true": "high", "if_false": "low"},
}


@pytest.mark.requirement("FR-2.1", "FR-2.2", "FR-7.2")
async def test_chain_runs_in_order(begin: Begin, process: Process, look: Look, step: Step) -> None:
    """Each node runs once, after the one before it, and everything is recorded."""
    id = await begin(chain("a", "b", "c"))
    await process.drive(id)
    assert step.ran == ["a", "b", "c"]
    assert await look.output(id) == {"c": "c"}
    assert await look.events(id) == [
        ("workflow_started", None),
        ("node_started", "a"), ("node_completed", "a"),
        ("node_started", "b"), ("node_completed", "b"),
        ("node_started", "c"), ("node_completed", "c"),
        ("workflow_completed", None),
    ]  # fmt: skip
    row = await look.row(id)
    assert (row["completed_nodes"], row["failed_nodes"], row["llm_tokens_used"]) == (3, 0, 9)
    assert (float(row["cost_usd"]), row["owner_id"]) == (1.5, None)
    logs = await look.logs(id)
    assert [(log["node_id"], log["status"], log["attempt"]) for log in logs] == [
        ("a", "completed", 1), ("b", "completed", 1), ("c", "completed", 1),
    ]  # fmt: skip


async def test_values_keep_their_type_on_their_way(
    begin: Begin, process: Process, look: Look
) -> None:
    """A reference that is a whole value is that value; the input and the user are at hand."""
    nodes = [
        does("a", value="{input.rows}"),
        does("b", value={"rows": "{a}", "text": "{a} for {user.email} in {workflow.name}"}),
    ]
    id = await begin(workflow(nodes, "a b"), {"rows": [1, {"x": None}]})
    await process.drive(id)
    output = (await look.output(id))["rows"]
    assert output == [1, {"x": None}]
    assert "owner1@example.com in Workflow" in (await look.output(id))["text"]


@pytest.mark.requirement("FR-2.3", "FR-3.5")
@pytest.mark.parametrize(("n", "taken"), [(5, "high"), (0, "low")])
async def test_alternatives_meet_once(
    n: int, taken: str, begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """A router takes one way; the node where the ways meet runs once."""
    nodes = [ROUTER, *(says(name) for name in ("high", "low", "meet"))]
    id = await begin(workflow(nodes, "r high meet", "r low meet"), {"n": n})
    await process.drive(id)
    assert step.ran == [taken, "meet"]
    assert await look.output(id) == {"meet": "meet"}


@pytest.mark.requirement("FR-2.3")
@pytest.mark.parametrize(("n", "ran"), [(5, ["a", "b"]), (0, ["a"])])
async def test_condition_on_an_edge_decides(
    n: int, ran: list[str], begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """A node with conditions on its edges takes the first that holds; none ends the path."""
    document = workflow([says("a", "{input.n}"), says("b")], "a b")
    document["edges"][0]["condition"] = "a > 1"
    id = await begin(document, {"n": n})
    await process.drive(id)
    assert step.ran == ran
    assert await look.status(id) == "completed"


@pytest.mark.requirement("FR-7.5")
async def test_condition_that_fails_fails_its_node(
    begin: Begin, process: Process, look: Look
) -> None:
    """An expression over a value of the wrong kind is a node's failure with its reason."""
    document = workflow([says("a", "{input.n}"), says("b")], "a b")
    document["edges"][0]["condition"] = "a > 1"
    id = await begin(document, {"n": "text"})
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["error_node_id"]) == ("failed", "a")
    assert ("node_failed", "a") in await look.events(id)
    assert [log["status"] for log in await look.logs(id)] == ["failed"]


@pytest.mark.requirement("FR-2.4", "FR-2.5")
async def test_branches_of_unequal_length_join_once(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """A branch of one node and one of three run at their own pace; the join runs once, last."""
    nodes = [says(name) for name in ("s", "one", "x", "y", "z", "j")]
    id = await begin(workflow(nodes, "s one j", "s x y z j"))
    await process.drive(id)
    assert sorted(step.ran) == sorted(["s", "one", "x", "y", "z", "j"])
    assert (step.ran[0], step.ran[-1]) == ("s", "j")
    assert (await look.row(id))["completed_nodes"] == 6


@pytest.mark.requirement("FR-2.5")
async def test_short_branch_does_not_wait_for_a_slow_sibling(
    begin: Begin, process: Process, step: Step
) -> None:
    """While one branch is held, the three nodes of the other come to their end."""
    nodes = [says("s"), does("slow", hold=True), *map(says, "xyzj")]
    driving = process.begin(await begin(workflow(nodes, "s slow j", "s x y z j")))
    await eventually(lambda: step.ended == ["s", "x", "y", "z"])
    assert "j" not in step.ran
    step.gates["slow"].set()
    await driving
    assert step.ran.count("j") == 1


@pytest.mark.requirement("FR-2.3")
async def test_loop_ends_by_its_exit(begin: Begin, process: Process, look: Look) -> None:
    """A node that is come back to runs again, each visit with a log of its own."""
    document = {
        "nodes": [
            {"id": "count", "agent": "data_processing",
             "parameters": {"script": "return (state.get('count') or 0) + 1"}},
            {"id": "again", "agent": "router",
             "parameters": {"condition": "count < 3", "if_true": "count", "if_false": "done"}},
            does("done", value="{count}"),
        ],
        "edges": edges("count again done", "again count"),
    }  # fmt: skip
    id = await begin(document)
    await process.drive(id)
    assert await look.output(id) == {"done": 3}
    visits = [log for log in await look.logs(id) if log["node_id"] == "count"]
    assert [loads(log["output_data"]) for log in visits] == [1, 2, 3]
    assert len({log["task_id"] for log in visits}) == 3


@pytest.mark.requirement("FR-7.5")
async def test_failure_stops_what_comes_after(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """The failed node, its message and its log say why; nothing after it runs."""
    document = workflow([says("a"), does("b", fail="No."), says("c")], "a b c", **STOP)
    id = await begin(document)
    await process.drive(id)
    assert step.ran == ["a", "b"]
    row = await look.row(id)
    assert (row["status"], row["error_node_id"], row["error_message"]) == ("failed", "b", "No.")
    assert (row["completed_nodes"], row["failed_nodes"]) == (1, 1)
    assert (await look.events(id))[-2:] == [("node_failed", "b"), ("workflow_failed", "b")]


@pytest.mark.requirement("FR-2.10", "FR-7.5")
async def test_each_attempt_is_recorded(begin: Begin, process: Process, look: Look) -> None:
    """A node that succeeds at its third attempt shows the two that failed, with their errors."""
    retry = {"max_attempts": 3, "backoff": "fixed", "initial_seconds": 0}
    id = await begin(
        workflow([does("a", value=1, fail="busy", failures=2, retryable=True, retry=retry)], "")
    )
    await process.drive(id)
    assert await look.output(id) == {"a": 1}
    logs = [(log["attempt"], log["status"], log["error_message"]) for log in await look.logs(id)]
    assert logs == [(1, "failed", "busy"), (2, "failed", "busy"), (3, "completed", None)]
    kinds = [kind for kind, node in await look.events(id) if node == "a"]
    assert kinds == ["node_started", "node_retrying", "node_retrying", "node_completed"]
    row = await look.row(id)
    assert (row["retry_count"], row["completed_nodes"], row["failed_nodes"]) == (2, 1, 0)


async def test_failure_beside_others_lets_them_finish(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """A failing branch does not cut off its sibling's work; the join does not run."""
    nodes = [says("s"), does("bad", fail="No."), *map(says, "xyj")]
    id = await begin(workflow(nodes, "s bad j", "s x y j", **STOP))
    await process.drive(id)
    assert sorted(step.ended) == ["s", "x", "y"]
    assert await look.status(id) == "failed"


async def test_execution_goes_on_after_a_failure_when_asked_to(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """With on_failure: continue the failed node's value is null, and the failure is counted."""
    document = workflow([does("a", fail="No."), says("b", {"was": "{a}"})], "a b", **GO_ON)
    id = await begin(document)
    await process.drive(id)
    assert await look.output(id) == {"was": None}
    assert (await look.row(id))["failed_nodes"] == 1


@pytest.mark.parametrize("message", ["a\x00b", "a\ud800b"])
async def test_message_that_postgres_refuses_is_recorded_cleaned(
    message: str, begin: Begin, process: Process, look: Look
) -> None:
    """Whatever a page or a service puts into an error, the execution ends with it."""
    id = await begin(workflow([says("a"), does("b", crash=message)], "a b"))
    await process.drive(id)
    assert (await look.row(id))["error_message"] == "RuntimeError: a\ufffdb"
    assert not process.flushing.done()


async def test_record_that_postgres_refuses_fails_its_execution_only(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """A value beyond a column's bounds ends the one execution; the process works on."""
    bad, good = await begin(chain("a", "b")), await begin(chain("c"))
    await engine_pool.execute(
        "UPDATE workflow_executions SET llm_tokens_used = $2 WHERE id = $1", bad, 2**63 - 1
    )
    await asyncio.gather(process.drive(bad), process.drive(good))
    row = await look.row(bad)
    assert row["status"] == "failed"
    assert "cannot be stored: bigint out of range" in row["error_message"]
    assert await look.status(good) == "completed"


async def test_value_that_is_nested_too_deep_fails_its_node(
    begin: Begin, process: Process, look: Look
) -> None:
    """JSON of hundreds of levels is refused with a node's name, not with a broken execution."""
    id = await begin(workflow([does("a", depth=400)], ""))
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["error_node_id"]) == ("failed", "a")


@pytest.mark.requirement("FR-2.9")
async def test_execution_ends_at_its_timeout(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """What runs is cut off, the execution fails, and nothing more begins."""
    id = await begin(workflow([does("a", hold=True), says("b")], "a b"), timeout_seconds=0.5)
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["error_message"]) == (
        "failed", "The execution took longer than its timeout.",
    )  # fmt: skip
    assert (step.ran, step.ended) == (["a"], [])


@pytest.mark.requirement("FR-2.9")
async def test_cancelled_execution_starts_nothing_more(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """Once the cancel is recorded no node begins, and the execution stays cancelled."""
    id = await begin(workflow([does("a", hold=True), says("b")], "a b"))
    driving = process.begin(id)
    await eventually(lambda: step.ran)
    run = process.runs[id]
    driving.cancel()
    await asyncio.wait([driving])
    await process.driver.cancel(run, "enough")
    step.gates["a"].set()
    await process.drive(id)
    assert step.ran == ["a"]
    row = await look.row(id)
    assert (row["status"], row["error_message"]) == ("cancelled", "enough")
    assert (await look.events(id))[-1] == ("workflow_cancelled", None)


async def test_execution_of_another_owner_is_left_alone(
    begin: Begin, process: Process, look: Look, step: Step, engine_pool: Pool
) -> None:
    """Without the lease nothing runs."""
    id = await begin(chain("a"))
    await engine_pool.execute("UPDATE workflow_executions SET owner_id = NULL")
    await process.drive(id)
    assert step.ran == []
    assert await look.status(id) == "running"


async def test_driving_twice_at_once_runs_once(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """A second call finds the execution in good hands."""
    id = await begin(chain("a", "b"))
    await asyncio.gather(process.drive(id), process.drive(id), process.drive(id))
    assert step.ran == ["a", "b"]
    assert await look.status(id) == "completed"


async def test_stored_specification_that_cannot_be_read_fails_its_execution(
    begin: Begin, process: Process, look: Look, owner_pool: Pool
) -> None:
    """It would otherwise be taken up again for ever."""
    id = await begin(chain("a"))
    await owner_pool.execute("UPDATE workflow_specifications SET document = '{}'")
    await process.drive(id)
    assert await look.status(id) == "failed"


async def test_read_that_fails_ends_no_execution(
    begin: Begin, process_of: OpenProcess, look: Look, engine_pool: Pool, step: Step
) -> None:
    """Whichever read meets a broken connection, the execution is left and then taken up again."""
    number, broke = 0, True
    while broke:
        number += 1
        pool = BreakingPool(engine_pool, number, connection_lost())
        process = await process_of(pool=pool, journal_pool=engine_pool)
        pool.calls = 0
        id = await begin(chain("a", "b"), process=process)
        await process.drive(id)
        broke = pool.broke
        await process.drive(id)
        assert await look.status(id) == "completed", number
    assert number > 2
    assert step.ran == ["a", "b"] * number
