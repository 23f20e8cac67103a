"""Reruns, forks and retries: what is reused is not done again, what comes after it is."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from compiler.errors import SpecificationError
from store.decisions import decide_approval
from store.errors import Conflict, NotFound
from store.executions import cancel_parked
from store.json_values import loads
from store.live import LiveView
from store.postgres import Pool
from store.time_travel import get_source, state_at
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.pools import BreakingPool, Death
from tests.actors.process import Process, take_over
from tests.actors.testing_agent import Step
from tests.actors.travel import Traveller
from tests.actors.workflows import Document, ask, chain, does, edges, says, undo, workflow
from tests.eventually import eventually
from tests.factories import Account

ROLLBACK = {"error_handling": {"on_failure": "rollback"}}


@pytest.fixture
def traveller(api_pool: Pool, live: LiveView, account: Account, process: Process) -> Traveller:
    """Makes executions of executions for the test's tenant."""
    return Traveller(api_pool, live, account.tenant_id, process)


@pytest.fixture
def answer(engine_pool: Pool, live: LiveView, account: Account, process: Process) -> Any:
    """Answer the one open question of an execution and drive it on."""

    async def decide(execution_id: UUID, value: Any) -> None:
        asked = await engine_pool.fetchrow(
            "SELECT id, execution_id FROM execution_approvals "
            "WHERE execution_id = $1 AND status = 'pending'",
            execution_id,
        )
        assert await decide_approval(
            engine_pool, live, account.tenant_id, execution_id, asked["id"], decision="approve",
            value=value, comment="", decided_by="p@example.com", owner_id=process.id,
        )  # fmt: skip
        await process.drive(execution_id)

    return decide


async def finished(begin: Begin, process: Process, document: Document, **input: Any) -> UUID:
    """Run a workflow to its end."""
    id = await begin(document, input)
    await process.drive(id)
    return id


@pytest.mark.requirement("USER.3")
async def test_rerun_of_a_chain_begins_at_the_node(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller
) -> None:
    """Results before it are reused and cost nothing again; the row and the event say whence."""
    source = await finished(begin, process, chain("a", "b", "c", "d"))
    step.ran = []
    id = await traveller.rerun(source, "c")
    assert step.ran == ["c", "d"]
    assert await look.output(id) == {"d": "d"}
    row = await look.row(id)
    assert (row["completed_nodes"], row["llm_tokens_used"], float(row["cost_usd"])) == (4, 6, 1)
    assert (row["origin_execution_id"], row["origin_kind"]) == (source, "rerun")
    assert (row["origin_node_id"], row["origin_checkpoint_number"]) == ("c", None)
    logs = {log["node_id"]: loads(log["metadata"]) for log in await look.logs(id)}
    assert logs["a"] == logs["b"] == {"reused_from": f"exec_{source.hex}"}
    assert "reused_from" not in logs["c"]
    payload = await look.pool.fetchval(
        "SELECT payload FROM execution_events WHERE execution_id = $1 AND seq = 1", id
    )
    assert loads(payload)["origin"] == {
        "execution_id": f"exec_{source.hex}", "kind": "rerun", "node_id": "c",
        "checkpoint_number": None,
    }  # fmt: skip
    assert (await look.row(source))["completed_nodes"] == 4


@pytest.mark.requirement("USER.3")
async def test_rerun_without_a_node_begins_at_the_beginning(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller
) -> None:
    """Nothing is reused, and the input is the source's unless it is edited."""
    source = await finished(begin, process, workflow([says("a", "{input.x}")]), x=1)
    assert await look.output(await traveller.rerun(source, None)) == {"a": 1}
    assert await look.output(await traveller.rerun(source, None, input={"x": 2})) == {"a": 2}
    assert step.ran == ["a", "a", "a"]


