"""Large values: kept once, named everywhere, and whole for whoever goes on."""

import hashlib
from typing import Any
from uuid import UUID

import orjson
import pytest

from actors import artifacts as artifacts_module
from actors.attempts import LIST_PART
from store.artifacts import LIMIT_BYTES, THRESHOLD_CHARACTERS, Reference
from store.json_values import loads
from store.postgres import Pool
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.process import Process, take_over
from tests.actors.testing_agent import Step
from tests.actors.workflows import ask, call, does, says, undo, workflow
from tests.eventually import eventually
from tests.factories import Account, MakeWorkflow

LARGE = "large " * 20_000
TEXT = orjson.dumps(LARGE)
DIGEST = hashlib.sha256(TEXT).hexdigest()


async def _artifacts(pool: Pool, execution_id: UUID) -> dict[str, Any]:
    rows = await pool.fetch(
        "SELECT sha256, size_bytes, content FROM execution_artifacts WHERE execution_id = $1",
        execution_id,
    )
    assert all(row["size_bytes"] == len(row["content"]) for row in rows)
    assert all(hashlib.sha256(row["content"]).hexdigest() == row["sha256"] for row in rows)
    return {row["sha256"]: loads(row["content"]) for row in rows}


async def test_a_value_that_is_passed_on_is_kept_once(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """State, logs, events and the next nodes' inputs all name the same artifact."""
    nodes = [says("a", LARGE), does("b", value="{a}"), does("c", value="{b}")]
    id = await begin(workflow(nodes, "a b c"))
    await process.drive(id)
    assert await look.output(id) == {"c": LARGE}
    kept = await _artifacts(engine_pool, id)
    assert kept == {DIGEST: LARGE}
    named = Reference(DIGEST, len(TEXT), LARGE[:1000]).document
    for log in await look.logs(id):
        assert loads(log["output_data"]) == named
        assert loads(log["input_data"])["value"] == named
    payloads = await engine_pool.fetch(
        "SELECT node_id, payload FROM execution_events WHERE event_type = 'node_completed'"
    )
    assert [loads(row["payload"])["output"] for row in payloads] == [{n: named} for n in "abc"]
    longest = await engine_pool.fetchval(
        "SELECT max(length(value::text)) FROM execution_channel_values"
    )
    assert longest < 1000


async def test_what_is_kept_bit_by_bit_is_the_same_value(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """Long lists and texts are kept once, alone and within objects, and each log names them."""
    rows = [{"n": number, "t": "é"} for number in range(2 * LIST_PART + 1)]
    text = "long " * 300_000
    whole = {"rows": rows, "deep": {"text": text}, "n": 1}
    nodes = [says("a", rows), says("b", whole), does("c", value="{b}"), does("d", value="{a}")]
    id = await begin(workflow(nodes, "a b c d"))
    await process.drive(id)
    kept = list((await _artifacts(engine_pool, id)).values())
    assert len(kept) == 2
    assert rows in kept
    assert text in kept
    logs = {log["node_id"]: log for log in await look.logs(id)}
    named = loads(logs["c"]["input_data"])["value"]
    assert named["rows"] == loads(logs["a"]["output_data"]) == loads(logs["d"]["output_data"])
    assert Reference.of(named["rows"]) is not None
    assert Reference.of(named["deep"]["text"]) is not None
    assert named["n"] == 1


async def test_of_an_object_the_long_entries_are_kept(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """What is short in a result stands where it belongs; a result of many short parts is kept."""
    many = {f"k{n}": "x" * 100 for n in range(1000)}
    nodes = [says("a", {"text": LARGE, "count": 3}), says("b", many), does("c", value="{a.text}")]
    id = await begin(workflow(nodes, "a b c"))
    await process.drive(id)
    kept = await _artifacts(engine_pool, id)
    assert list(kept.values()) == [LARGE, many] or list(kept.values()) == [many, LARGE]
    logs = {log["node_id"]: loads(log["output_data"]) for log in await look.logs(id)}
    assert logs["a"]["count"] == 3
    assert Reference.of(logs["a"]["text"]) is not None
    assert Reference.of(logs["b"]) is not None


async def test_an_heir_reads_what_the_dead_kept(
    begin: Begin, process_of: OpenProcess, process: Process, look: Look, step: Step,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """A value in the state that is only named there is whole again in another process."""
    value = {"text": LARGE, "$weft": {"sha256": DIGEST}, "n": 1}
    nodes = [says("a", value), does("b", value="{a}", hold=True)]
    id = await begin(workflow(nodes, "a b"))
    driving = process.begin(id)
    await eventually(lambda: "b" in step.ran)
    await process.die()
    assert driving.done()
    heir = await process_of()
    await take_over(engine_pool, process, heir)
    step.gates["b"].set()
    await heir.drive(id)
    assert await look.output(id) == value
    assert step.ran == ["a", "b", "b"]
    assert LARGE in (await _artifacts(engine_pool, id)).values()


async def test_what_asks_a_person_keeps_its_state(
    begin: Begin, process: Process, look: Look, engine_pool: Pool, account: Account
) -> None:
    """An execution that waits and is woken goes on with the whole value."""
    id = await begin(workflow([says("a", [LARGE]), ask("ok"), does("b", value="{a}")], "a ok b"))
    await process.drive(id)
    assert await look.status(id) == "waiting"
    config: Any = {"configurable": {"thread_id": str(id)}}
    unhosted = await process.saver.aget_tuple(config)
    assert unhosted is not None
    assert unhosted.checkpoint["channel_values"]["a"] == [LARGE]


async def test_a_large_value_may_be_deep_in_others(
    begin: Begin, process_of: OpenProcess, process: Process, look: Look, step: Step,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """Wherever it stands in objects that are put into others, it is named, and whole again."""
    deep = {"p": {"q": {"r": LARGE, "n": 1}}}
    put = {"x": {"y": {"z": "{a}", "list": ["{a.p}"]}}}
    nodes = [says("a", deep), does("b", value=put), does("c"), does("d", value="{b.x.y.z}"),
             does("e", value="{b}", hold=True)]  # fmt: skip
    id = await begin(workflow(nodes, "a b d e", "a c e"))
    process.begin(id)
    await eventually(lambda: "e" in step.ran)
    await process.die()
    heir = await process_of()
    await take_over(engine_pool, process, heir)
    step.gates["e"].set()
    await heir.drive(id)
    assert await look.output(id) == {"x": {"y": {"z": deep, "list": [deep["p"]]}}}
    for log in await look.logs(id):
        assert len(log["output_data"] or "") < 5000
    values = await engine_pool.fetchval(
        "SELECT max(length(value::text)) FROM execution_channel_values"
    )
    assert values < 1000


async def test_an_output_over_a_mebibyte_is_named(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """An execution's row holds up to a mebibyte; of more, what is long is named."""
    huge = LARGE * 10
    id = await begin(workflow([says("a", huge)], ""))
    await process.drive(id)
    output = await look.output(id)
    reference = Reference.of(output["a"])
    assert reference is not None
    assert (await _artifacts(engine_pool, id))[reference.sha256] == huge


async def test_a_child_hands_over_its_whole_output(
    begin: Begin, process: Process, look: Look, make_workflow: MakeWorkflow, step: Step,
    engine_pool: Pool,
) -> None:  # fmt: skip
    """Who started an execution, for a node or for items, has no artifacts of it and needs none."""
    huge = LARGE * 10
    child = {**workflow([says("a", huge)], ""), "metadata": {"name": "child"}}
    await make_workflow(child, name="child")
    each = {**call("each", "child"), "pattern": "map", "input_keys": ["input.rows"]}
    nodes = [call("sub", "child"), each, does("n", value="{sub.a}"), does("m", value="{each}")]
    id = await begin(workflow(nodes, "sub each n m"), {"rows": [1, 2]})
    await process.drive(id)
    await process.settle()
    output = await look.output(id)
    kept = await _artifacts(engine_pool, id)
    reference = Reference.of(output["m"])
    assert reference is not None
    assert kept[reference.sha256] == [{"a": huge}] * 2
    assert huge in kept.values()
    ended = await engine_pool.fetch(
        "SELECT e.output_data, v.payload FROM workflow_executions AS e "
        "JOIN execution_events AS v ON v.execution_id = e.id "
        "WHERE e.parent_execution_id = $1 AND v.event_type = 'workflow_completed'", id,
    )  # fmt: skip
    assert [loads(row["output_data"]) for row in ended] == [{"a": huge}] * 3
    assert all(Reference.of(loads(row["payload"])["output"]["a"]) for row in ended)


async def test_what_runs_at_the_end_sees_whole_values(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """A compensation and a last node read what the logs only name."""
    nodes = [
        says("a", {"text": LARGE, "n": 1}) | {"compensate": undo(value="{a.text}")},
        does("b", fail="no"),
        does("last", value="{a.text}"),
    ]
    document = workflow(
        nodes, "a b", error_handling={"finally": ["last"], "on_failure": "rollback"}
    )
    id = await begin(document)
    await process.drive(id)
    logs = [(log["node_id"], log["task_id"], log["output_data"]) for log in await look.logs(id)]
    last = [loads(output) for node, task, output in logs if "epilogue" in task]
    assert [Reference.of(output) for output in last] == [
        Reference(DIGEST, len(TEXT), LARGE[:1000])
    ] * 2


async def test_a_value_that_looks_like_a_reference_stays_as_it_is(
    begin: Begin, process: Process, look: Look
) -> None:
    """Data of a user's in the form of a reference is data."""
    false = Reference("0" * 64, 3, "…").document
    nodes = [says("a", false), does("b", value="{a}"), does("last", value="{a}")]
    id = await begin(workflow(nodes, "a b", error_handling={"finally": ["last"]}))
    await process.drive(id)
    assert await look.status(id) == "completed"
    logs = {log["node_id"]: loads(log["output_data"]) for log in await look.logs(id)}
    assert (logs["b"], logs["last"]) == (false, false)


@pytest.mark.timeout(120)
async def test_a_result_of_20_megabytes_is_fine(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """A result far over what a row should hold goes through, once."""
    text = "0123456789" * 2_000_000
    document = workflow([does("a", value="{input.text}"), does("b", value="{a}")], "a b")
    id = await begin(document, {"text": text})
    await process.drive(id)
    output = Reference.of((await look.output(id))["b"])
    assert output is not None
    assert output.size_bytes == len(text) + 2
    assert [len(value) for value in (await _artifacts(engine_pool, id)).values()] == [len(text)]


async def test_a_result_that_is_too_large_fails_its_node(
    begin: Begin, process: Process, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the bound the node's error says how much there was, and what to do."""
    monkeypatch.setattr(artifacts_module, "LIMIT_BYTES", 100_000)
    id = await begin(workflow([says("a", LARGE), says("b")], "a b"))
    await process.drive(id)
    row = await look.row(id)
    assert row["status"] == "failed"
    assert "0.1 MiB" in row["error_message"]
    assert "Let the node answer less" in row["error_message"]
    assert LIMIT_BYTES == 64 * 1024 * 1024


async def test_short_values_stay_where_they_belong(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """Up to the threshold nothing is kept apart."""
    value = "x" * (THRESHOLD_CHARACTERS - 20)
    id = await begin(workflow([says("a", value)], ""))
    await process.drive(id)
    assert await _artifacts(engine_pool, id) == {}
    assert await look.output(id) == {"a": value}


async def test_artifacts_belong_to_their_execution(
    begin: Begin, process: Process, engine_pool: Pool
) -> None:
    """The same content of two executions is two artifacts, each with its tenant."""
    ids = [await begin(workflow([says("a", LARGE)], "")) for _ in range(2)]
    for id in ids:
        await process.drive(id)
    rows = await engine_pool.fetch("SELECT DISTINCT execution_id, sha256 FROM execution_artifacts")
    assert {(row["execution_id"], row["sha256"]) for row in rows} == {(id, DIGEST) for id in ids}
