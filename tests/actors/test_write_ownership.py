"""Who may write an execution's state: the present owner alone, and a former one is told so.

The scenario behind each test: owner A is frozen in a node, B takes the execution over and goes on,
A thaws and writes. Both ran the same task at the same checkpoint, so their writes collide.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, empty_checkpoint

from actors.checkpointer import JournalSaver
from actors.errors import LeaseLost
from actors.journal import Lease
from store.postgres import Pool
from tests.actors.bare_recorder import BareRecorder
from tests.actors.conftest import OpenProcess
from tests.actors.process import Process, take_over
from tests.factories import Account, MakeWorkflow, StartExecution
from tests.faults.invariants import check_lines

ROUNDS = 25


@dataclass
class Owner:
    """A process that has, or had, the right to write for one execution."""

    process: Process
    lease: Lease
    saver: JournalSaver

    async def put(
        self,
        parent: str | None = None,
        step: int = 1,
        checkpoint: Checkpoint | None = None,
        value: Any = None,
    ) -> str:
        """Write a checkpoint after another; returns its id."""
        new = checkpoint or empty_checkpoint()
        new = {**new, "channel_values": {"ch": value}, "channel_versions": {"ch": new["id"]}}
        put = await self.saver.aput(
            config_of(self.lease.execution_id, parent), new, {"step": step}, {"ch": new["id"]}
        )
        return str(put["configurable"]["checkpoint_id"])

    async def put_writes(
        self, checkpoint_id: str, value: Any, task_id: str = "task", channel: str = "ch"
    ) -> None:
        """Write what a task wrote."""
        config = config_of(self.lease.execution_id, checkpoint_id)
        await self.saver.aput_writes(config, [(channel, value)], task_id)


@dataclass
class Reader:
    """Reads an execution's state without owning it."""

    saver: JournalSaver
    execution_id: UUID

    async def ids(self) -> list[str]:
        """Return the ids of its checkpoints, the latest first."""
        config = config_of(self.execution_id)
        return [found.checkpoint["id"] async for found in self.saver.alist(config)]

    async def tip(self) -> str | None:
        """Return the checkpoint that a resume would load."""
        found = await self.saver.aget_tuple(config_of(self.execution_id))
        return found.checkpoint["id"] if found else None

    async def writes(self, checkpoint_id: str) -> list[tuple[str, Any]]:
        """Return what tasks wrote after a checkpoint, as channel and value."""
        found = await self.saver.aget_tuple(config_of(self.execution_id, checkpoint_id))
        assert found is not None
        return [(channel, value) for _, channel, value in found.pending_writes or []]


def config_of(execution_id: UUID, checkpoint_id: str | None = None) -> RunnableConfig:
    """Name a place in an execution's state."""
    place = {"thread_id": str(execution_id), "checkpoint_ns": ""}
    return {"configurable": place | ({"checkpoint_id": checkpoint_id} if checkpoint_id else {})}


def _saver(process: Process, lease: Lease) -> JournalSaver:
    recorder = BareRecorder(lease, process)
    return JournalSaver(process.pool, process.journal, lambda _id: recorder)


Claim = Callable[..., Awaitable[Owner]]


@pytest.fixture
def claim(
    process_of: OpenProcess, make_workflow: MakeWorkflow, start: StartExecution, account: Account
) -> Claim:
    """Own a new execution, or take one over from its owner."""

    async def own(former: Owner | None = None) -> Owner:
        process = await process_of()
        if former is None:
            started = await start(await make_workflow(name=f"W{process.id.hex}"), None, process.id)
            lease = Lease(account.tenant_id, started.execution_id, 1)
        else:
            id, epoch = former.lease.execution_id, former.lease.epoch
            assert await take_over(process.pool, former.process, process) == [id]
            lease = Lease(account.tenant_id, id, epoch + 1)
        return Owner(process, lease, _saver(process, lease))

    return own


@pytest.fixture
async def owner(claim: Claim) -> Owner:
    """Who started with the execution."""
    return await claim()