@pytest.mark.requirement("USER.3")
async def test_edited_input_counts_for_what_runs_anew(
    begin: Begin, process: Process, look: Look, traveller: Traveller
) -> None:
    """Reused results stay as they were made."""
    nodes = [says("a", "{input.x}"), says("b", {"a": "{a}", "x": "{input.x}"})]
    source = await finished(begin, process, workflow(nodes, "a b"), x=1)
    id = await traveller.rerun(source, "b", input={"x": 2})
    assert await look.output(id) == {"a": 1, "x": 2}


@pytest.mark.requirement("USER.3")
async def test_large_value_is_reused_whole(
    begin: Begin, process: Process, look: Look, traveller: Traveller
) -> None:
    """It belongs to the new execution, and is there when the source is deleted."""
    text = "x" * 100_000
    nodes = [says("a", {"text": "{input.text}", "n": 1}), says("b", "{a.text}!")]
    source = await finished(begin, process, workflow(nodes, "a b"), text=text)
    id = await traveller.rerun(source, "b", drive=False)
    await look.pool.execute("SELECT weft_delete_executions($1)", [source])
    await process.drive(id)
    assert await look.output(id) == {"b": f"{text}!"}


BRANCHES = workflow([says(id) for id in ("s", "x", "y", "z", "j")], "s x y j", "s z j")


@pytest.mark.requirement("USER.3")
async def test_rerun_in_a_branch_leaves_its_siblings_alone(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller
) -> None:
    """What does not come after the node is reused, whenever it ended."""
    source = await finished(begin, process, BRANCHES)
    step.ran = []
    id = await traveller.rerun(source, "y")
    assert step.ran == ["y", "j"]
    assert await look.output(id) == {"j": "j"}
    row = await look.row(id)
    assert (row["completed_nodes"], row["llm_tokens_used"]) == (5, 6)


def _choice() -> Document:
    nodes = [says("a", {"n": "{input.n}"}), says("c"), says("big"), says("small"), says("end")]
    document = workflow(nodes, "a c", "big end", "small end")
    document["edges"] += [
        {"from": "c", "to": "big", "condition": "a.n > 5"},
        {"from": "c", "to": "small"},
    ]
    return document


@pytest.mark.requirement("USER.3")
async def test_recorded_way_is_taken_again(
    begin: Begin, process: Process, step: Step, traveller: Traveller
) -> None:
    """A chooser that is reused goes where it went; one that runs anew looks again."""
    source = await finished(begin, process, _choice(), n=9)
    assert step.ran == ["a", "c", "big", "end"]
    step.ran = []
    await traveller.rerun(source, "big", input={"n": 1})
    assert step.ran == ["big", "end"]
    step.ran = []
    await traveller.rerun(source, "end", state={"big": "other"})
    assert step.ran == ["end"]


@pytest.mark.requirement("USER.3")
async def test_edited_state_takes_another_way(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller
) -> None:
    """A chooser behind an edited result chooses anew, though its own result is reused."""
    source = await finished(begin, process, _choice(), n=9)
    step.ran = []
    id = await traveller.rerun(source, "end", state={"a": {"n": 1}})
    assert step.ran == ["small", "end"]
    assert await look.output(id) == {"end": "end"}


@pytest.mark.requirement("USER.3")
async def test_router_behind_an_edit_looks_anew_and_an_edited_one_says_it_itself(
    begin: Begin, process: Process, step: Step, traveller: Traveller
) -> None:
    """Its way is part of its result."""
    route = {"condition": "a.n > 5", "if_true": "big", "if_false": "small"}
    nodes = [says("a", {"n": 9}), {"id": "r", "agent": "router", "parameters": route}]
    document = workflow([*nodes, *map(says, ("big", "small", "end"))], "a r big end", "r small end")
    source = await finished(begin, process, document)
    step.ran = []
    await traveller.rerun(source, "end", state={"a": {"n": 1}})
    assert step.ran == ["small", "end"]
    step.ran = []
    await traveller.rerun(source, "end", state={"r": {"route": "small"}})
    assert step.ran == ["small", "end"]


