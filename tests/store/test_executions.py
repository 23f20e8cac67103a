"""Starting, deciding and ending executions from outside their owner."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from store.decisions import decide_approval
from store.errors import Conflict, NotFound
from store.executions import cancel_parked, events_after, fail_parked
from store.json_values import loads
from store.live import LiveView
from store.postgres import Pool
from store.records import (
    EventRecord,
    MoveRecord,
)
from store.status import Status
from store.workflows import archive_workflow
from store.writing import Batch, Outcome, write_records
from tests.factories import Account, MakeWorkflow, StartExecution
from tests.store.rows import park, question, write

ANSWER: dict[str, Any] = {"value": None, "comment": "", "decided_by": "a@b.example"}


async def _events(pool: Pool, account: Account, execution_id: UUID) -> list[tuple[int, str]]:
    found = await events_after(pool, account.tenant_id, execution_id, 0, 1000)
    return [(event.seq, event.event_type) for event in found]


@pytest.mark.requirement("API.2")
async def test_start_is_a_row_and_an_event(
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    api_pool: Pool,
    owner_pool: Pool,
) -> None:
    """An accepted start has its row, its first epoch, its deadline and its event."""
    started = await start(await make_workflow(), {"text": "hello"}, timeout_seconds=60)
    row = await owner_pool.fetchrow("SELECT * FROM workflow_executions")
    assert (row["id"], row["status"], row["epoch"]) == (started.execution_id, "pending", 1)
    assert (row["deadline_at"] - row["created_at"]).total_seconds() == 60
    events = await events_after(api_pool, account.tenant_id, started.execution_id, 0, 10)
    assert [event.event_type for event in events] == ["workflow_started"]
    assert events[0].payload["input_data"] == {"text": "hello"}


@pytest.mark.requirement("USER.1")
async def test_parallel_starts_with_one_key_are_one_execution(
    make_workflow: MakeWorkflow, start: StartExecution, owner_pool: Pool
) -> None:
    """Of fifty requests at once one makes the execution and all learn its id."""
    workflow = await make_workflow()
    started = await asyncio.gather(
        *(start(workflow, {"text": "x"}, idempotency_key="k") for _ in range(50))
    )
    assert len({one.execution_id for one in started}) == 1
    assert sum(one.created for one in started) == 1
    assert await owner_pool.fetchval("SELECT count(*) FROM workflow_executions") == 1
    assert await owner_pool.fetchval("SELECT count(*) FROM execution_events") == 1


@pytest.mark.requirement("USER.1")
async def test_key_with_another_body_is_a_conflict(
    make_workflow: MakeWorkflow, start: StartExecution
) -> None:
    """A key stands for one request; the order of a body's fields is free."""
    workflow = await make_workflow()
    first = await start(workflow, {"a": 1, "b": 2}, idempotency_key="k")
    again = await start(workflow, {"b": 2, "a": 1}, idempotency_key="k")
    assert (again.execution_id, again.created) == (first.execution_id, False)
    with pytest.raises(Conflict, match="was used for another request"):
        await start(workflow, {"a": 2, "b": 2}, idempotency_key="k")


async def test_archived_workflow_does_not_start(
    make_workflow: MakeWorkflow, start: StartExecution, account: Account, api_pool: Pool
) -> None:
    """A start that was accepted before is still known by its key."""
    workflow = await make_workflow()
    first = await start(workflow, idempotency_key="k")
    await archive_workflow(api_pool, account.tenant_id, workflow.id)
    with pytest.raises(NotFound):
        await start(workflow)
    assert (await start(workflow, idempotency_key="k")).execution_id == first.execution_id


async def test_input_that_postgres_refuses_is_cleaned(
    make_workflow: MakeWorkflow, start: StartExecution, owner_pool: Pool
) -> None:
    """U+0000 in an input starts the execution with the replacement character."""
    await start(await make_workflow(), {"text": "a\x00\ud800"})
    kept = await owner_pool.fetchval("SELECT input_data FROM workflow_executions")
    assert loads(kept) == {"text": "a\ufffd\ufffd"}


@pytest.mark.requirement("FR-2.7")
async def test_question_is_answered_once(
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    live: LiveView,
    api_pool: Pool,
    engine_pool: Pool,
) -> None:
    """Of twenty answers at once the first counts, and the execution goes on once."""
    id = (await start(await make_workflow())).execution_id
    [asked] = await park(engine_pool, account.tenant_id, id, "only")
    decided = await asyncio.gather(
        *(
            decide_approval(
                api_pool, live, account.tenant_id, id, asked, decision=f"option {number}",
                owner_id=None, **ANSWER,
            )
            for number in range(20)
        )
    )  # fmt: skip
    assert sum(decided) == 1
    row = await engine_pool.fetchrow("SELECT * FROM workflow_executions")
    assert (row["status"], row["epoch"], row["owner_id"]) == ("running", 2, None)
    kept = await engine_pool.fetchval("SELECT decision FROM execution_approvals")
    assert kept == f"option {decided.index(True)}"
    assert await _events(api_pool, account, id) == [(1, "workflow_started"),
                                                     (2, "approval_decided")]  # fmt: skip