@pytest.fixture
def reader(owner: Owner) -> Reader:
    """Reads the owner's execution."""
    saver = JournalSaver(owner.process.pool, owner.process.journal, lambda _id: None)
    return Reader(saver, owner.lease.execution_id)


@pytest.mark.requirement("FR-2.6", "NFR-3.3")
async def test_owner_writes_are_durable(owner: Owner, reader: Reader) -> None:
    """What the present owner was told is written can be read by anybody."""
    first = await owner.put()
    assert await reader.tip() == first
    await owner.put_writes(first, "mine")
    assert await reader.writes(first) == [("ch", "mine")]


@pytest.mark.requirement("FR-2.6", "NFR-3.3")
async def test_former_owner_cannot_fork_the_line(
    owner: Owner, claim: Claim, reader: Reader
) -> None:
    """Its child of a checkpoint that has one already is refused, and the tip stays the heir's."""
    first = await owner.put()
    heir = await claim(owner)
    second = await heir.put(first, step=2)
    with pytest.raises(LeaseLost, match="no longer held under epoch 1") as refused:
        await owner.put(first, step=2)
    assert (refused.value.execution_id, refused.value.epoch) == (owner.lease.execution_id, 1)
    assert await reader.tip() == second
    assert await reader.ids() == [second, first]


async def test_former_owner_is_refused_each_time(
    owner: Owner, claim: Claim, reader: Reader
) -> None:
    """A refusal is not said once: later writes of either kind get the same answer."""
    first = await owner.put()
    await claim(owner)
    for step in (2, 3):
        with pytest.raises(LeaseLost):
            await owner.put(first, step=step)
        with pytest.raises(LeaseLost):
            await owner.put_writes(first, "late", f"task {step}")
    assert await reader.ids() == [first]
    assert await reader.writes(first) == []


async def test_former_owner_that_did_not_wait_is_told_by_its_next_write(
    owner: Owner, claim: Claim, reader: Reader
) -> None:
    """The checkpoint before the first node is not awaited; what follows on it is refused."""
    await claim(owner)
    unheard = await owner.put(step=0)
    with pytest.raises(LeaseLost):
        await owner.put_writes(unheard, "late")
    assert await reader.ids() == []


async def test_former_owner_cannot_displace_what_the_heir_wrote(
    owner: Owner, claim: Claim, reader: Reader
) -> None:
    """The same task at the same checkpoint: the heir's value stands."""
    first = await owner.put()
    heir = await claim(owner)
    await heir.put_writes(first, "heir")
    with pytest.raises(LeaseLost):
        await owner.put_writes(first, "late")
    assert await reader.writes(first) == [("ch", "heir")]


@pytest.mark.parametrize("channel", ["__resume__", "__interrupt__", "__error__", "__scheduled__"])
async def test_former_owner_cannot_displace_an_answer(
    channel: str, owner: Owner, claim: Claim, reader: Reader
) -> None:
    """Nor on the channels whose later write replaces an earlier one: a person's answer stands."""
    first = await owner.put()
    heir = await claim(owner)
    await heir.put_writes(first, "heir", channel=channel)
    with pytest.raises(LeaseLost):
        await owner.put_writes(first, "late", channel=channel)
    assert await reader.writes(first) == [(channel, "heir")]


async def test_former_owner_cannot_rewrite_a_checkpoint(
    owner: Owner, claim: Claim, engine_pool: Pool
) -> None:
    """Writing its own last checkpoint again, with another value, changes nothing."""
    checkpoint = empty_checkpoint()
    await owner.put(checkpoint=checkpoint, value="before")
    await claim(owner)
    with pytest.raises(LeaseLost):
        await owner.put(checkpoint=checkpoint, step=7, value="after")
    row = await engine_pool.fetchrow("SELECT metadata, epoch FROM execution_checkpoints")
    assert (row["metadata"], row["epoch"]) == ('{"step": 1}', 1)
    values = await engine_pool.fetch("SELECT value FROM execution_channel_values")
    assert [row["value"] for row in values] == ['"before"']