@pytest.mark.parametrize(
    ("state", "rule", "said"),
    [
        ({"d": 1}, "unknown_key", "there are: a, b"),
        ({"x": 1}, "unknown_key", "there are: a, b"),
        ({"a": "\x00"}, "unusable_character", "NUL"),
    ],
)
async def test_state_that_does_not_fit_is_refused(
    begin: Begin, process: Process, traveller: Traveller, state: Any, rule: str, said: str
) -> None:
    """Only reused results can be edited, and the problem names them."""
    source = await finished(begin, process, chain("a", "b", "c", "d"))
    with pytest.raises(SpecificationError) as refused:
        await traveller.rerun(source, "c", state=state)
    [problem] = refused.value.problems
    assert problem.rule == rule
    assert problem.path.startswith("state.")
    assert said in problem.message


@pytest.mark.parametrize(
    ("node_id", "visit", "rule"),
    [("nobody", None, "unknown_node"), ("small", None, "unknown_node"), ("a", 2, "unknown_visit")],
)
async def test_node_that_has_not_run_is_refused(
    begin: Begin, process: Process, traveller: Traveller, node_id: str, visit: int | None, rule: str
) -> None:
    """Neither an unknown node, nor one on another way, nor a visit that never was."""
    source = await finished(begin, process, _choice(), n=9)
    with pytest.raises(SpecificationError) as refused:
        await traveller.rerun(source, node_id, visit=visit)
    assert refused.value.problems[0].rule == rule


LOOP = {
    "nodes": [
        {"id": "count", "agent": "data_processing",
         "parameters": {"script": "return (state.get('count') or 0) + 1"}},
        says("work", "{count}"),
        {"id": "again", "agent": "router",
         "parameters": {"condition": "count < 3", "if_true": "count", "if_false": "done"}},
        says("done", "{work}"),
    ],
    "edges": edges("count work again count", "again done"),
}  # fmt: skip


@pytest.mark.requirement("USER.3")
@pytest.mark.parametrize(("visit", "worked"), [(1, 3), (2, 2), (3, 1), (None, 1)])
async def test_rerun_in_a_loop_begins_in_a_round(
    visit: int | None, worked: int, begin: Begin, process: Process, look: Look, step: Step,
    traveller: Traveller,
) -> None:  # fmt: skip
    """Rounds before the visit are reused, it and those after it run."""
    source = await finished(begin, process, LOOP)
    step.ran = []
    id = await traveller.rerun(source, "work", visit=visit)
    assert step.ran == ["work"] * worked + ["done"]
    assert await look.output(id) == {"done": 3}
    assert (await look.nodes(id, "node_completed")).count("work") == 3


def _mapped(**fields: Any) -> Document:
    each = {**does("each", value="{item}"), "pattern": "map", "input_keys": ["rows"]}
    nodes = [says("rows", "{input.rows}"), {**each, "batch_size": 3, **fields}]
    return workflow([*nodes, says("after", "{each}")], "rows each after")


@pytest.mark.requirement("USER.3")
async def test_map_is_reused_whole(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller
) -> None:
    """Its items are the new execution's own, and a rerun of the rerun reuses them as well."""
    source = await finished(begin, process, _mapped(), rows=[1, 2, 3, 4])
    step.ran = []
    first = await traveller.rerun(source, "after")
    second = await traveller.rerun(first, "after")
    assert step.ran == ["after", "after"]
    for id in (first, second):
        assert await look.output(id) == {"after": [1, 2, 3, 4]}
        items = "SELECT count(*) FROM execution_map_items WHERE execution_id = $1"
        assert await look.pool.fetchval(items, id) == 4
        [log] = [log for log in await look.logs(id) if log["node_id"] == "each"]
        assert loads(log["metadata"])["items"] == 4


