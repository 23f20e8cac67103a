"""Nodes that fail for good: defaults, failure edges, rollback, and what runs at the end."""

import asyncio
from typing import Any

import pytest

from store.executions import cancel_parked, fail_parked
from store.live import LiveView
from store.postgres import Pool
from store.statements import statement
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.pools import BreakingPool, Death
from tests.actors.process import Process, take_over
from tests.actors.testing_agent import Step
from tests.actors.workflows import Document, ask, does, failing, says, undo, workflow
from tests.eventually import eventually
from tests.factories import Account

Settings = dict[str, Any]
AT_ONCE = {"max_attempts": 3, "backoff": "fixed", "initial_seconds": 0}


def handling(*final: str, **fields: Any) -> Settings:
    """Settings of error handling, with the nodes that run at the end."""
    return {"error_handling": {**fields, **({"finally": list(final)} if final else {})}}


ROLLBACK = handling(on_failure="rollback")


@pytest.mark.requirement("FR-7.5")
async def test_a_node_may_say_for_itself_that_the_execution_goes_on(
    begin: Begin, process: Process, look: Look
) -> None:
    """Its own `on_failure` counts more than the workflow's, in both directions."""
    one = workflow([does("a", fail="No.", on_failure="continue"), says("b", {"was": "{a}"})], "a b")
    id = await begin(one)
    await process.drive(id)
    assert await look.output(id) == {"was": None}
    other = workflow(
        [does("a", fail="No.", on_failure="stop"), says("b")],
        "a b",
        **handling(on_failure="continue"),
    )
    id = await begin(other)
    await process.drive(id)
    assert (await look.row(id))["error_node_id"] == "a"


@pytest.mark.requirement("FR-7.5")
@pytest.mark.parametrize("default", [0, False, "", [], {}, {"score": 0.5}])
async def test_default_takes_the_place_of_an_output(
    default: Any, begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """The log says that the node failed, an event that its default was taken."""
    document = workflow([does("a", fail="No.", default=default), says("b", {"got": "{a}"})], "a b")
    id = await begin(document)
    await process.drive(id)
    assert await look.output(id) == {"got": default}
    assert [log["status"] for log in await look.logs(id)] == ["failed", "completed"]
    kinds = [kind for kind, node in await look.events(id) if node == "a"]
    assert kinds == ["node_started", "node_failed", "node_defaulted"]
    assert (await look.row(id))["failed_nodes"] == 1


async def test_default_of_a_map_stands_for_the_whole_list(
    begin: Begin, process: Process, look: Look
) -> None:
    """One item that fails fails its node, whose default takes the place of all outputs."""
    node = does("a", pattern="map", input_keys=["input.rows"], fail="No.", default=["none"])
    id = await begin(workflow([node, says("b", {"got": "{a}"})], "a b"), {"rows": [1, 2]})
    await process.drive(id)
    assert await look.output(id) == {"got": ["none"]}


@pytest.mark.parametrize(("default", "ran"), [(5, ["a", "b"]), (0, ["a", "c"])])
async def test_default_decides_where_conditions_lead(
    default: int, ran: list[str], begin: Begin, process: Process, step: Step
) -> None:
    """Conditions on the edges are asked of the default as of an output."""
    document = workflow(
        [does("a", fail="No.", default=default), says("b"), says("c")], "a b", "a c"
    )
    document["edges"][0]["condition"] = "a > 1"
    id = await begin(document)
    await process.drive(id)
    assert step.ran == ran


async def test_default_that_a_condition_cannot_read_fails_the_node(
    begin: Begin, process: Process, look: Look
) -> None:
    """Where to go on is not known, so `on_failure` counts, and both reasons are told."""
    document = workflow([does("a", fail="No.", default="text"), says("b")], "a b")
    document["edges"][0]["condition"] = "a > 1"
    id = await begin(document)
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["error_node_id"]) == ("failed", "a")
    assert row["error_message"].startswith("No. And its default: ")