async def test_former_owner_cannot_delete(owner: Owner, claim: Claim, reader: Reader) -> None:
    """Forgetting the state is a write, too."""
    first = await owner.put()
    heir = await claim(owner)
    with pytest.raises(LeaseLost):
        await owner.saver.adelete_thread(str(owner.lease.execution_id))
    assert await reader.tip() == first
    await heir.saver.adelete_thread(str(owner.lease.execution_id))
    assert await reader.tip() is None


async def test_who_hosts_nothing_can_write_nothing(owner: Owner, reader: Reader) -> None:
    """Without a lease there is no epoch to write under: that is an error, not a lost lease."""
    first = await owner.put()
    config = config_of(reader.execution_id, first)
    with pytest.raises(RuntimeError, match="not hosted here"):
        await reader.saver.aput_writes(config, [("ch", "mine")], "task")
    with pytest.raises(RuntimeError, match="not hosted here"):
        await reader.saver.adelete_thread(str(reader.execution_id))


async def test_taking_over_one_execution_leaves_others_alone(owner: Owner, claim: Claim) -> None:
    """A lease is lost for the executions that were taken, not for the whole process."""
    other = await claim()
    await claim(other)
    assert await owner.put(step=1)
    with pytest.raises(LeaseLost):
        await other.put()


async def test_heir_goes_on_from_the_tip(owner: Owner, claim: Claim, reader: Reader) -> None:
    """It reads what was there, and its own writes are durable under its epoch."""
    first = await owner.put(value="kept")
    heir = await claim(owner)
    found = await heir.saver.aget_tuple(config_of(reader.execution_id))
    assert found is not None
    assert found.checkpoint["channel_values"] == {"ch": "kept"}
    second = await heir.put(found.checkpoint["id"], step=2)
    await heir.put_writes(second, "recovered")
    assert await reader.ids() == [second, first]
    assert await reader.writes(second) == [("ch", "recovered")]


@pytest.mark.parametrize("epoch", [1, 2])
async def test_writing_the_same_again_is_no_refusal(
    epoch: int, owner: Owner, claim: Claim, reader: Reader
) -> None:
    """The present owner may repeat a checkpoint and a task's writes: they are there once."""
    writer = owner if epoch == 1 else await claim(owner)
    checkpoint = empty_checkpoint()
    for _ in range(3):
        first = await writer.put(checkpoint=checkpoint)
        await writer.put_writes(first, "v")
    assert await reader.ids() == [first]
    assert await reader.writes(first) == [("ch", "v")]


async def test_heir_runs_the_task_of_its_predecessor_again(
    owner: Owner, claim: Claim, reader: Reader
) -> None:
    """What the former owner wrote in time is not a reason to refuse the heir's own write."""
    first = await owner.put()
    await owner.put_writes(first, "in time")
    heir = await claim(owner)
    await heir.put_writes(first, "again")
    assert await reader.writes(first) == [("ch", "again")]


@pytest.mark.requirement("FR-2.6", "NFR-3.3")
async def test_write_and_takeover_at_once_come_one_after_the_other(
    owner: Owner, claim: Claim, reader: Reader, engine_pool: Pool
) -> None:
    """Either it was written and the heir finds it, or it was refused: never half of it."""
    line = [await owner.put()]
    present = owner
    for number in range(ROUNDS):
        written, heir = await asyncio.gather(_tried(present, line[-1], number), claim(present))
        line += [written] if written else []
        assert await reader.tip() == line[-1]
        line.append(await heir.put(line[-1], step=number + 2))
        await present.process.die()
        present = heir
    assert (await reader.ids())[::-1] == line
    await check_lines(engine_pool)


async def _tried(owner: Owner, parent: str, number: int) -> str | None:
    # Let the takeover come before, while and after it.
    for _ in range(number):
        await asyncio.sleep(0)
    try:
        return await owner.put(parent, step=number + 2)
    except LeaseLost:
        return None