@pytest.mark.requirement("USER.3")
async def test_mapped_list_can_be_edited(
    begin: Begin, process: Process, look: Look, traveller: Traveller
) -> None:
    """Those after it read the edited list; anything but a list is refused."""
    source = await finished(begin, process, _mapped(), rows=[1, 2])
    id = await traveller.rerun(source, "after", state={"each": ["x", "y", "z"]})
    assert await look.output(id) == {"after": ["x", "y", "z"]}
    with pytest.raises(SpecificationError, match="holds a list"):
        await traveller.rerun(source, "after", state={"each": 5})


@pytest.mark.requirement("USER.3", "USER.9")
async def test_retry_runs_only_the_items_of_a_map_that_failed(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller
) -> None:
    """Items that completed are reused, one by one, and not counted again."""
    step.broken = {"each[1]", "each[4]"}
    source = await finished(begin, process, _mapped(), rows=[0, 1, 2, 3, 4])
    assert await look.status(source) == "failed"
    step.broken, step.ran = {"each[4]"}, []
    second = await traveller.retry(source)
    assert await look.status(second) == "failed"
    assert sorted(step.ran) == ["each[1]", "each[4]"]
    step.broken, step.ran = set(), []
    third = await traveller.retry(second)
    assert step.ran == ["each[4]", "after"]
    assert await look.output(third) == {"after": [0, 1, 2, 3, 4]}
    assert (await look.row(third))["llm_tokens_used"] == 6


@pytest.mark.requirement("USER.3")
async def test_retry_keeps_maps_of_rounds_that_were_gone_on_from_apart(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller
) -> None:
    """A failed round's items are not taken for those of the next, which was never begun."""
    each = {**does("each", value="{count}"), "pattern": "map", "input_keys": ["rows"]}
    again = {"condition": "count < 2", "if_true": "count", "if_false": "done"}
    document = {
        "nodes": [
            LOOP["nodes"][0], says("rows", [1, 2]), {**each, "on_failure": "continue"},
            does("gate", hold=True), {"id": "again", "agent": "router", "parameters": again},
            says("done", "{each}"),
        ],
        "edges": edges("count rows each gate again count", "again done"),
    }  # fmt: skip
    step.broken = {"each[1]"}
    source = await begin(document)
    driving = process.begin(source)
    await eventually(lambda: "gate" in step.ran)
    step.broken = {"rows"}
    step.gates["gate"].set()
    await driving
    assert (await look.row(source))["error_node_id"] == "rows"
    step.broken, step.ran = set(), []
    id = await traveller.retry(source)
    assert sorted(step.ran) == ["done", "each[0]", "each[1]", "gate", "rows"]
    assert await look.output(id) == {"done": [2, 2]}


@pytest.mark.requirement("USER.3")
async def test_retry_goes_on_where_an_execution_failed(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller
) -> None:
    """All that was recorded is reused; the failed node runs again, and the rest follows."""
    step.broken = {"c"}
    source = await finished(begin, process, chain("a", "b", "c", "d"))
    step.broken, step.ran = set(), []
    id = await traveller.retry(source)
    assert step.ran == ["c", "d"]
    assert await look.output(id) == {"d": "d"}
    assert (await look.row(id))["origin_node_id"] == "c"
    assert (await look.row(source))["status"] == "failed"


async def test_retry_keeps_failures_that_were_gone_on_from(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller
) -> None:
    """A default, or a null that others have built upon, stays what it was."""
    nodes = [
        does("a", value=1, default="instead"), does("b", value=2, on_failure="continue"),
        says("c", {"a": "{a}", "b": "{b}", "why": "{failures.b.message}"}), says("d", "{c}"),
    ]  # fmt: skip
    step.broken = {"a", "b", "d"}
    source = await finished(begin, process, workflow(nodes, "a b c d"))
    step.broken, step.ran = set(), []
    id = await traveller.retry(source)
    assert step.ran == ["d"]
    assert await look.output(id) == {"a": "instead", "b": None, "why": "b is broken."}
    assert await look.nodes(id, "node_failed") == ["a", "b"]


