"""Executions that wait for a time or an event: they hold no process, and wake on time."""

from typing import Any
from uuid import UUID

import pytest

from store.errors import Conflict, NotFound
from store.postgres import Pool
from store.waking import end_due_waits, send_signal
from tests.actors.conftest import Begin, Look, OpenProcess
from tests.actors.process import Process
from tests.actors.testing_agent import Step
from tests.actors.workflows import ask, says, wait, workflow
from tests.eventually import eventually
from tests.factories import Account

PAST = "2020-01-01T00:00:00Z"
FAR = "2100-01-01T00:00:00Z"


class Signals:
    """Sends events as the API does."""

    def __init__(self, pool: Pool, tenant_id: UUID) -> None:
        self._pool = pool
        self._tenant_id = tenant_id

    async def send(
        self, event: str, owner: Process, id: UUID | None = None, key: str | None = None,
        payload: Any = None,
    ) -> tuple[list[UUID], bool]:  # fmt: skip
        """Send one; return who was told, and whether it was kept."""
        woken, kept = await send_signal(
            self._pool, self._tenant_id, event, execution_id=id, key=key, payload=payload,
            owners=[owner.id],
        )  # fmt: skip
        return [execution.execution_id for execution in woken], kept


@pytest.fixture
def signals(api_pool: Pool, account: Account) -> Signals:
    """Those who send events."""
    return Signals(api_pool, account.tenant_id)


async def _due(pool: Pool, owner: Process) -> list[UUID]:
    return [e.execution_id for e in await end_due_waits(pool, [owner.id], 100)]


@pytest.mark.requirement("FR-2.7")
async def test_wait_parks_the_execution_and_its_time_wakes_it(
    begin: Begin, process: Process, look: Look, step: Step, engine_pool: Pool
) -> None:
    """No process holds it meanwhile; what came before does not run again."""
    id = await begin(workflow([says("a"), wait("w", until=PAST), says("b", "{w}")], "a w b"))
    await process.drive(id)
    row = await look.row(id)
    assert (row["status"], row["waiting_reason"], row["owner_id"]) == ("waiting", "time", None)
    assert process.runs == {}
    assert await _due(engine_pool, process) == [id]
    await process.drive(id)
    output = await look.output(id)
    assert output["timed_out"] is False
    assert step.ran == ["a", "b"]


async def test_wait_that_is_not_due_stays(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """The clock wakes nobody early."""
    id = await begin(workflow([wait("w", seconds=3600), says("b")], "w b"))
    await process.drive(id)
    assert await _due(engine_pool, process) == []
    assert await look.status(id) == "waiting"


@pytest.mark.requirement("USER.22")
async def test_event_ends_a_wait_with_what_it_brings(
    begin: Begin, process: Process, look: Look, signals: Signals
) -> None:
    """An event of another name or key changes nothing."""
    node = wait("w", event="paid", key="{input.order}")
    id = await begin(workflow([node, says("b", "{w.payload}")], "w b"), {"order": "o1"})
    await process.drive(id)
    assert (await look.row(id))["waiting_reason"] == "event"
    assert await signals.send("paid", process, key="o2") == ([], False)
    assert await signals.send("sent", process, key="o1") == ([], False)
    assert await signals.send("paid", process, key="o1", payload={"usd": 5}) == ([id], False)
    assert await signals.send("paid", process, key="o1", payload="again") == ([], False)
    await process.drive(id)
    assert await look.output(id) == {"usd": 5}


async def test_event_that_never_comes_times_out(
    begin: Begin, process: Process, look: Look, engine_pool: Pool
) -> None:
    """The output says so."""
    id = await begin(
        workflow([wait("w", event="paid", until=PAST), says("b", "{w.timed_out}")], "w b")
    )
    await process.drive(id)
    assert await _due(engine_pool, process) == [id]
    await process.drive(id)
    assert await look.output(id) == {"b": True}


async def test_signal_that_comes_too_early_is_kept(
    begin: Begin, process: Process, look: Look, signals: Signals, step: Step
) -> None:
    """It ends the first wait for it, once; the execution does not even park."""
    document = workflow(
        [says("a"), wait("w", event="go"), wait("v", event="go", until=FAR), says("b")], "a w v b"
    )
    id = await begin(document)
    assert await signals.send("go", process, id=id, payload=1) == ([], True)
    await process.drive(id)
    assert await look.status(id) == "waiting"
    assert await signals.send("go", process, id=id, payload=2) == ([id], False)
    await process.drive(id)
    assert await look.status(id) == "completed"
    assert step.ran == ["a", "b"]


async def test_signal_to_what_is_gone_or_has_ended_is_refused(
    begin: Begin, process: Process, signals: Signals
) -> None:
    """Nobody takes it, so the sender is told."""
    id = await begin(workflow([says("a")], ""))
    await process.drive(id)
    with pytest.raises(Conflict, match="ended"):
        await signals.send("go", process, id=id)
    with pytest.raises(NotFound):
        await signals.send("go", process, id=UUID(int=7))


async def test_event_of_another_tenant_wakes_nobody(
    begin: Begin, process: Process, look: Look, api_pool: Pool, make_account: Any
) -> None:
    """The same name is another event."""
    id = await begin(workflow([wait("w", event="paid"), says("b")], "w b"))
    await process.drive(id)
    other = Signals(api_pool, (await make_account("Globex")).tenant_id)
    assert await other.send("paid", process) == ([], False)
    with pytest.raises(NotFound):
        await other.send("paid", process, id=id)
    assert await look.status(id) == "waiting"


async def test_wait_beside_a_question(
    begin: Begin, process: Process, look: Look, signals: Signals, step: Step
) -> None:
    """Each branch goes on by itself: what wakes one leaves the other waiting."""
    document = workflow(
        [says("s"), wait("w", event="go"), says("x"), ask("ok"), says("j")], "s w x j", "s ok j"
    )
    id = await begin(document)
    await process.drive(id)
    assert (await signals.send("go", process, id=id))[0] == [id]
    await process.drive(id)
    assert step.ran == ["s", "x"]
    assert await look.status(id) == "waiting"


async def test_due_wait_survives_the_death_of_its_process(
    begin: Begin, process_of: OpenProcess, look: Look, engine_pool: Pool, step: Step
) -> None:
    """Another process wakes it; nothing of the dead one is needed."""
    mortal, heir = await process_of(), await process_of()
    id = await begin(workflow([says("a"), wait("w", until=PAST), says("b")], "a w b"),
                     process=mortal)  # fmt: skip
    await mortal.drive(id)
    await mortal.die()
    assert await eventually(lambda: _due(engine_pool, heir)) == [id]
    await heir.drive(id)
    assert await look.status(id) == "completed"
    assert step.ran == ["a", "b"]
