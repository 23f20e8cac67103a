"""Votes on questions: each person's counts once, and one decision comes of them."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from store.decisions import decide_approval
from store.executions import events_after
from store.json_values import loads
from store.live import LiveView
from store.postgres import Pool
from store.records import ApprovalRecord, MoveRecord
from store.status import Status
from tests.factories import Account, MakeWorkflow, StartExecution
from tests.store.rows import question, write


class Voters:
    """People who answer one question through the store."""

    def __init__(self, pool: Pool, live: LiveView, asked: ApprovalRecord) -> None:
        self._pool = pool
        self._live = live
        self._asked = asked

    async def vote(self, who: str, decision: str = "approve", timed_out: bool = False) -> bool:
        """Answer; return whether it counts."""
        return await decide_approval(
            self._pool, self._live, self._asked.tenant_id, self._asked.execution_id,
            self._asked.id, decision=decision, value=who, comment="", decided_by=who,
            owner_id=None, timed_out=timed_out,
        )  # fmt: skip


class Asking:
    """Starts executions that wait on a question."""

    def __init__(
        self, make_workflow: MakeWorkflow, start: StartExecution, account: Account,
        live: LiveView, engine_pool: Pool, api_pool: Pool,
    ) -> None:  # fmt: skip
        self._make_workflow = make_workflow
        self._start = start
        self._account = account
        self._live = live
        self._engine_pool = engine_pool
        self._api_pool = api_pool

    async def ask(self, required: int) -> tuple[UUID, Voters]:
        """Ask so many people."""
        id = (await self._start(await self._make_workflow())).execution_id
        asked = replace(question(self._account.tenant_id, id), required=required)
        wait = MoveRecord(id, 1, Status.WAITING, waiting_reason="approval")
        await write(self._engine_pool, asked, MoveRecord(id, 1, Status.RUNNING), wait)
        return id, Voters(self._api_pool, self._live, asked)

    async def events(self, id: UUID) -> list[str]:
        """Return the types of an execution's events after its start."""
        found = await events_after(self._api_pool, self._account.tenant_id, id, 1, 1000)
        return [event.event_type for event in found]


@pytest.fixture
def asking(
    make_workflow: MakeWorkflow, start: StartExecution, account: Account, live: LiveView,
    engine_pool: Pool, api_pool: Pool,
) -> Asking:  # fmt: skip
    """What asks."""
    return Asking(make_workflow, start, account, live, engine_pool, api_pool)


@pytest.mark.requirement("USER.10")
async def test_fifty_votes_at_once_make_one_decision(asking: Asking, engine_pool: Pool) -> None:
    """As many count as are required; the execution goes on once."""
    id, voters = await asking.ask(7)
    counted = await asyncio.gather(*(voters.vote(f"p{n}@example.com") for n in range(50)))
    assert sum(counted) == 7
    row = await engine_pool.fetchrow("SELECT * FROM workflow_executions")
    assert (row["status"], row["epoch"]) == ("running", 2)
    asked = await engine_pool.fetchrow("SELECT * FROM execution_approvals")
    assert (asked["status"], asked["decision"]) == ("decided", "approve")
    voted = [vote["by"] for vote in loads(asked["votes"])]
    assert set(voted) == {f"p{n}@example.com" for n, counts in enumerate(counted) if counts}
    assert await asking.events(id) == ["approval_vote"] * 7 + ["approval_decided"]


@pytest.mark.requirement("USER.10")
async def test_person_votes_once(asking: Asking, engine_pool: Pool) -> None:
    """Ten times the same answer at once is one vote, and so is another answer later."""
    id, voters = await asking.ask(3)
    counted = await asyncio.gather(*(voters.vote("p@example.com") for _ in range(10)))
    assert sum(counted) == 1
    assert not await voters.vote("p@example.com", "reject")
    asked = await engine_pool.fetchrow("SELECT * FROM execution_approvals")
    assert (asked["status"], len(loads(asked["votes"]))) == ("pending", 1)
    assert await asking.events(id) == ["approval_vote"]


@pytest.mark.requirement("USER.10")
async def test_one_rejection_decides(asking: Asking, engine_pool: Pool) -> None:
    """However many approvals were to come."""
    id, voters = await asking.ask(3)
    assert await voters.vote("a@example.com")
    assert await voters.vote("b@example.com", "reject")
    assert not await voters.vote("c@example.com")
    asked = await engine_pool.fetchrow("SELECT * FROM execution_approvals")
    assert (asked["status"], asked["decision"], asked["decided_by"]) == (
        "decided", "reject", "b@example.com",
    )  # fmt: skip
    assert (await asking.events(id))[-1] == "approval_decided"


async def test_time_decides_without_a_vote(asking: Asking, engine_pool: Pool) -> None:
    """What its node says counts when its time is up; the votes so far stay."""
    _, voters = await asking.ask(3)
    assert await voters.vote("a@example.com")
    assert await voters.vote("timeout", "approve", timed_out=True)
    asked = await engine_pool.fetchrow("SELECT * FROM execution_approvals")
    assert (asked["decision"], asked["decided_by"]) == ("approve", "timeout")
    assert [vote["by"] for vote in loads(asked["votes"])] == ["a@example.com"]