@pytest.mark.requirement("USER.3")
async def test_retry_of_a_retry_that_did_not_get_far_reuses_all(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller, live: LiveView,
    engine_pool: Pool, account: Account,
) -> None:  # fmt: skip
    """What an execution was to reuse and had not come to is reused by the next."""
    step.broken = {"c"}
    source = await finished(begin, process, chain("a", "b", "c", "d"))
    step.broken, step.ran = set(), []
    cut_off = await traveller.retry(source, drive=False)
    assert await cancel_parked(engine_pool, live, account.tenant_id, cut_off, "No.")
    id = await traveller.retry(cut_off)
    assert step.ran == ["c", "d"]
    assert await look.output(id) == {"d": "d"}


async def test_retry_of_what_runs_or_completed_is_refused(
    begin: Begin, process: Process, traveller: Traveller
) -> None:
    """The error says what to do instead."""
    running = await begin(chain("a"))
    with pytest.raises(Conflict, match="is running") as refused:
        await traveller.retry(running)
    assert "fork it" in refused.value.remedy
    await process.drive(running)
    with pytest.raises(Conflict, match="is completed") as refused:
        await traveller.retry(running)
    assert "Rerun it" in refused.value.remedy


@pytest.mark.requirement("USER.3", "USER.8")
async def test_what_was_undone_is_done_again(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller
) -> None:
    """So is what came after it; a sibling that nothing undid is reused."""
    undoable = {**says("b"), "compensate": undo(value="undone")}
    nodes = [says("a"), undoable, says("c", "{b}"), says("x"), says("j")]
    document = workflow(nodes, "a b c j", "a x j", **ROLLBACK)
    step.broken = {"j"}
    source = await finished(begin, process, document)
    assert "b.compensate" in step.ran
    step.broken, step.ran = set(), []
    id = await traveller.retry(source)
    assert step.ran == ["b", "c", "j"]
    assert await look.status(id) == "completed"


UNDOABLE = workflow(
    [*({**says(id), "compensate": undo(value=id)} for id in ("a", "b")), does("c", hold=True)],
    "a b c",
    **ROLLBACK,
)


@pytest.mark.requirement("USER.8")
async def test_rerun_undoes_only_what_it_did_itself(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller
) -> None:
    """Results of an execution that stands are not undone by another one's failure."""
    step.gates["c"].set()
    source = await finished(begin, process, UNDOABLE)
    step.broken, step.ran = {"c"}, []
    id = await traveller.rerun(source, "b")
    assert step.ran == ["b", "c", "b.compensate"]
    assert await look.status(id) == "failed"


@pytest.mark.requirement("USER.8")
async def test_retry_undoes_what_its_source_did(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller, live: LiveView,
    engine_pool: Pool, account: Account,
) -> None:  # fmt: skip
    """It goes on in the place of one that was cut off."""
    source = await begin(UNDOABLE)
    process.begin(source)
    await eventually(lambda: "c" in step.ran)
    assert await cancel_parked(engine_pool, live, account.tenant_id, source, "No.")
    step.gates["c"].set()
    step.broken, step.ran = {"c"}, []
    id = await traveller.retry(source)
    assert step.ran == ["c", "b.compensate", "a.compensate"]
    assert await look.status(id) == "failed"


@pytest.mark.requirement("USER.3", "FR-2.7")
async def test_person_is_not_asked_again(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller, answer: Any
) -> None:
    """The answer is reused, until the question itself is rerun."""
    document = workflow([says("a"), ask("ok"), says("b", "{ok.value}")], "a ok b")
    source = await begin(document)
    await process.drive(source)
    await answer(source, "blue")
    step.ran = []
    id = await traveller.rerun(source, "b")
    assert step.ran == ["b"]
    assert await look.output(id) == {"b": "blue"}
    count = "SELECT count(*) FROM execution_approvals WHERE execution_id = $1"
    assert await look.pool.fetchval(count, id) == 0
    anew = await traveller.rerun(source, "ok")
    assert await look.status(anew) == "waiting"
    await answer(anew, "red")
    assert await look.output(anew) == {"b": "red"}


