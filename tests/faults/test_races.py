"""Everybody at once: one decision, one consistent end, one execution for an idempotency key."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from store.decisions import decide_approval
from store.errors import StoreError
from store.executions import (
    Start,
    cancel_parked,
    fail_parked,
    pause_execution,
    resume_execution,
    start_execution,
)
from store.live import LiveView
from store.postgres import Pool
from store.waking import send_signal
from tests.actors.workflows import wait
from tests.eventually import eventually
from tests.factories import Account, MakeWorkflow
from tests.faults.conftest import Begin, Crew
from tests.faults.specifications import ask, posts, row

ROUNDS = 24
"""Every order of four that are sent one right after the other."""
STARTS = 50
OVERDUE = "UPDATE workflow_executions SET deadline_at = now() - interval '1 s' WHERE id = $1"
EXPIRED = """
UPDATE execution_approvals SET expires_at = now() - interval '1 s' WHERE execution_id = $1
"""
Act = Callable[[], Awaitable[Any]]


async def _at_once(acts: list[Act]) -> list[Any]:
    """Send all in this order, before the first is answered; typed errors are answers."""

    async def tried(act: Act) -> Any:
        try:
            return await act()
        except StoreError as error:
            return error

    return list(await asyncio.gather(*map(tried, acts)))


@pytest.mark.requirement("FR-2.7", "FR-2.9")
async def test_approve_reject_cancel_and_timeout_at_once(
    begin: Begin, crew: Crew, api_pool: Pool, engine_pool: Pool, live: LiveView, account: Account
) -> None:
    """In whatever order they come: one answer at most, and an end that agrees with it."""
    owners = [await crew.executor() for _ in range(2)]
    document = row([ask("ok"), posts("b", crew.effects.url)])
    ids = await begin(document, owners[0], count=ROUNDS)
    await crew.until("waiting", *ids)
    tenant = account.tenant_id
    questions = {
        found["execution_id"]: found["id"]
        for found in await crew.database.fetch("SELECT id, execution_id FROM execution_approvals")
    }

    def decide(id: UUID, decision: str, by: str, pool: Pool) -> Act:
        return lambda: decide_approval(
            pool, live, tenant, id, questions[id], decision=decision, value=None, comment="",
            decided_by=by, owner_id=owners[len(by) % 2].id,
        )  # fmt: skip

    async def race(id: UUID, order: tuple[int, ...]) -> None:
        acts = [
            decide(id, "approve", "one", api_pool),
            decide(id, "reject", "two", api_pool),
            decide(id, "reject", "timeout", engine_pool),
            lambda: cancel_parked(api_pool, live, tenant, id, "enough"),
        ]
        answers = await _at_once([acts[place] for place in order])
        decided = [answer for place, answer in zip(order, answers, strict=True) if place < 3]
        assert decided.count(True) <= 1, answers

    crew.recoverer()
    for id, order in zip(ids, itertools.permutations(range(4)), strict=True):
        await race(id, order)
    await crew.check("b")
    ends = await crew.database.fetch(
        "SELECT e.status, a.status AS asked, a.decided_by FROM workflow_executions AS e "
        "JOIN execution_approvals AS a ON a.execution_id = e.id"
    )
    assert {end["status"] for end in ends} <= {"completed", "cancelled"}
    for end in ends:
        assert (end["asked"] == "decided") == (end["decided_by"] is not None)
        assert end["status"] == "cancelled" or end["asked"] == "decided"
    assert await crew.effects.count("b") <= len(ids)


async def test_question_and_execution_are_out_of_time_at_once(begin: Begin, crew: Crew) -> None:
    """Two recoverers, a question whose time is up, an execution whose time is up: one end."""
    owner = await crew.executor()
    document = row([ask("ok", timeout=3600, on_timeout="reject"), posts("b", crew.effects.url)])
    ids = await begin(document, owner, count=20, timeout_seconds=3600.0)
    await crew.until("waiting", *ids)
    for id in ids:
        await crew.database.execute(EXPIRED, id)
        await crew.database.execute(OVERDUE, id)
    for _ in range(2):
        crew.recoverer(look_seconds=0.001)
    await eventually(lambda: _none_waits(crew), 20)
    await crew.check("b")
    found = await crew.database.fetch("SELECT DISTINCT status FROM workflow_executions")
    assert {row["status"] for row in found} <= {"completed", "failed"}


async def _none_waits(crew: Crew) -> bool:
    waiting = "SELECT count(*) FROM workflow_executions WHERE status = 'waiting'"
    return not await crew.database.fetchval(waiting)


@pytest.mark.requirement("FR-2.9")
async def test_pause_resume_signal_cancel_and_death_at_once(
    begin: Begin, crew: Crew, api_pool: Pool, live: LiveView, account: Account
) -> None:
    """Many hands on executions that wait for events: each comes to one consistent end."""
    dice = random.Random(7)  # noqa: S311 - chooses orders
    owners = [await crew.executor() for _ in range(2)]
    crew.recoverer()
    document = row([wait("w", event="go"), posts("b", crew.effects.url)])
    ids = await begin(document, owners[0], count=20)
    tenant = account.tenant_id
    living = [owner.id for owner in owners if owner.id]

    def acts(id: UUID, cancelled: bool = False) -> list[Act]:
        cancel = partial(cancel_parked, api_pool, live, tenant, id, "enough")
        return [cancel] * cancelled + [
            lambda: pause_execution(api_pool, live, tenant, id, "p"),
            lambda: resume_execution(api_pool, live, tenant, id, "p", living[1]),
            lambda: send_signal(
                api_pool, tenant, "go", execution_id=id, key=None, payload=1, owners=living
            ),
            lambda: resume_execution(api_pool, live, tenant, id, "p", None),
            lambda: pause_execution(api_pool, live, tenant, id, "p"),
        ]

    async with crew.fault():
        for number, id in enumerate(ids):
            sent = acts(id, cancelled=number % 5 == 0)
            dice.shuffle(sent)
            await _at_once(sent)
        # Whatever was left paused goes on, whatever was not told is told.
        for id in ids:
            await _at_once(acts(id)[1:3])
    await crew.check("b")
    found = await crew.database.fetch("SELECT status FROM workflow_executions")
    ends = Counter(row["status"] for row in found)
    assert ends["cancelled"] == 4
    assert ends["completed"] == 16


async def test_failing_and_cancelling_from_outside_at_once(
    begin: Begin, crew: Crew, engine_pool: Pool, live: LiveView, account: Account
) -> None:
    """While its owner finishes it: whoever comes first ends it, and is told so."""
    owner = await crew.executor()
    ids = await begin(row([posts("b", crew.effects.url)]), owner, count=20)
    ended: list[bool] = []
    async with crew.fault():
        for id in ids:
            ways = (partial(way, engine_pool, live, account.tenant_id, id, "x")
                    for way in (cancel_parked, fail_parked))  # fmt: skip
            ended += await _at_once(list(ways))
    await crew.check("b")
    found = await crew.database.fetch("SELECT status FROM workflow_executions")
    outside = [row for row in found if row["status"] != "completed"]
    assert ended.count(True) == len(outside)


@pytest.mark.requirement("FR-2.5")
async def test_starts_with_one_idempotency_key(
    crew: Crew, api_pool: Pool, live: LiveView, account: Account, make_workflow: MakeWorkflow
) -> None:
    """Fifty starts at once, on many connections: one execution, and all are told of it."""
    owner = await crew.executor()
    workflow = await make_workflow(row([posts("b", crew.effects.url)]))
    values: dict[str, Any] = {
        "tenant_id": account.tenant_id,
        "organization_id": account.principal.organization_id,
        "workflow_id": workflow.id,
        "workflow_name": workflow.name,
        "user_id": account.principal.user_id,
        "specification_sha256": workflow.specification_sha256,
        "input": {},
        "total_nodes": 1,
        "idempotency_key": "once",
    }
    answers = await asyncio.gather(
        *(start_execution(api_pool, live, Start(**values), owner.id) for _ in range(STARTS))
    )
    assert len({started.execution_id for started in answers}) == 1
    assert [started.created for started in answers].count(True) == 1
    await crew.until("completed", answers[0].execution_id)
    assert await crew.effects.count() == 1
    await crew.check("b")