BRANCH = failing(
    workflow(
        [does("a", value=1, fail="{input.why}", failures="{input.failures}"),
         says("b"), says("c", "{failures.a.message}"), says("d", "{failures.a.message}")],
        "a b d", "c d",
    ),
    "a c",
)  # fmt: skip


@pytest.mark.requirement("FR-7.5")
@pytest.mark.parametrize(
    ("failures", "ran", "told"), [(9, ["a", "c", "d"], "No."), (0, ["a", "b", "d"], None)]
)
async def test_failure_edge_is_taken_when_its_node_fails(
    failures: int,
    ran: list[str],
    told: str | None,
    begin: Begin,
    process: Process,
    look: Look,
    step: Step,
) -> None:
    """The failure is handled; its branch reads the message, and both ways join again."""
    id = await begin(BRANCH, {"why": "No.", "failures": failures})
    await process.drive(id)
    assert step.ran == ran
    assert await look.output(id) == {"d": told}


async def test_failure_edge_alone_is_a_way_out(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """A node without another way ends its path when it succeeds."""
    document = failing(workflow([says("a"), says("c")]), "a c")
    id = await begin(document)
    await process.drive(id)
    assert step.ran == ["a"]
    assert await look.output(id) == {"a": "a"}


@pytest.mark.requirement("FR-7.5")
@pytest.mark.parametrize(("rows", "ran"), [([1], "c"), (None, "c")])
async def test_failure_edge_of_a_map(
    rows: Any, ran: str, begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """It is taken when an item fails, and when there is no list to run over."""
    node = does("a", pattern="map", input_keys=["input.rows"], fail="No.")
    document = failing(workflow([node, says("b"), says("c")], "a b"), "a c")
    id = await begin(document, {"rows": rows})
    await process.drive(id)
    assert step.ran[-1] == ran
    assert await look.status(id) == "completed"


async def test_failure_branch_inside_a_parallel_branch(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """It joins its branch, which joins its sibling."""
    nodes = [says("s"), does("a", fail="No."), *map(says, "bcxj")]
    document = failing(workflow(nodes, "s a b j", "s x j", "c j"), "a c")
    id = await begin(document)
    await process.drive(id)
    assert sorted(step.ran) == ["a", "c", "j", "s", "x"]
    assert step.ran[-1] == "j"


async def test_failure_edge_leads_back_until_its_node_succeeds(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """A loop of repairs: the value of `fix` says how often it was mended."""
    fix = {
        "id": "fix", "agent": "data_processing",
        "parameters": {"script": "return (state.get('fix') or 0) + 1"},
    }  # fmt: skip
    check = {
        "id": "a", "agent": "data_processing",
        "parameters": {"script": "return 1 // max(0, (state.get('fix') or 0) - 1)"},
    }  # fmt: skip
    document = failing(workflow([says("s"), check, fix, says("done", "{fix}")],
                                "s a done", "fix a"), "a fix")  # fmt: skip
    id = await begin(document)
    await process.drive(id)
    assert await look.output(id) == {"done": 2}


async def test_loop_beside_a_failed_branch_ends(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """A router's last way is not followed for ever by nodes that do nothing any more."""
    again = {
        "id": "again", "agent": "router",
        "parameters": {"condition": "True", "if_true": "x", "if_false": "j"},
    }  # fmt: skip
    nodes = [says("s"), says("x"), does("bad", fail="No."), again, says("j")]
    id = await begin(workflow(nodes, "s x bad again x", "again j"))
    await process.drive(id)
    row = await look.row(id)
    assert (row["error_node_id"], row["error_message"]) == ("bad", "No.")


# Rollback.


def _undone(*, fail: str | None = None) -> Document:
    """Three nodes, two of which can be undone, and a fourth that fails."""
    return workflow(
        [
            says("a", {"id": 7}) | {"compensate": undo(value="{a.id}", fail=fail)},
            says("b"),
            says("c") | {"compensate": undo(value="{c} after {a.id}")},
            does("d", fail="No."),
        ],
        "a b c d",
        **ROLLBACK,
    )


@pytest.mark.requirement("USER.8", "FR-7.5")
async def test_rollback_undoes_what_completed_the_last_first(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """Compensations know their node's output, leave logs and events, and count as no nodes."""
    id = await begin(_undone())
    await process.drive(id)
    assert step.ran == ["a", "b", "c", "d", "c.compensate", "a.compensate"]
    assert (await look.events(id))[-7:] == [
        ("node_failed", "d"), ("workflow_ending", "d"),
        ("compensation_started", "c"), ("compensation_completed", "c"),
        ("compensation_started", "a"), ("compensation_completed", "a"),
        ("workflow_failed", "d"),
    ]  # fmt: skip
    row = await look.row(id)
    assert (row["status"], row["error_message"], row["completed_nodes"]) == ("failed", "No.", 3)
    outputs = [log["output_data"] for log in await look.logs(id)]
    assert outputs[-2:] == ['"c after 7"', "7"]


@pytest.mark.requirement("USER.8")
async def test_compensation_that_fails_stops_no_other(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """It is tried as its own policy says, logged, and told in the error message."""
    document = _undone()
    document["nodes"][2]["compensate"] = undo(fail="Locked.", retryable=True, retry=AT_ONCE)
    id = await begin(document)
    await process.drive(id)
    assert step.ran[-4:] == ["c.compensate", "c.compensate", "c.compensate", "a.compensate"]
    row = await look.row(id)
    assert row["error_message"] == "No. The compensation of `c` failed: Locked."
    assert (row["error_node_id"], row["failed_nodes"]) == ("d", 1)


async def test_rollback_undoes_a_map_once(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """Its compensation has the list of all outputs."""
    node = does("a", pattern="map", input_keys=["input.rows"], value="{item}",
                compensate=undo(value={"remove": "{a}"}))  # fmt: skip
    id = await begin(workflow([node, does("b", fail="No.")], "a b", **ROLLBACK), {"rows": [1, 2]})
    await process.drive(id)
    assert step.ran.count("a.compensate") == 1
    assert (await look.logs(id))[-1]["output_data"] == '{"remove": [1, 2]}'


async def test_rollback_waits_for_the_sibling_and_undoes_it(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """A branch beside the failed one ends first; what it did is undone as well."""
    nodes = [says("s"), does("bad", fail="No."), says("x"),
             says("y") | {"compensate": undo(value="{y}")}, says("j")]  # fmt: skip
    id = await begin(workflow(nodes, "s bad j", "s x y j", **ROLLBACK))
    await process.drive(id)
    ran = set(step.ran)
    assert ("y.compensate" in ran) == ("y" in ran)
    assert "j" not in ran
    assert await look.status(id) == "failed"


async def test_one_node_may_ask_for_rollback(begin: Begin, process: Process, step: Step) -> None:
    """Another node's failure stops without it."""
    document = _undone()
    document["settings"] = {}
    document["nodes"][3]["on_failure"] = "rollback"
    await process.drive(await begin(document))
    assert step.ran[-1] == "a.compensate"
    step.ran = []
    del document["nodes"][3]["on_failure"]
    document["nodes"][1]["on_failure"] = "rollback"
    await process.drive(await begin(document))
    assert step.ran[-1] == "d"


async def test_timeout_of_an_execution_rolls_back(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """The workflow's own setting counts when no node is to blame; the limit has no say in it."""
    document = workflow([says("a") | {"compensate": undo(value="{a}")}, does("b", hold=True)],
                        "a b", **ROLLBACK)  # fmt: skip
    id = await begin(document, timeout_seconds=0.5)
    await process.drive(id)
    assert step.ran == ["a", "b", "a.compensate"]
    assert (await look.row(id))["error_message"] == "The execution took longer than its timeout."


# What runs at the end.

FINAL = says("last", "{execution.status}: {execution.error}")


@pytest.mark.requirement("FR-7.5")
@pytest.mark.parametrize(
    ("fail", "status", "told"),
    [(None, "completed", "completed: null"), ("No.", "failed", "failed: No.")],
)
async def test_last_nodes_run_however_it_ends(
    fail: str | None, status: str, told: str, begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """They run after the graph, in order, and are told how it ended."""
    nodes = [does("a", fail=fail), FINAL, says("bye", ["{last}", "{failures.a.message}", "{a}"])]
    id = await begin(workflow(nodes, "", **handling("last", "bye")))
    await process.drive(id)
    assert step.ran == ["a", "last", "bye"]
    assert (await look.logs(id))[1]["output_data"] == f'"{told}"'
    row = await look.row(id)
    assert (row["status"], row["error_message"]) == (status, fail)
    assert row["completed_nodes"] == (2 if fail else 3)


async def test_last_node_that_fails_changes_the_message_only(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """The execution completes with its output, and the next one runs."""
    nodes = [says("a"), does("last", fail="Full."), says("bye")]
    id = await begin(workflow(nodes, "", **handling("last", "bye")))
    await process.drive(id)
    assert step.ran == ["a", "last", "bye"]
    assert await look.output(id) == {"a": "a"}
    assert (await look.row(id))["error_message"] == "The last step `last` failed: Full."


async def test_last_nodes_run_after_the_rollback(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """They hear of what could not be undone."""
    document = _undone(fail="Locked.")
    document["nodes"].append(FINAL)
    document["settings"] = handling("last", on_failure="rollback")
    id = await begin(document)
    await process.drive(id)
    assert step.ran[-3:] == ["c.compensate", "a.compensate", "last"]
    told = "failed: No. The compensation of `a` failed: Locked."
    assert (await look.logs(id))[-1]["output_data"] == f'"{told}"'


@pytest.mark.requirement("FR-2.9")
async def test_last_nodes_run_after_a_cancel(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """The owner records the cancel, then runs them; nothing else begins."""
    nodes = [does("a", hold=True), says("b"), FINAL]
    id = await begin(workflow(nodes, "a b", **handling("last")))
    driving = process.begin(id)
    await eventually(lambda: step.ran)
    run = process.runs[id]
    driving.cancel()
    await asyncio.wait([driving])
    await process.driver.cancel(run, "enough")
    assert run.ending is not None
    assert await look.status(id) == "running"
    await process.drive(id)
    assert step.ran == ["a", "last"]
    row = await look.row(id)
    assert (row["status"], row["error_message"]) == ("cancelled", "enough")
    assert (await look.logs(id))[-1]["output_data"] == '"cancelled: enough"'


async def test_second_cancel_cuts_off_the_last_nodes(
    begin: Begin, process: Process, look: Look, step: Step
) -> None:
    """Whoever cancels twice does not wait for them."""
    id = await begin(workflow([says("a"), does("last", hold=True)], "", **handling("last")))
    driving = process.begin(id)
    await eventually(lambda: "last" in step.ran)
    run = process.runs[id]
    driving.cancel()
    await asyncio.wait([driving])
    await process.driver.cancel(run, "now")
    assert await look.status(id) == "cancelled"


@pytest.mark.parametrize("cancelled", [True, False])
async def test_waiting_execution_that_is_ended_runs_its_last_nodes(
    cancelled: bool,
    begin: Begin,
    process: Process,
    look: Look,
    step: Step,
    engine_pool: Pool,
    live: LiveView,
    account: Account,
) -> None:
    """It wakes under a new owner, asks nobody any more, and ends as was decided."""
    nodes = [says("a") | {"compensate": undo(value="{a}")}, ask("ok"), FINAL]
    document = workflow(nodes, "a ok", **handling("last", on_failure="rollback"))
    id = await begin(document)
    await process.drive(id)
    end = cancel_parked if cancelled else fail_parked
    assert await end(engine_pool, live, account.tenant_id, id, "enough")
    status = await engine_pool.fetchval("SELECT status FROM execution_approvals")
    assert status == "withdrawn"
    [taken] = await engine_pool.fetch(
        statement("take_over_executions"), [process.id], 10, 1000, 100
    )
    assert taken["id"] == id
    await process.drive(id)
    assert step.ran == ["a", *([] if cancelled else ["a.compensate"]), "last"]
    row = await look.row(id)
    assert row["status"] == ("cancelled" if cancelled else "failed")
    assert row["error_message"] == "enough"


async def test_parked_execution_without_last_nodes_ends_at_once(
    begin: Begin, process: Process, look: Look, engine_pool: Pool, live: LiveView, account: Account
) -> None:
    """There is nothing to wake it for."""
    id = await begin(workflow([says("a"), ask("ok")], "a ok"))
    await process.drive(id)
    assert await cancel_parked(engine_pool, live, account.tenant_id, id, "enough")
    assert await look.status(id) == "cancelled"


# Processes that die.


@pytest.mark.requirement("FR-2.6", "NFR-3.3", "USER.8")
async def test_death_before_any_flush_repeats_nothing_that_is_done(
    begin: Begin, process_of: OpenProcess, look: Look, step: Step, engine_pool: Pool
) -> None:
    """Killed before its 1st, 2nd, … transaction, a rollback and the last nodes go on elsewhere."""
    document = _undone(fail="Locked.")
    document["nodes"] += [FINAL, does("bye", fail="Full.")]
    document["settings"] = handling("last", "bye", on_failure="rollback")
    number, died = 0, True
    heir = await process_of()
    while died:
        number += 1
        # The first call on this pool inserts the executor.
        pool = BreakingPool(engine_pool, number + 1, Death(), for_ever=True)
        mortal = await process_of(journal_pool=pool)
        step.ran = []
        id = await begin(document, process=mortal)
        await mortal.drive_until_death(id)
        died = pool.broke
        done = await _done(look, id)
        step.ran = []
        if died:
            assert await take_over(engine_pool, mortal, heir) == [id]
            await heir.drive(id)
        assert done.isdisjoint(step.ran), number
        row = await look.row(id)
        assert row["status"] == "failed"
        assert row["error_message"] == (
            "No. The compensation of `a` failed: Locked. The last step `bye` failed: Full."
        )
        assert (row["completed_nodes"], row["failed_nodes"]) == (4, 2)
        assert await look.nodes(id, "compensation_completed") == ["c"]
        assert await look.nodes(id, "compensation_failed") == ["a"]
        assert await look.nodes(id, "node_completed") == ["a", "b", "c", "last"]
        assert await look.nodes(id, "workflow_failed") == ["d"]
    assert number > 8


async def _done(look: Look, id: Any) -> set[str]:
    nodes = [*await look.nodes(id, "node_completed"), *await look.nodes(id, "node_failed")]
    undone = [
        *await look.nodes(id, "compensation_completed"),
        *await look.nodes(id, "compensation_failed"),
    ]
    return {*nodes, *(f"{name}.compensate" for name in undone)}


async def test_failure_beside_a_question_survives_a_death(
    begin: Begin,
    process: Process,
    process_of: OpenProcess,
    look: Look,
    step: Step,
    engine_pool: Pool,
) -> None:
    """Whoever takes over does not wait for a person when another branch has failed."""
    nodes = [says("s"), ask("ok"), does("bad", fail="No."), says("x"), does("slow", hold=True)]
    document = workflow([*nodes, says("j")], "s ok j", "s x bad j", "s slow j")
    id = await begin(document)
    process.begin(id)
    await eventually(lambda: "slow" in step.ran)
    await eventually(lambda: _failed(look, id))
    await process.die()
    heir = await process_of()
    await take_over(engine_pool, process, heir)
    step.gates["slow"].set()
    await heir.drive(id)
    row = await look.row(id)
    assert (row["status"], row["error_node_id"]) == ("failed", "bad")


async def _failed(look: Look, id: Any) -> bool:
    return ("node_failed", "bad") in await look.events(id)