def _mixed() -> Document:
    """Branches with a map, a question and a choice, then a loop."""
    each = {**does("each", value="{item}"), "pattern": "map", "input_keys": ["rows"]}
    nodes = [
        says("rows", [3, 4, 5, 6]), {**each, "batch_size": 2}, ask("ok"), says("p", "{ok.value}"),
        says("join", {"each": "{each}", "p": "{p}"}), says("high"), says("low"),
        {"id": "count", "agent": "data_processing",
         "parameters": {"script": "return (state.get('count') or 0) + 1"}},
        {"id": "again", "agent": "router",
         "parameters": {"condition": "count < 2", "if_true": "count", "if_false": "done"}},
        says("done", {"join": "{join}", "count": "{count}"}),
    ]  # fmt: skip
    document = workflow(
        nodes, "rows each join", "rows ok p join", "high count", "low count", "count again count",
        "again done",
    )  # fmt: skip
    document["edges"] += [
        {"from": "join", "to": "high", "condition": "p == 'yes'"}, {"from": "join", "to": "low"},
    ]  # fmt: skip
    return document


@pytest.mark.requirement("USER.3")
async def test_fork_at_each_checkpoint_comes_to_the_same(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller, answer: Any
) -> None:
    """Forks reuse more and more, and each gives the source's output."""
    source = await begin(_mixed())
    await process.drive(source)
    await answer(source, "yes")
    expected = await look.output(source)
    assert expected["count"] == 2
    amounts = []
    for checkpoint in await traveller.checkpoints(source):
        step.ran = []
        id = await traveller.fork(source, checkpoint["checkpoint_number"])
        if await look.status(id) == "waiting":
            await answer(id, "yes")
        assert await look.output(id) == expected
        assert (await look.row(id))["origin_checkpoint_number"] == checkpoint["checkpoint_number"]
        amounts.append(len(step.ran))
    assert amounts == sorted(amounts, reverse=True)
    assert amounts[0] == 9
    assert amounts[-1] == 0
    assert len(set(amounts)) > 4


@pytest.mark.requirement("USER.3")
async def test_state_at_a_checkpoint_is_what_a_fork_begins_with(
    begin: Begin, process: Process, traveller: Traveller, api_pool: Pool, account: Account
) -> None:
    """Values by key, mapped lists as counts or whole, failures that were gone on from."""
    document = _mapped()
    document["nodes"].append(does("bad", fail="No.", default=7))
    document["edges"] += edges("after bad")
    source = await finished(begin, process, document, rows=[1, 2, 3])
    spec = (await traveller.source(source)).specification
    states = [
        await state_at(
            api_pool, account.tenant_id, source, checkpoint["event_seq"], spec, full=False
        )
        for checkpoint in await traveller.checkpoints(source)
    ]
    assert states[0].values == {}
    assert {"rows": [1, 2, 3]} in [state.values for state in states]
    last = states[-1]
    assert last.values == {
        "rows": [1, 2, 3], "each": {"count": 3, "failed": 0}, "after": [1, 2, 3], "bad": 7,
    }  # fmt: skip
    assert last.failures == {"bad": "No."}
    end = (await traveller.source(source)).row["last_event_seq"]
    full = await state_at(api_pool, account.tenant_id, source, end, spec, full=True)
    assert full.values["each"] == [1, 2, 3]


@pytest.mark.requirement("USER.3")
async def test_running_execution_can_be_forked(
    begin: Begin, process: Process, look: Look, step: Step, traveller: Traveller
) -> None:
    """The fork reuses what was recorded until the checkpoint, and the source goes on."""
    document = chain("a", "b", "c")
    document["nodes"][2]["parameters"]["hold"] = True
    source = await begin(document)
    process.begin(source)
    await eventually(lambda: "c" in step.ran)
    step.ran = []
    last = (await traveller.checkpoints(source))[-1]["checkpoint_number"]
    step.gates["c"].set()
    id = await traveller.fork(source, last)
    assert step.ran == ["c"]
    assert await look.output(id) == {"c": "c"}


