"""`kill -9` of executors at each point of a node's life: everything goes on, results count once."""

from typing import Literal

import pytest

from tests.eventually import eventually
from tests.faults.conftest import Begin, Catch, Caught, Crew, ProxiedDatabase
from tests.faults.specifications import ITEMS, NODES, TARGET_DONE, ask, posts, row


async def _recover(crew: Crew, caught: Caught) -> None:
    """End the owner's lease and let another executor finish."""
    crew.effects.let_pass("target")
    await crew.executor()
    crew.recoverer()
    await crew.expire(caught.owner)
    await crew.until("completed", *caught.ids)


@pytest.mark.requirement("FR-2.6", "NFR-3.3")
@pytest.mark.parametrize("before_effect", [True, False], ids=["before", "after"])
async def test_owner_dies_around_an_effect(before_effect: bool, catch: Catch, crew: Crew) -> None:
    """In the middle of a call: what has no result is done again, what has one is not."""
    crew.effects.hold("target", before_effect=before_effect)
    caught = await catch(await crew.executor())
    async with crew.fault():
        caught.owner.kill()
        await _recover(crew, caught)
    effects = await crew.effects.rows("target")
    assert len(effects) == len(caught.ids) - 1 + ITEMS + (0 if before_effect else 3 + ITEMS)
    assert await crew.effects.count("a") == await crew.effects.count("c") == len(caught.ids)
    await crew.check(*NODES)


@pytest.mark.requirement("FR-2.6", "NFR-3.3")
@pytest.mark.parametrize(("held", "arrives"), [
    ("request", False), ("request", True), ("reply", True),
], ids=["never arrives", "arrives after its death", "arrived unheard"])  # fmt: skip
async def test_owner_dies_around_the_commit_of_a_result(
    held: Literal["request", "reply"],
    arrives: bool,
    catch: Catch,
    crew: Crew,
    proxied: ProxiedDatabase,
) -> None:
    """With its commit on the way: the result counts if it arrives, and else is made again."""
    gate = crew.effects.hold("target")
    caught = await catch(await crew.executor(database_url=proxied.dsn))
    rule = proxied.proxy.at_commit(held, TARGET_DONE)
    async with crew.fault():
        gate.opened.set()
        await rule.reached.wait()
        caught.owner.kill()
        await caught.owner.ended()
        if arrives:
            rule.let_go()
        else:
            rule.cut()
        await _recover(crew, caught)
    repeated = [effect for effect in await crew.effects.rows("target") if effect["attempt"] > 1]
    most = len(caught.ids) - 1 + ITEMS
    assert len(repeated) < most if arrives else len(repeated) <= most
    await crew.check(*NODES)


@pytest.mark.requirement("FR-2.6", "FR-2.7")
@pytest.mark.parametrize("held", ["request", "reply"])
async def test_owner_dies_while_it_takes_an_answer(
    held: Literal["request", "reply"], begin: Begin, crew: Crew, proxied: ProxiedDatabase
) -> None:
    """A person's answer is not lost with the process that read it, and not asked for again."""
    owner = await crew.executor(database_url=proxied.dsn)
    [id] = await begin(row([ask("ok"), posts("c", crew.effects.url)]), owner)
    await crew.until("waiting", id)
    rule = proxied.proxy.at_commit(held, '"output":{"ok":')
    async with crew.fault():
        await crew.answer(id, "approve", owner)
        await rule.reached.wait()
        owner.kill()
        rule.cut()
        await crew.executor()
        crew.recoverer()
        await crew.expire(owner)
        await crew.until("completed", id)
    assert await crew.database.fetchval("SELECT count(*) FROM execution_approvals") == 1
    await crew.check("c")


@pytest.mark.parametrize("killed", ["parked", "woken"])
async def test_no_executor_lives_while_an_answer_comes(
    killed: str, begin: Begin, crew: Crew
) -> None:
    """An execution that waits needs no process, and its answer waits for the next one."""
    owner = await crew.executor()
    [id] = await begin(row([ask("ok"), posts("c", crew.effects.url)]), owner)
    await crew.until("waiting", id)
    async with crew.fault():
        if killed == "woken":
            owner.freeze()
            await crew.answer(id, "approve", owner)
        owner.kill()
        await crew.expire(owner)
        if killed == "parked":
            await crew.answer(id, "approve")
        crew.recoverer()
        await crew.executor()
        await crew.until("completed", id)
    await crew.check("c")


@pytest.mark.requirement("NFR-1.4", "NFR-3.3")
@pytest.mark.parametrize("count", [200, pytest.param(1000, marks=pytest.mark.faults)])
@pytest.mark.timeout(240)
async def test_all_executors_die_with_many_in_flight(count: int, begin: Begin, crew: Crew) -> None:
    """Nobody is left, then others come: every execution completes, and none twice."""
    old = [await crew.executor() for _ in range(2)]
    gate = crew.effects.hold("b")
    document = row([posts(name, crew.effects.url) for name in "abc"])
    ids = [id for owner in old for id in await begin(document, owner, count=count // 2)]
    # A hundred connections of each process; the others wait for one, or are before it.
    await eventually(lambda: len(gate.held) >= min(count, 200) * 0.9, 60)
    async with crew.fault():
        for owner in old:
            owner.kill()
        crew.effects.let_pass("b")
        await crew.expire(*old)
        for _ in range(2):
            await crew.executor()
        crew.recoverer()
        await crew.until("completed", *ids, seconds=120)
    epochs = await crew.database.fetch("SELECT DISTINCT epoch FROM workflow_executions")
    assert [row["epoch"] for row in epochs] == [2]
    await crew.check("a", "b", "c", within_seconds=60)
