"""An execution that kills whoever runs it is ended; those that ran beside it are not."""

import pytest

from actors.supervisor import OWNER_LOSSES_LIMIT
from tests.eventually import eventually
from tests.faults.conftest import Begin, Crew
from tests.faults.specifications import posts, row


@pytest.mark.requirement("FR-2.6", "NFR-3.3")
@pytest.mark.timeout(120)
async def test_poison_ends_and_its_neighbours_do_not(begin: Begin, crew: Crew) -> None:
    """Neighbours in the middle of a long node share its deaths, and complete all the same."""
    workers = [await crew.executor() for _ in range(2)]
    crew.recoverer(look_seconds=0.02)
    gate = crew.effects.hold("long")
    neighbour = row([posts(name, crew.effects.url) for name in ("a", "long", "c")])
    neighbours = [id for worker in workers for id in await begin(neighbour, worker, count=4)]
    await eventually(lambda: len(gate.held) == len(neighbours))
    crew.effects.deadly.add("poison")
    async with crew.fault(), crew.kept_alive(*workers) as kept:
        [poison] = await begin(row([posts("poison", crew.effects.url)]), workers[0])
        await eventually(lambda: len(kept.codes) == 3, 30)
        crew.effects.let_pass("long")
        gate.opened.set()
        await crew.until("failed", poison, seconds=60)
        await crew.until("completed", *neighbours, seconds=60)
    ended = await crew.database.fetchrow(
        "SELECT error_message, owner_losses FROM workflow_executions WHERE id = $1", poison
    )
    assert ended["error_message"] == f"Its executor died {OWNER_LOSSES_LIMIT} times while it ran."
    assert len(kept.codes) == OWNER_LOSSES_LIMIT
    losses = await crew.database.fetch(
        "SELECT owner_losses FROM workflow_executions WHERE id <> $1", poison
    )
    assert {row["owner_losses"] for row in losses} == {0}
    await crew.check("a", "long", "c", "poison")


@pytest.mark.faults
async def test_two_poisons_do_not_save_each_other(begin: Begin, crew: Crew) -> None:
    """Each is ended after its own deaths, whatever the other does."""
    worker = await crew.executor()
    crew.recoverer(look_seconds=0.02)
    crew.effects.deadly.add("poison")
    async with crew.fault(), crew.kept_alive(worker):
        document = row([posts("poison", crew.effects.url)])
        ids = await begin(document, worker, count=2)
        await crew.until("failed", *ids, seconds=40)
        [good] = await begin(row([posts("a", crew.effects.url)]))
        await crew.until("completed", good)
    await crew.check("poison", "a")