# LangGraph's loop is cut off between making a coroutine and awaiting it, as a killed process is.
@pytest.mark.filterwarnings("ignore:.*_checkpointer_put_after_previous")
@pytest.mark.requirement("USER.3", "FR-2.6")
@pytest.mark.parametrize("which", ["chain", "loop", "map"])
async def test_death_in_a_retry_reuses_each_result_once(
    which: str, begin: Begin, process: Process, process_of: OpenProcess, look: Look, step: Step,
    traveller: Traveller, engine_pool: Pool,
) -> None:  # fmt: skip
    """Killed before its 1st, 2nd, … transaction, another owner goes on and counts visits right."""
    alone = {"settings": {"execution": {"max_concurrent_nodes": 1}}}
    document: Document = {
        "chain": chain("a", "b", "c", "d"), "loop": LOOP, "map": {**_mapped(), **alone},
    }[which]  # fmt: skip
    input = {"rows": [0, 1, 2, 3, 4]}
    step.broken = {"chain": {"c"}, "loop": {"done"}, "map": {"each[1]", "after"}}[which]
    source = await begin(document, input)
    await process.drive(source)
    assert await look.status(source) == "failed"
    allowed = {"chain": {"c", "d"}, "loop": {"done"}, "map": {"each[1]", "after"}}[which]
    expected: Any = {"chain": {"d": "d"}, "loop": {"done": 3}, "map": {"after": [0, 1, 2, 3, 4]}}
    heir = await process_of()
    step.broken = set()
    number, died = 0, True
    while died:
        number += 1
        pool = BreakingPool(engine_pool, number + 1, Death(), for_ever=True)
        mortal = await process_of(journal_pool=pool)
        step.ran = []
        id = await traveller.retry(source, process=mortal, drive=False)
        await mortal.drive_until_death(id)
        if died := pool.broke:
            assert await take_over(engine_pool, mortal, heir) == [id]
            await heir.drive(id)
        assert set(step.ran) == allowed, number
        assert await look.output(id) == expected[which]
        rounds = 3 if which == "loop" else 1
        completed = await look.nodes(id, "node_completed")
        assert all(completed.count(node) in (1, rounds) for node in completed)
    assert number > 2


@pytest.mark.requirement("NFR-4.1")
async def test_another_tenant_finds_nothing_to_rerun(
    begin: Begin, process: Process, api_pool: Pool
) -> None:
    """It is not found, as if it did not exist."""
    source = await finished(begin, process, chain("a"))
    with pytest.raises(NotFound):
        await get_source(api_pool, uuid4(), source)


@pytest.mark.requirement("USER.1", "USER.3")
async def test_an_idempotency_key_reruns_once(
    begin: Begin, process: Process, traveller: Traveller
) -> None:
    """Repeating it gives the same execution; another edit under the same key is refused."""
    source = await finished(begin, process, chain("a", "b"))
    first = await traveller.rerun(source, "b", idempotency_key="k")
    assert await traveller.rerun(source, "b", idempotency_key="k") == first
    with pytest.raises(Conflict, match="idempotency key"):
        await traveller.rerun(source, "b", state={"a": 1}, idempotency_key="k")


async def test_reruns_of_one_source_can_run_at_once(
    begin: Begin, process: Process, look: Look, traveller: Traveller
) -> None:
    """They share what they reuse and nothing else."""
    source = await finished(begin, process, _mapped(), rows=[1, 2, 3])
    made = await asyncio.gather(*(traveller.rerun(source, "after") for _ in range(4)))
    assert len(set(made)) == 4
    for id in made:
        assert await look.output(id) == {"after": [1, 2, 3]}