@pytest.mark.requirement("FR-2.7")
async def test_question_of_another_execution_is_left_alone(
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    live: LiveView,
    engine_pool: Pool,
) -> None:
    """An answer reaches the question only through the execution that asked it."""
    workflow = await make_workflow()
    first, second = [(await start(workflow)).execution_id for _ in range(2)]
    [asked] = await park(engine_pool, account.tenant_id, first, "only")
    assert not await decide_approval(
        engine_pool, live, account.tenant_id, second, asked, decision="approve", owner_id=None,
        **ANSWER,
    )  # fmt: skip
    assert await engine_pool.fetchval("SELECT status FROM execution_approvals") == "pending"


@pytest.mark.requirement("FR-2.7")
async def test_answer_that_came_first_keeps_an_execution_running(
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    live: LiveView,
    engine_pool: Pool,
) -> None:
    """Who wants to wait is refused while an answer lies ready that nobody took over."""
    id = (await start(await make_workflow())).execution_id
    asked = question(account.tenant_id, id)
    await write(engine_pool, asked, MoveRecord(id, 1, Status.RUNNING))
    assert await decide_approval(
        engine_pool, live, account.tenant_id, id, asked.id, decision="approve", owner_id=None,
        **ANSWER,
    )  # fmt: skip
    told = EventRecord(account.tenant_id, id, uuid4(), "node_started", None, "{}")
    assert await write(engine_pool, MoveRecord(id, 1, Status.WAITING), told) == {id}
    row = await engine_pool.fetchrow("SELECT * FROM workflow_executions")
    assert (row["status"], row["epoch"]) == ("running", 1)
    kinds = [kind for _, kind in await _events(engine_pool, account, id)]
    assert kinds == ["workflow_started", "approval_decided", "node_started"]


@pytest.mark.requirement("FR-2.9")
@pytest.mark.parametrize("waiting", [True, False])
async def test_cancel_takes_an_execution_from_its_owner(
    waiting: bool,
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    live: LiveView,
    api_pool: Pool,
    engine_pool: Pool,
) -> None:
    """The epoch moves, open questions close, and a second cancel finds nothing to do."""
    id = (await start(await make_workflow(), webhook_url="https://a.example/")).execution_id
    if waiting:
        await park(engine_pool, account.tenant_id, id, "one", "other")
    ended = await asyncio.gather(
        *(cancel_parked(api_pool, live, account.tenant_id, id, "enough") for _ in range(5))
    )
    assert sorted(ended) == [False] * 4 + [True]
    row = await engine_pool.fetchrow("SELECT * FROM workflow_executions")
    assert (row["status"], row["epoch"], row["error_message"]) == ("cancelled", 2, "enough")
    asked = await engine_pool.fetch("SELECT status FROM execution_approvals")
    assert {row["status"] for row in asked} <= {"withdrawn"}
    assert (await _events(engine_pool, account, id))[-1][1] == "workflow_cancelled"
    assert await engine_pool.fetchval("SELECT count(*) FROM webhook_deliveries") == 1


async def test_failing_a_parked_execution_says_why(
    make_workflow: MakeWorkflow,
    start: StartExecution,
    account: Account,
    live: LiveView,
    engine_pool: Pool,
) -> None:
    """The reason is in the row and in the event; an ended execution stays as it ended."""
    id = (await start(await make_workflow())).execution_id
    assert await fail_parked(engine_pool, live, account.tenant_id, id, "too late")
    assert not await cancel_parked(engine_pool, live, account.tenant_id, id, "x")
    row = await engine_pool.fetchrow("SELECT * FROM workflow_executions")
    assert (row["status"], row["error_message"]) == ("failed", "too late")
    last = (await events_after(engine_pool, account.tenant_id, id, 1, 10))[-1]
    assert last.payload["error_message"] == "too late"


async def test_events_are_numbered_without_a_gap(
    make_workflow: MakeWorkflow, start: StartExecution, account: Account, engine_pool: Pool
) -> None:
    """Many writers of several executions give each execution the numbers 1, 2, 3, ..."""
    workflow = await make_workflow()
    ids = sorted([(await start(workflow)).execution_id for _ in range(3)])

    async def say(number: int) -> None:
        told = [
            Batch(id, 1, [
                EventRecord(account.tenant_id, id, uuid4(), f"said_{number}_{part}", None, "{}")
                for part in range(2)
            ])
            for id in ids[number % 3 :]
        ]  # fmt: skip
        while told:
            async with engine_pool.acquire() as connection:
                written = await write_records(connection, told)
            told = [b for b in told if written.outcomes[b.execution_id] is Outcome.BUSY]

    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(say(number))
    for id in ids:
        events = await _events(engine_pool, account, id)
        assert [seq for seq, _ in events] == list(range(1, len(events) + 1))
        assert len({kind for _, kind in events}) == len(events)
